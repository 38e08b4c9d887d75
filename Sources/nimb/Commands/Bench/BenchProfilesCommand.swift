import AdModel
import ArgumentParser
import Foundation
import Profiles

/// Profiles and audiences: signals per second, memory, shoppers evaluated per second.
struct BenchProfilesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "profiles",
        abstract: "Signals applied to profiles, and an audience evaluated over all shoppers, per second; memory.",
        discussion: """
            Signals of random shoppers fill the profiles (every profile has its full size from its first signal on); \
            then signals, an audience of three conditions over all shoppers, and the yardstick take turns on all \
            threads. The yardstick is one random read-modify-write of 64 bytes per operation. Needs about 2.5 GB.
            """)

    @Option(help: "Shoppers.")
    var shoppers = 1_000_000
    @Option(help: "Signals that fill the profiles.")
    var signals = 10_000_000
    @Option(help: "Signals of one round.")
    var roundSignals = 1_000_000
    @Option(help: "Rounds of every contestant.")
    var rounds = 5
    @Option(help: "Threads.")
    var threads = 2
    @Option(help: "Seed.")
    var seed: UInt64 = 1

    func validate() throws {
        guard (1_000...10_000_000).contains(shoppers), signals >= shoppers, roundSignals > 0, rounds > 0,
            (1...64).contains(threads)
        else {
            throw ValidationError("give 1,000...10,000,000 shoppers, as many signals, a round and a thread at least")
        }
    }

    func run() throws {
        let bench = ProfilesBench(shoppers: shoppers, threads: threads, seed: seed)
        // Shards fill unevenly; room for a few more keeps everybody.
        let store = ProfileStore(maximumProfiles: shoppers + shoppers / 20)
        for shopper in 0..<UInt64(shoppers) {
            store.apply(
                ProfileSignal(kind: .pageView, at: bench.start), shopper: ProfilesBench.key(shopper))
        }
        let filling = bench.apply(signals, to: store, round: 0)
        let resident = ProfilesBench.residentBytes()
        print(
            String(
                format: "%d profiles after %d signals: %.0f MB resident (%d bytes each), %d evicted, %.0f signals/s",
                store.count, signals, Double(resident) / 1e6, MemoryLayout<Profile>.stride, store.evictions,
                filling.perSecond))
        let facts = bench.facts()
        var applied: [ProfilesBench.Round] = []
        var evaluated: [ProfilesBench.Round] = []
        var yardstick: [ProfilesBench.Round] = []
        var members = 0
        for round in 1...rounds {
            applied.append(bench.apply(roundSignals, to: store, round: round))
            yardstick.append(bench.readModifyWrite(roundSignals, round: round))
            let evaluation = bench.evaluate(facts)
            evaluated.append(evaluation.round)
            members = evaluation.members
        }
        func median(_ rounds: [ProfilesBench.Round]) -> Double {
            let sorted = rounds.map(\.perSecond).sorted()
            return sorted[sorted.count / 2]
        }
        print(String(format: "signals applied         %12.0f /s", median(applied)))
        print(String(format: "shoppers evaluated      %12.0f /s  (%d members)", median(evaluated), members))
        print(String(format: "64-byte read-modify-write %10.0f /s", median(yardstick)))
        // The last slice of an evaluation has nothing to share, so its threads end a little apart.
        let isQuiet = applied.allSatisfy { $0.share >= 0.9 } && evaluated.allSatisfy { $0.share >= 0.8 }
        for (goal, figures) in [("G10", applied), ("G10-audience", evaluated)] {
            let rates = figures.map(\.perSecond)
            print(
                BenchGoalLine(
                    goal: goal, value: median(figures), floor: 300_000, aim: 1_000_000, least: rates.min() ?? 0,
                    greatest: rates.max() ?? 0, rounds: rounds,
                    yardstick: "random-64-byte-rmw \(Int(median(yardstick)))/s", isValid: isQuiet
                ).json)
        }
        print(
            BenchGoalLine(
                goal: "G10-memory", value: Double(resident) / 1e9, floor: 1, aim: 1, least: Double(resident) / 1e9,
                greatest: Double(resident) / 1e9, rounds: 1, yardstick: "gigabyte", isValid: store.evictions == 0
            ).json)
    }
}
