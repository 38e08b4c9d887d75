import AdModel
import Postgres
import Reporting
import Store

/// Reads reports over a pool, as the management API does per request.
struct ReportReader {
    let pool: PostgresPool

    func report(for advertiser: Int32, _ query: PerformanceQuery) async throws -> PerformanceReport {
        try await pool.transaction(.repeatableRead) { try PerformanceStore.report(for: advertiser, query, on: $0) }
    }

    func today(at now: Timestamp) async throws -> Day {
        try await pool.transaction { try PerformanceStore.today(at: now, on: $0) }
    }
}
