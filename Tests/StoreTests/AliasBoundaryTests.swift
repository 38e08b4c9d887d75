import AdModel
import Postgres
import Store
import TestKit
import Testing

@Suite("Aliases that begin and end by themselves", .database)
struct AliasBoundaryTests {
    private let now = Timestamp(rfc3339: "2026-11-22T10:00:00Z") ?? Timestamp(micros: 0)

    private static func promoted(on db: isolated PostgresConnection) throws -> [String] {
        try db.query("select promoted_skus from line_item_version where valid_to = 'infinity'").single()
            .stringArray("promoted_skus")
    }

    private static func control(on db: isolated PostgresConnection) throws -> Int64 {
        try db.query("select version from control_version where stream = 'control'").single().int64("version")
    }

    @Test func lineItemsAndServingFollowAnAliasWhenItsTimeComes() async throws {
        let now = now
        try await TestDatabase.current.pool.transaction { db in
            try db.script(
                """
                insert into counterparty (code, kind, name, inn, roles) values ('cp', 'juridical', 'x', '7707083893', '{ors}');
                insert into retailer (code, name, counterparty_id) values ('r', 'r', 1);
                insert into advertiser (code, name, counterparty_id) values ('a', 'A', 1);
                insert into contract (code, advertiser_id, client_counterparty_id, contractor_counterparty_id, signed_on)
                    values ('c', 1, 1, 1, '2026-01-01');
                insert into campaign (code, advertiser_id, contract_id, name) values ('k', 1, 1, 'K');
                insert into line_item (code, campaign_id, advertiser_id, name, starts_at, ends_at, pricing, bid_micros, promoted)
                    values ('l', 1, 1, 'L', '2026-01-01', '2030-01-01', 'cpm', 1, '{"brands":["nescafe"]}');
                insert into line_item_version (line_item_id, valid_from) values (1, '2026-01-01');
                insert into product (sku, name, brand) values ('p1', 'x', 'НЕСКАФЕ');
                update alias_clock set applied_at = '2026-11-22T10:00:00Z';
                """)
            _ = try Brands.create(BrandRecord(code: "nescafe", name: "Nescafé"), now: now, on: db)
            _ = try BrandAliases.create(
                alias: "НЕСКАФЕ", brand: "nescafe", from: now + .hours(1), to: now + .hours(2), now: now, on: db)

            let start = try Self.control(on: db)
            #expect(try Self.promoted(on: db) == [])
            #expect(try BrandAliases.applyBoundaries(now: now + .minutes(59), on: db) == false)
            #expect(try BrandAliases.applyBoundaries(now: now + .minutes(60), on: db))
            #expect(try Self.promoted(on: db) == ["p1"])
            #expect(try Self.control(on: db) == start + 1)
            #expect(try BrandAliases.applyBoundaries(now: now + .minutes(61), on: db) == false)
            // A worker that was away for long sees the end that it missed.
            #expect(try BrandAliases.applyBoundaries(now: now + .days(3), on: db))
            #expect(try Self.promoted(on: db) == [])
            #expect(try Self.control(on: db) == start + 2)
        }
    }
}
