import AdModel
import Billing
import Postgres

/// The retailer whose installation this is.
public struct Retailer: Equatable, Sendable {
    public var code: String
    public var revision: Int64
    public var fields: RetailerFields
}

/// What may be set of the retailer.
public struct RetailerFields: Equatable, Sendable {
    public var name: String
    /// Public id of the legal person behind him.
    public var counterparty: String
    /// IANA name of the zone of budget days, statements and acts.
    public var accountingZone: String
    /// How long after its decision an impression may be billed, seconds.
    public var impressionDeadline: Int64
    /// The same for a click.
    public var clickDeadline: Int64
    /// Age at which stock is no longer believed, seconds.
    public var stockMaxAge: Int64

    public init(
        name: String, counterparty: String, accountingZone: String = "Europe/Moscow",
        impressionDeadline: Int64 = 3_600, clickDeadline: Int64 = 86_400, stockMaxAge: Int64 = 86_400
    ) {
        self.name = name
        self.counterparty = counterparty
        self.accountingZone = accountingZone
        self.impressionDeadline = impressionDeadline
        self.clickDeadline = clickDeadline
        self.stockMaxAge = stockMaxAge
    }
}

/// Settings of the installation.
public enum RetailerStore {
    /// Seconds after which nothing is billed any more, whatever is set.
    public static let deadlines: ClosedRange<Int64> = 60...604_800
    /// Seconds.
    public static let stockAges: ClosedRange<Int64> = 60...315_360_000

    /// - Throws: `Refusal.notFound` when the installation has not been set up.
    public static func get(forUpdate: Bool = false, on db: isolated PostgresConnection) throws -> Retailer {
        guard
            let row = try db.query(
                """
                select r.code, r.name, p.code as counterparty, r.accounting_zone, r.revision,
                    extract(epoch from r.billing_deadline_impression)::bigint as impression,
                    extract(epoch from r.billing_deadline_click)::bigint as click,
                    extract(epoch from r.stock_max_age)::bigint as stock
                from retailer r join counterparty p on p.id = r.counterparty_id
                \(forUpdate ? "for update of r" : "")
                """
            ).first
        else { throw Refusal.notFound }
        return Retailer(
            code: try row.string("code"), revision: try row.int64("revision"),
            fields: RetailerFields(
                name: try row.string("name"), counterparty: try row.string("counterparty"),
                accountingZone: try row.string("accounting_zone"), impressionDeadline: try row.int64("impression"),
                clickDeadline: try row.int64("click"), stockMaxAge: try row.int64("stock")))
    }

    /// Sets a new installation up.
    /// - Throws: `Refusal` when it is set up already.
    public static func create(
        code: String, _ fields: RetailerFields, on db: isolated PostgresConnection
    ) throws -> Retailer {
        try check(fields)
        let rows = try db.query(
            """
            insert into retailer (code, name, counterparty_id, accounting_zone, billing_deadline_impression,
                billing_deadline_click, stock_max_age)
            values ($7, $1, $2, $3, make_interval(secs => $4::bigint), make_interval(secs => $5::bigint),
                make_interval(secs => $6::bigint))
            on conflict (id) do nothing returning id
            """, try values(fields, on: db) + [.text(code)])
        guard !rows.isEmpty else { throw Refusal(.conflict, "The retailer is set up already: change it instead.") }
        return try get(on: db)
    }

    /// Changes the settings.
    /// - Throws: `Refusal` when the zone would change although something was charged in it.
    public static func update(
        _ retailer: Retailer, _ fields: RetailerFields, on db: isolated PostgresConnection
    ) throws -> Retailer {
        try check(fields)
        if fields.accountingZone != retailer.fields.accountingZone {
            // Waits for charges in flight, and lets none begin until the change is there.
            try db.query("select 1 from advertiser_spend order by advertiser_id for update")
            if try db.query("select exists (select 1 from charge) as charged").single().bool("charged") {
                throw Refusal(
                    .invalidState, field: "accounting_zone",
                    "Charges are booked on days of \(retailer.fields.accountingZone); the zone stays.")
            }
        }
        try db.query(
            """
            update retailer set name = $1, counterparty_id = $2, accounting_zone = $3,
                billing_deadline_impression = make_interval(secs => $4::bigint),
                billing_deadline_click = make_interval(secs => $5::bigint),
                stock_max_age = make_interval(secs => $6::bigint), revision = revision + 1
            """, try values(fields, on: db))
        return try get(on: db)
    }

    /// The zone of budget days, statements and acts.
    public static func zone(on db: isolated PostgresConnection) throws -> AccountingZone {
        let name = try db.query("select accounting_zone from retailer").first?.string("accounting_zone")
        guard let zone = AccountingZone(name ?? "Europe/Moscow") else {
            throw PostgresError(.decoding, "the accounting zone is not known")
        }
        return zone
    }

    /// The accounting day of an instant.
    public static func today(_ now: Timestamp, on db: isolated PostgresConnection) throws -> Day {
        try zone(on: db).day(of: now)
    }

    private static func check(_ fields: RetailerFields) throws {
        guard AccountingZone(fields.accountingZone) != nil else {
            throw Refusal.field("accounting_zone", "not_allowed", "An IANA name such as Europe/Moscow is expected.")
        }
    }

    private static func values(
        _ fields: RetailerFields, on db: isolated PostgresConnection
    ) throws -> [PostgresValue] {
        [
            .text(fields.name), .int4(try AdvertiserStore.counterparty(fields.counterparty, on: db)),
            .text(fields.accountingZone), .int8(fields.impressionDeadline), .int8(fields.clickDeadline),
            .int8(fields.stockMaxAge),
        ]
    }
}
