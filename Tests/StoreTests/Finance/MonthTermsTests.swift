import AdModel
import ORD
import Postgres
import Store
import TestKit
import Testing

@Suite("Rates, dates and agencies of a month", .database) struct MonthTermsTests {
    private func change(_ world: MonthWorld, _ rate: VATRate, _ day: String) async throws {
        try await world.pool.transaction { db in
            try ContractVAT.change(
                contract: "c1", to: rate, from: try #require(Day(day)), reason: "the seller's regime",
                by: MonthWorld.actor("2026-03-02T00:00:00Z"), on: db)
        }
    }

    @Test func `the rate of an act is the one in force on its date`() async throws {
        let world = try await MonthWorld.marchAfterFebruary()
        try await change(world, .seven, "2026-03-01")
        try await change(world, .withoutVAT, "2026-04-01")
        let march = try await world.freeze("2026-03")
        let act = try #require(march.settlement.acts.first)
        #expect(act.services.rate == .seven && act.services.vat.description == "12.16")
        #expect(march.settlement.rows.allSatisfy { $0.amount == nil || $0.amount?.rate == .seven })
        #expect(try await world.frozen("2026-02").settlement.acts.first?.services.rate == .twentyTwo)
        #expect(march.findings(kktu: MonthWorld.kktu, today: try #require(Day("2026-04-05"))).isEmpty)
        // A rate that an act stands on is history.
        let late = try await refusal { try await change(world, .five, "2026-03-01") }
        #expect(late.fields.first?.code == "locked")
        let middle = try await refusal { try await change(world, .five, "2026-05-15") }
        #expect(middle.fields.first?.field == "from")
    }

