import AdModel
import EventLog
import Foundation
import Measurement
import Pipeline
import Postgres
import Store
import TestKit
import Testing

@Suite(.database) struct ShippingBehaviour {
    let log = LogFixture()
    let noon = ShopFixture.noon

    init() async throws { try await ShopFixture.load(TestDatabase.current.pool) }

    @Test func anImpressionAndAClickBecomeEventsChargesTouchesAndCounts() async throws {
        let shown = ShopFixture.token(1, line: 1, at: noon, price: 200)
        let clicked = ShopFixture.token(2, line: 2, at: noon, price: 5_000)
        try await log.append([
            ShopFixture.event(.impression, shown), ShopFixture.event(.viewable, shown),
            ShopFixture.event(.click, clicked), ShopFixture.event(.impression, clicked, invalid: .botAgent),
            .refused(RefusedRecord(storefrontID: 1, kind: "click", reason: "forged_token", receivedAt: noon)),
        ])
        let summaries = try await log.ship()
        #expect(summaries.map(\.records) == [5])
        #expect(
            try await table("select kind, line_item_id, price_micros, amount_micros, reason from charge") == [
                "(click,2,5000,5000,billed)", "(impression,1,200,200,billed)",
            ])
        #expect(
            try await table("select line_item_id, impressions, viewable, clicks, invalid from performance_day") == [
                "(1,1,1,0,0)", "(2,0,0,1,1)",
            ])
        #expect(
            try await table("select kind, rendered_only, promoted_skus from touch") == [
                "(click,f,{p2})", "(view,f,{p1})", "(view,t,{p1})",
            ])
        #expect(try await table("select kind, reason, events from refused_day") == ["(click,forged_token,1)"])
        #expect(try await number("select spent_micros from advertiser_spend where advertiser_id = 2") == 5_000)
        #expect(try await number("select count(*) from invalid_event") == 1)
    }

    @Test func theSameClickBeforeAndAfterMidnightCountsOnce() async throws {
        let evening = Timestamp(rfc3339: "2026-11-20T23:59:00Z") ?? noon
        let token = ShopFixture.token(1, line: 2, at: evening, price: 700)
        try await log.append([ShopFixture.event(.click, token, after: .seconds(1))])
        try await log.ship()
        try await log.append([ShopFixture.event(.click, token, after: .minutes(2))])
        let second = try await log.ship()
        #expect(second.map(\.duplicates) == [1])
        #expect(try await number("select count(*) from ad_event") == 1)
        #expect(try await number("select sum(amount_micros)::int8 from charge") == 700)
        #expect(try await number("select clicks from performance_day") == 1)
    }

    @Test func aRetryAfterARestartAndARetryInTheSameBatchCountOnce() async throws {
        let token = ShopFixture.token(1, line: 1, at: noon)
        let order = ShopFixture.order("o1", at: noon + .minutes(5), lines: [("p1", 1, 100)])
        try await log.append([
            ShopFixture.event(.impression, token), ShopFixture.event(.impression, token), order, order,
        ])
        try await log.ship()
        try await log.append([
            ShopFixture.event(.impression, token), order,
            ShopFixture.order("o1", at: noon + .minutes(5), lines: [("p1", 2, 100)]),
        ])
        try await log.ship()
        #expect(try await number("select count(*) from charge") == 1)
        #expect(try await number("select units from order_line") == 1)
        #expect(
            try await table("select kind, reason, events from refused_day") == [
                "(impression,duplicate,2)", "(order,duplicate,2)", "(order,order_conflict,1)",
            ])
    }

    @Test func impressionsOfCardsAreOneImpressionAndAnAdIsViewableOnce() async throws {
        let token = ShopFixture.token(1, line: 1, at: noon, products: [1, 2, 3])
        try await log.append([
            ShopFixture.event(.impression, token, card: 0), ShopFixture.event(.impression, token, card: 1),
            ShopFixture.event(.viewable, token, card: 0), ShopFixture.event(.viewable, token, card: 2),
        ])
        try await log.ship()
        try await log.append([ShopFixture.event(.viewable, token, card: 1)])
        try await log.ship()
        #expect(try await table("select impressions, viewable from performance_day") == ["(1,1)"])
        #expect(try await number("select count(*) from charge") == 1)
        #expect(
            try await table("select promoted_skus from touch where not rendered_only") == [
                "({p1})", "({p2})", "({p3})",
            ])
    }

    @Test func theShopperOfAPictureRequestIsThatOfItsDecision() async throws {
        let token = ShopFixture.token(1, line: 2, at: noon)
        let slot = DecisionRecord.Slot(
            placementID: 1, noFill: 0,
            ads: [.init(lineItemID: 2, creativeVersionID: 2, priceMicros: 100, score: 1, productIDs: [])], losers: [])
        let empty = DecisionRecord.Slot(placementID: 1, noFill: 1, ads: [], losers: [])
        try await log.append([
            .decision(
                DecisionRecord(
                    id: token.decisionID, storefrontID: 1, pageType: .home, visitorID: "v9", locationID: 1,
                    device: .desktop, snapshotVersion: 1, stockVersion: 1, slots: [slot, empty])),
            ShopFixture.event(.click, token, visitor: nil),
        ])
        try await log.ship()
        #expect(try await table("select visitor_id from touch") == ["(v9)"])
        #expect(
            try await table("select outcome, slots from delivery_day") == ["(filled,1)", "(no_candidate,1)"])
    }

    @Test func signalsWithAnIDAreStoredOnceAndOthersAlways() async throws {
        func signal(_ id: String?) -> LogRecord {
            .signal(
                SignalRecord(
                    storefrontID: 1, kind: .productView, clientID: id, visitorID: "v1", customerID: nil, sku: "p1",
                    categoryCode: nil, phrase: nil, occurredAt: noon, receivedAt: noon))
        }
        try await log.append([signal("s1"), signal("s1"), signal(nil), signal(nil)])
        try await log.ship()
        #expect(try await number("select count(*) from signal") == 3)
    }

    @Test func onlyOneOfTwoWorkersShips() async throws {
        try await log.append([ShopFixture.event(.impression, ShopFixture.token(1, line: 1, at: noon))])
        let first = log.worker(name: "first")
        let second = log.worker(name: "second")
        _ = try await first.shipOnce()
        try await log.append([ShopFixture.event(.impression, ShopFixture.token(2, line: 1, at: noon))])
        await #expect(throws: PipelineError.nodeBusy(node: 1)) { try await second.shipOnce() }
        _ = try await first.shipAll()
        await first.close()
        // The lock went with the first worker's session; the second goes on where that one stopped.
        try await log.append([ShopFixture.event(.impression, ShopFixture.token(3, line: 1, at: noon))])
        let shipped = try await eventualValue("the lock to be free") {
            do { return try await second.shipAll() } catch PipelineError.nodeBusy { return nil }
        }
        await second.close()
        #expect(shipped.map(\.records) == [1])
        #expect(try await number("select count(*) from ad_event") == 3)
    }

    @Test func aCheckpointThatMovedElsewhereRollsTheBatchBack() async throws {
        try await log.append([ShopFixture.event(.impression, ShopFixture.token(1, line: 1, at: noon))])
        let worker = log.worker()
        _ = try await worker.shipAll()
        let moved = try await number("select position from log_checkpoint")
        try await TestDatabase.current.pool.withConnection {
            try $0.script("update log_checkpoint set position = position + 1")
        }
        try await log.append([ShopFixture.event(.impression, ShopFixture.token(2, line: 1, at: noon))])
        await #expect(throws: PipelineError.checkpointMoved(expected: moved)) { try await worker.shipOnce() }
        #expect(try await number("select count(*) from ad_event") == 1)
        await worker.close()
    }

    @Test func aCheckpointOutsideTheLogStopsTheWorkerWithAnInstruction() async throws {
        try await log.append([ShopFixture.event(.impression, ShopFixture.token(1, line: 1, at: noon))])
        try await log.ship()
        try await TestDatabase.current.pool.withConnection {
            try $0.script("update log_checkpoint set position = 1000000")
        }
        let worker = log.worker()
        do {
            // `run` ends by itself: waiting would not help.
            try await worker.run()
            Issue.record("the worker went on")
        } catch let error as PipelineError {
            #expect(error.code == "checkpoint_outside_log")
            #expect("\(error)".contains("restore the log's segments"))
        }
    }

    @Test func aRecordThatCannotBeReadIsNotSkipped() async throws {
        try await log.append([ShopFixture.event(.impression, ShopFixture.token(1, line: 1, at: noon))])
        try await log.appendRaw([250, 1, 2, 3])
        try await log.append([ShopFixture.event(.impression, ShopFixture.token(2, line: 1, at: noon))])
        do {
            try await log.ship()
            Issue.record("the record was skipped")
        } catch let error as PipelineError {
            #expect(error.code == "unreadable_record")
        }
        #expect(try await number("select count(*) from ad_event") == 0)
        #expect(try await number("select count(*) from log_checkpoint") == 0)
    }

    @Test func anIdleWorkerStillSaysHowFarItsDataReach() async throws {
        try await log.append([ShopFixture.event(.impression, ShopFixture.token(1, line: 1, at: noon))])
        try await log.ship()
        #expect(
            try await number("select (extract(epoch from shipped_through) * 1000000)::int8 from log_checkpoint")
                == (ShopFixture.now - .seconds(2)).micros)
    }
}

