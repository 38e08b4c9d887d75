import AdModel
import Attribution
import Billing
import Postgres

/// What one attribution pass did.
public struct CreditSummary: Equatable, Sendable {
    public var orders = 0
    public var rows = 0
    /// Orders that attribution could not decide; their credits stay as they were.
    public var refused: [OrderKey] = []

    public init() {}
}

/// Brings the credit ledger to what attribution says now, by appending only (attribution.md, rules 18-22).
public enum CreditLedger {
    /// Orders decided together; more are done in several rounds of the same transaction.
    public static let ordersPerRound = 2_000

    /// Why orders are looked at again; told in the `cause` of rows that correct earlier ones.
    public struct Triggers: Sendable {
        var orders: Set<OrderKey> = []
        var adjusted: [OrderKey: String] = [:]
        var linked: Set<OrderKey> = []
        var touched: Set<OrderKey> = []
        /// Orders that touches found invalid may have won, with the id of one of them.
        var invalidated: [OrderKey: String] = [:]
        /// Orders that are decided anew because what attribution reads beside the log was corrected.
        var recomputed: Set<OrderKey> = []

        public init(
            orders: Set<OrderKey> = [], adjusted: [OrderKey: String] = [:], linked: Set<OrderKey> = [],
            touched: Set<OrderKey> = [], invalidated: [OrderKey: String] = [:], recomputed: Set<OrderKey> = []
        ) {
            self.orders = orders
            self.adjusted = adjusted
            self.linked = linked
            self.touched = touched
            self.invalidated = invalidated
            self.recomputed = recomputed
        }

        /// Every order concerned, in a fixed order.
        public var keys: [OrderKey] {
            orders.union(adjusted.keys).union(linked).union(touched).union(invalidated.keys).union(recomputed)
                .sorted()
        }

        func cause(of key: OrderKey, winner: String?) -> String {
            if let touch = invalidated[key] { return "invalid touch \(touch)" }
            if let adjustment = adjusted[key] { return "adjustment \(adjustment)" }
            if orders.contains(key) { return "order" }
            if linked.contains(key) { return "late link" }
            if !touched.contains(key) { return "recomputation" }
            return winner.map { "late touch \($0)" } ?? "late touch"
        }
    }

    /// What the ledger or a recomputation holds under one key: the sale itself, or what one adjustment moved.
    struct Part: Hashable {
        var key: NetKey
        var adjustmentID: String?
    }

    struct Held {
        var units: Int64
        var amountMicros: Int64
        var orderedAt: Timestamp
        var touchedAt: Timestamp
    }

    /// Decides the orders anew and appends what is missing. An order that contradicts itself or the reference data
    /// is left as it is and named in `refused`: the others, and what comes behind it in the log, do not wait for it.
    public static func bringUpToDate(
        _ triggers: Triggers, zone: AccountingZone, now: Timestamp, on connection: isolated PostgresConnection
    ) throws -> CreditSummary {
        var summary = CreditSummary()
        let keys = triggers.keys
        // Rounds still to do, the next one last; a refused round comes back as its halves.
        var rounds = stride(from: 0, to: keys.count, by: ordersPerRound).reversed().map {
            keys[$0..<min($0 + ordersPerRound, keys.count)]
        }
        while let round = rounds.popLast() {
            let world: AttributionWorld
            let rows: [NewRow]
            do {
                world = try AttributionWorld.load(Array(round), on: connection)
                let held = try heldParts(of: Array(round), on: connection)
                rows = try difference(held: held, computed: try world.credits(), world: world, triggers: triggers)
            } catch is AttributionError {
                if round.count == 1 {
                    summary.refused += round
                } else {
                    let middle = round.startIndex + round.count / 2
                    rounds.append(round[middle...])
                    rounds.append(round[..<middle])
                }
                continue
            }
            try append(rows, world: world, zone: zone, now: now, on: connection)
            summary.orders += world.orders.count
            summary.rows += rows.count
        }
        return summary
    }

