import AdModel
import Crypto
import Foundation
import Logging
import Outbound
import Postgres
import Store
import Synchronization
import Telemetry

/// A fetched feed on its way into the catalogue.
public struct FeedImportRequest: Sendable, Equatable {
    /// Path of the file.
    public var file: String
    /// Codes of the storefront and the stock location.
    public var storefront: String
    public var location: String
    /// Share of what can be bought that may vanish, in millionths.
    public var removedShareLimit: Int64
}

/// Why a fetched feed changed nothing; what an importer throws.
public struct FeedImportFailure: Error, Sendable, Equatable {
    /// Stable code, kept in the history.
    public var code: String
    /// For people; no secrets.
    public var detail: String
    public var isRetryable: Bool

    public init(code: String, detail: String, isRetryable: Bool) {
        self.code = code
        self.detail = detail
        self.isRetryable = isRetryable
    }
}

/// What a run of a feed may take.
public struct FeedLimitsOfRun: Sendable {
    /// Feeds that are fetched at a time; imports follow each other.
    public var downloads = 4
    /// Bytes of a feed as sent.
    public var sentBytes = 1 << 30
    /// Bytes of a feed in its file.
    public var fileBytes = 4 << 30
    /// For one download.
    public var timeout = Duration.seconds(600)

    public init() {}
}

/// Fetches the feeds that are due and imports what is new. One run goes on until no feed is due.
///
/// Feeds do not disturb each other: whatever goes wrong with one is recorded in its history and tried again later.
/// The importer is given by ring 4, because importing is another part of ring 3.
public struct FeedJob: Sendable {
    public typealias Importer = @Sendable (FeedImportRequest) async throws -> FeedOutcome.Import

    private let pool: PostgresPool
    private let client: OutboundClient
    private let limits: FeedLimitsOfRun
    private let folder: URL
    private let clock: @Sendable () -> Timestamp
    private let importer: Importer
    private let metrics: MetricsRegistry
    private let logger: Logger

    /// - Parameters:
    ///   - pool: connections in the scope of the system.
    ///   - folder: where feeds are kept while they are imported.
    public init(
        pool: PostgresPool, client: OutboundClient, limits: FeedLimitsOfRun = FeedLimitsOfRun(),
        folder: URL = FileManager.default.temporaryDirectory, clock: @escaping @Sendable () -> Timestamp,
        metrics: MetricsRegistry, logger: Logger, importer: @escaping Importer
    ) {
        self.pool = pool
        self.client = client
        self.limits = limits
        self.folder = folder
        self.clock = clock
        self.metrics = metrics
        self.logger = logger
        self.importer = importer
    }

    /// For the runner: looks for due feeds every 15 s.
    public var job: Job { Job(name: "feeds", every: .seconds(15), run: { _ in try await run() }) }

