import ArgumentParser
import Foundation

/// The event log beside the disk's own speed, and tokens beside one HMAC.
struct BenchLogCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log", abstract: "Durable appends of the event log, and the cost of ad tokens.")

    @Option(help: "Directory on the disk to measure; its content is removed.")
    var directory = ".nimb/bench-log"

    @Option(help: "Rounds of the rotation.")
    var rounds = 5

    @Option(help: "Seconds of each part of a round.")
    var seconds = 1.0

    func run() throws {
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try LogBenchReport(bench: LogBench(directory: directory, seconds: seconds), rounds: rounds).run()
    }
}
