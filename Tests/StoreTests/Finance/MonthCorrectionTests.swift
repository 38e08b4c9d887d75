import AdModel
import ORD
import Postgres
import Store
import TestKit
import Testing

@Suite("After the freeze", .database) struct MonthCorrectionTests {
    private static let freeze = "2026-04-05T00:00:00Z"
    private static let later = "2026-04-10T09:00:00Z"

    /// March frozen, and the id of one charged impression of the site's banner in it.
    private func frozenMarch() async throws -> (world: MonthWorld, charge: Int64) {
        let world = try await MonthWorld.marchAfterFebruary()
        try await world.freeze("2026-03", at: Self.freeze)
        let charge = try await world.number(
            """
            select min(id) from charge where line_item_id = 1 and storefront_id = 1 and kind = 'impression'
                and accounting_day = '2026-03-01' and amount_micros > 0
            """)
        return (world, charge)
    }

    @Test func `a month goes through its states one by one, and each step says who, when and why`() async throws {
        let (world, _) = try await frozenMarch()
        let month = MonthWorld.month("2026-03")
        let early = try await refusal {
            try await world.pool.transaction { db in
                try MonthClose.markAccepted(month, by: MonthWorld.actor(Self.later), on: db)
            }
        }
        #expect(early.code == .invalidState && early.detail.contains("frozen"))
        try await world.export("2026-03", at: Self.later)
        try await world.pool.transaction {
            try MonthClose.markAccepted(month, by: MonthWorld.actor(Self.later), on: $0)
        }
        let unexplained = try await refusal {
            try await world.pool.transaction { db in
                try MonthClose.returnToFrozen(month, reason: "", by: MonthWorld.actor(Self.later), on: db)
            }
        }
        #expect(unexplained.fields.first?.field == "reason")
        try await world.pool.transaction { db in
            try MonthClose.returnToFrozen(
                month, reason: "the operator wants kpp", by: MonthWorld.actor(Self.later), on: db)
        }
        let steps = try await world.pool.transaction { try MonthClose.transitions(of: month, on: $0) }
        #expect(
            steps.map { "\($0.from.rawValue) \($0.to.rawValue)" } == [
                "open frozen", "frozen reconciled", "reconciled acts_issued", "acts_issued exported",
                "exported accepted", "accepted returned", "returned frozen",
            ])
        #expect(steps.allSatisfy { $0.actor == MonthWorld.finance && $0.version == 1 })
        #expect(
            steps.suffix(2).allSatisfy { $0.reason == "the operator wants kpp" && $0.at == MonthWorld.at(Self.later) })
        #expect(steps[3].details.contains("0707"))
        let status = try await world.status("2026-03")
        #expect(status.state == .frozen && status.version == 1 && status.revision == 7)
    }

    @Test func `a refund posts to the running month while its own row stays at zero or above`() async throws {
        let (world, charge) = try await frozenMarch()
        try await world.run("update advertiser set credit_limit_micros = 1000000000 where id = 1")
        // Room on the other storefront is no room for it.
        try await world.shop(1, 1, line: 1, storefront: 2, price: 1_000_000, at: Self.later)
        #expect(try await world.refund(charge: charge, reference: "r-1", at: Self.later).posting == .correction)
        try await world.shop(2, 1, line: 1, storefront: 1, price: 99_990, at: Self.later)
        let second = try await world.refund(charge: charge + 1, reference: "r-2", at: Self.later)
        #expect(second.posting == .openMonth && second.day == Day("2026-04-10"))
        // The row is used up now.
        #expect(try await world.refund(charge: charge + 2, reference: "r-3", at: Self.later).posting == .correction)
        #expect(try await world.refund(charge: charge + 1, reference: "r-2", at: Self.later).posting == .openMonth)
        #expect(
            try await world.number(
                """
                select sum(amount_micros)::bigint from charge where accounting_day >= '2026-04-01' and storefront_id = 1
                    and creative_version_id = 1
                """) == 0)
    }

    @Test func `a refund of a frozen month makes a new version with the same ids, and exactly its row differs`()
        async throws
    {
        let (world, charge) = try await frozenMarch()
        try await world.export("2026-03", manifest: 9, at: Self.later)
        let booked = try await world.refund(charge: charge, at: Self.later)
        #expect(booked.posting == .correction && booked.day == Day("2026-03-01"))
        let pending = try await world.pool.transaction {
            try PendingCorrections.read(MonthWorld.month("2026-03"), on: $0)
        }
        #expect(pending.rows == 1 && pending.amount == Micros(-99_990) && pending.charges == [booked.id])
        let first = try await world.frozen("2026-03")
        let second = try await world.correct("2026-03", reason: "a forged impression", at: Self.later)
        #expect(second.version == 2 && second.status.state == .frozen && second.reason == "a forged impression")
        #expect(second.statement.edition?.correction == 1)
        #expect(second.statement.edition?.supersedes == String(repeating: "09", count: 32))
        let diff = second.changes(since: first)
        #expect(diff.acts.map(\.id) == ["act-c1-2026-03"] && diff.vanishedRows.isEmpty)
        let act = try #require(second.settlement.acts.first)
        #expect(act.serial == first.settlement.acts.first?.serial && act.id == first.settlement.acts.first?.id)
        let web = try #require(diff.rows.first { $0.id == "cr-top-v1__pad-web" })
        #expect(web.before?.invoicedShows == 290 && web.after?.invoicedShows == 289)
        #expect(try await world.ledger("2026-03") == act.services.excludingVAT.micros)
        #expect(second.roundings.allSatisfy { abs($0.amount.value) <= 5_000 })
        #expect(try await world.number("select count(*) from act_serial") == 2)
        // The first version stays readable.
        #expect(try await world.frozen("2026-03", version: 1).settlement.acts == first.settlement.acts)
        try await world.export("2026-03", manifest: 10, at: Self.later)
        let unfounded = try await refusal { try await world.correct("2026-03", reason: "", at: Self.later) }
        #expect(unfounded.fields.first?.field == "reason")
    }

    @Test func `reconciling waits for a new version when refunds have corrected the month`() async throws {
        let (world, charge) = try await frozenMarch()
        try await world.refund(charge: charge, at: Self.later)
        let refused = try await refusal { try await world.export("2026-03", at: Self.later) }
        #expect(refused.code == .invalidState && refused.detail.contains("1 rows"))
    }

    @Test func `rows and acts that vanish are listed, and the first exported day of a row stays`() async throws {
        let (world, _) = try await frozenMarch()
        try await world.export("2026-03", at: Self.later)
        let first = try await world.frozen("2026-03")
        // Everything that was charged is given back; the shows of one creative turn out never to have been.
        let charges = try await world.pool.withConnection { db in
            try db.query(
                """
                select id from charge c where accounting_day between '2026-03-01' and '2026-03-31' and amount_micros > 0
                    and kind <> 'rounding' and not exists (select 1 from charge r where r.corrects = c.id)
                order by id limit 600
                """
            ).map { try $0.int64(0) }
        }
        for charge in charges { try await world.refund(charge: charge, reference: "all-\(charge)", at: Self.later) }
        try await world.run(
            """
            update performance_day set impressions = 0 where line_item_id = 2;
            update performance_day set impressions = 0 where line_item_id = 1 and storefront_id = 1 and day = '2026-03-01';
            insert into performance_day (day, advertiser_id, campaign_id, line_item_id, creative_version_id, storefront_id,
                placement_id, impressions) values ('2026-03-11', 1, 1, 1, 1, 1, 1, 4);
            update ad_event set invalid_reason = 'forged' where line_item_id = 2
                or line_item_id = 1 and storefront_id = 1 and event_time < '2026-03-02' and event_time > '2026-02-28 21:00+00';
            """)
        try await world.run(
            """
            select ensure_day_partition('ad_event', '2026-03-01');
            insert into ad_event select '2026-03-01', decision_id, 1, 0, -1, 1, 1, 1, 1, 1, 1, 'v', '{}',
                '2026-03-11 10:00+03', '2026-03-11 10:00+03', 1, null from ad_event where line_item_id = 1 limit 4
            """)
        let second = try await world.correct("2026-03", reason: "a bot", at: Self.later)
        let diff = second.changes(since: first)
        #expect(diff.vanishedActs.map(\.id) == ["act-c1-2026-03"])
        #expect(diff.vanishedRows.map { "\($0.creativeID) \($0.padID)" } == ["cr-shelf-v1 pad-web"])
        let web = try #require(second.settlement.rows.first { $0.creativeID == "cr-top-v1" && $0.padID == "pad-web" })
        #expect(web.shows == 4 && web.actualStart == Day("2026-03-01") && web.actualEnd == Day("2026-03-11"))
        #expect(try await world.ledger("2026-03") == .zero)
    }

    @Test func `an act on which the levy is charged never changes, and its refunds are carried`() async throws {
        let (world, charge) = try await frozenMarch()
        try await world.run("update advertiser set credit_limit_micros = 1000000000 where id = 1")
        let month = MonthWorld.month("2026-03")
        func levy(_ status: String) async throws {
            try await world.pool.transaction { db in
                try LevyLocks.set(
                    act: "act-c1-2026-03", month: month, status: status, by: MonthWorld.actor(Self.later), on: db)
            }
        }
        try await levy("calculated")
        #expect(try await world.refund(charge: charge, reference: "before", at: Self.later).posting == .correction)
        try await levy("blocked")
        #expect(try await refusal { try await levy("no_tax") }.code == .invalidState)
        let locked = try await refusal { try await world.correct("2026-03", at: Self.later) }
        #expect(locked.fields.map(\.code) == ["act_blocked"] && locked.fields.map(\.field) == ["act-c1-2026-03"])
        let spent = try await world.number("select spent_micros from advertiser_spend where advertiser_id = 1")
        for index in 1...3 {
            let booked = try await world.refund(charge: charge + Int64(index), reference: "c-\(index)", at: Self.later)
            #expect(booked.posting == .carry && booked.day == Day("2026-04-10"))
        }
        // The wallet has the money at once.
        #expect(
            try await world.number("select spent_micros from advertiser_spend where advertiser_id = 1")
                == spent - 3 * 99_990)
        #expect(try await world.frozen("2026-03").levy == ["act-c1-2026-03": "blocked"])

        // April has room for two of the three, May for the third.
        try await world.shop(1, 2, line: 1, price: 99_990, at: "2026-04-20T10:00:00Z")
        let april = try await world.freeze("2026-04", at: "2026-05-05T00:00:00Z")
        #expect(april.settlement.acts.isEmpty && april.settlement.rows.allSatisfy { $0.amount == nil })
        #expect(
            try await world.pool.transaction { try CarryLedger.open(on: $0) }.map(\.amount) == [Micros(99_990)])
        try await world.shop(3, 11, line: 1, price: 99_990, at: "2026-05-20T10:00:00Z")
        let may = try await world.freeze("2026-05", at: "2026-06-05T00:00:00Z")
        #expect(may.settlement.acts.map(\.services.excludingVAT.description) == ["1.00"])
        #expect(try await world.pool.transaction { try CarryLedger.open(on: $0) }.isEmpty)
        #expect(try await world.ledger("2026-05") == Micros.roubles(1))
        let web = try #require(may.settlement.rows.first { $0.creativeID == "cr-top-v1" && $0.padID == "pad-web" })
        #expect(web.shows == 11 && web.invoicedShows == 10)
        let doctor = try await world.pool.transaction { try LedgerDoctor.run(on: $0) }
        #expect(doctor.failures.filter { ["refund_refers_to_charge"].contains($0.check) }.isEmpty)
    }

    @Test func `a warning needs a person and a reason, an error is never overridden`() async throws {
        let world = try await MonthWorld.marchAfterFebruary()
        // Two contracts whose serials read alike, and a token that is missing.
        try await world.run(
            """
            insert into contract (code, advertiser_id, client_counterparty_id, contractor_counterparty_id, serial, signed_on)
            values ('c2', 1, 2, 1, 'PM-15/26 ', '2026-01-15');
            update creative_version set erid_status = 'bad' where id = 3;
            update creative_version set erid = null, erid_status = null where id = 3;
            """)
        try await world.freeze("2026-03", at: Self.freeze)
        let month = MonthWorld.month("2026-03")
        let refused = try await refusal { try await world.export("2026-03", at: Self.later) }
        #expect(refused.fields.map(\.code).sorted() == ["erid_missing", "serial_duplicate"])
        func override(_ code: String, _ object: String, _ field: String, _ reason: String) async throws {
            try await world.pool.transaction { db in
                let findings = try FrozenMonth.require(month, on: db).findings(
                    kktu: MonthWorld.kktu, today: MonthWorld.at(Self.later).utcDay)
                try MonthOverrides.add(
                    code: code, object: object, field: field, reason: reason, month: month, among: findings,
                    by: MonthWorld.actor(Self.later), on: db)
            }
        }
        #expect(
            try await refusal { try await override("erid_missing", "creative cr-home-v1", "erid", "so what") }
                .fields.first?.code == "not_overridable")
        #expect(
            try await refusal { try await override("serial_duplicate", "contract ctr-c2", "serial", "") }
                .fields.first?.field == "reason")
        #expect(
            try await refusal { try await override("serial_duplicate", "contract ctr-c9", "serial", "yes") }
                .fields.first?.code == "unknown_reference")
        try await override("serial_duplicate", "contract ctr-c2", "serial", "two contracts indeed")
        #expect(
            try await refusal { try await world.export("2026-03", at: Self.later) }.fields.map(\.code) == [
                "erid_missing"
            ]
        )
        // What was missing is mended by a new version.
        try await world.run("update creative_version set erid = '2VtzqHome002', erid_status = 'new' where id = 3")
        try await world.correct("2026-03", reason: "the token came", at: Self.later)
        try await world.export("2026-03", at: Self.later)
        let overview = try await world.pool.transaction {
            try MonthOverview.read(month, kktu: MonthWorld.kktu, now: MonthWorld.at(Self.later), on: $0)
        }
        #expect(overview.blocking.isEmpty && overview.findings.map(\.code) == ["serial_duplicate"])
        #expect(overview.overrides.map(\.reason) == ["two contracts indeed"])
        #expect(overview.due == Day("2026-04-30") && !overview.isOverdue && overview.status.state == .exported)
    }

    @Test func `an open month says what it waits for and what is missing`() async throws {
        let world = try await MonthWorld.march()
        let month = MonthWorld.month("2026-03")
        func overview(_ time: String) async throws -> MonthOverview {
            try await world.pool.transaction {
                try MonthOverview.read(month, kktu: MonthWorld.kktu, now: MonthWorld.at(time), on: $0)
            }
        }
        let early = try await overview("2026-03-20T00:00:00Z")
        #expect(early.conditions.map(\.code) == [.monthNotOver, .earlierMonthOpen])
        #expect(early.earliestFreeze == MonthWorld.at("2026-04-03T21:00:00Z"))
        #expect(early.findings.isEmpty && early.totals.actsExcludingVAT.description == "173.69")
        #expect(early.levy.map { "\($0.quarter) \($0.levy)" } == ["2026-Q1 5.21"])
        #expect(try await overview("2026-05-01T00:00:00Z").isOverdue)
        let months = try await world.pool.transaction { try MonthOverview.list(on: $0) }
        #expect(months.map(\.month.description) == ["2026-04", "2026-03", "2026-02"])
        #expect(months.allSatisfy { $0.state == .open })
    }
}
