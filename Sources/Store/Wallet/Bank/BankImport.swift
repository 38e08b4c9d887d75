import AdModel
import ORD
import Postgres

/// What an import makes of a file: row by row before anything is written, then all of it or nothing.
public struct BankImport: Sendable {
    /// What becomes of one payment.
    public enum Outcome: String, CaseIterable, Sendable {
        /// The wallet of an advertiser gets it.
        case matched
        /// A person has to say whose it is.
        case unmatched
        /// An earlier file has brought it.
        case repeated
        /// Not paid to the retailer.
        case skipped
    }

    /// One payment of the file.
    public struct Row: Equatable, Sendable {
        public var document: BankDocument
        public var outcome: Outcome
        /// How the advertiser was found, or why not.
        public var match: String?
        public var advertiserID: Int32?
        /// Public id.
        public var advertiser: String?
        var contractID: Int32?
        public var rate: VATRate?
        /// What the wallet gets, and the VAT.
        public var parts: WalletVAT.Parts?
    }

    public var format: BankFile.Format
    public var rows: [Row]

    public func count(_ outcome: Outcome) -> Int { rows.count { $0.outcome == outcome } }

    /// Decides about every payment; writes nothing.
    /// - Throws: `Refusal` when a payment that an earlier file has brought now has another sum, with the field.
    public static func plan(_ file: BankFile, on db: isolated PostgresConnection) throws -> BankImport {
        let matcher = try BankMatcher(on: db)
        let names = try names(on: db)
        var known = try known(file.documents, on: db)
        var problems: [Refusal.FieldProblem] = []
        var rows: [Row] = []
        for document in file.documents {
            var row = Row(document: document, outcome: .skipped)
            defer { rows.append(row) }
            // Files of an account hold what was paid from it as well.
            if let own = matcher.ownINN, !own.isEmpty {
                if !document.recipientINN.isEmpty, document.recipientINN != own { continue }
                if document.payerINN == own { continue }
            }
            let key = Key(document)
            if let amount = known[key] {
                row.outcome = .repeated
                if amount != document.amount.kopecks, problems.count < BankFile.problemLimit {
                    problems.append(
                        Refusal.FieldProblem(
                            field: "documents[\(document.index)].amount", code: "reference_conflict",
                            detail: "Line \(document.line): payment \(document.number) of \(document.date) is known "
                                + "with the sum \(KopeckAmount(kopecks: amount))."))
                }
                continue
            }
            known[key] = document.amount.kopecks
            let result = matcher.find(document)
            row.match = result.match.rawValue
            row.outcome = .unmatched
            guard let advertiser = result.advertiserID, let rate = result.rate else { continue }
            row.outcome = .matched
            row.advertiserID = advertiser
            row.advertiser = names[advertiser]
            row.contractID = result.contractID
            row.rate = rate
            row.parts = WalletVAT.splitting(paid: document.amount, at: rate)
        }
        if let first = problems.first {
            throw Refusal(.referenceConflict, field: first.field, first.detail, fields: problems)
        }
        return BankImport(format: file.format, rows: rows)
    }

    /// Writes a plan in the transaction that made it.
    /// - Returns: the public id of the import; nil when nothing was new.
    public func apply(actor: String, now: Timestamp, on db: isolated PostgresConnection) throws -> String? {
        guard count(.matched) + count(.unmatched) > 0 else { return nil }
        let code = Code.make("bst")
        let statement = try db.query(
            """
            insert into bank_statement (code, format, imported_at, actor, documents, matched, unmatched, repeated, skipped)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning id
            """,
            [
                .text(code), .text(format.rawValue), .timestamptz(micros: now.micros), .text(actor), .int(rows.count),
                .int(count(.matched)), .int(count(.unmatched)), .int(count(.repeated)), .int(count(.skipped)),
            ]
        ).single().int64("id")
        for row in rows where row.outcome == .matched || row.outcome == .unmatched {
            var entry: Int64?
            if let advertiser = row.advertiserID, let parts = row.parts {
                entry = try BankPayments.topUp(
                    row.document, advertiser: advertiser, contract: row.contractID, parts: parts, rate: row.rate,
                    actor: actor, now: now, on: db)
            }
            try db.query(
                """
                insert into bank_payment (code, bank_statement_id, document, number, paid_on, payer_inn, payer_name,
                    amount_kopecks, purpose, state, match, advertiser_id, wallet_entry_id)
                values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
                """,
                [
                    .text(Code.make("pay")), .int8(statement), .int(row.document.index), .text(row.document.number),
                    .date(days: row.document.date.number), .text(row.document.payerINN),
                    .text(row.document.payerName), .int8(row.document.amount.kopecks), .text(row.document.purpose),
                    .text(row.outcome.rawValue), .text(row.match ?? ""), .int4(orNull: row.advertiserID),
                    .int8(orNull: entry),
                ])
        }
        return code
    }

    /// What makes a payment the same one.
    private struct Key: Hashable {
        var inn: String
        var number: String
        var day: Int32

        init(_ document: BankDocument) {
            self.init(inn: document.payerINN, number: document.number, day: document.date.number)
        }

        init(inn: String, number: String, day: Int32) {
            self.inn = inn
            self.number = number
            self.day = day
        }
    }

    private static func known(
        _ documents: [BankDocument], on db: isolated PostgresConnection
    ) throws -> [Key: Int64] {
        // One import at a time: two of the same file must not both find nothing.
        try db.query("select pg_advisory_xact_lock(hashtext('nimb bank statement'))")
        let rows = try db.query(
            """
            select payer_inn, number, paid_on, amount_kopecks from bank_payment
            where (payer_inn, number, paid_on) in (
                select i, n, date '1970-01-01' + d from unnest($1::text[], $2::text[], $3::int4[]) t (i, n, d))
            """,
            [
                .textArray(documents.map(\.payerINN)), .textArray(documents.map(\.number)),
                .int4Array(documents.map(\.date.number)),
            ])
        var known: [Key: Int64] = [:]
        for row in rows {
            let key = Key(
                inn: try row.string("payer_inn"), number: try row.string("number"), day: try row.days("paid_on"))
            known[key] = try row.int64("amount_kopecks")
        }
        return known
    }

    private static func names(on db: isolated PostgresConnection) throws -> [Int32: String] {
        var names: [Int32: String] = [:]
        for row in try db.query("select id, code from advertiser") {
            names[try row.int32("id")] = try row.string("code")
        }
        return names
    }
}
