import ArgumentParser
import Decisioning
import Foundation

/// The decision engine alone, at growing numbers of line items.
struct BenchDecideCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "decide",
        abstract: "Microseconds per decision at 1,000 to 1,000,000 line items; exactness against asking every one.",
        discussion: """
            One page of four slots (three banners, a shelf of eight) per decision, distinct contexts, profiles with \
            interests, stock, leases and caps on; a quarter of the budgets is spent. The yardstick is the same engine \
            at the smallest size. A million line items need about 4 GB of memory.
            """)

    @Option(parsing: .upToNextOption, help: "Numbers of line items, growing.")
    var lineItems = [1_000, 10_000, 100_000]
    @Option(help: "Distinct contexts.")
    var contexts = 20_000
    @Option(help: "Rounds over all sizes in turn.")
    var rounds = 5
    @Option(help: "Contexts compared with asking every line item, per size.")
    var sample = 100
    @Option(help: "Seed of the world.")
    var seed: UInt64 = 1

    func validate() throws {
        guard !lineItems.isEmpty, lineItems.allSatisfy({ (1...2_000_000).contains($0) }), contexts > 0, rounds > 0,
            sample >= 0
        else { throw ValidationError("give sizes of 1...2,000,000 line items, a context and a round at least") }
    }

    func run() throws {
        let profiles = DecisionBenchmark.makeProfiles()
        var worlds: [(bench: DecisionBenchmark, scratch: Scratch, figures: [DecisionBenchmark.Figures])] = []
        for size in lineItems {
            let bench = try DecisionBenchmark(lineItems: size, contexts: contexts, seed: seed)
            let different = bench.differences(sample: sample)
            guard different == 0 else {
                throw ValidationError("\(different) of \(sample) contexts differ from asking all \(size) line items")
            }
            worlds.append((bench, Scratch(), []))
            _ = bench.measure(profiles: profiles, scratch: worlds[worlds.count - 1].scratch)
        }
        for _ in 0..<rounds {
            for index in worlds.indices {
                worlds[index].figures.append(
                    worlds[index].bench.measure(profiles: profiles, scratch: worlds[index].scratch))
            }
        }
        print("line items   us/decision   visited   scored   filled")
        for world in worlds {
            let times = world.figures.map(\.decisionTime).sorted()
            let last = world.figures[world.figures.count - 1]
            print(
                String(
                    format: "%10d   %11.2f   %7.1f   %6.1f   %5.1f%%", world.bench.lineItems, times[times.count / 2],
                    last.visited, last.scored, last.filledShare * 100))
        }
        guard let first = worlds.first, let last = worlds.last, worlds.count > 1 else { return }
        let ratios = zip(last.figures, first.figures).map { $0.decisionTime / $1.decisionTime }
            .sorted()
        let isGoal = first.bench.lineItems == 1_000 && last.bench.lineItems == 1_000_000
        let isQuiet = worlds.allSatisfy { $0.figures.allSatisfy { $0.coreShare >= 0.97 } }
        print(
            BenchGoalLine(
                goal: "G4", value: ratios[ratios.count / 2], floor: isGoal ? 40 : nil, aim: isGoal ? 10 : nil,
                least: ratios.first ?? 0, greatest: ratios.last ?? 0, rounds: rounds,
                yardstick: "decide-at-\(first.bench.lineItems)", isValid: isQuiet
            ).json)
    }
}
