import AdModel
import Profiles
import Testing

@Suite("Caps move between nodes")
struct CapTransferTests {
    @Test func whatOneNodeCountedHoldsOnTheNext() throws {
        let now = Timestamp(micros: 1_764_000_000_000_000)
        let one = ProfileStore(maximumProfiles: 1_000)
        let other = ProfileStore(maximumProfiles: 1_000)
        let limits = CapLimits(hour: 3, session: 2)
        func claim(_ store: ProfileStore, _ shopper: UInt64, _ at: Timestamp) -> Bool {
            store.claim(
                shopper, lineItemID: 5, lineLimits: limits, advertiserID: 9, advertiserLimits: CapLimits(day: 4),
                now: at)
        }
        // Shards go by the upper bits.
        func key(_ number: UInt64) -> UInt64 { number << 56 | number }
        for number in UInt64(1)...50 {
            let shopper = key(number)
            #expect(claim(one, shopper, now))
            one.confirm(shopper, lineItemID: 5, advertiserID: 9, decidedAt: now)
        }
        // One more for some, unconfirmed.
        for number in UInt64(1)...10 { #expect(claim(one, key(number), now + .seconds(5))) }
        let moving = one.exportCaps { $0 % 2 == 0 }
        #expect(moving.count == 25)
        for (shopper, caps) in moving { #expect(other.importCaps(caps, shopper: shopper)) }
        #expect(!claim(other, key(2), now + .seconds(9)), "two of the session are counted, one of them unconfirmed")
        other.confirm(key(2), lineItemID: 5, advertiserID: 9, decidedAt: now + .seconds(5))
        #expect(!claim(other, key(2), now + .minutes(11)), "what was confirmed on the new node stays")
        #expect(claim(other, key(20), now + .seconds(9)))
        #expect(!claim(other, key(20), now + .seconds(9)))
        #expect(claim(other, key(3), now + .seconds(9)), "a shopper who did not move is new there")
    }

    @Test func otherBytesAreNone() {
        let store = ProfileStore(maximumProfiles: 100)
        #expect(!store.importCaps([], shopper: 1))
        #expect(!store.importCaps([9, 0, 0], shopper: 1))
        #expect(!store.importCaps([1, 0, 0, 1, 2], shopper: 1))
        #expect(!store.importCaps([1, 0, 0, 9, 0, 0, 0, 7], shopper: 1))
        #expect(store.importCaps([1, 4, 0, 9, 0, 0, 0], shopper: 1))
    }
}
