import AdModel
import ORD
import Postgres
import Store

/// Payments out of the bank's files, and what people decide about those nobody could match.
enum BankRoutes {
    static func add(to table: inout RouteTable) {
        table.post("/v1/bank-statements", .wallet, .treasurers) { call in try await take(call) }
        table.get("/v1/bank-payments", .wallet, .treasurers) { call in
            let query = try call.query()
            let state = try query.word("state", BankPayments.states)
            let statement = try query.text("bank_statement", limit: 64)
            let page = try query.page()
            try query.finish()
            return try await call.read { db in
                let rows = try BankPayments.list(
                    state: state, statement: statement, after: page.after, limit: page.fetchLimit, on: db)
                return .list(rows, call, page, id: { $0.id }) { payment(&$0, $1) }
            }
        }
        table.get("/v1/bank-payments/{id}", .wallet, .treasurers) { call in
            try call.requireNoQuery()
            return try await call.read { db in answer(try BankPayments.get(call.path("id"), on: db)) }
        }
        table.post("/v1/bank-payments/{id}/assign", .wallet, .treasurers) { call in
            try call.requireNoQuery()
            let body = try await call.body()
            let code = body.text("advertiser", limit: 64) ?? ""
            try body.finish()
            return try await decide(call, "assigned") { found, db in
                let advertiser: Advertiser
                do { advertiser = try AdvertiserStore.get(code, on: db) } catch is Refusal {
                    throw Refusal.unknownReference("advertiser", code)
                }
                return (
                    try BankPayments.assign(found, to: advertiser, actor: call.actor.name, now: call.now, on: db),
                    advertiser.id
                )
            }
        }
        table.post("/v1/bank-payments/{id}/dismiss", .wallet, .treasurers) { call in
            try call.requireNoQuery()
            return try await decide(call, "dismissed") { found, db in (try BankPayments.dismiss(found, on: db), nil) }
        }
    }

    private static func take(_ call: Call) async throws -> Answer {
        let query = try call.query()
        let isDry = try query.bool("dry_run") ?? false
        try query.finish()
        let type = call.header("content-type")?.lowercased() ?? ""
        guard ["text/plain", "text/csv", "application/octet-stream"].contains(where: type.hasPrefix) else {
            throw Refusal(.unsupportedMediaType, "Send the bank's file as text/plain, text/csv or bytes.")
        }
        let file: BankFile
        do { file = try BankFile.read(try await call.rawBody(limit: BankFile.sizeLimit)) } catch let error
            as BankFileError
        {
            let fields = error.problems.map {
                Refusal.FieldProblem(field: $0.field, code: $0.code, detail: $0.detail)
            }
            throw Refusal(
                .invalidFields, field: fields.first?.field,
                "Nothing of the file was taken: \(fields.first?.detail ?? "")",
                fields: fields)
        }
        if isDry {
            return try await call.read { db in answer(try BankImport.plan(file, on: db), id: nil, isDry: true) }
        }
        return try await call.write { db, change in
            let plan = try BankImport.plan(file, on: db)
            guard let code = try plan.apply(actor: call.actor.name, now: call.now, on: db) else {
                change.nothingChanged()
                return answer(plan, id: nil, isDry: false)
            }
            change.audit(
                "bank_statement.imported", object: "bank_statement", id: code,
                after: WalletJSON.text { counts(&$0, plan) })
            for row in plan.rows where row.outcome == .matched {
                change.audit(
                    "wallet.top_up", object: "bank_payment", id: row.document.number, advertiser: row.advertiserID,
                    after: WalletJSON.text { rowMembers(&$0, row) })
            }
            if plan.count(.matched) > 0 { change.servingChanged() }
            return answer(plan, id: code, isDry: false)
        }
    }

    private static func decide(
        _ call: Call, _ verb: String,
        _ body: @Sendable (BankPayment, isolated PostgresConnection) throws -> (BankPayment, Int32?)
    ) async throws -> Answer {
        try await call.write { db, change in
            let found = try BankPayments.get(call.path("id"), forUpdate: true, on: db)
            try change.requireMatch(found.revision)
            let (made, advertiser) = try body(found, db)
            change.audit(
                "bank_payment.\(verb)", object: "bank_payment", id: made.code, advertiser: advertiser,
                before: WalletJSON.text { payment(&$0, found) }, after: WalletJSON.text { payment(&$0, made) })
            if advertiser != nil { change.servingChanged() }
            return answer(made)
        }
    }

    // MARK: JSON

    private static func answer(_ found: BankPayment) -> Answer {
        .json(revision: found.revision) { payment(&$0, found) }
    }

    private static func answer(_ plan: BankImport, id: String?, isDry: Bool) -> Answer {
        .json { json in
            json.member("id", id)
            json.member("dry_run", isDry)
            json.member("format", plan.format.rawValue)
            counts(&json, plan)
            json.member("items", array: plan.rows) { json, row in json.object { rowMembers(&$0, row) } }
        }
    }

    private static func counts(_ json: inout JSONText, _ plan: BankImport) {
        for outcome in BankImport.Outcome.allCases { json.member(outcome.rawValue, plan.count(outcome)) }
    }

    private static func document(_ json: inout JSONText, _ document: BankDocument) {
        json.member("document", document.index)
        json.member("number", document.number)
        json.member("paid_on", document.date.description)
        json.member("payer_inn", document.payerINN.isEmpty ? nil : document.payerINN)
        json.member("payer_name", document.payerName.isEmpty ? nil : document.payerName)
        json.member("amount_with_vat_micros", document.amount.micros.value)
        json.member("purpose", document.purpose.isEmpty ? nil : document.purpose)
    }

    private static func rowMembers(_ json: inout JSONText, _ row: BankImport.Row) {
        document(&json, row.document)
        json.member("outcome", row.outcome.rawValue)
        json.member("match", row.match)
        json.member("advertiser", row.advertiser)
        json.member("vat_rate", row.rate?.rawValue)
        json.member("amount_micros", row.parts?.net.micros.value)
        json.member("vat_micros", row.parts?.vat.micros.value)
    }

    private static func payment(_ json: inout JSONText, _ payment: BankPayment) {
        json.member("id", payment.code)
        json.member("bank_statement", payment.statement)
        document(&json, payment.document)
        json.member("state", payment.state)
        json.member("match", payment.match)
        json.member("advertiser", payment.advertiser)
        json.member("wallet_entry", payment.walletEntry)
    }
}
