import AdModel
import Billing
import Foundation
import Measurement
import ORD
import Postgres
import Store
import TestKit

/// `FinanceFixture`'s shop with one node, whose months are closed through the real code.
struct MonthWorld {
    let pool: PostgresPool

    static let finance = "user:usr-finance"

    /// March with a little of February and April, all of it shipped.
    static func march() async throws -> MonthWorld {
        let world = MonthWorld(pool: TestDatabase.current.pool)
        try await world.pool.transaction { db in
            try FinanceFixture.march(on: db)
            try db.script("insert into node (id, code) values (1, 'node-1')")
        }
        try await world.ship(node: 1, through: "2026-07-01T00:00:00Z")
        return world
    }

    /// March with February frozen already.
    static func marchAfterFebruary() async throws -> MonthWorld {
        let world = try await march()
        try await world.freeze("2026-02", at: "2026-03-04T00:00:00Z")
        return world
    }

    static let kktu: KKTUDictionary = {
        let file = FixturePaths.repository.appendingPathComponent("Sources/nimb/Data/kktu.csv")
        guard let csv = try? Data(contentsOf: file), let dictionary = try? KKTUDictionary(csv: [UInt8](csv)) else {
            preconditionFailure("the classifier is part of the repository")
        }
        return dictionary
    }()

    static func month(_ text: String) -> AccountingMonth {
        guard let month = AccountingMonth(text) else { preconditionFailure("\(text) is no month") }
        return month
    }

    static func at(_ text: String) -> Timestamp {
        guard let time = Timestamp(rfc3339: text) else { preconditionFailure("\(text) is no time") }
        return time
    }

    static func actor(_ time: String) -> MonthActor { MonthActor(name: finance, at: at(time)) }

    func ship(node: Int16, through: String) async throws {
        try await pool.transaction { db in
            _ = try db.query(
                """
                insert into log_checkpoint (node_id, log_id, position, shipped_through)
                values ($1, md5($3)::uuid, 1, $2::text::timestamptz)
                on conflict (node_id, log_id) do update set shipped_through = excluded.shipped_through
                """, [.int2(node), .text(through), .text("log \(node)")])
        }
    }

    @discardableResult
    func freeze(_ month: String, at time: String = "2026-04-05T00:00:00Z") async throws -> FrozenMonth {
        try await pool.transaction { db in
            try MonthClose.freeze(Self.month(month), by: Self.actor(time), on: db)
        }
    }

    func conditions(_ month: String, at time: String) async throws -> [FreezeCondition] {
        try await pool.transaction { try MonthClose.conditions(Self.month(month), now: Self.at(time), on: $0) }
    }

    func frozen(_ month: String, version: Int32? = nil) async throws -> FrozenMonth {
        try await pool.transaction { db in
            guard let frozen = try FrozenMonth.read(Self.month(month), version: version, on: db) else {
                throw Refusal.notFound
            }
            return frozen
        }
    }

    func status(_ month: String) async throws -> MonthStatus {
        try await pool.transaction { try MonthClose.status(of: Self.month(month), on: $0) }
    }

    /// Takes a frozen month through reconciliation, acts and export.
    func export(_ month: String, manifest: UInt8 = 7, at time: String) async throws {
        let month = Self.month(month)
        let actor = Self.actor(time)
        try await pool.transaction { db in
            try MonthClose.reconcile(month, kktu: Self.kktu, by: actor, on: db)
            try MonthClose.issueActs(month, by: actor, on: db)
            try MonthClose.markExported(
                month, manifestSHA256: Array(repeating: manifest, count: 32), by: actor, on: db)
        }
    }

    @discardableResult
    func correct(_ month: String, reason: String = "refunds", at time: String) async throws -> FrozenMonth {
        try await pool.transaction { db in
            try MonthClose.correct(Self.month(month), reason: reason, by: Self.actor(time), on: db)
        }
    }

    /// Gives a charge back; by default the whole of it.
    @discardableResult
    func refund(
        charge: Int64, amount: Int64? = nil, reference: String = "r-1", at time: String
    ) async throws -> ChargeRefund.Booked {
        try await pool.transaction { db in
            let row = try db.query(
                "select advertiser_id, amount_micros from charge where id = $1", [.int8(charge)]
            ).single()
            return try ChargeRefund.book(
                charge: charge, amount: Micros(amount ?? (try row.int64("amount_micros"))), reference: reference,
                reason: "fraud", advertiser: try row.int32("advertiser_id"), zone: try RetailerStore.zone(on: db),
                now: Self.at(time), on: db)
        }
    }

    func number(_ sql: String) async throws -> Int64 {
        try await pool.withConnection { try $0.query(sql).single().int64(0) }
    }

    func run(_ sql: String) async throws {
        try await pool.transaction { try $0.script(sql) }
    }

    /// The ledger of a month with its rounding rows, without carries.
    func ledger(_ month: String) async throws -> Micros {
        Micros(
            try await number(
                """
                select coalesce(sum(amount_micros), 0)::bigint from charge
                where date_trunc('month', accounting_day) = '\(month)-01' and kind <> 'carry'
                """))
    }

    /// Impressions as the pipeline books them, outside of it.
    func shop(
        _ first: Int, _ count: Int, line: Int32, storefront: Int32 = 1, price: Int64, at time: String
    ) async throws {
        let events = (first..<(first + count)).map {
            Self.event($0, line: line, storefront: storefront, price: price, at: Self.at(time))
        }
        try await pool.withConnection { db in
            try Self.book(events, now: Self.at(time), on: db)
        }
    }

    static func event(
        _ number: Int, kind: AdEventKind = .impression, pricing: Pricing = .cpm, line: Int32, storefront: Int32 = 1,
        campaign: Int32 = 1, advertiser: Int32 = 1, version: Int32? = nil, price: Int64, decided: Timestamp? = nil,
        at: Timestamp
    ) -> AdEventRecord {
        let token = AdToken(
            decisionID: DecisionID(issuedAt: decided ?? at, low: 1 << 48 | UInt64(number)), storefrontID: storefront,
            placementID: storefront, lineItemID: line, campaignID: campaign, advertiserID: advertiser,
            creativeVersionID: version ?? line, ad: 0, position: 0, pricing: pricing, price: Micros(price),
            shopperHash: 7,
            productIDs: [])
        return AdEventRecord(
            kind: kind, token: token, card: -1, visitorID: "v", eventTime: at, receivedAt: at, invalid: nil)
    }

    /// What a batch of the pipeline does with events that are valid.
    static func book(_ events: [AdEventRecord], now: Timestamp, on db: isolated PostgresConnection) throws {
        try EventLedger.prepareSession(db)
        try db.transaction {
            try CheckpointStore.lockLedgers(on: db)
            try write(events, now: now, on: db)
        }
    }

    static func write(_ events: [AdEventRecord], now: Timestamp, on db: isolated PostgresConnection) throws {
        let zone = try RetailerStore.zone(on: db)
        try LedgerPartitions.ensure(
            Set(events.map(\.token.decisionID.day)).sorted().map { ("ad_event", $0) }, on: db)
        let fresh = try EventLedger.writeValid(events, nodeID: 1, on: db)
        _ = try ChargeLedger.charge(fresh, zone: zone, now: now, on: db)
        try PerformanceRollup.add(fresh: fresh, invalid: [], zone: zone, on: db)
    }
}

/// The refusal that a piece of work ends in.
func refusal(of work: () async throws -> Void) async throws -> Refusal {
    do {
        try await work()
    } catch let error as Refusal {
        return error
    }
    throw Refusal(.internalError, "it was not refused")
}
