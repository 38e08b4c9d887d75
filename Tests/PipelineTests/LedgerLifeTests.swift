import AdModel
import Attribution
import Postgres
import Store
import TestKit
import Testing

/// What happens to a ledger after the sale: invalid touches, publications, restatements, replays, explanations.
@Suite(.database) struct LedgerLife {
    init() async throws { try await ShopFixture.load(TestDatabase.current.pool) }

    private var pool: PostgresPool { TestDatabase.current.pool }

    // MARK: Touches found invalid

    @Test func aTouchFoundInvalidIsReversedRefundedAndTheNextOneWins() async throws {
        let log = LogFixture()
        try await log.append(LedgerFixture.records)
        try await log.ship()
        let before = try await table(
            "select kind, units, amount_micros, line_item_id from credit where order_id = 'o3'")
        #expect(before == ["(credit,1,300,4)"])
        let spent = try await number("select spent_micros from advertiser_spend where advertiser_id = 1")

        let made = try await LedgerFixture.invalidate([LedgerFixture.id(.click, LedgerFixture.forged)])
        #expect(made.events == 1)
        #expect(made.refunds == 1)
        #expect(made.refunded == Micros(100))
        #expect(made.credits.orders == 1)
        let after = try await table(
            "select kind, units, amount_micros, line_item_id, split_part(cause, ' ', 1) from credit where order_id = 'o3'"
        )
        #expect(after == ["(credit,1,300,2,order)", "(credit,1,300,4,order)", "(reversal,-1,-300,4,invalid)"])
        #expect(
            try await number("select spent_micros from advertiser_spend where advertiser_id = 1") == spent - 100)
        #expect(try await number("select sum(invalid) from performance_day") == 2)
        #expect(try await number("select sum(clicks) from performance_day") == 2)
        #expect(try await LedgerFixture.doctor().failures == [])

