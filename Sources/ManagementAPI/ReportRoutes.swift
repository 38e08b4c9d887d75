import AdModel
import HTTPTypes
import Hummingbird
import NIOCore
import Postgres
import Reporting
import Store

/// `GET /v1/reports/performance`, for holders of an advertiser's API key.
struct ReportRoutes: Sendable {
    let keys: AdvertiserKeys
    let performance: PerformanceStore
    let clock: @Sendable () -> Timestamp

    func performance(_ request: Request) async throws -> Response {
        do {
            let advertiser = try await advertiser(of: request)
            let query = try Self.query(request, today: try await performance.today(at: clock()))
            let report = try await performance.report(for: advertiser.id, query)
            return query.csv ? Self.csv(report, query) : Self.json(report, query)
        } catch ReportStoreError.unknownCampaign {
            throw Problem(
                status: .notFound, code: "unknown_campaign", title: "Not found",
                detail: "You have no campaign of that code.", field: "campaign")
        } catch ReportStoreError.numberTooLarge {
            throw Problem(
                status: .unprocessableContent, code: "number_too_large", title: "A number is too large",
                detail: "A sum of this report is beyond what can be shown; ask for a shorter range or one campaign.")
        } catch let error as PostgresError where error.isRetryable {
            throw Problem.unavailable
        }
    }

    private func advertiser(of request: Request) async throws -> AdvertiserIdentity {
        guard let header = request.headers[.authorization], header.utf8.count <= 256 else { throw Problem.unauthorized }
        let parts = header.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer",
            let advertiser = try await keys.advertiser(ofKey: String(parts[1]), now: clock())
        else { throw Problem.unauthorized }
        return advertiser
    }

    private static func query(_ request: Request, today: Day) throws(Problem) -> PerformanceQuery {
        do {
            return try PerformanceQuery.parse(QueryParameters.decode(request.uri.query), today: today)
        } catch let error as ReportQueryError {
            throw Problem(
                status: .badRequest, code: error.code, title: "Invalid report parameter", detail: error.detail,
                field: error.field)
        } catch let problem as Problem {
            throw problem
        } catch {
            throw .internalError
        }
    }

    private static func csv(_ report: PerformanceReport, _ query: PerformanceQuery) -> Response {
        var headers: HTTPFields = [
            .contentType: "text/csv; charset=utf-8; header=present", .cacheControl: "no-store",
            .contentDisposition: "attachment; filename=\"performance-\(query.from)-\(query.to).csv\"",
        ]
        if let next = report.nextCursor, let name = HTTPField.Name("X-Next-Cursor") { headers[name] = next }
        let text = PerformanceCSV.render(report, dimensions: query.dimensions)
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }

    private static func json(_ report: PerformanceReport, _ query: PerformanceQuery) -> Response {
        let text = PerformanceJSON.render(report, query)
        return Response(
            status: .ok, headers: [.contentType: "application/json", .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
}
