import ArgumentParser
import Attribution

/// One run of the second figure of G6, a process of its own; `nimb bench attribution --log` starts it.
struct BenchAttributionLogCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "attribution-log", abstract: "Attribute everything in a benchmark's event log.",
        shouldDisplay: false)

    @Option(help: "Folder of the data.")
    var folder: String
    @Option(help: "Threads.")
    var threads = 2
    @Option(help: "Where the credits go.")
    var out: String

    @Flag(help: "Print the check row.")
    var check = false

    func run() async throws {
        let outcome = try await LogAttributionRun(folder: folder, threads: threads).outcome()
        try OutputFile.write(outcome.csv, to: out)
        if check { print(try CreditCheck(outcome.csv).row) }
    }
}
