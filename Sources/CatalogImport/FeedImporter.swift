import AdModel
import Foundation
import Store

/// How far an import is.
public struct FeedProgress: Sendable {
    public var bytesRead: Int
    public var totalBytes: Int
    public var offers: Int
}

/// What an import did.
public struct FeedReport: Sendable {
    public var date: Timestamp
    public var tally: FeedTally
    public var categories: Int
    public var change: CatalogueChange
}

/// `nimb import feed`: a YML file into the catalogue of one location, all or nothing.
public struct FeedImporter: Sendable {
    private let catalogue: CatalogueStore

    public init(catalogue: CatalogueStore) { self.catalogue = catalogue }

    /// Reads and merges. `removedShareLimit` is in millionths; `progress` is called from the reading thread, often.
    /// Throws `FeedError`, `CatalogueError` or `PostgresError`; then nothing has changed.
    public func run(
        file: URL, storefront: String, location: String, removedShareLimit: Int64 = 300_000, now: Timestamp,
        dryRun: Bool = false, progress: @escaping @Sendable (FeedProgress) -> Void = { _ in }
    ) async throws -> FeedReport {
        let zone = TimeZone(identifier: try await catalogue.accountingZone()) ?? TimeZone(secondsFromGMT: 0) ?? .current
        let box = TallyBox()
        let (summary, change) = try await catalogue.replace(
            storefront: storefront, location: location, removedShareLimit: removedShareLimit, now: now, dryRun: dryRun
        ) { offer in
            let (summary, tally) = try FeedReader.read(file, zone: zone, now: now, progress: progress, offer: offer)
            box.set(tally)
            return summary
        }
        var tally = box.tally
        tally.bad = summary.badOffers
        return FeedReport(date: summary.date, tally: tally, categories: summary.categories.count, change: change)
    }
}

/// Reads one file; no database.
public enum FeedReader {
    /// Hands over every good offer in the order of the file and returns what the feed says beside them.
    public static func read(
        _ file: URL, zone: TimeZone, now: Timestamp, progress: @escaping (FeedProgress) -> Void = { _ in },
        offer: (CatalogueOffer) throws -> Void
    ) throws -> (CatalogueFeedSummary, FeedTally) {
        guard let look = FileHandle(forReadingAtPath: file.path) else { throw FeedError.cannotOpen }
        let start = try look.read(upToCount: FeedLimits.prolog) ?? Data()
        try look.close()
        let isUTF8 = try FeedProlog.check([UInt8](start))
        guard let handle = FileHandle(forReadingAtPath: file.path) else { throw FeedError.cannotOpen }
        defer { try? handle.close() }
        let attributes = try FileManager.default.attributesOfItem(atPath: file.path)
        let total = attributes[.size] as? Int ?? 0
        let stream = FeedStream(handle, isUTF8: isUTF8)
        return try withoutActuallyEscaping(offer) { offer in
            var seen = 0
            let parser = FeedParser(
                zone: zone, onOffer: offer,
                onProgress: {
                    seen += 256
                    progress(FeedProgress(bytesRead: stream.bytesRead, totalBytes: total, offers: seen))
                })
            try parser.parse(stream)
            let categories = parser.categories()
            progress(FeedProgress(bytesRead: total, totalBytes: total, offers: parser.tally.offers))
            let summary = CatalogueFeedSummary(
                // A date in the future would shut out every delta until then.
                date: min(parser.date ?? now, now), categories: categories, offers: parser.tally.offers,
                badOffers: parser.tally.bad)
            return (summary, parser.tally)
        }
    }
}