    /// Every order that has credits or could have: recomputes them all and appends what is missing; an idle ledger
    /// stays as it is. For repair and for tests.
    public static func recomputeAll(
        zone: AccountingZone, now: Timestamp, on connection: isolated PostgresConnection
    ) throws -> CreditSummary {
        let rows = try connection.query("select storefront_id, order_id from customer_order")
        let keys = try rows.map { OrderKey(storefrontID: try $0.int32(0), orderID: try $0.string(1)) }
        return try bringUpToDate(
            Triggers(orders: [], adjusted: [:], linked: [], touched: Set(keys)), zone: zone, now: now, on: connection)
    }

    /// A row to append; `row.cause` is replaced by `causeText` where it corrects earlier rows.
    struct NewRow {
        var row: CreditRow
        var adjustmentID: String?
        var causeText: String
    }

    /// Rows that bring what is held to what is computed. A part that the ledger does not hold is appended as
    /// computed; a part that it holds differently gets the difference, so that a winner that lost is taken back
    /// row by row and returns stay told apart from lost credits.
    static func difference(
        held: [Part: Held], computed: [CreditRow], world: AttributionWorld, triggers: Triggers
    ) throws(AttributionError) -> [NewRow] {
        var wanted: [Part: [CreditRow]] = [:]
        var winners: [NetKeyLine: String] = [:]
        for row in computed {
            wanted[Part(key: row.netKey, adjustmentID: adjustmentID(of: row.cause)), default: []].append(row)
            winners[NetKeyLine(row.netKey)] = row.touchID.text
        }
        let occurred = Dictionary(
            world.adjustments.map { (AttributionWorld.unscoped($0.adjustmentID), $0.occurredAt) },
            uniquingKeysWith: { first, _ in first })
        var result: [NewRow] = []
        for (part, rows) in wanted where held[part] == nil {
            for row in rows {
                let text = part.adjustmentID.map { "adjustment \($0)" } ?? "order"
                result.append(NewRow(row: row, adjustmentID: part.adjustmentID, causeText: text))
            }
        }
        for (part, has) in held {
            let rows = wanted[part] ?? []
            let units = rows.reduce(0) { $0 + $1.units } - has.units
            let amount = try difference(of: rows.map(\.amountMicros), and: has.amountMicros)
            guard let key = world.orders[part.key.orderID] else { continue }
            let cause = triggers.cause(of: key, winner: winners[NetKeyLine(part.key)])
            let moves: [(CreditRow.Kind, Int64, Int64)] = [
                (.reversal, min(units, 0), min(amount, 0)), (.credit, max(units, 0), max(amount, 0)),
            ]
            for (kind, units, amount) in moves where units != 0 || amount != 0 {
                let row = CreditRow(
                    orderID: part.key.orderID, lineNumber: part.key.lineNumber, policy: part.key.policy,
                    advertiserID: part.key.advertiserID, campaignID: part.key.campaignID,
                    lineItemID: part.key.lineItemID, touchID: part.key.touchID, interaction: part.key.interaction,
                    level: part.key.level, kind: kind, units: units, amountMicros: amount, orderedAt: has.orderedAt,
                    touchedAt: has.touchedAt, cause: .rerun(cause),
                    causeAt: part.adjustmentID.flatMap { occurred[$0] } ?? has.orderedAt)
                result.append(NewRow(row: row, adjustmentID: part.adjustmentID, causeText: cause))
            }
        }
        // A fixed order, so that equal batches write equal rows.
        return result.sorted { a, b in
            CreditRow.precedes(a.row, b.row)
                || !CreditRow.precedes(b.row, a.row) && (a.adjustmentID ?? "") < (b.adjustmentID ?? "")
        }
    }

    private static func difference(of amounts: [Int64], and held: Int64) throws(AttributionError) -> Int64 {
        var (sum, overflow) = (Int64(0), false)
        for amount in amounts where !overflow { (sum, overflow) = sum.addingReportingOverflow(amount) }
        if !overflow { (sum, overflow) = sum.subtractingReportingOverflow(held) }
        guard !overflow else {
            throw AttributionError(
                code: "amount_too_large", message: "an order's credits do not fit 64 bits; correct its amounts")
        }
        return sum
    }

    /// The contest that a key belongs to, for naming the winner.
    private struct NetKeyLine: Hashable {
        var orderID: AttributionID
        var lineNumber: Int64
        var policy: String

        init(_ key: NetKey) {
            orderID = key.orderID
            lineNumber = key.lineNumber
            policy = key.policy
        }
    }

