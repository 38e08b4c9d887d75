import ArgumentParser
import Foundation
import Logging
import Postgres
import PrivatePostgres
import Store

/// `nimb bench freshness`: from the commit of a change to the first decision that knows it.
struct BenchFreshnessCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "freshness", abstract: "How long a committed change takes to reach decisions.",
        discussion: """
            Builds a shop in a throw-away cluster and runs the services of a serving node over it, with a loop that decides \
            all the time. Then changes of each kind are committed one after the other, and each is timed from its commit \
            to the first decision that knows it. The goal: p99 below one second at 100,000 line items.
            """)

    @Option(help: "Live line items.")
    var lines = 100_000
    @Option(help: "Changes of each kind.")
    var rounds = 10
    @Option(help: "Fail when the 99th percentile passes this many ms; 0 = only report.")
    var maxMilliseconds = 1_000

    func run() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("nimb-bench-\(getpid())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let logger = Logger(label: "nimb.bench") { _ in SwiftLogNoOpLogHandler() }
        Console.warn("building a shop of \(lines) line items")
        let cluster = try await PrivateCluster.start(
            directory: folder.appendingPathComponent("postgres"), durability: .throwAway, logger: logger)
        do {
            try await measure(cluster)
        } catch {
            await cluster.stop()
            throw error
        }
        await cluster.stop()
    }

    private func measure(_ cluster: PrivateCluster) async throws {
        let options = PostgresOptions(
            url: cluster.url(), applicationName: "nimb bench", statementTimeout: .seconds(600))
        let pool = PostgresPool(options, maximumConnections: 1)
        _ = try await MigrationRunner(pool: pool).run()
        let script = BenchWorld(lineItems: lines).script
        try await pool.withConnection { try $0.script(script) }
        let bench = try FreshnessBench(options: options, writer: pool, rounds: rounds)
        let times = try await bench.run()
        await pool.close()
        var all: [Double] = []
        for (kind, milliseconds) in times {
            all += milliseconds
            print(Self.line(kind, milliseconds))
        }
        print(Self.line("all", all))
        let p99 = Self.quantile(all, 0.99)
        print(
            BenchGoalLine(
                goal: "G4b", value: p99, floor: 1_000, aim: 50, least: all.min() ?? 0,
                greatest: all.max() ?? 0, rounds: all.count, yardstick: "none", isValid: true
            ).json)
        if maxMilliseconds > 0, p99 > Double(maxMilliseconds) {
            throw Refusal("the 99th percentile is \(Int(p99)) ms, above \(maxMilliseconds) ms.")
        }
    }

    private static func quantile(_ values: [Double], _ share: Double) -> Double {
        let sorted = values.sorted()
        guard !sorted.isEmpty else { return 0 }
        return sorted[min(sorted.count - 1, Int((Double(sorted.count) * share).rounded(.up)) - 1)]
    }

    private static func line(_ name: String, _ values: [Double]) -> String {
        let padded = name.padding(toLength: 24, withPad: " ", startingAt: 0)
        return
            "\(padded) n \(values.count)  p50 \(Int(quantile(values, 0.5))) ms  p99 \(Int(quantile(values, 0.99))) ms"
            + "  max \(Int(values.max() ?? 0)) ms"
    }
}
