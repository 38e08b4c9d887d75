import AdModel
import ORD
import Store

/// `/v1/contracts/{id}/vat-rates`: the seller's regime over time.
enum ContractVATRoutes {
    private static let path = "/v1/contracts/{id}/vat-rates"

    static func add(to table: inout RouteTable) {
        table.get(path, .finance, .retailer) { call in
            try call.requireNoQuery()
            return try await call.read { db in
                guard let contract = try AdvertisingContracts.find(call.path("id"), on: db) else {
                    throw Refusal.notFound
                }
                let changes = try ContractVAT.changes(of: contract.id, on: db)
                return .json { json in
                    json.member("vat_rate", contract.vatRate)
                    json.member("items", array: changes) { json, change in json.object { render(&$0, change) } }
                }
            }
        }
        table.post(path, .finance, .treasurers) { call in
            try call.requireNoQuery()
            let body = try await call.body()
            let rate = body.word("vat_rate", VATRate.allCases.map(\.rawValue)).flatMap { VATRate(rawValue: $0) }
            let from = body.day("from")
            let reason = body.text("reason", limit: MonthClose.reasonLimit) ?? ""
            try body.finish()
            return try await call.write { db, change in
                guard let contract = try AdvertisingContracts.find(call.path("id"), on: db) else {
                    throw Refusal.notFound
                }
                guard let rate, let from else { throw Refusal.notFound }
                try ContractVAT.change(
                    contract: contract.code, to: rate, from: from, reason: reason,
                    by: MonthActor(name: call.actor.name, at: call.now), on: db)
                let all = try ContractVAT.changes(of: contract.id, on: db)
                guard let made = all.first(where: { $0.period.from == from }) else { throw Refusal.notFound }
                change.audit(
                    "contract.vat_changed", object: "contract", id: contract.code, advertiser: contract.advertiserID,
                    before: JSONText.object { $0.member("vat_rate", contract.vatRate) },
                    after: JSONText.object { render(&$0, made) })
                return .json(status: 201) { render(&$0, made) }
            }
        }
    }

    private static func render(_ json: inout JSONText, _ change: ContractVAT.Change) {
        json.member("from", change.period.from.description)
        json.member("vat_rate", change.period.rate.rawValue)
        json.member("actor", change.actor)
        json.member("reason", change.reason)
        json.member("recorded_at", change.recordedAt.rfc3339)
    }
}
