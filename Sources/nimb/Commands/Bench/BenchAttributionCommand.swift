import ArgumentParser

/// Attribution over files beside a yardstick, and one order at a time.
struct BenchAttributionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "attribution",
        abstract: "Attribution of a synthetic retailer, as a whole process and by the order.",
        discussion: """
            The yardstick is a shell command that reads the same files, with {csv} for their folder and {out} for its \
            output, for instance DuckDB's join; without one it is reading the files.
            """)

    @Option(
        help: "Folder for the data, about 70 bytes a touch; files of an earlier run with the same options are used.")
    var directory = ".nimb/bench-attribution"
    @Option(help: "Touches.")
    var touches = 5_000_000
    @Option(help: "Order lines.")
    var lines = 500_000
    @Option(help: "Shoppers.")
    var shoppers = 300_000
    @Option(help: "Seed of the data.")
    var seed: UInt64 = 7
    @Option(help: "Folder with files to use instead of generated ones.")
    var csv: String?
    @Option(help: "Shell command to compare with.")
    var yardstick: String?
    @Option(help: "Shell command that prints its check row, to compare with attribution from the node's own event log.")
    var logYardstick: String?
    @Option(help: "Rounds of the rotation.")
    var rounds = 5

    func validate() throws {
        guard touches > 0, touches <= 100_000_000, lines > 0, lines <= 10_000_000, shoppers > 0, rounds > 0 else {
            throw ValidationError("give 1...100,000,000 touches, 1...10,000,000 lines, a shopper and a round at least")
        }
    }

    func run() throws {
        let data = AttributionData(touches: touches, lines: lines, shoppers: shoppers, seed: seed)
        let folder = csv ?? "\(directory)/\(data.name)"
        try AttributionBench(data: data, folder: folder, yardstick: yardstick, rounds: rounds).run()
        if let logYardstick {
            try LogAttributionBench(folder: folder, yardstick: logYardstick, rounds: rounds).run()
        }
    }
}
