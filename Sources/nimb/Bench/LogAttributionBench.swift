import Foundation

/// The second figure of G6: attribution from the node's own log beside a yardstick that reads its own best format.
struct LogAttributionBench {
    /// Folder of the CSV files; the log is made beside them once.
    let folder: String
    /// Shell command that prints a check row: credited lines, direct click, direct view, halo click, halo view, ..., and
    /// the sum in kopecks as the last but one.
    let yardstick: String
    let rounds: Int

    func run() throws {
        let log = AttributionLog(folder: folder)
        if !log.exists {
            print("writing the event log of \(folder)")
            try log.write()
        }
        let ours = try output(BenchProcess.executable, arguments + ["--check"])
        let theirs = try output("/bin/sh", ["-c", yardstick])
        print("check row of the log \(ours)\ncheck row of the yardstick \(theirs)")
        let name = "yardstick"
        let summary = try Rotation(
            rounds: rounds,
            contestants: [
                .init(name: "own log") { try seconds { _ = try output(BenchProcess.executable, arguments) } },
                .init(name: name) { try seconds { _ = try output("/bin/sh", ["-c", yardstick]) } },
            ]
        ).run()
        let ratio = summary.ratio(name, to: "own log")
        print("own log \(summary.median("own log")) s, yardstick \(summary.median(name)) s, \(ratio.median) x")
        print(
            BenchGoalLine(
                goal: "G6-log", value: ratio.median, floor: 2, aim: 8, least: ratio.least, greatest: ratio.greatest,
                rounds: rounds, yardstick: "given",
                isValid: Bystanders.hadRoom && Self.agree(Self.numbers(ours), Self.numbers(theirs))
            ).json)
    }

    private var arguments: [String] {
        ["bench", "attribution-log", "--folder", folder, "--out", "\(folder)/log-credits.csv"]
    }

    /// The same lines, the same levels, the same sum.
    private static func agree(_ ours: [Int64], _ theirs: [Int64]) -> Bool {
        guard ours.count == 6, theirs.count >= 7 else { return false }
        return ours[0..<5] == theirs[0..<5] && ours[5] == theirs[theirs.count - 2] * 10_000
    }

    private static func numbers(_ row: String) -> [Int64] {
        row.split { !$0.isNumber }.compactMap { Int64($0) }
    }

    private func seconds(_ body: () throws -> Void) rethrows -> Double {
        let start = ContinuousClock.now
        try body()
        let elapsed = ContinuousClock.now - start
        return Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) / 1e18
    }

    private func output(_ program: String, _ arguments: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Refusal("\(program) ended with an error") }
        return text.trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
