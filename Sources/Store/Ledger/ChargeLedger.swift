import AdModel
import Billing
import Measurement
import Postgres

/// Totals of what one batch did to the charge ledger.
public struct ChargeSummary: Equatable, Sendable {
    public var rows = 0
    public var charged = Micros.zero
    /// Price of what did not fit.
    public var overDelivery = Micros.zero

    public init() {}
}

/// Writes charges: each valid event that costs something gets one row, for its price or, where it does not fit the
/// budget, the day's budget or the wallet, or its month is frozen, for nothing.
public enum ChargeLedger {
    /// A charge that is about to be decided.
    struct Candidate {
        var kind: String
        var advertiserID: Int32
        var campaignID: Int32
        var lineItemID: Int32
        var creativeVersionID: Int32?
        var storefrontID: Int32?
        var event: AdEventKey?
        var eventTime: Timestamp
        var day: Day
        var price: Micros
        var accepted = ChargeReason.billed
    }

    /// Charges events that are the first of their key, in the log's order. The spend rows stay locked until the
    /// transaction ends.
    ///
    /// An ad costs one click, whichever of its cards was clicked and however often: only the first click of a
    /// decision's ad is charged. Later clicks on other cards stay events and touches without a row here.
    public static func charge(
        _ events: [AdEventRecord], zone: AccountingZone, now: Timestamp, on connection: isolated PostgresConnection
    ) throws -> ChargeSummary {
        var candidates: [Candidate] = []
        let priced = events.filter { $0.token.price > .zero && $0.token.pricing.chargeKind(of: $0.kind) != nil }
        let clicks = Set(try FirstOfAd.events(.click, of: priced, on: connection).map(AdEventKey.init))
        for event in priced where event.kind != .click || clicks.contains(AdEventKey(event)) {
            guard let kind = event.token.pricing.chargeKind(of: event.kind) else { continue }
            candidates.append(
                Candidate(
                    kind: kind, advertiserID: event.token.advertiserID, campaignID: event.token.campaignID,
                    lineItemID: event.token.lineItemID, creativeVersionID: event.token.creativeVersionID,
                    storefrontID: event.token.storefrontID, event: AdEventKey(event), eventTime: event.eventTime,
                    day: zone.day(of: event.eventTime), price: event.token.price))
        }
        return try book(candidates, now: now, on: connection)
    }

    static func book(
        _ candidates: [Candidate], now: Timestamp, on connection: isolated PostgresConnection
    ) throws -> ChargeSummary {
        var summary = ChargeSummary()
        guard !candidates.isEmpty else { return summary }
        // Before any row: whoever freezes a month holds this lock, and then looks at rows too.
        try CheckpointStore.lockLedgers(on: connection)
        let frozen = try MonthLedger.frozen(among: Set(candidates.map(\.day)), on: connection)
        var budgets = try lock(candidates, on: connection)
        var decided: [(amount: Micros, reason: ChargeReason)] = []
        decided.reserveCapacity(candidates.count)
        for candidate in candidates {
            let result =
                frozen.contains(MonthLedger.firstDay(candidate.day))
                ? (amount: .zero, reason: .monthClosed)
                : budgets.charge(
                    line: candidate.lineItemID, on: candidate.day, price: candidate.price,
                    accepted: candidate.accepted)
            decided.append(result)
            summary.rows += 1
            summary.charged += result.amount
            summary.overDelivery += candidate.price - result.amount
        }
        try connection.copyStaged(
            "charge",
            [
                "kind", "advertiser_id", "campaign_id", "line_item_id", "creative_version_id", "storefront_id",
                "decision_day", "decision_id", "ad", "card", "event_time", "accounting_day", "price_micros",
                "amount_micros", "reason", "recorded_at",
            ]
        ) { writer in
            for (candidate, result) in zip(candidates, decided) {
                let event = candidate.event
                try writer.row(
                    .text(candidate.kind), .int4(candidate.advertiserID), .int4(candidate.campaignID),
                    .int4(candidate.lineItemID), candidate.creativeVersionID.map(PostgresValue.int4) ?? .null,
                    candidate.storefrontID.map(PostgresValue.int4) ?? .null,
                    event.map { .date(days: $0.decision.day.number) } ?? .null,
                    event.map { .uuid(high: $0.decision.uuidHigh, low: $0.decision.low) } ?? .null,
                    event.map { .int2(Int16($0.ad)) } ?? .null, event.map { .int2(Int16($0.card)) } ?? .null,
                    .timestamptz(micros: candidate.eventTime.micros), .date(days: candidate.day.number),
                    .int8(candidate.price.value), .int8(result.amount.value), .text(result.reason.rawValue),
                    .timestamptz(micros: now.micros))
            }
        }
        try writeBack(budgets, on: connection)
        return summary
    }

