import ORD
import Store

/// `/v1/counterparties`: the legal persons of contracts, as the operator of advertising data wants to know them.
enum CounterpartyRoutes {
    private static let path = "/v1/counterparties"
    private static let one = "/v1/counterparties/{id}"
    /// Who keeps counterparties and contracts.
    static let keepers: Set<Role> = [.admin, .adops, .finance]

    static func add(to table: inout RouteTable) {
        table.get(path, .campaigns, .everyone) { call in
            let query = try call.query()
            let kind = try query.word("kind", Person.kinds)
            let text = try query.text("q", limit: 100)
            let page = try query.page()
            try query.finish()
            return try await call.read { db in
                let rows = try Counterparties.list(
                    kind: kind, query: text, after: page.after, limit: page.fetchLimit, on: db)
                return .list(rows, call, page, id: { Int64($0.id) }) { render(&$0, $1) }
            }
        }
        table.get(one, .campaigns, .everyone) { call in
            try call.requireNoQuery()
            return try await call.read { db in
                guard let party = try Counterparties.find(call.path("id"), on: db) else { throw Refusal.notFound }
                return answer(party)
            }
        }
        table.post(path, .campaigns, keepers) { call in try await create(call) }
        table.patch(one, .campaigns, keepers) { call in try await update(call) }
        table.delete(one, .campaigns, keepers) { call in
            try call.requireNoQuery()
            return try await call.write { db, change in
                guard let party = try Counterparties.find(call.path("id"), on: db) else { throw Refusal.notFound }
                try change.requireMatch(party.revision)
                try Counterparties.delete(party, on: db)
                change.audit(
                    "counterparty.deleted", object: "counterparty", id: party.code, before: text(party))
                return .noContent
            }
        }
    }

    private static func create(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let members = try await call.members()
        return try await call.write { db, change in
            let body = Fields(members)
            var draft = Counterparty(code: body.newCode("org", call.actor), kind: "", name: "", roles: [])
            read(body, into: &draft, creating: true)
            try body.finish()
            let made = try Counterparties.create(draft, on: db)
            change.audit("counterparty.created", object: "counterparty", id: made.code, after: text(made))
            return answer(made, status: 201)
        }
    }

    private static func update(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let members = try await call.members()
        return try await call.write { db, change in
            guard let old = try Counterparties.find(call.path("id"), on: db) else { throw Refusal.notFound }
            try change.requireMatch(old.revision)
            let body = Fields(members)
            body.readOnly("id", "revision")
            var draft = old
            read(body, into: &draft, creating: false)
            try body.finish()
            let made = try Counterparties.update(draft, was: old, on: db)
            change.audit(
                "counterparty.updated", object: "counterparty", id: made.code, before: text(old), after: text(made))
            // Name and INN stand in the label of every ad.
            change.servingChanged()
            return answer(made)
        }
    }

    private static func read(_ body: Fields, into party: inout Counterparty, creating: Bool) {
        if creating || body.has("kind") { party.kind = body.word("kind", Person.kinds) ?? party.kind }
        if creating || body.has("name") { party.name = body.text("name") ?? party.name }
        if creating || body.has("roles") {
            party.roles = body.words("roles", Person.allRoles)
            if body.json("roles") == nil { body.problem("roles", "Required.", code: "required") }
        }
        if body.has("inn") { party.inn = body.textIfPresent("inn", limit: 12) }
        if body.has("kpp") { party.kpp = body.textIfPresent("kpp", limit: 9) }
        if body.has("phone") { party.phone = body.textIfPresent("phone", limit: 36) }
        if body.has("foreign_inn") { party.foreignINN = body.textIfPresent("foreign_inn", limit: 50) }
        if body.has("foreign_registration_number") {
            party.foreignRegistrationNumber = body.textIfPresent("foreign_registration_number", limit: 32)
        }
        if body.has("foreign_epayment_method") {
            party.foreignPaymentMethod = body.textIfPresent("foreign_epayment_method", limit: 32)
        }
        if body.has("foreign_oksm_country_code") {
            party.foreignCountryCode = body.textIfPresent("foreign_oksm_country_code", limit: 3)
        }
        if body.has("rs_url") { party.rsURL = body.textIfPresent("rs_url", limit: 2_000) }
        if body.has("address") { party.details.address = body.textIfPresent("address", limit: 500) }
        if body.has("bank") {
            party.details.bank = body.object("bank").map { bank in
                PartyDetails.Bank(
                    name: bank.text("name") ?? "", bik: bank.text("bik", limit: 9) ?? "",
                    account: bank.text("account", limit: 20) ?? "",
                    correspondentAccount: bank.textIfPresent("correspondent_account", limit: 20))
            }
        }
        if body.has("signatory") {
            let signatory = body.object("signatory")
            party.details.signatoryPost = signatory?.textIfPresent("post")
            party.details.signatoryName = signatory?.text("name")
        }
    }

    private static func answer(_ party: Counterparty, status: Int = 200) -> Answer {
        .json(
            status: status, revision: party.revision, location: status == 201 ? "\(path)/\(party.code)" : nil
        ) { render(&$0, party) }
    }

    private static func text(_ party: Counterparty) -> String { JSONText.object { render(&$0, party) } }

    private static func render(_ json: inout JSONText, _ party: Counterparty) {
        json.member("id", party.code)
        json.member("kind", party.kind)
        json.member("name", party.name)
        json.member("roles", party.roles)
        json.member("inn", party.inn)
        json.member("kpp", party.kpp)
        json.member("phone", party.phone)
        json.member("foreign_inn", party.foreignINN)
        json.member("foreign_registration_number", party.foreignRegistrationNumber)
        json.member("foreign_epayment_method", party.foreignPaymentMethod)
        json.member("foreign_oksm_country_code", party.foreignCountryCode)
        json.member("rs_url", party.rsURL)
        json.member("address", party.details.address)
        if let bank = party.details.bank {
            json.member("bank") {
                $0.member("name", bank.name)
                $0.member("bik", bank.bik)
                $0.member("account", bank.account)
                $0.member("correspondent_account", bank.correspondentAccount)
            }
        } else {
            json.member("bank", raw: nil)
        }
        if let name = party.details.signatoryName {
            json.member("signatory") {
                $0.member("post", party.details.signatoryPost)
                $0.member("name", name)
            }
        } else {
            json.member("signatory", raw: nil)
        }
        json.member("revision", party.revision)
    }
}
