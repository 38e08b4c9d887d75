import AdModel
import ORD
import Postgres

/// An invoice for a top-up, as it was given to the payer.
public struct TopUpInvoiceRecord: Equatable, Sendable {
    /// Both sides and the contract as they were on the day.
    public struct Parties: Codable, Equatable, Sendable {
        public var seller: Person
        public var sellerDetails: PartyDetails
        public var buyer: Person
        public var buyerDetails: PartyDetails
        public var contract: Contract
    }

    public var id: Int64
    public var code: String
    /// Code of the advertiser.
    public var advertiser: String
    /// Code of the contract.
    public var contract: String
    /// `СЧ-2026/0001`; a payment whose purpose names it is his.
    public var serial: String
    public var date: Day
    public var payBy: Day?
    /// What the wallet will hold, the VAT on it, and what is to be paid.
    public var amount: TaxedAmount<KopeckAmount>
    public var parties: Parties
    public var actor: String
    public var recordedAt: Timestamp
}

/// Invoices for top-ups: numbered per seller and year without gaps, and never changed.
public enum TopUpInvoices {
    /// What stands before the year in their numbers.
    public static let prefix = "СЧ"
    /// Days until an invoice is to be paid, unless said otherwise.
    public static let daysToPay = 10
    /// Invoices of one advertiser in a day.
    public static let dayLimit = 100

    /// Makes an invoice over `net` under a contract that is in force today, the advertiser's only one unless named.
    ///
    /// The number is given over all advertisers, so from there on the transaction is the retailer's.
    /// - Parameter payBy: not before today.
    /// - Throws: `Refusal` when there is no such contract, the sum is not above zero, or the day has passed.
    public static func create(
        advertiser: Int32, contract code: String?, net: KopeckAmount, payBy: Day?, actor: String, now: Timestamp,
        on db: isolated PostgresConnection
    ) throws -> TopUpInvoiceRecord {
        let today = try RetailerStore.today(now, on: db)
        let contract = try contract(code, of: advertiser, on: today, db: db)
        guard net > .zero else {
            throw Refusal.field("amount_micros", "out_of_range", "An invoice is for more than nothing.")
        }
        if let payBy, payBy < today { throw Refusal.field("pay_by", "out_of_range", "The day has passed.") }
        try TenantScope.retailer.enter(on: db)
        guard let seller = try Counterparties.find(contract.contractor, on: db),
            let buyer = try Counterparties.find(contract.client, on: db)
        else { throw Refusal.unknownReference("contract", contract.code) }
        let terms = ContractVAT.terms(contract, try ContractVAT.history(of: contract.id, on: db))
        let rate = terms.rate(on: today)
        let parties = TopUpInvoiceRecord.Parties(
            seller: seller.person, sellerDetails: seller.details, buyer: buyer.person, buyerDetails: buyer.details,
            contract: terms)
        try db.query("select pg_advisory_xact_lock(hashtext('nimb invoice ' || $1))", [.text(seller.code)])
        let year = Int32(today.civil.year)
        let number = try db.query(
            """
            select coalesce(max(number), 0) + 1 as n from top_up_invoice
            where seller_counterparty_id = $1 and year = $2
            """, [.int4(seller.id), .int4(year)]
        ).single().int32("n")
        let madeToday = try db.query(
            "select count(*) as n from top_up_invoice where advertiser_id = $1 and invoiced_on = $2",
            [.int4(advertiser), .date(days: today.number)]
        ).single().int64("n")
        guard madeToday < dayLimit else {
            throw Refusal(.limitReached, "There are \(dayLimit) invoices of today already; use one of them.")
        }
        let digits = String(number)
        let serial = "\(prefix)-\(year)/" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
        let made = Code.make("inv")
        try db.query(
            """
            insert into top_up_invoice (code, advertiser_id, contract_id, seller_counterparty_id, year, number, serial,
                invoiced_on, pay_by, net_kopecks, vat_rate, vat_kopecks, parties, actor, recorded_at)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
            """,
            [
                .text(made), .int4(advertiser), .int4(contract.id), .int4(seller.id), .int4(year), .int4(number),
                .text(serial), .date(days: today.number), .date(days: (payBy ?? today + daysToPay).number),
                .int8(net.kopecks), .text(rate.rawValue), .int8(VAT.amount(of: net, at: rate).kopecks),
                .jsonb(try FrozenJSON.encode(parties)), .text(actor), .timestamptz(micros: now.micros),
            ])
        return try find(made, advertiser: advertiser, on: db)
    }

