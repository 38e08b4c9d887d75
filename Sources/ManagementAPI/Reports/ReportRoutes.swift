import AdModel
import HummingbirdCore
import Postgres
import Reporting
import Store

/// `GET /v1/reports/performance`, for advertisers and, one advertiser at a time, for the retailer.
enum ReportRoutes {
    static func add(to table: inout RouteTable) {
        table.get("/v1/reports/performance", .reports, .everyone) { call in try await performance(call) }
    }

    private static func performance(_ call: Call) async throws -> Answer {
        let parameters = try QueryParameters.decode(call.request.uri.query)
        do {
            return try await call.read { db in
                let advertiser = try advertiser(call, parameters, on: db)
                let today = try PerformanceStore.today(at: call.now, on: db)
                let policies = try Policies.installed(on: db).policies.map(\.code)
                // "By policy" without names shows the policies that have credited something.
                let byPolicy = !parameters.contains { $0.name == "policy" }
                let query = try PerformanceQuery.parse(
                    parameters.filter { $0.name != "advertiser" }, today: today,
                    policies: byPolicy ? PerformanceStore.creditedPolicies(of: advertiser, on: db) : policies)
                let report = try PerformanceStore.report(for: advertiser, query, on: db)
                return query.csv ? csv(report, query) : json(report, query)
            }
        } catch let error as ReportQueryError {
            throw Refusal(RefusalCode(rawValue: error.code) ?? .invalidParameter, field: error.field, error.detail)
        } catch ReportStoreError.unknownCampaign {
            throw Refusal(.unknownCampaign, field: "campaign", "You have no campaign of that code.")
        } catch ReportStoreError.numberTooLarge {
            throw Refusal(
                .numberTooLarge,
                "A sum of this report is beyond what can be shown; ask for a shorter range or one campaign.")
        }
    }

    /// The advertiser asked for: the caller's only one unless the parameter names another that he may see.
    private static func advertiser(
        _ call: Call, _ parameters: [(name: String, value: String)], on db: isolated PostgresConnection
    ) throws -> Int32 {
        let named = parameters.filter { $0.name == "advertiser" }
        guard named.count <= 1 else { throw Refusal(.invalidParameter, field: "advertiser", "Given twice.") }
        if let code = named.first?.value {
            guard let row = try db.query("select id from advertiser where code = $1", [.text(code)]).first else {
                throw Refusal.notFound
            }
            return try row.int32("id")
        }
        guard !call.actor.isRetailer, call.actor.advertiserIDs.count == 1 else {
            throw Refusal(.invalidParameter, field: "advertiser", "Required: you see more than one advertiser.")
        }
        return call.actor.advertiserIDs[0]
    }

    private static func csv(_ report: PerformanceReport, _ query: PerformanceQuery) -> Answer {
        var answer = Answer(
            status: 200, contentType: "text/csv; charset=utf-8; header=present",
            body: Array(PerformanceCSV.render(report, dimensions: query.dimensions).utf8))
        answer.headers["content-disposition"] =
            "attachment; filename=\"performance-\(query.from)-\(query.to).csv\""
        answer.headers["x-next-cursor"] = report.nextCursor
        answer.headers["x-inputs-hash"] = report.methodology.inputsHash
        answer.headers["x-result-hash"] = report.methodology.resultHash
        answer.headers["x-policy-hash"] = report.methodology.policies.map(\.hash).joined(separator: ", ")
        return answer
    }

    private static func json(_ report: PerformanceReport, _ query: PerformanceQuery) -> Answer {
        Answer(
            status: 200, contentType: "application/json", body: Array(PerformanceJSON.render(report, query).utf8))
    }
}
