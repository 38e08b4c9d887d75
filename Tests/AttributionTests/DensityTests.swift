import AdModel
import Attribution
import Testing

/// Agreement on random worlds means something only where the worlds hold what is hard. Every feature is counted here on
/// the very worlds that the agreement tests use, by its own plain definition.
@Suite struct DensityTests {
    struct Counts {
        var found: [String: Int] = [:]
        mutating func add(_ feature: String, _ count: Int = 1) { found[feature, default: 0] += count }
    }

    @Test("the random worlds are dense with everything that makes attribution hard")
    func density() throws {
        var counts = Counts()
        // The seeds of the agreement of rows, files and the slow reference.
        for part in 0..<4 {
            for seed in 0..<300 {
                var random = SplitMix64(UInt64(part) << 32 | UInt64(seed))
                try count(World.random(&random), &counts)
            }
        }
        let least: [(String, Int)] = [
            ("a tie decided by the touch id", 300), ("a tie of two advertisers at one instant", 150),
            ("a touch at the last microsecond of its window", 300), ("a touch one microsecond too old", 300),
            ("a touch at the instant of the order", 300), ("a touch one microsecond after the order", 100),
            ("a credit by sku", 300), ("a credit by variant", 150), ("a credit by listed", 50),
            ("a credit by brand", 50), ("a credit by order", 300), ("a reason to lose of each kind", 9),
            ("a grant that starts or stops decides a line", 20), ("an alias that starts or stops decides a line", 10),
            ("a campaign version that starts or stops decides a line", 20),
            ("a link made before the touch joins two ids", 20), ("a link made after the order joins two ids", 20),
            ("an id linked to two customers", 50), ("two links of an id at one instant", 5),
            ("a return beyond the line", 100), ("an adjustment dated before its order", 100),
            ("an adjustment of an unknown order or line", 100), ("adjustments of a line at one instant", 50),
            ("an unknown SKU is bought", 300), ("an unknown SKU is credited", 50),
            ("several advertisers own one brand at the order", 300), ("a line of no units or a negative amount", 300),
            ("a row that is given twice", 300), ("an id of bytes that look alike", 100),
        ]
        for (feature, wanted) in least {
            #expect(counts.found[feature] ?? 0 >= wanted, "\(feature): \(counts.found[feature] ?? 0) of \(wanted)")
        }
    }

    private func credits(_ world: World, _ policy: AttributionPolicy) throws -> [CreditRow] {
        try AttributionEngine.credits(world.input, reference: try world.reference(), policy: policy)
    }

    private func count(_ world: World, _ counts: inout Counts) throws {
        let policy = AttributionPolicy.default
        let decisions = try AttributionEngine.decide(
            world.input, reference: try world.reference(), policy: policy, explain: true)
        let all = decisions.flatMap(\.credits)
        for row in all + (try credits(world, .order24h)) where row.kind == .credit && row.cause == .order {
            counts.add("a credit by \(row.level.rawValue)")
            if row.level == .sku, !world.products.contains(where: { $0.sku == lineOf(row, world)?.sku }) {
                counts.add("an unknown SKU is credited")
            }
        }
        let touches = Dictionary(world.touches.map { ($0.touchID, $0) }, uniquingKeysWith: { first, _ in first })
        var reasons: Set<LosingReason> = []
        for decision in decisions {
            reasons.formUnion(decision.losers.map(\.reason))
            guard let winner = decision.credits.first.flatMap({ touches[$0.touchID] }) else { continue }
            for loser in decision.losers where loser.reason == .lostOnID {
                counts.add("a tie decided by the touch id")
                guard let other = touches[loser.touchID] else { continue }
                if other.advertiserID != winner.advertiserID { counts.add("a tie of two advertisers at one instant") }
            }
        }
        counts.found["a reason to lose of each kind"] = max(
            counts.found["a reason to lose of each kind"] ?? 0, reasons.count)
        countInstants(world, policy, &counts)
        countRows(world, &counts)
        try countDecisive(world, policy, all, &counts)
    }

    private func lineOf(_ row: CreditRow, _ world: World) -> OrderLineRow? {
        world.lines.first { $0.orderID == row.orderID && $0.lineNumber == row.lineNumber }
    }