        // Once more changes nothing, and so does the event delivered again.
        let again = try await LedgerFixture.invalidate(
            [LedgerFixture.id(.click, LedgerFixture.forged), "x.0.c"].dropLast())
        #expect(again.events == 0 && again.repeated == 1 && again.refunds == 0)
        try await log.append([ShopFixture.event(.click, LedgerFixture.forged, visitor: "v5")])
        try await log.ship()
        #expect(try await number("select count(*) from credit where order_id = 'o3'") == 3)
        #expect(try await LedgerFixture.doctor().failures == [])
    }

    @Test func anAdStaysChargedWhileOneOfItsClicksIsValidAndIdsAreChecked() async throws {
        let token = ShopFixture.token(7, line: 4, at: ShopFixture.noon, products: [1, 3])
        let log = LogFixture()
        try await log.append([
            ShopFixture.event(.click, token, card: 0), ShopFixture.event(.click, token, after: .seconds(2), card: 1),
            ShopFixture.event(.viewable, token, card: 0), ShopFixture.event(.viewable, token, card: 1),
        ])
        try await log.ship()
        let id = LedgerFixture.id(.click, token)
        #expect(try await LedgerFixture.invalidate(["\(id).0"]).refunds == 0)
        #expect(try await LedgerFixture.doctor().failures == [])
        #expect(try await LedgerFixture.invalidate(["\(id).1"]).refunds == 1)
        let viewable = LedgerFixture.id(.viewable, token)
        try await LedgerFixture.invalidate(["\(viewable).0"])
        #expect(try await number("select sum(viewable) from performance_day") == 1)
        try await LedgerFixture.invalidate(["\(viewable).1"])
        #expect(try await number("select sum(viewable) from performance_day") == 0)
        #expect(try await LedgerFixture.doctor().failures == [])
        let other = try await LedgerFixture.invalidate([id])
        #expect(other.unknown == [id])
        await #expect(throws: Refusal.self) { try await LedgerFixture.invalidate(["no event"]) }
        let made = try await pool.transaction {
            try EventInvalidation.apply(
                .visitor("v1", from: ShopFixture.noon, to: ShopFixture.noon + .days(1)), reason: .rate, note: nil,
                actor: "test", now: ShopFixture.now, on: $0)
        }
        #expect(made.events == 0 && made.repeated == 4)
    }

    // MARK: Publications

    @Test func aPublishedMonthStaysAndLaterCorrectionsPostToTheOpenOne() async throws {
        let log = try await LedgerFixture.make()
        let first = try await LedgerFixture.publish()
        #expect(first.version == 1)
        #expect(first.orders == 2)
        let november = try await table("select id, posting_month from credit where posting_month = '2026-11-01'")

        await #expect(throws: PostgresError.self) {
            try await TestDatabase.current.pool.withConnection {
                try $0.script(
                    """
                    insert into credit (storefront_id, order_id, line_no, policy, advertiser_id, campaign_id,
                        line_item_id, touch_id, interaction, level, kind, units, amount_micros, ordered_at, touched_at,
                        cause, cause_at, posting_month)
                    select storefront_id, order_id, line_no, policy, advertiser_id, campaign_id, line_item_id, touch_id,
                        interaction, level, kind, units, amount_micros, ordered_at, touched_at, cause, cause_at,
                        posting_month from credit limit 1
                    """)
            }
        }
        for sql in [
            "update credit set units = 0", "delete from credit", "delete from attribution_publication",
            "update attribution_publication set version = 9",
        ] {
            await #expect(throws: PostgresError.self, "\(sql)") {
                try await TestDatabase.current.pool.withConnection { try $0.script(sql) }
            }
        }
        // Nothing has changed, so there is nothing to restate.
        await #expect(throws: Refusal.self) { try await LedgerFixture.publish() }

        // A return of November and a late order of November come in December.
        try await log.append([
            ShopFixture.adjustment("r2", of: "o1", at: ShopFixture.noon + .hours(9), kind: .cancel, line: 2),
            ShopFixture.order("o4", at: ShopFixture.noon + .hours(4), lines: [("p1", 1, 50)]),
        ])
        try await log.ship()
        let unchanged = try await table("select id, posting_month from credit where posting_month = '2026-11-01'")
        #expect(unchanged == november)
        let posted = try await table(
            "select order_id, cause, posting_month from credit where posting_month > '2026-11-01' order by id")
        #expect(posted == ["(o1,\"adjustment r2\",2026-12-01)", "(o4,order,2026-12-01)"])
        #expect(try await LedgerFixture.doctor().failures == [])

        let second = try await LedgerFixture.publish()
        #expect(second.version == 2)
        #expect(second.postingHash == first.postingHash)
        #expect(second.resultHash != first.resultHash)
        #expect(try await LedgerFixture.doctor().failures == [])

        let diff = try await pool.transaction(.repeatableRead) {
            try PublicationDiff.read(
                second, against: nil, isCurrent: false, viewer: .retailer, after: 0, limit: 10, on: $0)
        }
        #expect(diff.moved == 2)
        #expect(diff.items.map(\.orderID) == ["o1", "o4"])
        #expect(diff.items.map { $0.reasons.map(\.cause.kind) } == [[.adjustment], [.order]])
        #expect(diff.items.first?.reasons.first?.cause.reference == "r2")
        let total = try #require(diff.totals.first)
        #expect(total.amountAfterMicros - total.amountBeforeMicros == 50 - 500)

        // An advertiser sees blinded ids, and nothing of the other one.
        let blinded = try await pool.transaction(.repeatableRead) { db in
            try TenantScope.advertisers([1]).enter(on: db)
            return try PublicationDiff.read(
                second, against: first, isCurrent: false, viewer: .advertisers([1]), after: 0, limit: 10, on: db)
        }
        #expect(blinded.items.allSatisfy { $0.advertiser == "a1" && !$0.orderID.hasPrefix("o") })
        #expect(blinded.items.allSatisfy { $0.reasons.allSatisfy { $0.cause.reference == nil } })
        let none = try await pool.transaction(.repeatableRead) {
            try PublicationDiff.read(
                second, against: nil, isCurrent: true, viewer: .retailer, after: 0, limit: 10, on: $0)
        }
        #expect(none.moved == 0)
    }

    @Test func aMonthIsPublishedOnlyWhenItIsOverAndShippedAndAgrees() async throws {
        _ = try await LedgerFixture.make()
        await #expect(throws: Refusal.self, "the month runs") {
            try await LedgerFixture.publish(at: ShopFixture.noon + .days(2))
        }
        try await pool.withConnection {
            try $0.script("update log_checkpoint set shipped_through = '2026-11-30T20:59:59Z'")
        }
        await #expect(throws: Refusal.self, "events may still come") { try await LedgerFixture.publish() }
        try await pool.withConnection {
            try $0.script("update log_checkpoint set shipped_through = '2026-11-30T21:00:00Z'")
        }
        // A touch that nobody brought to the ledger.
        try await pool.withConnection {
            try $0.script("update touch set invalid_reason = 'rate' where visitor_id = 'v1'")
        }
        await #expect(throws: Refusal.self, "the ledger differs") { try await LedgerFixture.publish() }
    }

    // MARK: Replay

    @Test func aReplayAgreesNamesWhatDiffersAndRepairs() async throws {
        _ = try await LedgerFixture.make()
        let range = LedgerFixture.days
        let report = try await pool.transaction(.repeatableRead) { try LedgerReplay.run(range, on: $0) }
        #expect(report.agrees)
        #expect(report.orders == 2)
        #expect(report.ledgerHash == report.resultHash)
        let again = try await pool.transaction(.repeatableRead) { try LedgerReplay.run(range, on: $0) }
        #expect(again.inputsHash == report.inputsHash && again.policyHash == report.policyHash)

        // What if everything competed for the exact product only.
        let strict = try await pool.transaction(.repeatableRead) { db in
            try LedgerReplay.run(range, policy: try Policies.installed(on: db).rules("sku-strict@1"), on: db)
        }
        #expect(strict.policy == "sku-strict@1")
        #expect(strict.differences.map(\.orderID).sorted() == ["o1", "o3"], "halo goes, and o3 was won by a variant")
        #expect(strict.replayed.map(\.campaign) == ["k1"])
        #expect(strict.policyHash != report.policyHash)

        // The retailer finds out that the brand was never the advertiser's.
        try await pool.withConnection { try $0.script("delete from brand_grant") }
        let differs = try await pool.transaction(.repeatableRead) { try LedgerReplay.run(range, on: $0) }
        #expect(!differs.agrees)
        #expect(differs.differences.map(\.orderID) == ["o1"])
        #expect(differs.inputsHash != report.inputsHash)
        let repaired = try await pool.transaction { try LedgerReplay.repair(range, now: ShopFixture.now, on: $0) }
        #expect(repaired.rows == 1)
        #expect(try await pool.transaction { try LedgerReplay.run(range, on: $0) }.agrees)
        #expect(try await number("select count(*) from credit where cause = 'recomputation'") == 1)
    }

    @Test func aReplayNamesTouchesThatDoNotFollowFromTheirEvents() async throws {
        _ = try await LedgerFixture.make()
        let range = LedgerFixture.days
        try await pool.withConnection { try $0.script("delete from touch where kind = 'view'") }
        let report = try await pool.transaction(.repeatableRead) { try LedgerReplay.run(range, on: $0) }
        #expect(report.touches.count == 4)
        #expect(report.touches.touches.allSatisfy { $0.problem == "missing" })
        #expect(!report.agrees)
    }

    // MARK: Explain

    @Test func anOrderIsExplainedToTheRetailerInFullAndToAnAdvertiserBlinded() async throws {
        _ = try await LedgerFixture.make()
        let full = try #require(
            try await pool.transaction(.repeatableRead) { db -> OrderExplanation? in
                guard let key = try OrderExplainer.find("o1", storefront: nil, viewer: .retailer, on: db) else {
                    return nil
                }
                return try OrderExplainer.explain(key, viewer: .retailer, on: db)
            })
        #expect(full.ledgerAgrees)
        #expect(full.adjustments.map(\.id) == ["r1"])
        let line = try #require(full.lines.first)
        let contest = try #require(line.contests.first)
        #expect(contest.policy == "default@1")
        #expect(contest.winners.map(\.touch.campaign) == ["k1"])
        #expect(contest.winners.first?.units == 1)
        #expect(contest.winners.first?.amountMicros == 500)
        #expect(
            Set(contest.losers.map(\.reason)) == ["lost_on_match", "view_not_counted", "lost_on_interaction"])
        #expect(line.postings.map(\.kind) == ["credit", "reversal"])

        // The other advertiser was beaten: he sees his own touches and that somebody else won.
        let own = try #require(try await explainBlinded(full, for: 2, storefront: 1, order: "o1"))
        #expect(own.orderID != "o1")
        let ownContest = try #require(own.lines.first?.contests.first)
        #expect(ownContest.winners.map(\.touch.isRival) == [true])
        #expect(ownContest.winners.first?.touch.campaign == nil)
        #expect(ownContest.winners.first?.amountMicros == nil)
        #expect(ownContest.losers.allSatisfy { $0.touch.campaign == "k2" })
        #expect(own.adjustments.allSatisfy { $0.id == nil })
        #expect(own.lines.map { $0.postings.count } == [0, 1])
        #expect(own.lines.allSatisfy { $0.postings.allSatisfy { $0.campaign == "k2" } })

        // The invalid touch is told as such; its advertiser has no candidate of that order any more.
        let third = try #require(
            try await pool.transaction(.repeatableRead) { db in
                let key = OrderKey(storefrontID: 1, orderID: "o3")
                return try OrderExplainer.explain(key, viewer: .retailer, on: db)
            })
        #expect(third.lines.first?.contests.first?.losers.map(\.reason) == ["invalid"])
        #expect(third.links.map(\.customer) == ["c5"])
        #expect(try await explainBlinded(third, for: 1, storefront: 1, order: "o3") == nil)
    }

    private func explainBlinded(
        _ it: OrderExplanation, for advertiser: Int32, storefront: Int32, order: String
    ) async throws -> OrderExplanation? {
        let viewer = LedgerViewer.advertisers([advertiser])
        return try await pool.transaction(.repeatableRead) { db in
            try TenantScope.advertisers([advertiser]).enter(on: db)
            // The shop's id is no id of his.
            #expect(try OrderExplainer.find(order, storefront: nil, viewer: viewer, on: db) == nil)
            let found = try OrderExplainer.explain(
                OrderKey(storefrontID: storefront, orderID: order), viewer: viewer, on: db)
            if let found {
                let key = try OrderExplainer.find(found.orderID, storefront: nil, viewer: viewer, on: db)
                #expect(key == OrderKey(storefrontID: storefront, orderID: order))
            }
            return found
        }
    }

    @Test func creditsArePagedFilteredAndTenantScoped() async throws {
        _ = try await LedgerFixture.make()
        let all = try await pool.transaction(.repeatableRead) {
            try CreditPages.read(CreditPages.Filter(), viewer: .retailer, after: 0, limit: 100, on: $0)
        }
        #expect(all.count == 6)
        let second = try await pool.transaction(.repeatableRead) {
            try CreditPages.read(CreditPages.Filter(), viewer: .retailer, after: all[1].id, limit: 2, on: $0)
        }
        #expect(second.map(\.id) == all[2...3].map(\.id))
        var filter = CreditPages.Filter()
        filter.campaign = "k2"
        filter.policy = "default@1"
        filter.postingMonth = Day(year: 2026, month: 11, day: 1)
        let wanted = filter
        let campaign = try await pool.transaction(.repeatableRead) {
            try CreditPages.read(wanted, viewer: .retailer, after: 0, limit: 100, on: $0)
        }
        #expect(campaign.map(\.orderID) == ["o1", "o3"])
        let own = try await pool.transaction(.repeatableRead) { db in
            try TenantScope.advertisers([2]).enter(on: db)
            return try CreditPages.read(CreditPages.Filter(), viewer: .advertisers([2]), after: 0, limit: 100, on: db)
        }
        #expect(own.map(\.advertiser) == ["a2", "a2"])
        #expect(own.allSatisfy { $0.orderID != "o3" && $0.adjustment == nil })
    }
}
