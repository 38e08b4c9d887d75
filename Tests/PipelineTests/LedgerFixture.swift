import AdModel
import Measurement
import Postgres
import Store
import TestKit

/// A short history with one of everything that a ledger must get right.
enum LedgerFixture {
    static let noon = ShopFixture.noon
    static let december = noon + .days(20)
    /// The click that wins the order "o3" until it is found invalid.
    static let forged = ShopFixture.token(9, line: 4, at: noon + .hours(1), products: [1])
    /// The older click of the same shopper, which wins then.
    static let honest = ShopFixture.token(8, line: 2, at: noon, price: 70, products: [2])

    static var records: [LogRecord] {
        let rival = ShopFixture.token(2, line: 2, at: noon + .minutes(30), products: [2])
        return [
            ShopFixture.event(.click, ShopFixture.token(1, line: 4, at: noon, products: [1])),
            ShopFixture.event(.impression, rival), ShopFixture.event(.viewable, rival),
            ShopFixture.event(.impression, ShopFixture.token(3, line: 1, at: noon)),
            ShopFixture.event(.viewable, ShopFixture.token(3, line: 1, at: noon)),
            ShopFixture.event(
                .click, ShopFixture.token(4, line: 4, at: noon, products: [1]), invalid: .botAgent),
            ShopFixture.event(.click, honest, visitor: "v5"), ShopFixture.event(.click, forged, visitor: "v5"),
            // A return of one of two units; p1 is what the click promised, p3 is of the rival's list.
            ShopFixture.order("o1", at: noon + .hours(2), lines: [("p1", 2, 1_000), ("p3", 1, 500)]),
            ShopFixture.adjustment("r1", of: "o1", at: noon + .hours(5), kind: .return, line: 1, units: 1),
            ShopFixture.order("o3", at: noon + .hours(3), visitor: "v5", customer: "c5", lines: [("p1", 1, 300)]),
            // Says that everything before December is shipped.
            ShopFixture.link("v9", "c9", at: december),
        ]
    }

    static func id(_ kind: AdEventKind, _ token: AdToken) -> String {
        let letters: [AdEventKind: String] = [.impression: "i", .viewable: "v", .click: "c"]
        return "\(token.decisionID.hex).\(token.ad).\(letters[kind] ?? "")"
    }

    /// Ships the history, then finds one click invalid.
    static func make() async throws -> LogFixture {
        let log = LogFixture()
        try await log.append(records)
        try await log.ship()
        _ = try await invalidate([id(.click, forged)])
        return log
    }

    @discardableResult
    static func invalidate(_ events: [String]) async throws -> EventInvalidation.Summary {
        try await TestDatabase.current.pool.transaction {
            try EventInvalidation.apply(
                .events(events), reason: .datacenter, note: "seen later", actor: "test", now: ShopFixture.now, on: $0)
        }
    }

    @discardableResult
    static func publish(at now: Timestamp = ShopFixture.now) async throws -> Publication {
        let november = Day(year: 2026, month: 11, day: 1) ?? Day(number: 0)
        return try await TestDatabase.current.pool.transaction {
            try Publications.publish(month: november, by: "test", now: now, on: $0)
        }
    }

    static func doctor() async throws -> LedgerDoctor.Report {
        try await TestDatabase.current.pool.transaction(.repeatableRead) { try LedgerDoctor.run(on: $0) }
    }

    static var days: OrderRounds.Range {
        OrderRounds.Range(
            from: Day(year: 2026, month: 11, day: 1) ?? Day(number: 0),
            to: Day(year: 2026, month: 12, day: 31) ?? Day(number: 0))
    }
}
