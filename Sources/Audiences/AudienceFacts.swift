import AdModel
import Synchronization

/// What is counted of all shoppers for the atoms of one book: counters by atom and day, and purchases by day. Exact:
/// no count is guessed, dropped or forgotten as long as there is room for its shopper.
///
/// Facts are held per condition rather than per event, so that a shopper whom no audience asks about costs a few
/// dozen bytes and a condition may reach back as far as the shop remembers. 256 shards, each behind a lock.
public final class AudienceFacts: Sendable {
    static let shardCount = 256
    /// Links of one visitor that are remembered.
    static let linkLimit = 16
    /// Records looked at under one lock while all shoppers are evaluated.
    private static let slice = 32

    public let book: AudienceBook
    private let shards: ContiguousArray<Shard>
    private let isOrder: ContiguousArray<Bool>
    private let bestSpend = Atomic<Int64>(.max)

    private final class Shard: Sendable {
        let table: Mutex<FactTable>
        init(capacity: Int) { table = Mutex(FactTable(capacity: capacity)) }
    }

    /// - Parameter maximumShoppers: visitors and customers kept at most; further ones are counted as refused.
    public init(_ book: AudienceBook, maximumShoppers: Int = 8_000_000) {
        self.book = book
        let perShard = max(8, (maximumShoppers + Self.shardCount - 1) / Self.shardCount)
        shards = ContiguousArray((0..<Self.shardCount).map { _ in Shard(capacity: perShard) })
        isOrder = ContiguousArray(book.atoms.map { $0.events.type == .order })
    }

    private func shard(_ key: UInt64) -> Shard { shards[Int(key &>> 56)] }

    /// Shoppers that found no room.
    public var refused: Int { shards.reduce(0) { $0 + $1.table.withLock { $0.refused } } }

    // MARK: Writing

    /// Takes what happened.
    /// - Parameter day: day of the accounting zone, since the epoch.
    public func apply(_ action: AudienceAction, day: Day) {
        let day = UInt16(clamping: day.number)
        switch action {
        case .event(let event, let visitor, _):
            guard visitor != 0 else { return }
            let atoms = book.atoms(of: event)
            shard(visitor).table.withLock { table in
                table.note(visitor: visitor)
                for atom in atoms { table.count(visitor, atom: atom, day: day, by: 1) }
            }
        case .order(let items, let spend, let visitor, let customer, let at):
            if visitor != 0, customer != 0 { link(visitor, to: customer, at: at) }
            note(visitor: visitor)
            let owner = owner(visitor: visitor, customer: customer, at: at)
            guard owner != 0 else { return }
            var order = AudienceEvent(type: .order)
            order.items = items
            let atoms = book.atoms(of: order)
            shard(owner).table.withLock { table in
                for atom in atoms { table.count(owner, atom: atom, day: day, by: 1) }
                table.buy(owner, day: day, orders: 1, spend: spend.value)
            }
        case .link(let visitor, let customer, let at): link(visitor, to: customer, at: at)
        }
    }

    /// Remembers that there is such a visitor.
    public func note(visitor: UInt64) {
        guard visitor != 0 else { return }
        shard(visitor).table.withLock { $0.note(visitor: visitor) }
    }

    /// Adds to a counter.
    public func count(_ key: UInt64, atom: Int, day: Int32, by amount: Int) {
        shard(key).table.withLock { $0.count(key, atom: UInt16(atom), day: UInt16(clamping: day), by: amount) }
    }

    /// Adds a purchase.
    public func buy(_ key: UInt64, day: Int32, orders: Int, spend: Int64) {
        shard(key).table.withLock { $0.buy(key, day: UInt16(clamping: day), orders: orders, spend: spend) }
    }

    /// Whose an order is: the customer's that it names, else by the visitor's links. 0 = nobody's.
    public func owner(visitor: UInt64, customer: UInt64, at: Timestamp) -> UInt64 {
        if customer != 0 { return customer }
        guard visitor != 0 else { return 0 }
        return shard(visitor).table.withLock { $0.owner(visitor: visitor, at: at) }
    }

