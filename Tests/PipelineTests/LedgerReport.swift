import AdModel
import Attribution
import Billing
import Postgres
import Reporting
import TestKit

/// The sales of a performance report once more, row by row of the ledger and in plain words.
struct LedgerReport {
    struct Fact {
        var values: [ReportDimension: String]
        var line: String
        var order: String
        var share: String
        var strength: Int
        var isOfAdjustment: Bool
        var units: Int64
        var amountMicros: Int64
    }

    var facts: [Fact] = []
    let query: PerformanceQuery

    init(advertiser: Int32, _ query: PerformanceQuery) async throws {
        self.query = query
        let rows = try await TestDatabase.current.pool.withConnection { connection in
            try connection.query(
                """
                select c.policy, o.channel, c.interaction, c.ordered_at, c.touched_at, k.code as campaign, l.code as item,
                    c.storefront_id, c.order_id, c.line_no, c.level, c.adjustment_id, c.units, c.amount_micros
                from credit c join campaign k on k.id = c.campaign_id join line_item l on l.id = c.line_item_id
                join customer_order o on o.storefront_id = c.storefront_id and o.order_id = c.order_id
                where c.advertiser_id = $1
                """, [.int4(advertiser)])
        }
        guard let zone = AccountingZone("Europe/Moscow") else { return }
        for row in rows {
            let at = try row.micros(query.salesBy == .orderDate ? "ordered_at" : "touched_at")
            let day = zone.day(of: Timestamp(micros: at))
            let policy = try row.string("policy")
            let channel = try row.string("channel")
            guard query.policies.contains(policy), (query.from...query.to).contains(day),
                query.channel == nil || query.channel == channel
            else { continue }
            let order = "\(try row.int32("storefront_id"))/\(try row.string("order_id"))"
            let level = try row.string("level")
            let share = ["sku": "direct", "variant": "direct", "listed": "halo", "brand": "halo"][level] ?? "basket"
            facts.append(
                Fact(
                    values: [
                        .day: day.description, .campaign: try row.string("campaign"), .lineItem: try row.string("item"),
                        .policy: policy, .channel: channel, .interaction: try row.string("interaction"),
                    ], line: "\(order)/\(try row.int32("line_no"))", order: order, share: share,
                    strength: ["direct", "halo", "basket"].firstIndex(of: share) ?? 3,
                    isOfAdjustment: try row.stringIfPresent("adjustment_id") != nil,
                    units: Int64(try row.int32("units")), amountMicros: try row.int64("amount_micros")))
        }
    }

    private struct Line {
        var fact: Fact
        var units: Int64 = 0
        var sales: Int64 = 0
        var returned: Int64 = 0
    }

    /// Counts by the values of the dimensions, joined with `|`.
    func rows(by dimensions: [ReportDimension]) -> [String: PerformanceCounts] {
        var lines: [String: Line] = [:]
        for fact in facts {
            let key = ReportDimension.allCases.map { fact.values[$0] ?? "" } + [fact.line, fact.share]
            var line = lines[key.joined(separator: "|")] ?? Line(fact: fact)
            if fact.isOfAdjustment {
                line.returned -= fact.amountMicros
            } else {
                line.units += fact.units
                line.sales += fact.amountMicros
            }
            lines[key.joined(separator: "|")] = line
        }
        var chosen: [String: [Line]] = [:]
        for line in lines.values.sorted(by: Self.precedes) {
            let row = dimensions.map { line.fact.values[$0] ?? "" }.joined(separator: "|")
            let policy = line.fact.values[.policy] ?? ""
            let once =
                policy == "smart-placement@1" && !dimensions.contains(.campaign) && !dimensions.contains(.lineItem)
            let interaction = line.fact.values[.interaction]
            let isRepeated = (chosen[row] ?? []).contains {
                $0.fact.line == line.fact.line && $0.fact.values[.policy] == policy
                    && $0.fact.values[.interaction] == interaction
            }
            if once, isRepeated { continue }
            chosen[row, default: []].append(line)
        }
        return chosen.mapValues(Self.counts)
    }

    /// What sold first, then the stronger share, then the first campaign.
    private static func precedes(_ a: Line, _ b: Line) -> Bool {
        if (a.units > 0) != (b.units > 0) { return a.units > 0 }
        if a.fact.strength != b.fact.strength { return a.fact.strength < b.fact.strength }
        let names = [a, b].map { "\($0.fact.values[.campaign] ?? "")|\($0.fact.values[.lineItem] ?? "")" }
        return names[0] < names[1]
    }

    private static func counts(_ lines: [Line]) -> PerformanceCounts {
        func share(_ isIn: (Line) -> Bool) -> PerformanceCounts.Share {
            let own = lines.filter(isIn)
            return PerformanceCounts.Share(
                orders: Int64(Set(own.filter { $0.units > 0 }.map(\.fact.order)).count),
                units: own.reduce(0) { $0 + $1.units }, salesMicros: own.reduce(0) { $0 + $1.sales })
        }
        var counts = PerformanceCounts()
        counts.direct = share { $0.fact.share == "direct" }
        counts.halo = share { $0.fact.share == "halo" }
        counts.basket = share { $0.fact.share == "basket" }
        counts.click = share { $0.fact.values[.interaction] == "click" }
        counts.view = share { $0.fact.values[.interaction] == "view" }
        counts.orders = share { _ in true }.orders
        counts.returnedMicros = lines.reduce(0) { $0 + $1.returned }
        return counts
    }
}