    /// Locks line items, their days and advertisers, each in id order, and reads what may be spent.
    private static func lock(
        _ candidates: [Candidate], on connection: isolated PostgresConnection
    ) throws -> BudgetBook {
        let lineIDs = Set(candidates.map(\.lineItemID)).sorted()
        let dayKeys = Set(candidates.map { LineDay(lineItemID: $0.lineItemID, day: $0.day) })
            .sorted { ($0.lineItemID, $0.day) < ($1.lineItemID, $1.day) }
        var lines: [Int32: LineBudget] = [:]
        try connection.query(
            "insert into line_item_spend (line_item_id) select unnest($1::int4[]) on conflict do nothing",
            [.int4Array(lineIDs)])
        let lineRows = try connection.query(
            """
            select s.line_item_id, l.advertiser_id, l.total_budget_micros, l.daily_budget_micros, s.spent_micros
            from line_item_spend s join line_item l on l.id = s.line_item_id
            where s.line_item_id = any($1::int4[]) order by s.line_item_id for update of s
            """, [.int4Array(lineIDs)])
        for row in lineRows {
            lines[try row.int32(0)] = LineBudget(
                advertiserID: try row.int32(1), total: try row.int64IfPresent(2).map(Micros.init),
                daily: try row.int64IfPresent(3).map(Micros.init), spent: Micros(try row.int64(4)))
        }
        let dayColumns: [PostgresValue] = [
            .int4Array(dayKeys.map(\.lineItemID)), .int4Array(dayKeys.map(\.day.number)),
        ]
        try connection.query(
            """
            insert into line_item_day_spend (line_item_id, day)
            select l, date '1970-01-01' + d from unnest($1::int4[], $2::int4[]) as t (l, d) on conflict do nothing
            """, dayColumns)
        var days: [LineDay: Micros] = [:]
        let dayRows = try connection.query(
            """
            select s.line_item_id, s.day, s.spent_micros
            from line_item_day_spend s
            join unnest($1::int4[], $2::int4[]) as t (l, d)
                on s.line_item_id = t.l and s.day = date '1970-01-01' + t.d
            order by s.line_item_id, s.day for update of s
            """, dayColumns)
        for row in dayRows {
            let key = LineDay(lineItemID: try row.int32(0), day: Day(number: try row.days(1)))
            days[key] = Micros(try row.int64(2))
        }
        return BudgetBook(
            lines: lines, days: days,
            advertisers: try funds(Set(lines.values.map(\.advertiserID)).sorted(), on: connection))
    }

    private static func funds(
        _ advertiserIDs: [Int32], on connection: isolated PostgresConnection
    ) throws -> [Int32: AdvertiserFunds] {
        try connection.query(
            "insert into advertiser_spend (advertiser_id) select unnest($1::int4[]) on conflict do nothing",
            [.int4Array(advertiserIDs)])
        try connection.query(
            "select 1 from advertiser_spend where advertiser_id = any($1::int4[]) order by advertiser_id for update",
            [.int4Array(advertiserIDs)])
        // A statement of its own: one that had waited for the lock would still see the wallet as it was before the
        // wait, and a withdrawal that was faster would be spent a second time.
        let rows = try connection.query(
            """
            select s.advertiser_id, s.spent_micros, \(SumSQL.clamped(SumSQL.funds)) as available
            from advertiser_spend s join advertiser a on a.id = s.advertiser_id
            where s.advertiser_id = any($1::int4[])
            """, [.int4Array(advertiserIDs)])
        var result: [Int32: AdvertiserFunds] = [:]
        for row in rows {
            result[try row.int32(0)] = AdvertiserFunds(
                available: Micros(try row.int64(2)), spent: Micros(try row.int64(1)))
        }
        return result
    }

    private static func writeBack(_ book: BudgetBook, on connection: isolated PostgresConnection) throws {
        let lines = book.lines.sorted { $0.key < $1.key }
        try connection.query(
            """
            update line_item_spend s set spent_micros = t.n
            from unnest($1::int4[], $2::int8[]) as t (l, n) where s.line_item_id = t.l and s.spent_micros <> t.n
            """, [.int4Array(lines.map(\.key)), .int8Array(lines.map(\.value.spent.value))])
        let days = book.days.sorted { ($0.key.lineItemID, $0.key.day) < ($1.key.lineItemID, $1.key.day) }
        try connection.query(
            """
            update line_item_day_spend s set spent_micros = t.n
            from unnest($1::int4[], $2::int4[], $3::int8[]) as t (l, d, n)
            where s.line_item_id = t.l and s.day = date '1970-01-01' + t.d and s.spent_micros <> t.n
            """,
            [
                .int4Array(days.map(\.key.lineItemID)), .int4Array(days.map(\.key.day.number)),
                .int8Array(days.map(\.value.value)),
            ])
        let advertisers = book.advertisers.sorted { $0.key < $1.key }
        try connection.query(
            """
            update advertiser_spend s set spent_micros = t.n
            from unnest($1::int4[], $2::int8[]) as t (a, n) where s.advertiser_id = t.a and s.spent_micros <> t.n
            """, [.int4Array(advertisers.map(\.key)), .int8Array(advertisers.map(\.value.spent.value))])
    }
}
