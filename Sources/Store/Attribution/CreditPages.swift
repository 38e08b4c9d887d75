import AdModel
import Attribution
import Billing
import Postgres

/// Pages the credit ledger, oldest rows first.
public enum CreditPages {
    /// Which rows.
    public struct Filter: Sendable {
        public var advertiser: String?
        public var campaign: String?
        /// The id that the viewer knows the order by, found already.
        public var order: OrderKey?
        public var policy: String?
        /// First day of the posting month.
        public var postingMonth: Day?
        /// Accounting days of the orders, both included.
        public var from: Day?
        public var to: Day?

        public init() {}
    }

    /// One row.
    public struct Row: Sendable {
        public var id: Int64
        public var storefront: String
        /// The shop's id, or the blinded one.
        public var orderID: String
        public var lineNumber: Int32
        public var advertiser: String
        public var campaign: String
        public var lineItem: String
        public var posting: OrderExplanation.Posting
        /// `click` or `view`.
        public var interaction: String
        public var orderedAt: Timestamp
        public var touchedAt: Timestamp
        /// The shop's id of the adjustment whose movement the row books; nil for an advertiser.
        public var adjustment: String?
    }

    /// Rows after an id, at most `limit`, in the viewer's transaction: row level security keeps other tenants out.
    public static func read(
        _ filter: Filter, viewer: LedgerViewer, after: Int64, limit: Int, on connection: isolated PostgresConnection
    ) throws -> [Row] {
        let zone = try InstallationZone.read(on: connection)
        let rows = try connection.query(
            """
            select c.id, c.storefront_id, s.code as storefront, c.order_id, c.line_no, c.policy, c.advertiser_id,
                a.code as advertiser, k.code as campaign, l.code as line_item, c.touch_id, c.interaction, c.level, c.kind,
                c.units, c.amount_micros, c.ordered_at, c.touched_at, c.adjustment_id, c.cause, c.cause_at,
                c.posting_month, c.recorded_at
            from credit c join storefront s on s.id = c.storefront_id join advertiser a on a.id = c.advertiser_id
            join campaign k on k.id = c.campaign_id join line_item l on l.id = c.line_item_id
            where c.id > $1 and ($3::text is null or a.code = $3) and ($4::text is null or k.code = $4)
                and ($5::int4 is null or c.storefront_id = $5 and c.order_id = $6) and ($7::text is null or c.policy = $7)
                and ($8::date is null or c.posting_month = $8) and ($9::timestamptz is null or c.ordered_at >= $9)
                and ($10::timestamptz is null or c.ordered_at < $10)
            order by c.id limit $2
            """,
            [
                .int8(after), .int(limit), .text(orNull: filter.advertiser), .text(orNull: filter.campaign),
                .int4(orNull: filter.order?.storefrontID), .text(orNull: filter.order?.orderID),
                .text(orNull: filter.policy), .date(orNull: filter.postingMonth?.number),
                .timestamptz(orNull: filter.from.map { zone.start(of: $0).micros }),
                .timestamptz(orNull: filter.to.map { zone.start(of: $0 + 1).micros }),
            ])
        let view = try CauseView(rows.map { CreditCause(text: try $0.string("cause")) }, viewer, connection)
        let blindings = try view.blindings(of: rows.map { try $0.int32("advertiser_id") }, connection)
        return try rows.map { row in
            let key = OrderKey(storefrontID: try row.int32("storefront_id"), orderID: try row.string("order_id"))
            let orderedAt = Timestamp(micros: try row.micros("ordered_at"))
            let advertiserID = try row.int32("advertiser_id")
            return Row(
                id: try row.int64("id"), storefront: try row.string("storefront"),
                orderID: viewer == .retailer ? key.orderID : blindings[advertiserID]?.order(key, at: orderedAt) ?? "",
                lineNumber: try row.int32("line_no"), advertiser: try row.string("advertiser"),
                campaign: try row.string("campaign"), lineItem: try row.string("line_item"),
                posting: OrderExplanation.Posting(
                    id: try row.int64("id"), policy: try row.string("policy"), campaign: try row.string("campaign"),
                    touch: try row.string("touch_id"), level: try row.string("level"), kind: try row.string("kind"),
                    units: Int64(try row.int32("units")), amountMicros: try row.int64("amount_micros"),
                    cause: view.told(CreditCause(text: try row.string("cause"))),
                    causeAt: Timestamp(micros: try row.micros("cause_at")),
                    postingMonth: Day(number: try row.days("posting_month")),
                    recordedAt: Timestamp(micros: try row.micros("recorded_at"))),
                interaction: try row.string("interaction"), orderedAt: orderedAt,
                touchedAt: Timestamp(micros: try row.micros("touched_at")),
                adjustment: viewer == .retailer ? try row.stringIfPresent("adjustment_id") : nil)
        }
    }
}

/// What a viewer may know of the causes of some rows.
struct CauseView {
    private let viewer: LedgerViewer
    private let own: Set<String>

    /// Looks up, in the viewer's transaction, which of the touches named are his.
    init(
        _ causes: [CreditCause], _ viewer: LedgerViewer, _ connection: isolated PostgresConnection
    ) throws {
        self.viewer = viewer
        guard viewer != .retailer else {
            own = []
            return
        }
        let touches = Set(causes.filter { $0.kind != .adjustment }.compactMap(\.reference)).sorted()
        own = Set(
            try connection.query(
                "select touch_id from touch where touch_id = any($1::text[])", [.textArray(touches)]
            ).map { try $0.string(0) })
    }

    func told(_ cause: CreditCause) -> CreditCause {
        viewer == .retailer ? cause : cause.blinded(ownTouches: own)
    }

    /// Keys of the advertisers, for a viewer who needs them.
    func blindings(
        of advertisers: [Int32], _ connection: isolated PostgresConnection
    ) throws -> [Int32: Blinding] {
        if viewer == .retailer { return [:] }
        return try viewer.seeingAll(on: connection) { try Blinding.load(advertisers, on: connection) }
    }
}