@Suite(.database) struct FixedPriceBehaviour {
    let log = LogFixture()

    init() async throws {
        try await ShopFixture.load(TestDatabase.current.pool)
        try await TestDatabase.current.pool.withConnection {
            try $0.script(
                """
                update line_item set pricing = 'fixed', bid_micros = 100, starts_at = '2026-11-20 00:00+03',
                    ends_at = '2026-11-23 00:00+03' where code = 'l1'
                """)
        }
    }

    @Test func equalDailyPartsAreBookedOnceEachUpToToday() async throws {
        let second = Timestamp(rfc3339: "2026-11-21T12:00:00+03:00") ?? ShopFixture.noon
        let worker = log.worker(now: second)
        #expect(try await worker.accrueFixed().charged == Micros(66))
        #expect(try await worker.accrueFixed().rows == 0)
        await worker.close()
        let later = log.worker(now: second + .days(5))
        #expect(try await later.accrueFixed().charged == Micros(34))
        await later.close()
        #expect(
            try await table("select accounting_day, amount_micros, reason from charge") == [
                "(2026-11-20,33,accrual)", "(2026-11-21,33,accrual)", "(2026-11-22,34,accrual)",
            ])
    }

    @Test func aPartThatTheWalletCannotPayIsBookedAsNothing() async throws {
        try await TestDatabase.current.pool.withConnection {
            try $0.script(
                """
                insert into wallet_entry (advertiser_id, kind, amount_micros, reference)
                    values (1, 'withdrawal', 40 - 1000000000000, 'all-but-40')
                """)
        }
        let worker = log.worker(now: ShopFixture.noon + .days(9))
        _ = try await worker.accrueFixed()
        await worker.close()
        #expect(
            try await table("select amount_micros, reason from charge") == [
                "(0,over_wallet)", "(0,over_wallet)", "(33,accrual)",
            ])
    }
}
