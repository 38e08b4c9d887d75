import Synchronization

/// A bounded set of 64-bit keys: what was seen lately. Sharded; each shard keeps two generations and drops the older
/// one when the younger is full, so a key is remembered for at least half of the capacity.
final class RecentKeys: Sendable {
    private final class Shard: Sendable {
        let sets = Mutex<(young: Set<UInt64>, old: Set<UInt64>)>(([], []))
    }

    private let shards: [Shard]
    private let generation: Int

    init(capacity: Int, shardCount: Int = 16) {
        shards = (0..<shardCount).map { _ in Shard() }
        generation = max(1, capacity / shardCount / 2)
    }

    /// Whether the key is remembered.
    func contains(_ key: UInt64) -> Bool {
        shards[Int(truncatingIfNeeded: key % UInt64(shards.count))].sets.withLock {
            $0.young.contains(key) || $0.old.contains(key)
        }
    }

    /// Remembers the key; false when it was remembered already.
    @discardableResult
    func insert(_ key: UInt64) -> Bool {
        shards[Int(truncatingIfNeeded: key % UInt64(shards.count))].sets.withLock { sets in
            if sets.old.contains(key) || sets.young.contains(key) { return false }
            if sets.young.count >= generation {
                sets.old = sets.young
                sets.young = []
            }
            sets.young.insert(key)
            return true
        }
    }
}

/// What the edge remembers of events that became durable here, so that a quick retry is answered `duplicate`. Best
/// effort by design: the ledger decides.
final class RecentEvents: Sendable {
    static let capacity = 1 << 20
    static let orderCapacity = 1 << 16

    private let keys = RecentKeys(capacity: capacity)
    private let contents = Mutex<[String: Content]>([:])

    struct Content {
        var hash: [UInt8]
        /// False while its record is on its way to the disk.
        var isDurable: Bool
    }

    func contains(_ key: UInt64) -> Bool { keys.contains(key) }
    func insert(_ key: UInt64) { keys.insert(key) }

    /// Content known for an order or adjustment.
    func content(_ key: String) -> Content? { contents.withLock { $0[key] } }

    func remember(_ key: String, _ content: Content) {
        contents.withLock { known in
            // Dropping half at random is cheap and forgets nobody in particular.
            if known.count >= Self.orderCapacity {
                for old in known.keys.prefix(Self.orderCapacity / 2) { known[old] = nil }
            }
            known[key] = content
        }
    }

    func forget(_ key: String) { contents.withLock { $0[key] = nil } }
}
