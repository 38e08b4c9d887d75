import AdModel
import Attribution
import Foundation
import TestKit
import Testing

@Suite struct CompleteJourneyTests {
    /// Views hold for the week of the promotion, so that every level has something to win.
    private static func week() throws -> AttributionPolicy {
        try AttributionPolicy(
            name: "week@1", clickWindow: nil, viewWindow: .days(7),
            levels: [.sku, .variant, .listed, .brand, .order])
    }

    /// Cells of an output by level.
    private static func levels(_ output: [UInt8]) -> [String: Int] {
        var counts: [String: Int] = [:]
        for line in String(decoding: output, as: UTF8.self).split(separator: "\n").dropFirst() {
            counts[line.split(separator: ",", omittingEmptySubsequences: false)[8].description, default: 0] += 1
        }
        return counts
    }

    @Test("real baskets with promotions as views: engine, files and the slow reference agree")
    func extract() throws {
        let journey = try CompleteJourney(CompleteJourney.extract)
        var policies = AttributionPolicy.presets
        policies.append(try Self.week())
        var seen: [String: Int] = [:]
        // The reference looks at every touch for every line, and at every product for each of these.
        #if DEBUG
            let step = 16
        #else
            let step = 4
        #endif
        for (number, order) in journey.orders.keys.sorted().enumerated() where number % step == 0 {
            for policy in policies {
                let span = [policy.clickWindow, policy.viewWindow].compactMap { $0 }.max()
                let world = journey.world(of: [order], noEarlierThan: span)
                let expected = SlowReference(world: world, policy: policy).output()
                try #require(try world.rowsOutput(policy) == expected, "basket \(order.text), \(policy.name)")
                seen.merge(Self.levels(expected)) { $0 + $1 }
            }
        }
        for level in ["sku", "variant", "listed", "order"] {
            #expect(seen[level] ?? 0 > 0, "\(level): \(seen[level] ?? 0) credits prove nothing")
        }
        // All baskets at once, by way of files, are the baskets one by one.
        let everything = journey.world(of: journey.orders.keys.sorted())
        let policy = try Self.week()
        let output = try everything.rowsOutput(policy)
        #expect(try WorldFiles(everything, style: .plain).run(policy, chunk: 4_096, parts: 2) == output)
        let single = try journey.orders.keys.sorted().reduce(into: 0) { sum, order in
            sum += try journey.world(of: [order]).rowsOutput(policy).count { $0 == 0x0A } - 1
        }
        #expect(output.count { $0 == 0x0A } - 1 == single)
    }

    @Test("an SQL query gives the same credits for real baskets", .emptyDatabase)
    func twin() async throws {
        let journey = try CompleteJourney(CompleteJourney.extract)
        let world = journey.world(of: Array(journey.orders.keys.sorted().prefix(30)), noEarlierThan: .days(7))
        let cases = try [.default, Self.week()].map {
            SQLTwin.Case(world: world, policy: $0)
        }
        let found = try await SQLTwin.credits(cases, on: TestDatabase.current.pool)
        var rows = 0
        for (number, one) in cases.enumerated() {
            let engine = String(decoding: try one.world.rowsOutput(one.policy), as: UTF8.self)
            let twin = CreditCSV.header + (found[number] ?? []).map { $0 + "\n" }.joined()
            #expect(engine == twin, "\(one.policy.name)")
            rows += found[number]?.count ?? 0
        }
        #expect(rows > 100)
    }

    @Test(
        "every basket of the whole data set agrees with the slow reference",
        .enabled(
            if: FileManager.default.fileExists(atPath: CompleteJourney.whole.path),
            "the whole data set is not at ../shared/data/completejourney; its extract is tested"))
    func whole() throws {
        let journey = try CompleteJourney(CompleteJourney.whole)
        #if DEBUG
            let sample = 12
        #else
            let sample = 1
        #endif
        let policies = [AttributionPolicy.default, try Self.week()]
        var seen: [String: Int] = [:]
        var baskets = 0
        for (number, order) in journey.orders.keys.sorted().enumerated() where number % sample == 0 {
            baskets += 1
            for policy in policies {
                let world = journey.world(of: [order], noEarlierThan: policy.viewWindow)
                let expected = SlowReference(world: world, policy: policy).output()
                try #require(try world.rowsOutput(policy) == expected, "basket \(order.text), \(policy.name)")
                seen.merge(Self.levels(expected)) { $0 + $1 }
            }
        }
        #expect(baskets >= 4_315 / sample)
        for level in ["sku", "variant", "listed", "order"] {
            #expect(seen[level] ?? 0 > 300 / sample, "\(level): \(seen[level] ?? 0)")
        }
        // And all 43,473 lines at once by way of files, against the same rows.
        let everything = journey.world(of: journey.orders.keys.sorted())
        #expect(everything.lines.count == 43_473)
        let policy = try Self.week()
        let output = try WorldFiles(everything, style: .plain).run(policy, chunk: 1 << 16, parts: 2)
        #expect(try everything.rowsOutput(policy) == output)
    }
}
