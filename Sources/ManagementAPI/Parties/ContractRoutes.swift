import AdModel
import ORD
import Postgres
import Store

/// `/v1/contracts`: under which campaigns run, with the seller's VAT regime.
enum ContractRoutes {
    private static let path = "/v1/contracts"
    private static let one = "/v1/contracts/{id}"

    static func add(to table: inout RouteTable) {
        table.get(path, .campaigns, .everyone) { call in
            let query = try call.query()
            let advertiser = try query.text("advertiser", limit: 64)
            let day = try query.day("in_force_on")
            let text = try query.text("q", limit: 100)
            let page = try query.page()
            try query.finish()
            return try await call.read { db in
                let rows = try AdvertisingContracts.list(
                    advertiser: advertiser, inForceOn: day, query: text, after: page.after, limit: page.fetchLimit,
                    on: db)
                return .list(rows, call, page, id: { Int64($0.id) }) { render(&$0, $1) }
            }
        }
        table.get(one, .campaigns, .everyone) { call in
            try call.requireNoQuery()
            return try await call.read { db in
                guard let contract = try AdvertisingContracts.find(call.path("id"), on: db) else {
                    throw Refusal.notFound
                }
                return answer(contract)
            }
        }
        table.post(path, .campaigns, CounterpartyRoutes.keepers) { call in try await create(call) }
        table.patch(one, .campaigns, CounterpartyRoutes.keepers) { call in try await update(call) }
        table.delete(one, .campaigns, CounterpartyRoutes.keepers) { call in
            try call.requireNoQuery()
            return try await call.write { db, change in
                guard let old = try AdvertisingContracts.find(call.path("id"), on: db) else { throw Refusal.notFound }
                try change.requireMatch(old.revision)
                try AdvertisingContracts.delete(old, on: db)
                change.audit(
                    "contract.deleted", object: "contract", id: old.code, advertiser: old.advertiserID,
                    before: text(old))
                return .noContent
            }
        }
    }

    private static func create(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let members = try await call.members()
        return try await call.write { db, change in
            let body = Fields(members)
            var draft = AdvertisingContract(
                code: body.newCode("ctr", call.actor), advertiser: body.text("advertiser", limit: 64) ?? "", client: "",
                contractor: "", signedOn: Day(number: 0))
            read(body, into: &draft, creating: true)
            try body.finish()
            // The usual parties, unless others are named: those of the main contract, else the advertiser's own and the
            // retailer's counterparty.
            if let parent = try draft.parent.flatMap({ try AdvertisingContracts.find($0, on: db) }) {
                if draft.client.isEmpty { draft.client = parent.client }
                if draft.contractor.isEmpty { draft.contractor = parent.contractor }
            }
            if draft.client.isEmpty { draft.client = try owner(of: draft.advertiser, on: db) }
            if draft.contractor.isEmpty { draft.contractor = try retailer(on: db) }
            let made = try AdvertisingContracts.create(draft, today: call.now.utcDay, on: db)
            change.audit(
                "contract.created", object: "contract", id: made.code, advertiser: made.advertiserID,
                after: text(made))
            return answer(made, status: 201)
        }
    }

    private static func update(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let members = try await call.members()
        return try await call.write { db, change in
            guard let old = try AdvertisingContracts.find(call.path("id"), on: db) else { throw Refusal.notFound }
            try change.requireMatch(old.revision)
            let body = Fields(members)
            body.readOnly("id", "revision", "advertiser")
            var draft = old
            read(body, into: &draft, creating: false)
            try body.finish()
            let made = try AdvertisingContracts.update(draft, was: old, today: call.now.utcDay, on: db)
            change.audit(
                "contract.updated", object: "contract", id: made.code, advertiser: made.advertiserID,
                before: text(old), after: text(made))
            return answer(made)
        }
    }

    private static func read(_ body: Fields, into contract: inout AdvertisingContract, creating: Bool) {
        if body.has("client") { contract.client = body.textIfPresent("client", limit: 80) ?? "" }
        if body.has("contractor") { contract.contractor = body.textIfPresent("contractor", limit: 80) ?? "" }
        if !creating {
            for key in ["client", "contractor"] where body.isNull(key) {
                body.problem(key, "Required.", code: "required")
            }
        }
        if body.has("kind") { contract.kind = body.word("kind", Contract.types) ?? contract.kind }
        if body.has("action_type") {
            contract.actionType = body.wordIfPresent("action_type", Contract.actionTypes)
        }
        if body.has("parent") { contract.parent = body.textIfPresent("parent", limit: 80) }
        if body.has("serial") { contract.serial = body.textIfPresent("serial") }
        if creating || body.has("signed_on") { contract.signedOn = body.day("signed_on") ?? contract.signedOn }
        if body.has("ends_on") { contract.endsOn = body.dayIfPresent("ends_on") }
        if body.has("subject_type") {
            contract.subjectType = body.word("subject_type", Contract.subjectTypes) ?? contract.subjectType
        }
        if body.has("amount_micros") {
            let amount = body.intIfPresent("amount_micros", 0...1_000_000_000_000_000_000)
            if let amount, amount % 10_000 != 0 {
                body.problem("amount_micros", "Whole kopecks only: a multiple of 10000.", code: "out_of_range")
            }
            contract.amountKopecks = amount.map { $0 / 10_000 }
        }
        if body.has("flags") { contract.flags = body.words("flags", Contract.allFlags) }
        if body.has("vat_rate") {
            contract.vatRate = body.word("vat_rate", VATRate.allCases.map(\.rawValue)) ?? contract.vatRate
        }
    }

    private static func owner(of advertiser: String, on db: isolated PostgresConnection) throws -> String {
        let row = try db.query(
            """
            select p.code from advertiser a join counterparty p on p.id = a.counterparty_id where a.code = $1
            """, [.text(advertiser)]
        ).first
        guard let row else { throw Refusal.unknownReference("advertiser", advertiser) }
        return try row.string("code")
    }

    private static func retailer(on db: isolated PostgresConnection) throws -> String {
        let row = try db.query(
            "select p.code from retailer r join counterparty p on p.id = r.counterparty_id"
        ).first
        guard let row else { throw Refusal.field("contractor", "required", "The retailer is not set up; name one.") }
        return try row.string("code")
    }

    private static func answer(_ contract: AdvertisingContract, status: Int = 200) -> Answer {
        .json(
            status: status, revision: contract.revision, location: status == 201 ? "\(path)/\(contract.code)" : nil
        ) { render(&$0, contract) }
    }

    private static func text(_ contract: AdvertisingContract) -> String { JSONText.object { render(&$0, contract) } }

    private static func render(_ json: inout JSONText, _ contract: AdvertisingContract) {
        json.member("id", contract.code)
        json.member("kind", contract.kind)
        json.member("action_type", contract.actionType)
        json.member("parent", contract.parent)
        json.member("advertiser", contract.advertiser)
        json.member("client", contract.client)
        json.member("contractor", contract.contractor)
        json.member("serial", contract.serial)
        json.member("signed_on", contract.signedOn.description)
        json.member("ends_on", contract.endsOn?.description)
        json.member("subject_type", contract.subjectType)
        json.member("amount_micros", contract.amountKopecks.map { $0 * 10_000 })
        json.member("flags", contract.flags)
        json.member("vat_rate", contract.vatRate)
        json.member("locked_fields", contract.lockedFields)
        json.member("revision", contract.revision)
    }
}