    /// Runs all feeds that are due, then says which are late.
    public func run() async throws {
        let held = HeldClaims()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await keep(held) }
            defer { group.cancelAll() }
            try await work(held)
        }
        let clock = clock
        let late = try await pool.transaction { db in
            try TenantScope.system.enter(on: db)
            return try FeedSchedule.raiseLate(now: clock(), on: db)
        }
        for code in late { logger.warning("a feed is late", metadata: ["feed": "\(code)"]) }
    }

    // MARK: Claims

    private final class HeldClaims: Sendable {
        let feeds = Mutex<[Int64: ClaimedFeed]>([:])
    }

    /// Renews what is held until it is cancelled.
    private func keep(_ held: HeldClaims) async throws {
        let clock = clock
        while true {
            do { try await Task.sleep(for: .seconds(FeedSchedule.claimSeconds / 5)) } catch { return }
            let feeds = held.feeds.withLock { Array($0.values) }
            for feed in feeds {
                // A database that is away for a moment costs a renewal, not the run.
                _ = try? await pool.transaction { db in
                    try TenantScope.system.enter(on: db)
                    return try FeedSchedule.renew(feed, now: clock(), on: db)
                }
            }
        }
    }

    private func work(_ held: HeldClaims) async throws {
        try await withThrowingTaskGroup(of: Fetched.self) { group in
            var active = 0
            func topUp() async throws {
                let free = limits.downloads - active
                let clock = clock
                let claimed = try await pool.transaction { db in
                    try TenantScope.system.enter(on: db)
                    return try FeedSchedule.claim(limit: free, now: clock(), on: db)
                }
                for feed in claimed {
                    held.feeds.withLock { $0[feed.run] = feed }
                    group.addTask { await fetch(feed) }
                    active += 1
                }
            }
            try await topUp()
            while let fetched = try await group.next() {
                active -= 1
                await settle(fetched)
                held.feeds.withLock { $0[fetched.feed.run] = nil }
                try Task.checkCancellation()
                try await topUp()
            }
        }
    }

    // MARK: One feed

    /// What came of a download.
    private struct Fetched: Sendable {
        var feed: ClaimedFeed
        var file: URL
        var status: Int?
        var bytes: Int?
        /// Decided already, or nil when the file is to be imported.
        var outcome: FeedOutcome?
        var version = FeedOutcome.Version()
    }

    private func fetch(_ feed: ClaimedFeed) async -> Fetched {
        let file = folder.appendingPathComponent("nimb-feed-\(feed.run)-\(UInt64.random(in: .min ... .max)).xml")
        var fetched = Fetched(feed: feed, file: file)
        var headers = [(name: "Accept", value: "application/xml, text/xml, application/gzip;q=0.9, */*;q=0.5")]
        if let etag = feed.etag { headers.append((name: "If-None-Match", value: etag)) }
        if let date = feed.lastModified { headers.append((name: "If-Modified-Since", value: date)) }
        do {
            let request = OutboundRequest(
                .get, feed.url, headers: headers, maximumBytes: limits.sentBytes, timeout: limits.timeout,
                redirects: OutboundRequest.redirectLimit)
            let download = try await client.download(request, to: file.path, inflatedLimit: limits.fileBytes)
            fetched.status = download.status
            fetched.bytes = download.receivedBytes
            fetched.version = FeedOutcome.Version(
                etag: Self.validator(download.header("etag")),
                lastModified: Self.validator(download.header("last-modified")))
            if download.status == 304, feed.etag != nil || feed.lastModified != nil {
                fetched.version = FeedOutcome.Version(
                    etag: fetched.version.etag ?? feed.etag,
                    lastModified: fetched.version.lastModified ?? feed.lastModified,
                    digest: feed.digest)
                fetched.outcome = .unchanged(fetched.version)
            } else if download.isSuccess {
                fetched.version.digest = try Self.digest(of: file)
                // Servers without validators send the same bytes again and again.
                if fetched.version.digest == feed.digest { fetched.outcome = .unchanged(fetched.version) }
            } else {
                fetched.outcome = .failed(
                    code: "feed_http_status", detail: "the server answered with status \(download.status)",
                    isRetryable: download.status >= 500 || [408, 425, 429].contains(download.status))
            }
        } catch let error as OutboundError {
            fetched.outcome = .failed(code: error.code, detail: error.description, isRetryable: error.isRetryable)
        } catch is CancellationError {
            fetched.outcome = Self.interrupted
        } catch {
            fetched.outcome = .failed(
                code: "feed_fetch", detail: "the feed could not be fetched (\(type(of: error)))", isRetryable: true)
        }
        return fetched
    }

    /// Imports what is new and records the outcome.
    private func settle(_ fetched: Fetched) async {
        let outcome: FeedOutcome
        if let decided = fetched.outcome {
            outcome = decided
        } else {
            outcome = await imported(fetched)
        }
        try? FileManager.default.removeItem(at: fetched.file)
        record(outcome, of: fetched.feed)
        let (pool, clock) = (pool, clock)
        // Also when the process is shutting down: a run that is not closed would block its feed for minutes.
        let recorded = await Task {
            try await pool.transaction { db in
                try TenantScope.system.enter(on: db)
                try FeedSchedule.finish(
                    fetched.feed, outcome, httpStatus: fetched.status, bytes: fetched.bytes, now: clock(), on: db)
            }
        }.result
        if case .failure(let error) = recorded {
            logger.warning(
                "a run of a feed could not be recorded; it is repeated",
                metadata: ["feed": "\(fetched.feed.code)", "error": "\(type(of: error))"])
        }
    }

    private func imported(_ fetched: Fetched) async -> FeedOutcome {
        do {
            let facts = try await importer(
                FeedImportRequest(
                    file: fetched.file.path, storefront: fetched.feed.storefront, location: fetched.feed.location,
                    removedShareLimit: Int64(fetched.feed.removedShareLimit)))
            return .imported(facts, fetched.version)
        } catch let failure as FeedImportFailure {
            return .failed(code: failure.code, detail: failure.detail, isRetryable: failure.isRetryable)
        } catch is CancellationError {
            return Self.interrupted
        } catch {
            return .failed(
                code: "feed_import", detail: "the import failed (\(type(of: error)))", isRetryable: true)
        }
    }

    private static let interrupted = FeedOutcome.failed(
        code: "interrupted", detail: "the worker ended in the middle of the run", isRetryable: true)

    private func record(_ outcome: FeedOutcome, of feed: ClaimedFeed) {
        let status: String
        switch outcome {
        case .imported: status = "imported"
        case .unchanged: status = "unchanged"
        case .failed(let code, _, _):
            status = "failed"
            logger.warning("a feed could not be imported", metadata: ["feed": "\(feed.code)", "error": "\(code)"])
        }
        metrics.counter("nimb_feed_runs_total", "Runs of scheduled feeds.", [("status", status)]).add()
    }

    /// A validator is sent back as it came, so it must be short and harmless.
    private static func validator(_ text: String?) -> String? {
        guard let text, (1...512).contains(text.utf8.count), text.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) else {
            return nil
        }
        return text
    }

    private static func digest(of file: URL) throws -> [UInt8] {
        let handle = try FileHandle(forReadingFrom: file)
        defer { try? handle.close() }
        var hash = SHA256()
        while let chunk = try handle.read(upToCount: 1 << 20), !chunk.isEmpty { hash.update(data: chunk) }
        return Array(hash.finalize())
    }
}
