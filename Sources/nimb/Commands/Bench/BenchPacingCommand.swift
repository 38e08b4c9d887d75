import ArgumentParser
import Foundation

/// Whether budgets last for the day when traffic is not what was forecast.
struct BenchPacingCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pacing", abstract: "Pacing over simulated days whose traffic is off forecast.",
        discussion: """
            Every line item has a daily budget that 5 to 40 % of the forecast opportunities would cost. A day's traffic \
            is 50 to 150 % of the forecast, each of its hours again up to a quarter off the day's level, within the \
            same bounds; 8 % of the promised impressions are never shown and come back after an hour. The plan is the \
            budget along the forecast curve. The yardstick is plain probabilistic throttling on the same traffic: the \
            share that the forecast says the budget pays for. Deterministic; no other load can disturb it.
            """)

    @Option(help: "Line items.")
    var lines = 1_000
    @Option(help: "Simulated days; each is a round.")
    var days = 7
    @Option(help: "How far traffic is off forecast at most, as a part of it.")
    var error = 0.5
    @Option(help: "Seed of the traffic.")
    var seed: UInt64 = 1

    func validate() throws {
        guard (1...100_000).contains(lines), (1...365).contains(days), (0...0.9).contains(error) else {
            throw ValidationError("give 1...100,000 lines, 1...365 days and an error of 0...0.9")
        }
    }

    func run() throws {
        let bench = PacingBench(lines: lines, days: days, error: error, seed: seed)
        var figures: [PacingBench.Method: [PacingBench.Figures]] = [:]
        print("pacing        overspend   unspent   RMS deviation from plan")
        for method in PacingBench.Method.allCases {
            let days = bench.run(method)
            figures[method] = days
            let name = method.rawValue.padding(toLength: 12, withPad: " ", startingAt: 0)
            print(
                "\(name)" + Self.percent(Self.mean(days.map(\.overspend)))
                    + Self.percent(Self.mean(days.map(\.unspent)))
                    + String(format: "   %9.4f", Self.mean(days.map(\.deviation))))
        }
        let own = figures[.controller] ?? []
        Self.say("G7-overspend", own.map(\.overspend), floor: 0.01, aim: 0.005, yardstick: "budget")
        Self.say("G7-unspent", own.map(\.unspent), floor: 0.05, aim: 0.02, yardstick: "budget")
        func ratios(_ other: PacingBench.Method) -> [Double] {
            zip(own, figures[other] ?? []).map { $0.deviation / $1.deviation }
        }
        Self.say("G7-rms", ratios(.throttling), floor: 1, aim: 0.5, yardstick: "probabilistic-throttling")
        Self.say("G7-rms-adaptive", ratios(.adaptive), floor: nil, aim: nil, yardstick: "adaptive-throttling")
    }

    private static func say(_ goal: String, _ values: [Double], floor: Double?, aim: Double?, yardstick: String) {
        print(
            BenchGoalLine(
                goal: goal, value: Rotation.Summary.median(values), floor: floor, aim: aim, least: values.min() ?? 0,
                greatest: values.max() ?? 0, rounds: values.count, yardstick: yardstick, isValid: true
            ).json)
    }

    private static func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(max(values.count, 1)) }
    private static func percent(_ value: Double) -> String { String(format: "   %8.2f%%", value * 100) }
}