    /// The contract that is invoiced.
    private static func contract(
        _ code: String?, of advertiser: Int32, on today: Day, db: isolated PostgresConnection
    ) throws -> AdvertisingContract {
        if let code {
            guard let contract = try AdvertisingContracts.find(code, on: db), contract.advertiserID == advertiser,
                contract.kind != "mediation", !contract.isSelfPromotion
            else { throw Refusal.unknownReference("contract", code) }
            guard contract.isInForce(on: today) else {
                throw Refusal.field("contract", "not_in_force", "The contract is not in force today.")
            }
            return contract
        }
        let rows = try db.query(
            """
            select code from contract where advertiser_id = $1 and kind <> 'mediation'
                and client_counterparty_id <> contractor_counterparty_id
                and signed_on <= $2 and coalesce(ends_on, 'infinity') >= $2 limit 2
            """, [.int4(advertiser), .date(days: today.number)])
        guard rows.count == 1, let contract = try AdvertisingContracts.find(try rows[0].string("code"), on: db) else {
            throw Refusal.field(
                "contract", "required",
                rows.isEmpty ? "There is no contract in force." : "There are several contracts in force; name one.")
        }
        return contract
    }

    /// One invoice of an advertiser; `not_found` when there is none.
    public static func find(
        _ code: String, advertiser: Int32, on db: isolated PostgresConnection
    ) throws -> TopUpInvoiceRecord {
        let row = try db.query(
            "\(columns) where i.code = $1 and i.advertiser_id = $2", [.text(code), .int4(advertiser)]
        ).first
        guard let row else { throw Refusal.notFound }
        return try read(row)
    }

    /// Invoices of an advertiser in the order in which they were made, after `after`.
    public static func list(
        advertiser: Int32, after: Int64, limit: Int64, on db: isolated PostgresConnection
    ) throws -> [TopUpInvoiceRecord] {
        try db.query(
            "\(columns) where i.advertiser_id = $1 and i.id > $2 order by i.id limit $3",
            [.int4(advertiser), .int8(after), .int8(limit)]
        ).map(read)
    }

    private static let columns = """
        select i.*, a.code as advertiser, c.code as contract from top_up_invoice i
        join advertiser a on a.id = i.advertiser_id join contract c on c.id = i.contract_id
        """

    private static func read(_ row: PostgresRow) throws -> TopUpInvoiceRecord {
        TopUpInvoiceRecord(
            id: try row.int64("id"), code: try row.string("code"), advertiser: try row.string("advertiser"),
            contract: try row.string("contract"), serial: try row.string("serial"),
            date: Day(number: try row.days("invoiced_on")),
            payBy: try row.daysIfPresent("pay_by").map(Day.init(number:)),
            amount: TaxedAmount(
                excludingVAT: KopeckAmount(kopecks: try row.int64("net_kopecks")),
                rate: VATRate(rawValue: try row.string("vat_rate")) ?? .twentyTwo,
                vat: KopeckAmount(kopecks: try row.int64("vat_kopecks"))),
            parties: try FrozenJSON.decode(TopUpInvoiceRecord.Parties.self, try row.string("parties")),
            actor: try row.string("actor"), recordedAt: Timestamp(micros: try row.micros("recorded_at")))
    }
}
