import AdModel
import ORD
import Postgres
import Store
import TestKit
import Testing

@Suite("Freezing a month", .database) struct MonthFreezeTests {
    private func codes(_ conditions: [FreezeCondition]) -> [String] {
        conditions.map { "\($0.object): \($0.code.rawValue)" }
    }

    @Test func `each condition that is not met is named, and nothing happens`() async throws {
        let world = try await MonthWorld.march()
        try await world.run("insert into node (id, code) values (2, 'node-2'), (3, 'node-3'), (4, 'node-4')")
        try await world.run("update node set retired_at = now() where code = 'node-4'")
        // The click's deadline of 24 hours ends one microsecond later.
        try await world.ship(node: 2, through: "2026-04-01T20:59:59.999999Z")
        let refused = try await refusal { try await world.freeze("2026-03", at: "2026-04-03T20:59:59Z") }
        #expect(
            refused.fields.map { "\($0.field): \($0.code)" } == [
                "2026-03: month_not_over", "node-2: node_behind", "node-3: node_behind", "2026-02: earlier_month_open",
            ])
        #expect(refused.detail.contains("2026-04-03T21:00:00Z"))
        #expect(try await world.status("2026-03").state == .open)
        #expect(try await world.number("select count(*) from charge where kind = 'rounding'") == 0)
    }

    @Test func `one condition after the other is met, the last one by a person's word`() async throws {
        let world = try await MonthWorld.march()
        let time = "2026-04-03T21:00:00Z"
        try await world.run("insert into node (id, code) values (2, 'node-2'), (3, 'node-3')")
        try await world.ship(node: 2, through: "2026-04-01T20:59:59.999999Z")
        #expect(
            codes(try await world.conditions("2026-03", at: time)) == [
                "node-2: node_behind", "node-3: node_behind", "2026-02: earlier_month_open",
            ])
        try await world.ship(node: 2, through: "2026-04-01T21:00:00Z")
        #expect(
            codes(try await world.conditions("2026-03", at: time)) == [
                "node-3: node_behind", "2026-02: earlier_month_open",
            ])
        for month in ["2026-02", "2026-03"] {
            try await world.pool.transaction { db in
                try FreezeConditions.declareLost(
                    node: "node-3", month: MonthWorld.month(month), reason: "its disk burnt",
                    by: MonthWorld.actor(time), on: db)
            }
        }
        #expect(
            try await world.number(
                "select count(*) from month_node_loss where actor = '\(MonthWorld.finance)' and reason like '%burnt'")
                == 2)
        #expect(codes(try await world.conditions("2026-03", at: time)) == ["2026-02: earlier_month_open"])
        try await world.freeze("2026-02", at: time)
        #expect(try await world.conditions("2026-03", at: time).isEmpty)
        try await world.freeze("2026-03", at: time)
        #expect(try await world.status("2026-03").state == .frozen)
        let again = try await refusal { try await world.freeze("2026-03", at: time) }
        #expect(again.code == .invalidState)
        let late = try await refusal {
            try await world.pool.transaction { db in
                try FreezeConditions.declareLost(
                    node: "node-1", month: MonthWorld.month("2026-03"), reason: "late", by: MonthWorld.actor(time),
                    on: db)
            }
        }
        #expect(late.code == .invalidState)
    }

    @Test func `a ledger that cannot agree with its documents is not frozen, and the rows are named`() async throws {
        let world = try await MonthWorld.marchAfterFebruary()
        try await world.run(
            """
            insert into charge (kind, advertiser_id, campaign_id, line_item_id, event_time, accounting_day, price_micros,
                amount_micros, reason)
            values ('click', 1, 1, 2, '2026-03-09', '2026-03-09', 5, 5, 'billed');
            update performance_day set impressions = impressions + 1 where line_item_id = 4 and day = '2026-03-31'
            """)
        let charge = try await world.number("select max(id) from charge")
        let conditions = try await world.conditions("2026-03", at: "2026-04-05T00:00:00Z")
        #expect(conditions.allSatisfy { $0.code == .ledgerUnsound })
        #expect(conditions.contains { $0.links.contains(Finding.Link("charge", String(charge))) })
        #expect(conditions.contains { $0.object == "month 2026-03" && $0.message.contains("shows") })
        await #expect(throws: Refusal.self) { try await world.freeze("2026-03") }
    }

    @Test func `the ledger with its rounding row, the statistics, the items and the act are one sum`() async throws {
        let world = try await MonthWorld.marchAfterFebruary()
        let frozen = try await world.freeze("2026-03")
        let act = try #require(frozen.settlement.acts.first)
        #expect(frozen.settlement.acts.count == 1 && act.serial == "АКТ-2026/0002")
        #expect(act.services.excludingVAT.description == "173.69")
        #expect(try await world.ledger("2026-03") == act.services.excludingVAT.micros)
        #expect(frozen.totals.statisticsExcludingVAT == act.services.excludingVAT.decimal5)
        #expect(frozen.totals.itemsExcludingVAT == act.services.excludingVAT)
        #expect(frozen.roundings.map(\.amount) == [Micros(3_544)])
        let charge = try #require(frozen.roundings.first?.chargeID)
        #expect(try await world.number("select count(*) from charge where id = \(charge) and note = '\(act.id)'") == 1)
        #expect(frozen.findings(kktu: MonthWorld.kktu, today: try #require(Day("2026-04-05"))).isEmpty)
        #expect(try await world.number("select count(*) from charge where kind = 'rounding'") == 2)
        // The wallet is charged what the act says.
        #expect(
            try await world.number("select spent_micros from advertiser_spend where advertiser_id = 1")
                == frozen.roundings[0].amount.value + 70)
        #expect(try await world.ledger("2026-02") == Micros(700_000))
    }

    @Test func `a frozen month reads the same whatever becomes of what it was made of`() async throws {
        let world = try await MonthWorld.marchAfterFebruary()
        let frozen = try await world.freeze("2026-03")
        func bundle() async throws -> [String] {
            let reading = try await FinanceStore.read(MonthWorld.month("2026-03"), from: world.pool)
            return try VKBundle.export(
                reading.statement, mediaBytes: reading.mediaBytes, kktu: MonthWorld.kktu,
                today: try #require(Day("2026-04-05")), toolVersion: "test"
            ).files.map { "\($0.name) \($0.bytes.hashValue)" }
        }
        let before = try await bundle()
        try await world.run(
            """
            update counterparty set name = 'ООО "Чай"', inn = '7736200080' where id = 2;
            update contract set serial = 'X-1', vat_rate = '5', ends_on = '2026-04-30' where id = 1;
            update campaign set kktu = '28.1.1', name = 'Иное';
            update line_item set name = 'Другое', pricing = 'cpc', ends_at = '2026-03-05 00:00+03' where id = 1;
            update storefront set name = 'Лавка', url = 'https://other.example';
            update brand set name = 'Марка';
            update product set name = 'Товар';
            delete from line_item_version;
            update creative_version set erid_status = 'bad' where id = 1;
            update performance_day set impressions = impressions + 5;
            """)
        #expect(try await bundle() == before)
        let again = try await world.frozen("2026-03")
        #expect(again.settlement.acts == frozen.settlement.acts && again.settlement.rows == frozen.settlement.rows)
        #expect(again.statement.persons == frozen.statement.persons && again.integrity.isEmpty)
        #expect(again.statement.cut.at == MonthWorld.at("2026-04-05T00:00:00Z"))
    }

    @Test func `frozen rows are never changed, removed or joined by others`() async throws {
        let world = try await MonthWorld.marchAfterFebruary()
        try await world.freeze("2026-03")
        for table in [
            "month_version", "month_object", "month_media", "month_fact", "month_act", "month_row", "month_transition",
            "act_serial",
        ] {
            await #expect(throws: PostgresError.self, "\(table)") { try await world.run("delete from \(table)") }
            await #expect(throws: PostgresError.self, "\(table)") {
                try await world.run("update \(table) set month = month")
            }
        }
        for statement in [
            "insert into month_media select month, version, sha256('unused') from month_version",
            "insert into month_fact select month, version, 999, line_item, creative, pad, day, 1, 0, 0, 0, 0 from month_fact limit 1",
            "delete from media where sha256 = sha256('abc')",
        ] {
            await #expect(throws: PostgresError.self, "\(statement)") { try await world.run(statement) }
        }
    }

    @Test func `nothing posts to a frozen month, whoever writes`() async throws {
        let world = try await MonthWorld.marchAfterFebruary()
        try await world.freeze("2026-03")
        func charge(_ day: String, _ amount: Int) -> String {
            """
            insert into charge (kind, advertiser_id, campaign_id, line_item_id, event_time, accounting_day, price_micros,
                amount_micros, reason) values ('click', 1, 1, 2, '\(day)', '\(day)', 5, \(amount), 'billed')
            """
        }
        await #expect(throws: PostgresError.self) { try await world.run(charge("2026-03-31", 5)) }
        try await world.run(charge("2026-04-01", 5))
        // An event whose log arrives after all costs nothing, and the ledger says why.
        try await world.shop(1, 3, line: 1, price: 99_990, at: "2026-03-20T10:00:00Z")
        #expect(
            try await world.number(
                "select count(*) from charge where reason = 'month_closed' and amount_micros = 0 and price_micros = 99990"
            )
                == 3)
    }

    @Test func `days of a fixed price that were not booked by the freeze are booked by it, and later ones for nothing`()
        async throws
    {
        let world = try await MonthWorld.marchAfterFebruary()
        try await world.run("update advertiser set credit_limit_micros = 10000000000 where id = 1")
        let frozen = try await world.freeze("2026-03")
        // 100 roubles a day; for the first, third and fourth there was no money when February was frozen.
        let fixed = frozen.statement.facts.filter { $0.lineItemID == "fixed" }.reduce(Micros.zero) { $0 + $1.ledger }
        #expect(fixed == Micros.roubles(2_800))
        try await world.run(
            """
            insert into line_item (code, campaign_id, advertiser_id, name, starts_at, ends_at, pricing, bid_micros)
            values ('late', 1, 1, 'Позже', '2026-03-30 00:00+03', '2026-04-03 00:00+03', 'fixed', 400000000)
            """)
        try await world.pool.transaction { db in
            _ = try FixedAccrualLedger.accrue(
                zone: try RetailerStore.zone(on: db), now: MonthWorld.at("2026-04-05T00:00:00Z"), on: db)
        }
        #expect(
            try await world.number(
                "select count(*) from charge where kind = 'fixed' and reason = 'month_closed' and line_item_id = 5")
                == 2)
        #expect(
            try await world.number("select sum(amount_micros)::bigint from charge where line_item_id = 5")
                == 200_000_000)
    }
}
