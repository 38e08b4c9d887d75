import AdModel
import Decisioning
import Synchronization
import Testing

@Suite struct LeaseTableTests {
    let now = Timestamp(micros: 1_000_000)

    @Test("Never more is taken than was granted, whoever takes at the same time")
    func neverOverspends() async {
        let table = LeaseTable(maximumLineItemID: 10)
        table.grant(7, Micros(1_000))
        let taken = Counter()
        await withTaskGroup { group in
            for worker in 0..<8 {
                group.addTask {
                    for round in 0..<500 {
                        let amount = Int64(1 + (worker + round) % 3)
                        if table.reserve(7, Micros(amount), now: Timestamp(micros: 0)) {
                            taken.value.add(amount, ordering: .relaxed)
                        }
                    }
                }
            }
        }
        #expect(taken.value.load(ordering: .relaxed) + table.remaining(7, now: now).value == 1_000)
        #expect(table.remaining(7, now: now).value < 3)
    }

    @Test("A lease ends at its time")
    func expires() {
        let table = LeaseTable(maximumLineItemID: 10)
        table.grant(3, Micros(100), expiresAt: now)
        #expect(table.reserve(3, Micros(10), now: now - .seconds(1)))
        #expect(!table.reserve(3, Micros(10), now: now))
        #expect(table.remaining(3, now: now) == .zero)
    }

    @Test("What is released can be taken again, and revoking answers what is left")
    func releases() {
        let table = LeaseTable(maximumLineItemID: 10)
        table.grant(3, Micros(100))
        #expect(table.reserve(3, Micros(80), now: now))
        #expect(!table.reserve(3, Micros(30), now: now))
        table.release(3, Micros(50))
        #expect(table.reserve(3, Micros(30), now: now))
        #expect(table.revoke(3, state: .budgetExhausted) == Micros(40))
        #expect(table.state(3) == .budgetExhausted)
        #expect(!table.reserve(3, Micros(1), now: now))
    }

    @Test("A larger table shares the cells of the smaller one")
    func grows() {
        let small = LeaseTable(maximumLineItemID: 10)
        small.grant(3, Micros(100))
        let large = small.covering(5_000)
        large.grant(5_000, Micros(7))
        #expect(small.reserve(3, Micros(60), now: now))
        #expect(large.remaining(3, now: now) == Micros(40))
        #expect(small.remaining(5_000, now: now) == .zero)
        #expect(!small.reserve(5_000, Micros(1), now: now))
        #expect(large.reserve(5_000, Micros(7), now: now))
    }
}

private final class Counter: Sendable {
    let value = Atomic<Int64>(0)
}
