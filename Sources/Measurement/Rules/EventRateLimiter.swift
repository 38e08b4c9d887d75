import AdModel
import Synchronization

/// Says who sends more events a minute than a person can. Memory is fixed: when a bucket of the table is full, the
/// shopper seen longest ago is forgotten, so a flood of invented shoppers costs precision and never memory.
public final class EventRateLimiter: Sendable {
    /// Most events of one shopper within a sliding minute.
    public let limitPerMinute: Int
    private let shards: [Shard]
    private static let shardCount = 64
    private static let ways = 8

    /// Remembers about `capacity` shoppers, 24 bytes each.
    public init(limitPerMinute: Int, capacity: Int = 262_144) {
        self.limitPerMinute = limitPerMinute
        let buckets = max(1, capacity / (Self.shardCount * Self.ways))
        shards = (0..<Self.shardCount).map { _ in Shard(buckets: buckets) }
    }

    /// Counts one event of the shopper (a keyed hash; 0 is never limited) and says whether it is over the limit.
    ///
    /// The sliding minute is the usual estimate: the running minute in full, the one before by the share of it that
    /// the window still covers.
    public func isOverLimit(_ shopper: UInt64, at now: Timestamp) -> Bool {
        guard shopper != 0 else { return false }
        let minute = floorDivide(now.micros, 60_000_000)
        let intoMinute = now.micros - minute * 60_000_000
        let shard = shards[Int(truncatingIfNeeded: shopper % UInt64(Self.shardCount))]
        let (current, previous) = shard.entries.withLock { entries in
            let buckets = entries.count / Self.ways
            let first = Int(truncatingIfNeeded: (shopper >> 8) % UInt64(buckets)) * Self.ways
            var slot = first
            for i in first..<(first + Self.ways) {
                if entries[i].shopper == shopper {
                    slot = i
                    break
                }
                if entries[i].minute < entries[slot].minute { slot = i }
            }
            entries[slot].count(shopper, in: minute)
            return (entries[slot].current, entries[slot].previous)
        }
        let weighted = Int64(previous) * (60_000_000 - intoMinute) / 60_000_000
        return Int(weighted) + Int(current) > limitPerMinute
    }

    private struct Entry: Sendable {
        var shopper: UInt64 = 0
        var minute: Int64 = .min
        var current: UInt32 = 0
        var previous: UInt32 = 0

        mutating func count(_ newShopper: UInt64, in newMinute: Int64) {
            if shopper != newShopper {
                self = Entry(shopper: newShopper, minute: newMinute)
            } else if newMinute > minute {
                previous = newMinute - 1 == minute ? current : 0
                current = 0
                minute = newMinute
            }
            current &+= 1
        }
    }

    private final class Shard: Sendable {
        let entries: Mutex<[Entry]>
        init(buckets: Int) { entries = Mutex([Entry](repeating: Entry(), count: buckets * EventRateLimiter.ways)) }
    }
}