    @Test func `the wallet counts VAT by the same history`() async throws {
        let world = try await MonthWorld.march()
        try await change(world, .withoutVAT, "2026-03-01")
        let statement = try await world.pool.transaction { db in
            try WalletStatement.read(
                advertiser: 1, from: try #require(Day("2026-02-01")), to: try #require(Day("2026-03-31")),
                zone: try RetailerStore.zone(on: db), on: db)
        }
        #expect(
            Set(statement.lines.map { "\($0.day.description.prefix(7)) \($0.rate?.rawValue ?? "")" }) == [
                "2026-02 22", "2026-03 without_vat",
            ])
    }

    @Test func `an act may be dated later, but not across a change of VAT`() async throws {
        let world = try await MonthWorld.marchAfterFebruary()
        try await change(world, .seven, "2026-05-01")
        func date(_ day: String) async throws {
            try await world.pool.transaction { db in
                try MonthSettings.setActDate(
                    try #require(Day(day)), contract: "c1", month: MonthWorld.month("2026-03"),
                    by: MonthWorld.actor("2026-04-01T00:00:00Z"), on: db)
            }
        }
        #expect(try await refusal { try await date("2026-03-30") }.fields.first?.code == "out_of_range")
        #expect(try await refusal { try await date("2026-05-01") }.fields.first?.code == "vat_change")
        try await date("2026-04-03")
        let frozen = try await world.freeze("2026-03")
        let act = try #require(frozen.settlement.acts.first)
        #expect(act.date == Day("2026-04-03") && act.dateEnd == Day("2026-03-31"))
        #expect(try await refusal { try await date("2026-04-04") }.code == .invalidState)
        let overview = try await world.pool.transaction {
            try MonthOverview.read(
                MonthWorld.month("2026-03"), kktu: MonthWorld.kktu, now: MonthWorld.at("2026-04-06T00:00:00Z"), on: $0)
        }
        #expect(overview.levy.map(\.quarter.description) == ["2026-Q2"])
    }

    @Test func `the act of an agency names the advertiser's own contract, and so do his creatives`() async throws {
        let world = try await MonthWorld.march()
        try await world.run(
            """
            insert into counterparty (code, kind, name, inn, roles)
                values ('agency', 'juridical', 'ООО Агентство', '7736200080', '{agency}');
            update contract set client_counterparty_id = 3 where id = 1;
            """)
        let month = MonthWorld.month("2026-02")
        let time = "2026-03-04T00:00:00Z"
        try await world.freeze("2026-02", at: time)
        // Without the advertiser's contract the month cannot leave the house.
        #expect(
            try await refusal { try await world.export("2026-02", at: time) }.fields.map(\.code) == ["agency_contract"])
        let cid = CID(
            id: "6a1f0c3e-9b7d-4c55-8e21-0f3a5b7c9d10", name: "ООО \"Кофе\"", clientINN: "7707083893",
            status: "verified")
        func enter(_ cid: CID, agency: String = "agency") async throws {
            try await world.pool.transaction { db in
                try AgencyCIDs.set(
                    cid, advertiser: "cafe", agency: agency, contracts: ["c1"], by: MonthWorld.actor(time), on: db)
            }
        }
        #expect(
            try await refusal { try await enter(cid, agency: "cafe") }.fields.map(\.code) == [
                "not_an_agency", "other_client",
            ])
        try await enter(cid)
        let frozen = try await world.correct("2026-02", reason: "the agency's contract", at: time)
        let act = try #require(frozen.settlement.acts.first)
        #expect(act.clientRole == "agency" && act.items.map(\.cid) == [cid.id] && act.items[0].contractID == nil)
        #expect(act.items[0].amount == act.services)
        #expect(frozen.statement.creatives.first { $0.id == "cr-top-v1" }?.cids == [cid.id])
        try await world.export("2026-02", at: time)
        let reading = try await FinanceStore.read(month, from: world.pool)
        let bundle = try VKBundle.export(
            reading.statement, mediaBytes: reading.mediaBytes, kktu: MonthWorld.kktu,
            today: try #require(Day("2026-03-05")),
            toolVersion: "test")
        let cids = try #require(bundle.files.first { $0.name == "cids.ndjson" })
        #expect(String(decoding: cids.bytes, as: UTF8.self).contains(#""path":"/v1/cid/\#(cid.id)""#))
    }

    @Test func `an agent who acts for the retailer reports sales and commission, and the levy is on the commission`()
        async throws
    {
        let world = try await MonthWorld.march()
        try await world.run(
            """
            insert into counterparty (code, kind, name, inn, roles)
                values ('agent', 'juridical', 'ООО Агент', '7736200080', '{agency}');
            insert into contract (code, kind, action_type, advertiser_id, client_counterparty_id, contractor_counterparty_id,
                serial, signed_on, subject_type, flags)
            values ('med', 'mediation', 'conclude', 1, 1, 3, 'АГ-1', '2026-01-01', 'mediation',
                '{agent_acting_for_publisher}');
            """)
        let time = "2026-03-04T00:00:00Z"
        try await world.pool.transaction { db in
            try MonthSettings.setAgentReport(
                MonthStatement.AgentReport(
                    contractID: "med", sales: KopeckAmount(kopecks: 100_000), commission: KopeckAmount(kopecks: 10_000),
                    serial: "АГ-1/2", date: try #require(Day("2026-02-28"))), month: MonthWorld.month("2026-02"),
                by: MonthWorld.actor(time), on: db)
        }
        let frozen = try await world.freeze("2026-02", at: time)
        let act = try #require(frozen.settlement.acts.first { $0.contractID == "ctr-med" })
        #expect(act.clientRole == "publisher" && act.contractorRole == "agency" && act.serial == "АГ-1/2")
        #expect(act.commission?.amount.includingVAT.description == "122.00")
        try await world.export("2026-02", at: time)
        let overview = try await world.pool.transaction {
            try MonthOverview.read(
                MonthWorld.month("2026-02"), kktu: MonthWorld.kktu, now: MonthWorld.at(time), on: $0)
        }
        // 100.00 of commission and 0.70 of our own services.
        #expect(overview.levy.map(\.base.description) == ["100.70"])
    }
}
