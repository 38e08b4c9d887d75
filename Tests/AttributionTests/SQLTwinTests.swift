import AdModel
import Attribution
import Foundation
import Postgres
import TestKit
import Testing

@Suite struct SQLTwinTests {
    @Test("an SQL query over the same tables gives the same rows on random worlds", .emptyDatabase)
    func twin() async throws {
        var cases: [SQLTwin.Case] = []
        for seed in 0..<300 {
            var random = SplitMix64(0x5EED << 32 | UInt64(seed))
            // Cells that need quotes are the writer's affair, not SQL's.
            let world = World.random(&random, unusualIDs: false)
            for policy in AttributionPolicy.presets.shuffled(using: &random).prefix(2) {
                cases.append(SQLTwin.Case(world: world, policy: policy))
            }
            cases.append(SQLTwin.Case(world: world, policy: try World.policy(&random)))
        }
        let found = try await SQLTwin.credits(cases, on: TestDatabase.current.pool)
        var rows = 0
        for (number, one) in cases.enumerated() {
            let lines = found[number] ?? []
            rows += lines.count
            let twin = CreditCSV.header + lines.map { $0 + "\n" }.joined()
            let engine = String(decoding: try one.world.rowsOutput(one.policy), as: UTF8.self)
            #expect(engine == twin, "world \(number), \(one.policy)")
        }
        #expect(rows > 1_000)
    }
}

/// The rules as an SQL query over temporary tables, for many worlds at once.
enum SQLTwin {
    struct Case: Sendable {
        var world: World
        var policy: AttributionPolicy
    }

    /// Rows of each case, without the line ends, by its place in the list.
    static func credits(_ cases: [Case], on pool: PostgresPool) async throws -> [Int: [String]] {
        let url = Repository.root.appending(path: "Tests/AttributionTests/Cases/twin.sql")
        let script = try String(contentsOf: url, encoding: .utf8)
        return try await pool.withConnection { connection in
            // A long statement on purpose; how long depends on what else the machine does.
            try connection.script("set statement_timeout = 0")
            try connection.script(script)
            try load(cases, connection)
            var found: [Int: [String]] = [:]
            for row in try connection.query("select world, cells from pg_temp.credits()") {
                found[Int(try row.int32("world")), default: []].append(try row.string("cells"))
            }
            return found
        }
    }

    private static func load(_ cases: [Case], _ connection: isolated PostgresConnection) throws {
        try copyPolicies(cases, connection)
        try connection.copyIn(
            "touch",
            [
                "world", "touch_id", "shopper_id", "occurred_at", "kind", "advertiser_id", "campaign_id",
                "line_item_id", "promoted",
            ]
        ) { writer in
            for (n, one) in cases.enumerated() {
                for t in one.world.touches {
                    try writer.row(
                        .int4(Int32(n)), id(t.touchID), id(t.shopperID), .int8(t.occurredAt.micros),
                        .text(t.kind.rawValue), id(t.advertiserID), id(t.campaignID), id(t.lineItemID),
                        list(t.promotedSKUs))
                }
            }
        }
        try connection.copyIn(
            "line", ["world", "order_id", "line_no", "shopper_id", "ordered_at", "sku", "units", "amount"]
        ) { writer in
            for (n, one) in cases.enumerated() {
                for l in one.world.lines {
                    try writer.row(
                        .int4(Int32(n)), id(l.orderID), .int8(l.lineNumber), id(l.shopperID),
                        .int8(l.orderedAt.micros), id(l.sku), .int8(l.units), .int8(l.netAmountMicros))
                }
            }
        }
        try connection.copyIn(
            "adjustment",
            ["world", "adjustment_id", "order_id", "line_no", "occurred_at", "kind", "units", "amount"]
        ) { writer in
            for (n, one) in cases.enumerated() {
                for a in one.world.adjustments {
                    try writer.row(
                        .int4(Int32(n)), id(a.adjustmentID), id(a.orderID), number(a.lineNumber),
                        .int8(a.occurredAt.micros), .text(a.kind.rawValue), number(a.units), number(a.amountMicros))
                }
            }
        }
        try copyReference(cases, connection)
        try connection.script("analyze")
    }

    private static func copyPolicies(_ cases: [Case], _ connection: isolated PostgresConnection) throws {
        try connection.copyIn(
            "policy",
            ["world", "name", "click_window", "view_window", "levels", "precedence", "scope", "apart", "gross"]
        ) { writer in
            for (n, one) in cases.enumerated() {
                let p = one.policy
                try writer.row(
                    .int4(Int32(n)), .text(p.name), number(p.clickWindow?.micros), number(p.viewWindow?.micros),
                    .textArray(p.levels.map(\.rawValue)), .textArray(p.precedence.map(\.rawValue)),
                    .text(p.scope.rawValue), .bool(p.separatesInteractions), .bool(p.basis == .gross))
            }
        }
    }

    private static func copyReference(_ cases: [Case], _ connection: isolated PostgresConnection) throws {
        try connection.copyIn("product", ["world", "sku", "group_id", "brand_id", "categories"]) { writer in
            for (n, one) in cases.enumerated() {
                for p in one.world.products {
                    try writer.row(.int4(Int32(n)), id(p.sku), id(p.groupID), id(p.brandID), list(p.categoryIDs))
                }
            }
        }
        try connection.copyIn(
            "campaign", ["world", "campaign_id", "brands", "skus", "categories", "valid_from", "valid_to"]
        ) { writer in
            for (n, one) in cases.enumerated() {
                for c in one.world.campaigns {
                    try writer.row(
                        .int4(Int32(n)), id(c.campaignID), list(c.brandIDs), list(c.listedSKUs),
                        list(c.listedCategoryIDs), number(c.validFrom?.micros), number(c.validTo?.micros))
                }
            }
        }
        try connection.copyIn("brand", ["world", "alias", "brand_id", "valid_from", "valid_to"]) { writer in
            for (n, one) in cases.enumerated() {
                for b in one.world.aliases {
                    try writer.row(
                        .int4(Int32(n)), id(b.alias), id(b.brandID), number(b.validFrom?.micros),
                        number(b.validTo?.micros))
                }
            }
        }
        try connection.copyIn("brand_grant", ["world", "advertiser_id", "brand_id", "valid_from", "valid_to"]) {
            writer in
            for (n, one) in cases.enumerated() {
                for g in one.world.grants {
                    try writer.row(
                        .int4(Int32(n)), id(g.advertiserID), id(g.brandID), number(g.validFrom?.micros),
                        number(g.validTo?.micros))
                }
            }
        }
        try connection.copyIn("link", ["world", "visitor_id", "customer_id", "linked_at"]) { writer in
            for (n, one) in cases.enumerated() {
                for l in one.world.links {
                    try writer.row(.int4(Int32(n)), id(l.visitorID), id(l.customerID), .int8(l.linkedAt.micros))
                }
            }
        }
    }

    private static func id(_ id: AttributionID) -> PostgresValue { id.isAbsent ? .null : .text(id.text) }
    private static func list(_ ids: [AttributionID]) -> PostgresValue {
        .textArray(ids.filter { !$0.isAbsent }.map(\.text))
    }
    private static func number(_ value: Int64?) -> PostgresValue { value.map { .int8($0) } ?? .null }
}
