import AdModel
import CatalogImport
import Foundation
import Jobs
import Outbound
import Postgres
import Store

/// Brings scheduled feeds and the import together, which do not know each other.
enum FeedImports {
    static func importer(
        _ pool: PostgresPool, clock: @escaping @Sendable () -> Timestamp = SystemClock.now
    ) -> FeedJob.Importer {
        let importer = FeedImporter(catalogue: CatalogueStore(pool: pool))
        return { request in
            do {
                let report = try await importer.run(
                    file: URL(fileURLWithPath: request.file), storefront: request.storefront,
                    location: request.location, removedShareLimit: request.removedShareLimit, now: clock())
                return FeedOutcome.Import(
                    feedDate: report.date, offers: report.tally.offers, accepted: report.change.accepted,
                    removed: report.change.removed, productsCreated: report.change.productsCreated,
                    productsChanged: report.change.productsChanged, badOffers: report.tally.bad)
            } catch let error as FeedError {
                throw FeedImportFailure(code: error.code, detail: error.description, isRetryable: error.isRetryable)
            } catch let error as CatalogueError {
                throw FeedImportFailure(code: error.code, detail: error.description, isRetryable: error.isRetryable)
            } catch let error as PostgresError {
                throw FeedImportFailure(
                    code: error.code, detail: "the database refused the import", isRetryable: error.isRetryable)
            }
        }
    }
}
