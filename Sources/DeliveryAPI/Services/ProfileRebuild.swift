import AdModel
import Decisioning
import EventLog
import Logging
import Measurement
import Profiles

/// Profiles live in memory: at start they are rebuilt from the node's own log, as far back as it reaches.
public enum ProfileRebuild {
    /// Records read at once.
    static let batch = 4_096
    /// Older records say nothing that still matters to caps or affinities.
    public static let horizon = Timestamp.Span.days(30)

    /// Reads the whole log once. Returns how many records changed a profile. A log that cannot be read costs
    /// profiles, never the start: the error is logged.
    @discardableResult
    public static func run(
        _ reader: EventLogReader, into profiles: ProfileStore, state: ServingState, hash: ShopperHash, now: Timestamp,
        logger: Logger
    ) -> Int {
        var rebuild = Rebuild(profiles: profiles, state: state, hash: hash, oldest: now - horizon)
        do {
            var position = try reader.firstPosition()
            while true {
                let read = try reader.read(from: position, maximumRecords: batch, maximumBytes: 8 << 20)
                for entry in read.records {
                    guard let record = try? entry.bytes.withUnsafeBytes({ try LogRecordCodec.decode($0) }) else {
                        continue
                    }
                    rebuild.apply(record)
                }
                if read.records.isEmpty || read.next == position { break }
                position = read.next
            }
        } catch {
            logger.warning("profiles were rebuilt in part only", metadata: ["error": "\(error)"])
        }
        return rebuild.applied
    }

    private struct Rebuild {
        let profiles: ProfileStore
        let state: ServingState
        let hash: ShopperHash
        let oldest: Timestamp
        var applied = 0

        mutating func apply(_ record: LogRecord) {
            switch record {
            case .signal(let signal): apply(signal)
            case .decision(let decision): apply(decision)
            case .adEvent(let event):
                guard event.invalid == nil, event.kind == .impression, event.receivedAt > oldest else { return }
                profiles.confirm(
                    event.token.shopperHash, lineItemID: event.token.lineItemID,
                    advertiserID: event.token.advertiserID, decidedAt: event.token.decisionID.issuedAt)
                applied += 1
            case .order, .adjustment, .link, .refused: return
            }
        }

        private mutating func apply(_ record: SignalRecord) {
            guard let visitor = record.visitorID, record.occurredAt > oldest else { return }
            profiles.apply(
                ProfileSignals.resolve(
                    record.kind, sku: record.sku, category: record.categoryCode, at: record.occurredAt, state.snapshot),
                shopper: hash(visitor))
            applied += 1
        }

        private mutating func apply(_ record: DecisionRecord) {
            guard let visitor = record.visitorID, record.id.issuedAt > oldest else { return }
            let shopper = hash(visitor)
            let snapshot = state.snapshot
            for ad in record.slots.flatMap(\.ads) {
                let index = snapshot.lookup.lineByID.find(ad.lineItemID)
                guard index >= 0 else { continue }
                let line = snapshot.lines[Int(index)]
                let advertiser = snapshot.lookup.advertiserByID.find(line.advertiserID)
                let limits = advertiser >= 0 ? snapshot.advertisers[Int(advertiser)].caps : .none
                profiles.recount(
                    shopper, lineItemID: line.id, lineLimits: line.caps, advertiserID: line.advertiserID,
                    advertiserLimits: limits, decidedAt: record.id.issuedAt)
                applied += 1
            }
        }
    }
}

/// Signals in the words of the shop, in database ids.
enum ProfileSignals {
    /// What the catalogue does not know stays 0.
    static func resolve(
        _ kind: SignalKind, sku: String?, category: String?, at: Timestamp, _ snapshot: Snapshot
    ) -> ProfileSignal {
        var signal = ProfileSignal(kind: kind, at: at)
        if let sku {
            let product = snapshot.lookup.products.find(sku)
            if product >= 0 {
                let found = snapshot.products[Int(product)]
                signal.productID = found.id
                if found.brand >= 0 { signal.brandID = snapshot.brandIDs[Int(found.brand)] }
                let category = snapshot.category(ofProduct: product)
                if category >= 0 { signal.categoryID = snapshot.categoryIDs[Int(category)] }
            }
        }
        if signal.categoryID == 0, let category {
            let index = snapshot.lookup.categories.find(category)
            if index >= 0 { signal.categoryID = snapshot.categoryIDs[Int(index)] }
        }
        return signal
    }
}
