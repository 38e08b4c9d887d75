import ArgumentParser

/// `nimb bench credits`: how soon an order's credits can be read.
struct BenchCreditsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "credits",
        abstract: "From an acknowledged order to its readable credits, with millions of touches in the tables.",
        discussion: "Starts a private, durable PostgreSQL in the temporary folder: about 2 GB for 5 M touches.")

    @Option(help: "Touches in the tables.")
    var touches = 5_000_000
    @Option(help: "Shoppers.")
    var shoppers = 300_000
    @Option(help: "Orders that are reported and waited for, one after another.")
    var orders = 1_000
    @Option(help: "Seed of the data.")
    var seed: UInt64 = 7

    func validate() throws {
        guard touches > 0, touches <= 20_000_000, shoppers > 0, (1...100_000).contains(orders) else {
            throw ValidationError("give 1...20,000,000 touches, a shopper and 1...100,000 orders at least")
        }
    }

    func run() async throws {
        let data = AttributionData(touches: touches, lines: orders * 4, shoppers: shoppers, seed: seed)
        try await CreditLatencyBench(data: data, orders: orders).run()
    }
}