    /// Notes that a visitor is a customer. What he had bought as nobody in particular becomes the customer's.
    public func link(_ visitor: UInt64, to customer: UInt64, at: Timestamp) {
        guard visitor != 0, customer != 0 else { return }
        let isOrder = isOrder
        let moved = shard(visitor).table.withLock { table in
            table.link(visitor, to: customer, at: at)
                ? table.takeOrders(of: visitor) { isOrder[Int($0)] } : ([], [])
        }
        guard !moved.0.isEmpty || !moved.1.isEmpty else { return }
        shard(customer).table.withLock { table in
            for fact in moved.0 { table.count(customer, atom: fact.atom, day: fact.day, by: Int(fact.count)) }
            for fact in moved.1 { table.buy(customer, day: fact.day, orders: Int(fact.orders), spend: fact.spend) }
        }
    }

    /// Erases what is known of a visitor or a customer.
    public func forget(_ key: UInt64) { shard(key).table.withLock { $0.remove(key) } }

    // MARK: Reading

    /// Audiences (positions in the book) that a visitor is in. Current: what was applied before is seen.
    public func members(
        of visitor: UInt64, today: Int32, scratch: inout AudienceScratch, into list: inout ContiguousArray<Int32>
    ) {
        scratch.begin(book, today: today)
        let customer = shard(visitor).table.withLock { $0.gather(visitor, book, today: today, &scratch) }
        if customer != 0 {
            _ = shard(customer).table.withLock { $0.gather(customer, book, today: today, &scratch) }
        }
        book.evaluate(
            scratch, today: today, championSpend: bestSpend.load(ordering: .relaxed), into: &list)
    }

    /// Works out from which spend on one is among the best buyers, of all that is known now. Once a day is enough.
    public func findChampions(today: Int32) {
        guard book.needsBuyer else { return }
        var spends: [Int64] = []
        for shard in shards {
            shard.table.withLock { table in
                for record in table.records.indices where table.records[record].purchases != 0 {
                    let spend = table.yearlySpend(record: record, today: today)
                    if spend > 0 { spends.append(spend) }
                }
            }
        }
        bestSpend.store(book.thresholds.championSpend(&spends), ordering: .relaxed)
    }

    /// Shoppers in each audience of the book, of all that are known; and how many those are.
    public func sizes(today: Int32) -> (members: [Int], shoppers: Int) {
        var total = Tally(book)
        for shard in 0..<Self.shardCount { tally(shard: shard, today: today, &total) }
        return (total.members, total.shoppers)
    }

    /// Sizes of a part of the shards, for callers that share the work. `part` of `parts`.
    public func sizes(today: Int32, part: Int, of parts: Int) -> (members: [Int], shoppers: Int) {
        var total = Tally(book)
        for shard in stride(from: part, to: Self.shardCount, by: parts) { tally(shard: shard, today: today, &total) }
        return (total.members, total.shoppers)
    }

    private struct Tally {
        var members: [Int]
        var shoppers = 0
        var scratch = AudienceScratch()
        var list: ContiguousArray<Int32> = []
        /// Visitors whose customer lies in another shard: looked at without this shard's lock.
        var linked: ContiguousArray<UInt64> = []

        init(_ book: AudienceBook) { members = [Int](repeating: 0, count: book.definitions.count) }

        mutating func add() {
            for audience in list { members[Int(audience)] += 1 }
            list.removeAll(keepingCapacity: true)
        }
    }

    private func tally(shard number: Int, today: Int32, _ total: inout Tally) {
        let best = bestSpend.load(ordering: .relaxed)
        var next = 0
        var isDone = false
        while !isDone {
            total.linked.removeAll(keepingCapacity: true)
            shards[number].table.withLock { table in
                let end = min(next + Self.slice, table.records.count)
                while next < end {
                    let record = table.records[next]
                    if record.isVisitor {
                        total.shoppers += 1
                        if record.customer != 0 {
                            total.linked.append(record.key)
                        } else {
                            total.scratch.begin(book, today: today)
                            table.gather(record: next, book, today: today, &total.scratch)
                            book.evaluate(total.scratch, today: today, championSpend: best, into: &total.list)
                            total.add()
                        }
                    }
                    next += 1
                }
                isDone = next >= table.records.count
            }
            for visitor in total.linked {
                members(of: visitor, today: today, scratch: &total.scratch, into: &total.list)
                total.add()
            }
        }
    }
}
