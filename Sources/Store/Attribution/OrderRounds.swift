import AdModel
import Billing
import Postgres

/// Orders of some days, in rounds that fit in memory whatever their number.
///
/// Attribution decides each order from the touches of its own persons, so orders can be done in any number of rounds.
/// They come by the bytes of `<storefront>/<order>`, which is how the engine knows them: what the rounds say one after
/// the other is what one pass over everything would say.
public enum OrderRounds {
    /// Orders of a round; the digest of inputs is over rounds of this size.
    public static let size = 2_000

    /// Which orders.
    public struct Range: Equatable, Sendable {
        /// Accounting days of the orders, both included.
        public var from: Day
        public var to: Day
        /// nil = every storefront.
        public var storefrontID: Int32?

        public init(from: Day, to: Day, storefrontID: Int32? = nil) {
            self.from = from
            self.to = to
            self.storefrontID = storefrontID
        }

        /// The month that begins with this day.
        public init(month: Day) {
            let next = month + 31
            self.init(from: month, to: next + (1 - next.civil.day) + -1)
        }
    }

    /// Calls the body with the keys of each round; there is a transaction open.
    static func forEach(
        _ range: Range, zone: AccountingZone, on connection: isolated PostgresConnection,
        _ body: ([OrderKey]) throws -> Void
    ) throws {
        let from = zone.start(of: range.from).micros
        let to = zone.start(of: range.to + 1).micros
        // A cursor takes no parameters; these are numbers.
        let storefront = range.storefrontID.map { "and storefront_id = \($0)" } ?? ""
        try connection.script(
            """
            declare nimb_orders no scroll cursor for
            select storefront_id, order_id from customer_order
            where ordered_at >= timestamptz 'epoch' + \(from) * interval '1 microsecond'
                and ordered_at < timestamptz 'epoch' + \(to) * interval '1 microsecond' \(storefront)
            order by (storefront_id::text || '/' || order_id) collate "C"
            """)
        while true {
            let rows = try connection.query("fetch forward \(size) from nimb_orders")
            guard !rows.isEmpty else { break }
            try body(rows.map { OrderKey(storefrontID: try $0.int32(0), orderID: try $0.string(1)) })
            if rows.count < size { break }
        }
        try connection.script("close nimb_orders")
    }
}
