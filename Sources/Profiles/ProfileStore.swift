import AdModel
import Synchronization

/// All profiles of a node: 256 shards, each behind a lock that is held for well under a microsecond. What one
/// call writes, the next call on any loop reads.
///
/// Shoppers are named by a 64-bit key (a keyed hash of the pseudonymous id); 0 names nobody and is ignored.
/// The count is bounded: when a shard is full, the least recently seen of eight sampled profiles makes room.
public final class ProfileStore: Sendable {
    public static let shardCount = 256

    /// In place: neither an array nor an object stands between a request and its shard.
    private let shards: InlineArray<256, Mutex<ProfileTable>>

    /// - Parameter maximumProfiles: profiles kept at most, rounded up to a multiple of 256.
    public init(maximumProfiles: Int = 1_000_000) {
        let perShard = max(8, (maximumProfiles + Self.shardCount - 1) / Self.shardCount)
        shards = InlineArray { _ in Mutex(ProfileTable(capacity: perShard)) }
    }

    /// Number of a shopper's shard.
    @inline(__always)
    private func shard(_ shopper: UInt64) -> Int { Int(shopper &>> 56) }

    /// Profiles kept now.
    public var count: Int { sum { $0.count } }
    /// Profiles that made room for others since the start.
    public var evictions: Int { sum { $0.evictions } }

    private func sum(_ part: @Sendable (borrowing ProfileTable) -> Int) -> Int {
        var sum = 0
        for number in 0..<Self.shardCount { sum += shards[number].withLock { part($0) } }
        return sum
    }

    /// Applies what a shopper did; the very next request sees it.
    public func apply(_ signal: ProfileSignal, shopper: UInt64) {
        guard shopper != 0 else { return }
        shards[shard(shopper)].withLock { $0.change(shopper) { $0.apply(signal) } }
    }

    /// Applies an order that the shop's server reported. No session begins by it: the shopper may be at a till.
    public func apply(_ order: ProfileOrder, shopper: UInt64) {
        guard shopper != 0 else { return }
        shards[shard(shopper)].withLock { $0.change(shopper) { $0.apply(order) } }
    }

    /// Says that a profile will be asked for soon: a million of them are in no cache, and what a request does meanwhile
    /// hides the way to memory. First for where it is, some time later for itself.
    public func prefetchPlace(_ shopper: UInt64) {
        shards[shard(shopper)].withLock { $0.prefetchPlace(shopper) }
    }

    /// The second step.
    public func prefetchProfile(_ shopper: UInt64) {
        shards[shard(shopper)].withLock { $0.prefetchRecord(shopper) }
    }

    /// Notes a request (a session goes on or starts) and copies the profile out.
    public func begin(_ shopper: UInt64, now: Timestamp, into profile: inout Profile) {
        let seconds = now.wholeSeconds
        // The shard is locked for one look-up and one copy of a few hundred bytes.
        shards[shard(shopper)].withLock { $0.change(shopper, into: &profile) { $0.touch(seconds) } }
    }

    /// The profile as it is, without noting a request; nil when there is none.
    public func read(_ shopper: UInt64) -> Profile? {
        shards[shard(shopper)].withLock { $0.read(shopper) }
    }

    /// Counts a decision against the caps of its line item and its advertiser, if every limit still holds. Checked
    /// and counted under one lock, so that two loops cannot both take the last contact.
    /// - Returns: false when a cap is reached; then nothing is counted.
    public func claim(
        _ shopper: UInt64, lineItemID: Int32, lineLimits: CapLimits, advertiserID: Int32,
        advertiserLimits: CapLimits, now: Timestamp
    ) -> Bool {
        let seconds = now.wholeSeconds
        let line = CapKey.lineItem(lineItemID)
        let advertiser = CapKey.advertiser(advertiserID)
        return shards[shard(shopper)].withLock { table in
            table.change(shopper) { profile in
                profile.touch(seconds)
                let session = profile.session
                guard profile.caps.allows(line, lineLimits, now: seconds, session: session),
                    profile.caps.allows(advertiser, advertiserLimits, now: seconds, session: session)
                else { return false }
                if !lineLimits.isNone { profile.caps.expect(line, now: seconds, session: session) }
                if !advertiserLimits.isNone { profile.caps.expect(advertiser, now: seconds, session: session) }
                return true
            }
        }
    }

    /// Takes back a claim whose ad was not served after all.
    public func withdraw(_ shopper: UInt64, lineItemID: Int32, advertiserID: Int32, at: Timestamp) {
        let seconds = at.wholeSeconds
        shards[shard(shopper)].withLock { table in
            table.change(shopper) {
                $0.caps.withdraw(.lineItem(lineItemID), at: seconds)
                $0.caps.withdraw(.advertiser(advertiserID), at: seconds)
            }
        }
    }

    /// Confirms a decision by its impression. Harmless when repeated, and when neither of the two is capped.
    public func confirm(_ shopper: UInt64, lineItemID: Int32, advertiserID: Int32, decidedAt: Timestamp) {
        guard shopper != 0 else { return }
        let seconds = decidedAt.wholeSeconds
        shards[shard(shopper)].withLock { table in
            table.change(shopper) {
                $0.touch(seconds)
                $0.caps.confirm(.lineItem(lineItemID), decidedAt: seconds, session: $0.session)
                $0.caps.confirm(.advertiser(advertiserID), decidedAt: seconds, session: $0.session)
            }
        }
    }

    /// Counts a decision found in the log after a restart: like `claim`, but it has happened, so nothing is asked.
    public func recount(
        _ shopper: UInt64, lineItemID: Int32, lineLimits: CapLimits, advertiserID: Int32,
        advertiserLimits: CapLimits, decidedAt: Timestamp
    ) {
        guard shopper != 0 else { return }
        let seconds = decidedAt.wholeSeconds
        shards[shard(shopper)].withLock { table in
            table.change(shopper) {
                $0.touch(seconds)
                if !lineLimits.isNone { $0.caps.expect(.lineItem(lineItemID), now: seconds, session: $0.session) }
                if !advertiserLimits.isNone {
                    $0.caps.expect(.advertiser(advertiserID), now: seconds, session: $0.session)
                }
            }
        }
    }

    /// Shoppers of one shard who have caps.
    func capped(shard number: Int) -> [UInt64] { shards[number].withLock { $0.capped() } }

    func change(_ shopper: UInt64, _ body: @Sendable (inout Profile) -> Void) {
        shards[shard(shopper)].withLock { $0.change(shopper, body) }
    }

    /// Erases a profile.
    public func forget(_ shopper: UInt64) { shards[shard(shopper)].withLock { $0.remove(shopper) } }
}
