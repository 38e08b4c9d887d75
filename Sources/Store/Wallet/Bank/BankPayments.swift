import AdModel
import ORD
import Postgres

/// A payment that a file of the bank has brought.
public struct BankPayment: Equatable, Sendable {
    public var id: Int64
    public var code: String
    public var revision: Int64
    /// Public id of the import.
    public var statement: String
    public var document: BankDocument
    /// `matched`, `unmatched`, `dismissed`.
    public var state: String
    /// How the advertiser was found, or why not.
    public var match: String
    /// Public ids.
    public var advertiser: String?
    public var walletEntry: String?
}

/// Payments of the bank that were imported, and what people decide about those nobody could match.
public enum BankPayments {
    public static let states = ["matched", "unmatched", "dismissed"]

    /// Books a payment in a wallet. Its reference is the bank's number with payer and day.
    static func topUp(
        _ document: BankDocument, advertiser: Int32, contract: Int32?, parts: WalletVAT.Parts, rate: VATRate?,
        actor: String, now: Timestamp, on db: isolated PostgresConnection
    ) throws -> Int64 {
        try WalletStore.record(
            WalletMovement(
                kind: .topUp, amount: parts.net.micros,
                reference: "bank:\(document.payerINN):\(document.date):\(document.number)",
                reason: "Bank payment \(document.number) of \(document.date)", actor: actor, contractID: contract,
                paid: parts, rate: rate),
            advertiser: advertiser, now: now, on: db
        ).entry.id
    }

    /// Gives an unmatched payment to an advertiser.
    /// - Throws: `Refusal` when it is decided already or he has no contract on its day.
    public static func assign(
        _ payment: BankPayment, to advertiser: Advertiser, actor: String, now: Timestamp,
        on db: isolated PostgresConnection
    ) throws -> BankPayment {
        try requireOpen(payment)
        let result = try BankMatcher(on: db).with(advertiser.id, .person, payment.document)
        guard let rate = result.rate else {
            throw Refusal.field(
                "advertiser", "no_contract",
                "He has no contract on \(payment.document.date), so the VAT in the payment is not known.")
        }
        let entry = try topUp(
            payment.document, advertiser: advertiser.id, contract: result.contractID,
            parts: WalletVAT.splitting(paid: payment.document.amount, at: rate), rate: rate, actor: actor, now: now,
            on: db)
        try db.query(
            """
            update bank_payment set state = 'matched', match = 'person', advertiser_id = $2, wallet_entry_id = $3,
                revision = revision + 1
            where id = $1
            """, [.int8(payment.id), .int4(advertiser.id), .int8(entry)])
        return try get(payment.code, on: db)
    }

    /// Puts an unmatched payment aside: it is no advertiser's.
    public static func dismiss(_ payment: BankPayment, on db: isolated PostgresConnection) throws -> BankPayment {
        try requireOpen(payment)
        try db.query(
            "update bank_payment set state = 'dismissed', revision = revision + 1 where id = $1", [.int8(payment.id)])
        return try get(payment.code, on: db)
    }

    private static func requireOpen(_ payment: BankPayment) throws {
        guard payment.state == "unmatched" else {
            throw Refusal(.invalidState, field: "state", "The payment is \(payment.state) already.")
        }
    }

    public static func get(
        _ code: String, forUpdate: Bool = false, on db: isolated PostgresConnection
    ) throws -> BankPayment {
        guard
            let row = try db.query(
                "\(columns) where b.code = $1\(forUpdate ? " for update of b" : "")", [.text(code)]
            ).first
        else { throw Refusal.notFound }
        return try payment(row)
    }

    /// Oldest first.
    public static func list(
        state: String?, statement: String?, after: Int64, limit: Int64, on db: isolated PostgresConnection
    ) throws -> [BankPayment] {
        try db.query(
            """
            \(columns) where b.id > $1 and ($2::text is null or b.state = $2) and ($3::text is null or s.code = $3)
            order by b.id limit $4
            """, [.int8(after), .text(orNull: state), .text(orNull: statement), .int8(limit)]
        ).map(payment)
    }

    private static let columns = """
        select b.id, b.code, b.revision, s.code as statement, b.document, b.number, b.paid_on, b.payer_inn,
            b.payer_name, b.amount_kopecks, b.purpose, b.state, b.match, a.code as advertiser, e.code as entry
        from bank_payment b join bank_statement s on s.id = b.bank_statement_id
        left join advertiser a on a.id = b.advertiser_id left join wallet_entry e on e.id = b.wallet_entry_id
        """

    private static func payment(_ row: PostgresRow) throws -> BankPayment {
        BankPayment(
            id: try row.int64("id"), code: try row.string("code"), revision: try row.int64("revision"),
            statement: try row.string("statement"),
            document: BankDocument(
                index: try row.int("document"), line: 0, number: try row.string("number"),
                date: Day(number: try row.days("paid_on")),
                amount: KopeckAmount(kopecks: try row.int64("amount_kopecks")), payerINN: try row.string("payer_inn"),
                payerName: try row.string("payer_name"), recipientINN: "", purpose: try row.string("purpose")),
            state: try row.string("state"), match: try row.string("match"),
            advertiser: try row.stringIfPresent("advertiser"), walletEntry: try row.stringIfPresent("entry"))
    }
}