    private static func adjustmentID(of cause: CreditRow.Cause) -> String? {
        if case .adjustment(let id) = cause { AttributionWorld.unscoped(id) } else { nil }
    }

    private static func heldParts(
        of keys: [OrderKey], on connection: isolated PostgresConnection
    ) throws -> [Part: Held] {
        let rows = try connection.query(
            """
            select c.storefront_id, c.order_id, c.line_no, c.policy, c.advertiser_id, c.campaign_id, c.line_item_id,
                c.touch_id, c.interaction, c.level, c.adjustment_id, sum(c.units)::int8, sum(c.amount_micros)::int8,
                min(c.ordered_at), min(c.touched_at)
            from unnest($1::int4[], $2::text[]) as t (s, i)
            join credit c on c.storefront_id = t.s and c.order_id = t.i
            group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
            having sum(c.units) <> 0 or sum(c.amount_micros) <> 0
            """, [.int4Array(keys.map(\.storefrontID)), .textArray(keys.map(\.orderID))])
        var result: [Part: Held] = [:]
        for row in rows {
            let orderedAt = Timestamp(micros: try row.micros(13))
            let touchedAt = Timestamp(micros: try row.micros(14))
            let sum = CreditRow(
                orderID: AttributionWorld.scoped(try row.int32(0), try row.string(1)),
                lineNumber: Int64(try row.int32(2)), policy: try row.string(3),
                advertiserID: AttributionID(try row.int32(4)), campaignID: AttributionID(try row.int32(5)),
                lineItemID: AttributionID(try row.int32(6)), touchID: AttributionID(try row.string(7)),
                interaction: Interaction(rawValue: try row.string(8)) ?? .view,
                level: MatchLevel(rawValue: try row.string(9)) ?? .order, kind: .credit, units: try row.int64(11),
                amountMicros: try row.int64(12), orderedAt: orderedAt, touchedAt: touchedAt, cause: .order,
                causeAt: orderedAt)
            result[Part(key: sum.netKey, adjustmentID: try row.stringIfPresent(10))] = Held(
                units: sum.units, amountMicros: sum.amountMicros, orderedAt: orderedAt, touchedAt: touchedAt)
        }
        return result
    }

    /// Rule 21 tells each row's month; a published month never gets another row.
    private static func append(
        _ rows: [NewRow], world: AttributionWorld, zone: AccountingZone, now: Timestamp,
        on connection: isolated PostgresConnection
    ) throws {
        guard !rows.isEmpty else { return }
        let today = zone.day(of: now)
        let channels = Dictionary(
            world.lines.map { ($0.orderID, $0.channel) }, uniquingKeysWith: { first, _ in first })
        let published = try Publications.months(on: connection)
        try connection.copyStaged(
            "credit",
            [
                "storefront_id", "order_id", "line_no", "policy", "advertiser_id", "campaign_id", "line_item_id",
                "touch_id", "interaction", "level", "kind", "units", "amount_micros", "ordered_at", "touched_at",
                "adjustment_id", "cause", "cause_at", "posting_month", "recorded_at", "channel",
            ]
        ) { writer in
            for new in rows {
                let row = new.row
                guard let key = world.orders[row.orderID] else { continue }
                let month = PostingMonth.first(
                    cause: zone.day(of: row.causeAt), recorded: today, isPublished: published.contains)
                try writer.row(
                    .int4(key.storefrontID), .text(key.orderID), .int4(Int32(row.lineNumber)), .text(row.policy),
                    .int4(Int32(row.advertiserID.text) ?? 0), .int4(Int32(row.campaignID.text) ?? 0),
                    .int4(Int32(row.lineItemID.text) ?? 0), .text(row.touchID.text), .text(row.interaction.rawValue),
                    .text(row.level.rawValue), .text(row.kind.rawValue), .int4(Int32(row.units)),
                    .int8(row.amountMicros), .timestamptz(micros: row.orderedAt.micros),
                    .timestamptz(micros: row.touchedAt.micros), new.adjustmentID.map(PostgresValue.text) ?? .null,
                    .text(new.causeText), .timestamptz(micros: row.causeAt.micros), .date(days: month.number),
                    .timestamptz(micros: now.micros), .text((channels[row.orderID] ?? .online).rawValue))
            }
        }
    }
}
