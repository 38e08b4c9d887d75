import AdModel
import Postgres
import Store

/// Tokens: registration with the operator, or typed by finance.
enum RegistrationRoutes {
    static func add(to table: inout RouteTable) {
        let path = "/v1/creatives/{id}/versions/{version}"
        table.put("\(path)/erid", .finance, .treasurers, typeERID)
        table.post("\(path)/register", .moderation, [.admin, .adops, .finance], register)
        table.get("\(path)/registration-calls", .moderation, .retailer, calls)
    }

    @Sendable private static func typeERID(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let body = try await call.body()
        let erid = body.text("erid", limit: 128)
        try body.finish()
        let number = try CreativeRoutes.number(call)
        guard let erid else { throw Refusal.notFound }
        return try await call.write { db, change in
            let before = try CreativeStore.find(call.path("id"), lock: true, on: db)
            let version = try CreativeStore.version(number, of: before.id, on: db)
            try RegistrationStore.type(erid: erid, for: version, of: before, now: call.now, on: db)
            let after = try CreativeStore.find(before.code, on: db)
            if after.revision == before.revision {
                change.nothingChanged()
            } else {
                change.audit(
                    "creative.erid_typed", object: "creative", id: after.code, advertiser: after.advertiserID,
                    before: audited(version.erid, number), after: audited(erid, number))
                change.servingChanged()
            }
            return CreativeRoutes.answer(after, call)
        }
    }

    private static func audited(_ erid: String?, _ version: Int32) -> String {
        var json = JSONText()
        json.object {
            $0.member("version", version)
            $0.member("erid", erid)
        }
        return json.text
    }

    @Sendable private static func register(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let number = try CreativeRoutes.number(call)
        return try await call.write { db, change in
            let creative = try CreativeStore.find(call.path("id"), lock: true, on: db)
            let version = try CreativeStore.version(number, of: creative.id, on: db)
            try RegistrationStore.retry(version, now: call.now, on: db)
            change.audit(
                "creative.registration_retried", object: "creative", id: creative.code,
                advertiser: creative.advertiserID, after: audited(version.erid, number))
            return CreativeRoutes.answer(try CreativeStore.find(creative.code, on: db), call)
        }
    }

    @Sendable private static func calls(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let number = try CreativeRoutes.number(call)
        return try await call.read { db in
            let creative = try CreativeStore.find(call.path("id"), on: db)
            let version = try CreativeStore.version(number, of: creative.id, on: db)
            let calls = try RegistrationStore.calls(of: version.id, on: db)
            return .json { json in
                json.member("items", array: calls) { json, made in
                    json.object {
                        $0.member("method", made.method)
                        $0.member("path", made.path)
                        $0.member("started_at", made.startedAt.rfc3339)
                        $0.member("outcome", made.outcome)
                        $0.member("status", made.status.map(Int64.init))
                        $0.member("error_code", made.errorCode)
                    }
                }
                json.member("next_cursor", raw: nil)
            }
        }
    }
}
