import AdModel
import Measurement
import Pipeline
import Store
import TestKit
import Testing

@Suite(.database) struct UnstorableTextBehaviour {
    let log = LogFixture()
    let noon = ShopFixture.noon

    init() async throws { try await ShopFixture.load(TestDatabase.current.pool) }

    /// PostgreSQL has no text with U+0000, and a log can hold one in every string that a client sends.
    @Test func aZeroCharacterInAnyTextStopsNothing() async throws {
        let nul = "a\0b"
        let token = ShopFixture.token(1, line: 2, at: noon)
        let signal = SignalRecord(
            storefrontID: 1, kind: .search, clientID: nul, visitorID: nul, customerID: nul, sku: nul,
            categoryCode: nul, phrase: nul, occurredAt: noon, receivedAt: noon)
        var anonymous = signal
        anonymous.clientID = nil
        let order = ShopFixture.order(
            nul, at: noon + .minutes(5), visitor: nul, customer: "c\0", lines: [("p1\0", 1, 100)])
        try await log.append([
            .decision(
                DecisionRecord(
                    id: token.decisionID, storefrontID: 1, pageType: .home, visitorID: nul, locationID: 1,
                    device: .desktop, snapshotVersion: 1, stockVersion: 1, slots: [])),
            ShopFixture.event(.click, token, visitor: nul), .signal(signal), .signal(signal), .signal(anonymous), order,
            order, ShopFixture.adjustment(nul, of: nul, at: noon + .hours(1), kind: .return, line: 1, units: 1),
            ShopFixture.link(nul, nul, at: noon),
            .refused(RefusedRecord(storefrontID: 1, kind: nul, reason: nul, receivedAt: noon)),
            ShopFixture.order("a b", at: noon + .minutes(5), lines: [("p1", 1, 100)]),
        ])
        try await log.ship()
        let text = "a\u{FFFD}b"
        #expect(
            try await table("select visitor_id, customer_id, product_sku, category_code, phrase from signal") == [
                "(\(text),\(text),\(text),\(text),\(text))", "(\(text),\(text),\(text),\(text),\(text))",
            ])
        #expect(
            try await table("select order_id, visitor_id from customer_order") == ["(\"a b\",v1)", "(\(text),\(text))"])
        #expect(try await table("select adjustment_id, order_id from order_adjustment") == ["(\(text),\(text))"])
        #expect(try await number("select count(*) from identity_link") == 2)
        #expect(try await table("select visitor_id from touch") == ["(\(text))"])
        #expect(
            try await table("select kind, reason, events from refused_day") == [
                "(\(text),\(text),1)", "(order,duplicate,1)", "(signal,duplicate,1)",
            ])
    }
}
