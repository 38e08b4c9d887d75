import AdModel
import Decisioning
import Measurement
import Stemmer
import Synchronization

/// Makes the snapshots of past decisions again, and keeps the last ones that were asked for.
public final class SnapshotArchive: Sendable {
    /// Snapshots kept in memory: explanations come in rows about one page.
    static let capacity = 2

    private struct Kept: Sendable {
        var version: Int64
        /// Dates make a snapshot too: it is good for decisions of this minute.
        var minute: Int64
        var snapshot: Snapshot
        var stock: StockView
        var zones: [Int32: Timestamp.Span]
        /// SKUs by product id.
        var skus: [Int32: String]
    }

    private let loader: SnapshotLoader
    private let shopperHash: ShopperHash?
    private let kept = Mutex<[Kept]>([])

    /// - Parameters:
    ///   - loader: with a pool that sees all tenants.
    ///   - shopperHash: of serving; without it nobody is taken to be held out.
    public init(loader: SnapshotLoader, shopperHash: ShopperHash?) {
        self.loader = loader
        self.shopperHash = shopperHash
    }

    /// What is told by asking a decision again.
    /// - Returns: as `DecisionExplainer`, and whether its snapshot is still kept.
    public func explain(
        _ record: DecisionRecord, lineItemIDs: [Int32], isBlinded: Bool
    ) async throws -> [LineExplanation] {
        guard !lineItemIDs.isEmpty else { return [] }
        var replay: DecisionReplay?
        // Older records do not say enough to be asked again.
        if record.detail != nil, let kept = try await find(record) {
            replay = DecisionReplay(
                record, snapshot: kept.snapshot, stock: kept.stock,
                shopper: record.visitorID.flatMap { shopperHash?($0) } ?? 0,
                zoneOffset: kept.zones[record.storefrontID] ?? .seconds(0),
                words: record.detail?.phrase.map { Self.words($0, kept.snapshot) } ?? [],
                sku: record.detail.flatMap { kept.skus[$0.productID] })
        }
        return DecisionExplainer.explain(record, lineItemIDs: lineItemIDs, replay: replay, isBlinded: isBlinded)
    }

    /// A search phrase as serving reads it.
    private static func words(_ phrase: String, _ snapshot: Snapshot) -> ContiguousArray<Int32> {
        guard snapshot.knowsPhrases else { return [] }
        let stemmer = WordStemmer()
        var words: ContiguousArray<Int32> = []
        var word: ContiguousArray<UInt8> = []
        var phrase = phrase
        phrase.withUTF8 { bytes in
            PhraseWords.each(of: UnsafeRawBufferPointer(bytes), word: &word) { folded in
                words.append(stemmer.withStem(folded) { snapshot.word($0) })
            }
        }
        return words
    }

    private func find(_ record: DecisionRecord) async throws -> Kept? {
        let at = record.id.issuedAt
        let minute = floorDivide(at.micros, 60_000_000)
        let known = kept.withLock { kept in
            kept.first { $0.version == record.snapshotVersion && $0.minute == minute }
        }
        if let known { return known }
        guard let data = try await loader.load(version: record.snapshotVersion, now: at) else { return nil }
        let snapshot = try Snapshot(data.input)
        let rows = try await loader.stock(of: data.promotedProductIDs)
        let made = Kept(
            version: record.snapshotVersion, minute: minute, snapshot: snapshot,
            stock: StockView(snapshot: snapshot, version: rows.version, rows: rows.rows),
            zones: Dictionary(
                data.storefronts.map { ($0.id, .seconds($0.zoneOffsetSeconds)) },
                uniquingKeysWith: { first, _ in first }),
            skus: Dictionary(data.input.products.map { ($0.id, $0.sku) }, uniquingKeysWith: { first, _ in first }))
        kept.withLock { kept in
            kept.insert(made, at: 0)
            if kept.count > Self.capacity { kept.removeLast() }
        }
        return made
    }
}