    private func countInstants(_ world: World, _ policy: AttributionPolicy, _ counts: inout Counts) {
        for touch in world.touches {
            let window = touch.kind == .click ? policy.clickWindow : policy.viewWindow
            for line in world.lines {
                let age = (line.orderedAt - touch.occurredAt).micros
                if age == window?.micros { counts.add("a touch at the last microsecond of its window") }
                if age - 1 == window?.micros { counts.add("a touch one microsecond too old") }
                if age == 0 { counts.add("a touch at the instant of the order") }
                if age == -1 { counts.add("a touch one microsecond after the order") }
            }
        }
    }

    private func countRows(_ world: World, _ counts: inout Counts) {
        let byVisitor = Dictionary(grouping: Set(world.links).filter { !$0.visitorID.isAbsent }, by: \.visitorID)
        for links in byVisitor.values {
            if Set(links.map(\.customerID)).count > 1 { counts.add("an id linked to two customers") }
            let instants = Dictionary(grouping: links, by: \.linkedAt)
            if instants.values.contains(where: { $0.count > 1 }) { counts.add("two links of an id at one instant") }
        }
        for line in world.lines {
            if line.units < 1 || line.netAmountMicros < 0 { counts.add("a line of no units or a negative amount") }
            guard let product = world.products.first(where: { $0.sku == line.sku }) else {
                counts.add("an unknown SKU is bought")
                continue
            }
            let owners = world.grants.filter {
                $0.brandID == product.brandID && ($0.validFrom ?? line.orderedAt) <= line.orderedAt
                    && $0.validTo.map { line.orderedAt < $0 } ?? true
            }
            if Set(owners.map(\.advertiserID)).count > 1 {
                counts.add("several advertisers own one brand at the order")
            }
        }
        let lines = Dictionary(
            world.lines.map { ("\($0.orderID.text)/\($0.lineNumber)", $0) }, uniquingKeysWith: { first, _ in first })
        var taken: [String: Int64] = [:]
        var instants: [String: Set<Timestamp>] = [:]
        for row in Set(world.adjustments) {
            guard let number = row.lineNumber else { continue }
            let key = "\(row.orderID.text)/\(number)"
            guard let line = lines[key] else {
                counts.add("an adjustment of an unknown order or line")
                continue
            }
            if row.occurredAt < line.orderedAt { counts.add("an adjustment dated before its order") }
            if !instants[key, default: []].insert(row.occurredAt).inserted {
                counts.add("adjustments of a line at one instant")
            }
            if row.kind != .price { taken[key, default: 0] += row.units ?? line.units }
            if let sum = taken[key], line.units > 0, sum > line.units { counts.add("a return beyond the line") }
        }
        let repeated =
            world.touches.count - Set(world.touches).count + world.lines.count - Set(world.lines).count
        counts.add("a row that is given twice", repeated)
        // Equal to Swift's String, different as bytes.
        if Set(world.products.map(\.sku)).count > Set(world.products.map(\.sku.text)).count {
            counts.add("an id of bytes that look alike")
        }
    }

    /// What takes part in the outcome: without it the credits are others.
    private func countDecisive(
        _ world: World, _ policy: AttributionPolicy, _ all: [CreditRow], _ counts: inout Counts
    ) throws {
        func differs(_ change: (inout World) -> Void) throws -> Bool {
            var other = world
            change(&other)
            return try credits(other, policy) != all
        }
        if try differs({ other in
            for at in other.grants.indices { (other.grants[at].validFrom, other.grants[at].validTo) = (nil, nil) }
        }) {
            counts.add("a grant that starts or stops decides a line")
        }
        if try differs({ other in other.aliases.removeAll { $0.validFrom != nil || $0.validTo != nil } }) {
            counts.add("an alias that starts or stops decides a line")
        }
        if try differs({ other in other.campaigns.removeAll { $0.validFrom != nil || $0.validTo != nil } }) {
            counts.add("a campaign version that starts or stops decides a line")
        }
        let earliest = world.touches.map(\.occurredAt).min() ?? Timestamp(micros: 0)
        let latest = world.lines.map(\.orderedAt).max() ?? Timestamp(micros: 0)
        if try differs({ other in other.links.removeAll { $0.linkedAt <= earliest } }) {
            counts.add("a link made before the touch joins two ids")
        }
        if try differs({ other in other.links.removeAll { $0.linkedAt > latest } }) {
            counts.add("a link made after the order joins two ids")
        }
    }
}
