import Foundation

/// Runs the log's and the tokens' rotations and prints their tables and goal lines.
struct LogBenchReport {
    var bench: LogBench
    var rounds: Int

    private static let producers = [16, 64, 256]
    private static let yardstick = "raw-64KiB-fdatasync"

    func run() throws {
        try log()
        try tokens()
    }

    /// Whether other load leaves the processors free: the load average of the last minute, before the run began.
    private static func machineIsQuiet() -> Bool {
        var average = 0.0
        guard getloadavg(&average, 1) == 1 else { return false }
        return average < 0.75 * Double(ProcessInfo.processInfo.activeProcessorCount)
    }

    private func log() throws {
        let wasQuiet = Self.machineIsQuiet()
        var raw: [LogBench.Outcome] = []
        var durable: [Int: [LogBench.Outcome]] = [:]
        for _ in 0..<rounds {
            raw.append(try bench.raw())
            for count in Self.producers { durable[count, default: []].append(try bench.durable(producers: count)) }
        }
        print("event log, records of \(bench.recordBytes) bytes, medians of \(rounds) rounds of \(bench.seconds) s")
        print(Self.row("", "per second", "mean us", "p50 us", "p99 us", "per sync"))
        print(Self.row("raw 64 KiB + fdatasync", raw))
        for count in Self.producers { print(Self.row("\(count) producers", durable[count] ?? [])) }
        // The disk must have been steady and the processors free for the ratios to mean anything.
        let syncs = raw.map(\.perSecond)
        let isValid = wasQuiet && (syncs.max() ?? 0) < 2 * (syncs.min() ?? 0)
        for count in Self.producers {
            let outcomes = durable[count] ?? []
            let waits = zip(outcomes, raw).map { $0.meanWait / $1.meanWait }
            print(line("G5.log-wait-\(count)", waits, isValid))
            print(line("G5.log-rate-\(count)", zip(outcomes, raw).map { $0.perSecond / $1.perSecond }, isValid))
        }
    }

    private func tokens() throws {
        let bench = TokenBench()
        let wasQuiet = Self.machineIsQuiet()
        let summary = try Rotation(
            rounds: rounds,
            contestants: [
                .init(name: "one-shot HMAC-SHA256 of 96 bytes") { bench.oneShotMAC() },
                .init(name: "sign a decision of \(bench.ads) ads") { try bench.sign() },
                .init(name: "sign one more ad") { try bench.signOneMoreAd() },
                .init(name: "open one token") { try bench.open() },
            ]
        ).run()
        print("\nad tokens, medians of \(rounds) rounds")
        for name in summary.figures.keys.sorted() {
            print(Self.padded(name, 36) + String(format: "%10.0f ns", summary.median(name)))
        }
        let ratio = summary.ratio(
            "sign a decision of \(bench.ads) ads", to: "one-shot HMAC-SHA256 of 96 bytes")
        print(
            BenchGoalLine(
                goal: "G1.tokens", value: ratio.median, floor: nil, aim: nil, least: ratio.least,
                greatest: ratio.greatest, rounds: rounds, yardstick: "one-shot-hmac", isValid: wasQuiet
            ).json)
    }

    private func line(_ goal: String, _ ratios: [Double], _ isValid: Bool) -> String {
        BenchGoalLine(
            goal: goal, value: Rotation.Summary.median(ratios), floor: nil, aim: nil, least: ratios.min() ?? 0,
            greatest: ratios.max() ?? 0, rounds: rounds, yardstick: Self.yardstick, isValid: isValid
        ).json
    }

    private static func row(_ name: String, _ outcomes: [LogBench.Outcome]) -> String {
        func figure(_ pick: (LogBench.Outcome) -> Double) -> String {
            String(format: "%.0f", Rotation.Summary.median(outcomes.map(pick)))
        }
        return row(
            name, figure(\.perSecond), figure(\.meanWait), figure(\.p50), figure(\.p99), figure(\.batch))
    }

    private static func row(_ name: String, _ figures: String...) -> String {
        padded(name, 26) + figures.map { String(repeating: " ", count: max(1, 12 - $0.count)) + $0 }.joined()
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(1, width - text.count))
    }
}
