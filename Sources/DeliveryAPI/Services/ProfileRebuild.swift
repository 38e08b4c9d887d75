import AdModel
import Audiences
import Decisioning
import EventLog
import Logging
import Measurement
import Profiles
import Store
import Synchronization

/// Profiles live in memory: at start they are rebuilt from the node's own log as far back as it reaches, and from the
/// database before that.
public enum ProfileRebuild {
    /// Records read at once.
    static let batch = 4_096
    /// Older records say nothing that still matters to caps or affinities; of orders a year counts.
    public static let horizon = Timestamp.Span.days(30)

    /// Reads both once, the older part first. Returns how many records changed a profile. What cannot be read costs
    /// profiles, never the start: the error is logged.
    /// - Parameter history: what the database knows; nil reads the log alone.
    @discardableResult
    public static func run(
        _ reader: EventLogReader?, history: ProfileHistory? = nil, into profiles: ProfileStore, state: ServingState,
        hash: ShopperHash, now: Timestamp, logger: Logger
    ) async -> Int {
        let rebuild = Rebuild(profiles: profiles, state: state, hash: hash, oldest: now - horizon)
        let applied = Atomic<Int>(0)
        do {
            let start = try reader.flatMap { try firstReceived($0) } ?? now
            if let history {
                try await history.each(from: now - horizon, receivedBefore: start) { entries in
                    let changed = entries.count { rebuild.apply($0) }
                    applied.wrappingAdd(changed, ordering: .relaxed)
                }
            }
        } catch {
            logger.warning("profiles were rebuilt without the database", metadata: ["error": "\(error)"])
        }
        do {
            var position = try reader?.firstPosition() ?? 0
            while let reader {
                let read = try reader.read(from: position, maximumRecords: batch, maximumBytes: 8 << 20)
                for entry in read.records {
                    guard let record = try? entry.bytes.withUnsafeBytes({ try LogRecordCodec.decode($0) }) else {
                        continue
                    }
                    if rebuild.apply(record) { applied.wrappingAdd(1, ordering: .relaxed) }
                }
                if read.records.isEmpty || read.next == position { break }
                position = read.next
            }
        } catch {
            logger.warning("profiles were rebuilt in part only", metadata: ["error": "\(error)"])
        }
        return applied.load(ordering: .relaxed)
    }

    /// When the oldest record of the log was received; nil when there is none.
    private static func firstReceived(_ reader: EventLogReader) throws -> Timestamp? {
        let read = try reader.read(from: try reader.firstPosition(), maximumRecords: 1)
        guard let first = read.records.first else { return nil }
        return try first.bytes.withUnsafeBytes { try LogRecordCodec.decode($0) }.receivedAt
    }

    private struct Rebuild: Sendable {
        let profiles: ProfileStore
        let state: ServingState
        let hash: ShopperHash
        let oldest: Timestamp
        let erased: [UInt64: Timestamp]

        init(profiles: ProfileStore, state: ServingState, hash: ShopperHash, oldest: Timestamp) {
            self.profiles = profiles
            self.state = state
            self.hash = hash
            self.oldest = oldest
            erased = state.data.erased
        }

        /// Key of a shopper who has not been erased since; 0 = none.
        private func key(_ visitor: String?, _ receivedAt: Timestamp) -> UInt64 {
            guard let visitor else { return 0 }
            return known(hash(visitor), receivedAt)
        }

        private func known(_ key: UInt64, _ receivedAt: Timestamp) -> UInt64 {
            if let at = erased[key], receivedAt < at { return 0 }
            return key
        }

        func apply(_ entry: ProfileHistory.Entry) -> Bool {
            switch entry {
            case .record(let record): apply(record)
            case .contact(let contact):
                confirm(contact.lineItemID, of: key(contact.visitorID, contact.decidedAt), at: contact.decidedAt)
            }
        }

        func apply(_ record: LogRecord) -> Bool {
            switch record {
            case .signal(let signal): return apply(signal)
            case .decision(let decision): return apply(decision)
            case .order(let order):
                let shopper = key(order.visitorID, order.receivedAt)
                guard shopper != 0 else { return false }
                profiles.apply(AudienceActions.profileOrder(order, state.snapshot), shopper: shopper)
                return true
            case .adEvent(let event):
                guard event.invalid == nil, event.kind == .impression, event.receivedAt > oldest else { return false }
                let shopper = known(event.token.shopperHash, event.receivedAt)
                guard shopper != 0 else { return false }
                profiles.confirm(
                    shopper, lineItemID: event.token.lineItemID, advertiserID: event.token.advertiserID,
                    decidedAt: event.token.decisionID.issuedAt)
                return true
            case .adjustment, .link, .refused: return false
            }
        }

        private func apply(_ record: SignalRecord) -> Bool {
            let shopper = key(record.visitorID, record.receivedAt)
            guard shopper != 0, record.occurredAt > oldest else { return false }
            profiles.apply(
                ProfileSignals.resolve(
                    record.kind, sku: record.sku, category: record.categoryCode, phrase: record.phrase,
                    at: record.occurredAt, state.snapshot), shopper: shopper)
            return true
        }

        private func apply(_ record: DecisionRecord) -> Bool {
            let at = record.id.issuedAt
            let shopper = key(record.visitorID, at)
            guard shopper != 0, at > oldest else { return false }
            var isKnown = false
            for ad in record.slots.flatMap(\.ads) where expect(ad.lineItemID, of: shopper, at: at) { isKnown = true }
            return isKnown
        }

        /// Counts a decision against the caps that hold now; false for a line item that serves no more.
        private func expect(_ lineItem: Int32, of shopper: UInt64, at: Timestamp) -> Bool {
            let snapshot = state.snapshot
            let index = snapshot.lookup.lineByID.find(lineItem)
            guard index >= 0 else { return false }
            let line = snapshot.lines[Int(index)]
            let advertiser = snapshot.lookup.advertiserByID.find(line.advertiserID)
            profiles.recount(
                shopper, lineItemID: line.id, lineLimits: line.caps, advertiserID: line.advertiserID,
                advertiserLimits: advertiser >= 0 ? snapshot.advertisers[Int(advertiser)].caps : .none, decidedAt: at)
            return true
        }

        private func confirm(_ lineItem: Int32, of shopper: UInt64, at: Timestamp) -> Bool {
            guard shopper != 0, expect(lineItem, of: shopper, at: at) else { return false }
            let snapshot = state.snapshot
            let line = snapshot.lines[Int(snapshot.lookup.lineByID.find(lineItem))]
            profiles.confirm(shopper, lineItemID: line.id, advertiserID: line.advertiserID, decidedAt: at)
            return true
        }
    }
}

/// Signals in the words of the shop, in database ids.
enum ProfileSignals {
    /// What the catalogue does not know stays 0.
    static func resolve(
        _ kind: SignalKind, sku: String?, category: String?, phrase: String?, at: Timestamp, _ snapshot: Snapshot
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
        if let phrase, kind == .search {
            // Equal phrases, whatever their case and punctuation, are one search.
            signal.phrase = UInt32(truncatingIfNeeded: TextKey.of(PhraseWords.of(phrase).joined(separator: " ")))
        }
        return signal
    }
}
