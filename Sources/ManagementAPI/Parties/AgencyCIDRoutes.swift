import ORD
import Store

/// `/v1/agency-cids`: contracts of advertisers with their agencies, by the identifier that the register gave them.
enum AgencyCIDRoutes {
    private static let path = "/v1/agency-cids"
    private static let one = "/v1/agency-cids/{cid}"
    static let statuses = ["new", "verified", "bad"]

    static func add(to table: inout RouteTable) {
        table.get(path, .finance, .retailer) { call in
            let query = try call.query()
            let page = try query.page()
            try query.finish()
            return try await call.read { db in
                let rows = try AgencyCIDs.list(after: page.after, limit: page.fetchLimit, on: db)
                return .list(rows, call, page, id: { $0.id }) { render(&$0, $1) }
            }
        }
        table.get(one, .finance, .retailer) { call in
            try call.requireNoQuery()
            return try await call.read { db in
                guard let found = try AgencyCIDs.find(call.path("cid"), on: db) else { throw Refusal.notFound }
                return .json { render(&$0, found) }
            }
        }
        table.put(one, .finance, CounterpartyRoutes.keepers) { call in
            try call.requireNoQuery()
            let body = try await call.body()
            let advertiser = body.text("advertiser", limit: 80) ?? ""
            let agency = body.text("agency", limit: 80) ?? ""
            let contracts = body.texts("contracts", limit: 100)
            var cid = CID(id: call.path("cid"), name: body.text("name") ?? "")
            cid.clientINN = body.textIfPresent("client_inn", limit: 12)
            cid.clientPhone = body.textIfPresent("client_phone", limit: 36)
            cid.clientForeignINN = body.textIfPresent("client_foreign_inn", limit: 50)
            cid.clientForeignRegistrationNumber = body.textIfPresent("client_foreign_registration_number", limit: 32)
            cid.clientForeignEpaymentMethod = body.textIfPresent("client_foreign_epayment_method", limit: 32)
            cid.status = body.wordIfPresent("status", statuses) ?? "new"
            try body.finish()
            let given = cid
            return try await call.write { db, change in
                let before = try AgencyCIDs.find(given.id, on: db)
                try AgencyCIDs.set(
                    given, advertiser: advertiser, agency: agency, contracts: contracts,
                    by: MonthActor(name: call.actor.name, at: call.now), on: db)
                guard let after = try AgencyCIDs.find(given.id, on: db) else { throw Refusal.notFound }
                change.audit(
                    before == nil ? "agency_cid.created" : "agency_cid.updated", object: "agency_cid", id: given.id,
                    before: before.map { entry in JSONText.object { render(&$0, entry) } },
                    after: JSONText.object { render(&$0, after) })
                return .json(status: before == nil ? 201 : 200) { render(&$0, after) }
            }
        }
    }

    private static func render(_ json: inout JSONText, _ entry: AgencyCIDs.Entry) {
        json.member("cid", entry.cid.id)
        json.member("name", entry.cid.name)
        json.member("advertiser", entry.advertiser)
        json.member("agency", entry.agency)
        json.member("contracts", entry.contracts)
        json.member("client_inn", entry.cid.clientINN)
        json.member("client_phone", entry.cid.clientPhone)
        json.member("client_foreign_inn", entry.cid.clientForeignINN)
        json.member("client_foreign_registration_number", entry.cid.clientForeignRegistrationNumber)
        json.member("client_foreign_epayment_method", entry.cid.clientForeignEpaymentMethod)
        json.member("status", entry.cid.status)
        json.member("revision", entry.revision)
    }
}
