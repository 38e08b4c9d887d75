import AdModel
import Audiences
import Dispatch
import Foundation
import Profiles
import Synchronization

/// Signals into profiles, and an audience over all shoppers, beside one random read-modify-write of 64 bytes each.
struct ProfilesBench {
    let shoppers: Int
    let threads: Int
    let seed: UInt64
    let start = Timestamp(micros: 1_795_251_600_000_000)

    /// Figures of one contestant and round.
    struct Round {
        var perSecond: Double
        /// Processor time over wall time and threads: below 1 when others took the cores.
        var share: Double
    }

    /// Runs `count` operations over all threads.
    private func timed(_ count: Int, _ body: @escaping @Sendable (_ thread: Int, _ operations: Int) -> Void) -> Round {
        let each = count / threads
        let cpu = Self.processorSeconds()
        let began = ContinuousClock.now
        DispatchQueue.concurrentPerform(iterations: threads) { body($0, each) }
        let spent = (ContinuousClock.now - began).components
        let seconds = Double(spent.seconds) + Double(spent.attoseconds) / 1e18
        return Round(
            perSecond: Double(each * threads) / seconds,
            share: (Self.processorSeconds() - cpu) / seconds / Double(threads))
    }

    private static func processorSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// Resident memory of the process, bytes.
    static func residentBytes() -> Int {
        guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8) else { return 0 }
        for line in status.split(separator: "\n") where line.hasPrefix("VmRSS:") {
            return (line.split(separator: " ").compactMap { Int($0) }.first ?? 0) * 1_024
        }
        return 0
    }

    /// The key of a shopper: spread over all shards, the same for the same number.
    static func key(_ shopper: UInt64) -> UInt64 {
        var z = (shopper &+ 1) &* 0x9E37_79B9_7F4A_7C15
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return (z ^ (z >> 31)) | 1
    }

    // MARK: Profiles

    /// Signals of random shoppers, as a shop has them: mostly views, some searches and carts.
    func apply(_ count: Int, to store: ProfileStore, round: Int) -> Round {
        let (shoppers, start) = (UInt64(shoppers), start)
        let seed = seed &+ UInt64(round) &* 1_000_003
        return timed(count) { thread, operations in
            var random = ProfilesRandom(seed &+ UInt64(thread))
            for step in 0..<operations {
                let word = random.next()
                let kind: SignalKind =
                    switch word >> 60 {
                    case 0: .search
                    case 1, 2: .addToCart
                    case 3: .order
                    case 4: .addToFavourites
                    case 5: .categoryView
                    default: .productView
                    }
                store.apply(
                    ProfileSignal(
                        kind: kind, productID: Int32(1 + word >> 8 & 0xFFFF), categoryID: Int32(1 + word >> 24 & 0x1FF),
                        brandID: Int32(1 + word >> 40 & 0x3FF), phrase: UInt32(truncatingIfNeeded: word) | 1,
                        at: start + .seconds(Int64(round * 600 + step & 0xFF))),
                    shopper: Self.key(random.next() % shoppers))
            }
        }
    }

    // MARK: Audiences

    /// Came back to a brand twice in a month, put something into the cart, and did not buy in a fortnight.
    func facts() -> AudienceFacts {
        func event(
            _ type: AudienceEventType, from: Int32 = 1, did: Bool = true, days: Int32, brands: [String] = []
        ) -> AudienceCondition {
            var events = CountedEvents(type: type)
            events.brands = brands
            var condition = EventCondition(events: events)
            condition.from = from
            condition.did = did
            condition.period = .daysAgo(from: days, to: 0)
            return .event(condition)
        }
        let condition = AudienceCondition.all([
            event(.productView, from: 2, days: 30, brands: ["1", "2", "3"]), event(.addToCart, days: 30),
            event(.order, did: false, days: 14),
        ])
        let book = AudienceBook([AudienceDefinition(id: 1, condition: condition)]) { atom in
            var filter = EventFilter()
            if !atom.events.brands.isEmpty { filter.brandIDs = Set(atom.events.brands.compactMap { Int32($0) }) }
            return filter
        }
        let facts = AudienceFacts(book, maximumShoppers: shoppers * 2)
        var random = ProfilesRandom(seed)
        let today = Int(start.utcDay.number)
        for shopper in 0..<UInt64(shoppers) {
            let key = Self.key(shopper)
            for _ in 0..<4 {
                let word = random.next()
                let types: [AudienceEventType] = [.productView, .productView, .addToCart, .order]
                var event = AudienceEvent(type: types[Int(word & 3)])
                event.items = [AudienceEvent.Item(brandID: Int32(1 + word >> 8 & 3))]
                let action =
                    event.type == .order
                    ? AudienceAction.order(items: event.items, spend: Micros(1), visitor: key, customer: 0, at: start)
                    : .event(event, visitor: key, at: start)
                facts.apply(action, day: Day(number: Int32(today - Int(word >> 16 & 63))))
            }
        }
        return facts
    }

    func evaluate(_ facts: AudienceFacts) -> (round: Round, members: Int) {
        let today = start.utcDay.number
        let (threads, shoppers) = (threads, shoppers)
        let results = BenchCounts(threads)
        let round = timed(shoppers) { thread, _ in
            let sizes = facts.sizes(today: today, part: thread, of: threads)
            results.set(thread, sizes.members[0])
        }
        return (round, results.sum)
    }

    // MARK: Yardstick

    /// One random read-modify-write of 64 bytes per operation, in as many records as there are shoppers.
    func readModifyWrite(_ count: Int, round: Int) -> Round {
        let each = shoppers / threads
        let seed = seed &+ UInt64(round)
        let memory = (0..<threads).map { _ in BenchMemory(records: each) }
        return timed(count) { thread, operations in
            memory[thread].touch(operations, seed: seed &+ UInt64(thread) &* 77)
        }
    }
}

/// SplitMix64: cheap enough not to be what is measured.
struct ProfilesRandom {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// One number per thread.
private final class BenchCounts: Sendable {
    private let values: [Slot]

    private final class Slot: Sendable {
        let value = Mutex(0)
    }

    init(_ count: Int) { values = (0..<count).map { _ in Slot() } }

    func set(_ index: Int, _ value: Int) { values[index].value.withLock { $0 = value } }
    var sum: Int { values.reduce(0) { $0 + $1.value.withLock { $0 } } }
}

/// Records of 64 bytes of one thread.
private final class BenchMemory: Sendable {
    private let words: Mutex<ContiguousArray<UInt64>>
    private let records: Int

    init(records: Int) {
        self.records = records
        words = Mutex(ContiguousArray(repeating: 0, count: records * 8))
    }

    func touch(_ operations: Int, seed: UInt64) {
        words.withLock { words in
            var random = ProfilesRandom(seed)
            for _ in 0..<operations {
                let value = random.next()
                let at = Int(value % UInt64(records)) * 8
                for word in 0..<8 { words[at + word] &+= value }
            }
        }
    }
}
