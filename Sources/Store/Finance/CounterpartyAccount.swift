import AdModel
import Billing
import ORD
import Postgres

/// What went between the retailer and an advertiser on paper: payments as the bank or the wallet has them, acts of
/// frozen months. All with VAT, so that both sides' books can be compared; the wallet, which counts each charge as it
/// comes, is another thing.
public struct CounterpartyAccount: Hashable, Sendable {
    /// Before the first day: above zero, the advertiser has paid ahead.
    public var opening: KopeckAmount
    /// In order of day.
    public var entries: [SettlementEntry]

    public var closing: KopeckAmount { entries.reduce(opening) { $0 + $1.amount } }

    /// Documents of one account, all of its history.
    public static let entryLimit = 20_000

    /// Reads whole accounting days, both ends included.
    /// - Throws: `Refusal` when the range is empty or the account holds too many documents.
    public static func read(
        advertiser: Int32, from: Day, to: Day, zone: AccountingZone, on db: isolated PostgresConnection
    ) throws -> CounterpartyAccount {
        guard from <= to else { throw Refusal(.invalidParameter, field: "to", "Must not be before from.") }
        var entries = try payments(advertiser, until: zone.start(of: to + 1), zone, on: db)
        entries += try acts(advertiser, until: to, on: db)
        guard entries.count <= entryLimit else {
            throw Refusal(.rangeTooLong, field: "to", "More than \(entryLimit) documents: ask for an earlier day.")
        }
        // Payments of a day come before its acts, as they were read.
        let sorted = entries.enumerated().sorted { ($0.element.day, $0.offset) < ($1.element.day, $1.offset) }
            .map(\.element)
        return CounterpartyAccount(
            opening: sorted.prefix { $0.day < from }.reduce(.zero) { $0 + $1.amount },
            entries: Array(sorted.drop { $0.day < from }))
    }

    /// Whose papers they are: the parties of the contract in force on the day, of the one signed last otherwise; the
    /// advertiser's own and the retailer's counterparty where there is none.
    public static func sides(
        advertiser: Int32, on day: Day, db: isolated PostgresConnection
    ) throws -> (seller: Counterparty, buyer: Counterparty) {
        let row = try db.query(
            """
            select seller.code as seller, buyer.code as buyer from advertiser a cross join retailer r
            left join lateral (
                select client_counterparty_id as buyer, contractor_counterparty_id as seller from contract c
                where c.advertiser_id = a.id and c.kind <> 'mediation'
                    and c.client_counterparty_id <> c.contractor_counterparty_id
                order by (c.signed_on <= $2 and coalesce(c.ends_on, 'infinity') >= $2) desc, c.signed_on desc, c.id desc
                limit 1) k on true
            join counterparty seller on seller.id = coalesce(k.seller, r.counterparty_id)
            join counterparty buyer on buyer.id = coalesce(k.buyer, a.counterparty_id)
            where a.id = $1
            """, [.int4(advertiser), .date(days: day.number)]
        ).first
        guard let row, let seller = try Counterparties.find(try row.string("seller"), on: db),
            let buyer = try Counterparties.find(try row.string("buyer"), on: db)
        else { throw Refusal.notFound }
        return (seller, buyer)
    }

    private static func payments(
        _ advertiser: Int32, until: Timestamp, _ zone: AccountingZone, on db: isolated PostgresConnection
    ) throws -> [SettlementEntry] {
        let regimes = try ContractRegimes(advertiser: advertiser, on: db)
        return try db.query(
            """
            select e.kind, e.amount_micros, e.reference, e.recorded_at, e.paid_kopecks,
                coalesce(e.contract_id, k.contract_id) as contract_id
            from wallet_entry e left join campaign k on k.id = e.campaign_id
            where e.advertiser_id = $1 and e.recorded_at < $2 order by e.id limit \(entryLimit + 1)
            """, [.int4(advertiser), .timestamptz(micros: until.micros)]
        ).map { row in
            let day = zone.day(of: Timestamp(micros: try row.micros("recorded_at")))
            let reference = try row.string("reference")
            let kind = try row.string("kind")
            let amount: KopeckAmount
            if let paid = try row.int64IfPresent("paid_kopecks") {
                amount = KopeckAmount(kopecks: paid)
            } else {
                let net = Micros(try row.int64("amount_micros"))
                let rate = regimes.rate(contract: try row.int32IfPresent("contract_id"), on: day) ?? .withoutVAT
                amount = WalletVAT.adding(to: net, at: rate).gross
            }
            switch kind {
            case "top_up":
                return SettlementEntry(day: day, kind: .topUp, document: "Оплата \(reference)", amount: amount)
            case "withdrawal":
                return SettlementEntry(day: day, kind: .refund, document: "Возврат денег \(reference)", amount: amount)
            default:
                return SettlementEntry(day: day, kind: .refund, document: "Зачёт возврата \(reference)", amount: amount)
            }
        }
    }

    /// Acts of the newest frozen versions; an agent's report is the agent's paper.
    private static func acts(
        _ advertiser: Int32, until: Day, on db: isolated PostgresConnection
    ) throws -> [SettlementEntry] {
        try db.query(
            """
            select a.serial, a.act_date, (a.excluding_kopecks + a.vat_kopecks)::bigint as kopecks
            from month_act a
            join month_close m on m.month = a.month and m.version = a.version
            join contract c on c.id = a.contract_id
            where c.advertiser_id = $1 and c.kind <> 'mediation' and a.act_date <= $2
            order by a.act_date, a.act collate "C" limit \(entryLimit + 1)
            """, [.int4(advertiser), .date(days: until.number)]
        ).map { row in
            SettlementEntry(
                day: Day(number: try row.days("act_date")), kind: .act,
                document: "Акт № \(try row.string("serial"))",
                amount: .zero - KopeckAmount(kopecks: try row.int64("kopecks")))
        }
    }
}
