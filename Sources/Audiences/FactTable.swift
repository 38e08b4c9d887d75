import AdModel

/// Facts of one shard: per key a chain of counters by atom and day, and a chain of purchases by day.
struct FactTable: ~Copyable {
    struct Record: KeyedRecord, Sendable {
        let key: UInt64
        /// First of the chain + 1; 0 = none.
        var counts: UInt32 = 0
        var purchases: UInt32 = 0
        /// Key of the customer that the visitor is now; 0 = none.
        var customer: UInt64 = 0
        /// A visitor, and so a shopper that can be shown ads; else a customer.
        var isVisitor = false
    }

    struct Count: Sendable {
        var atom: UInt16
        /// Days since the epoch.
        var day: UInt16
        var count: UInt16
        /// Next of the chain + 1; 0 = none. Free ones are chained too.
        var next: UInt32
    }

    struct Purchase: Sendable {
        var spend: Int64
        var next: UInt32
        var day: UInt16
        var orders: UInt16
    }

    struct Link: Sendable {
        var at: Timestamp
        var customer: UInt64
    }

    private var index = KeyIndex()
    private(set) var records: ContiguousArray<Record> = []
    private var counts: ContiguousArray<Count> = []
    private var purchases: ContiguousArray<Purchase> = []
    private var freeCount: UInt32 = 0
    private var freePurchase: UInt32 = 0
    /// By visitor, in order of time.
    private var links: [UInt64: [Link]] = [:]
    let capacity: Int
    /// Keys that found no room.
    private(set) var refused = 0

    init(capacity: Int) { self.capacity = capacity }

    /// Number of the record of a key, made if need be; -1 when there is no room.
    mutating func record(_ key: UInt64) -> Int {
        let known = index.find(key, in: records)
        if known >= 0 { return known }
        guard index.count < capacity else {
            refused += 1
            return -1
        }
        records.append(Record(key: key))
        return index.insert(key, in: records)
    }

    mutating func note(visitor: UInt64) {
        let record = record(visitor)
        if record >= 0 { records[record].isVisitor = true }
    }

    mutating func count(_ key: UInt64, atom: UInt16, day: UInt16, by amount: Int) {
        let record = record(key)
        guard record >= 0 else { return }
        var at = records[record].counts
        while at != 0 {
            let place = Int(at) - 1
            if counts[place].atom == atom, counts[place].day == day {
                counts[place].count = UInt16(clamping: Int(counts[place].count) + amount)
                return
            }
            at = counts[place].next
        }
        let fact = Count(atom: atom, day: day, count: UInt16(clamping: amount), next: records[record].counts)
        if freeCount != 0 {
            let place = Int(freeCount) - 1
            freeCount = counts[place].next
            counts[place] = fact
            records[record].counts = UInt32(place + 1)
        } else {
            counts.append(fact)
            records[record].counts = UInt32(counts.count)
        }
    }

    mutating func buy(_ key: UInt64, day: UInt16, orders: Int, spend: Int64) {
        let record = record(key)
        guard record >= 0 else { return }
        var at = records[record].purchases
        while at != 0 {
            let place = Int(at) - 1
            if purchases[place].day == day {
                purchases[place].orders = UInt16(clamping: Int(purchases[place].orders) + orders)
                purchases[place].spend = Self.sum(purchases[place].spend, spend)
                return
            }
            at = purchases[place].next
        }
        let fact = Purchase(
            spend: spend, next: records[record].purchases, day: day, orders: UInt16(clamping: orders))
        if freePurchase != 0 {
            let place = Int(freePurchase) - 1
            freePurchase = purchases[place].next
            purchases[place] = fact
            records[record].purchases = UInt32(place + 1)
        } else {
            purchases.append(fact)
            records[record].purchases = UInt32(purchases.count)
        }
    }

    private static func sum(_ a: Int64, _ b: Int64) -> Int64 {
        let (sum, isTooMuch) = a.addingReportingOverflow(b)
        return isTooMuch ? (b > 0 ? .max : .min) : sum
    }

    // MARK: Links

    /// Whose an order of a visitor is: the customer of the latest link until then, else of the earliest later one,
    /// else the visitor's own.
    func owner(visitor: UInt64, at time: Timestamp) -> UInt64 {
        guard let known = links[visitor], let first = known.first else { return visitor }
        return known.last { $0.at <= time }?.customer ?? first.customer
    }

    /// Notes a link.
    /// - Returns: true when it is the visitor's first: what he had bought before is the customer's from now on.
    mutating func link(_ visitor: UInt64, to customer: UInt64, at time: Timestamp) -> Bool {
        let record = record(visitor)
        guard record >= 0 else { return false }
        records[record].isVisitor = true
        var known = links[visitor] ?? []
        let isFirst = known.isEmpty
        if !known.contains(where: { $0.at == time && $0.customer == customer }) {
            known.insert(Link(at: time, customer: customer), at: known.lastIndex { $0.at <= time }.map { $0 + 1 } ?? 0)
            // Who changes hands that often is no shopper; the latest ones count.
            if known.count > AudienceFacts.linkLimit { known.removeFirst() }
            links[visitor] = known
        }
        records[record].customer = known.last?.customer ?? customer
        return isFirst
    }

    /// Takes the orders out of a visitor's record.
    mutating func takeOrders(
        of visitor: UInt64, isOrder: (UInt16) -> Bool
    ) -> (counts: [Count], purchases: [Purchase]) {
        let record = index.find(visitor, in: records)
        guard record >= 0 else { return ([], []) }
        var taken: [Count] = []
        var kept: UInt32 = 0
        var at = records[record].counts
        while at != 0 {
            let place = Int(at) - 1
            let next = counts[place].next
            if isOrder(counts[place].atom) {
                taken.append(counts[place])
                counts[place].next = freeCount
                freeCount = at
            } else {
                counts[place].next = kept
                kept = at
            }
            at = next
        }
        records[record].counts = kept
        return (taken, takePurchases(record))
    }

    private mutating func takePurchases(_ record: Int) -> [Purchase] {
        var taken: [Purchase] = []
        var at = records[record].purchases
        records[record].purchases = 0
        while at != 0 {
            let place = Int(at) - 1
            let next = purchases[place].next
            taken.append(purchases[place])
            purchases[place].next = freePurchase
            freePurchase = at
            at = next
        }
        return taken
    }

    mutating func remove(_ key: UInt64) {
        _ = takeOrders(of: key) { _ in true }
        links[key] = nil
        let record = index.find(key, in: records)
        guard record >= 0 else { return }
        index.remove(record: record, in: records)
        records[record] = records[records.count - 1]
        records.removeLast()
    }

    // MARK: Reading

    /// Adds what is known of a key to the scratch.
    /// - Returns: key of the customer that a visitor is; 0 = none.
    func gather(_ key: UInt64, _ book: AudienceBook, today: Int32, _ scratch: inout AudienceScratch) -> UInt64 {
        let record = index.find(key, in: records)
        guard record >= 0 else { return 0 }
        gather(record: record, book, today: today, &scratch)
        return records[record].customer
    }

    func gather(record: Int, _ book: AudienceBook, today: Int32, _ scratch: inout AudienceScratch) {
        var at = records[record].counts
        while at != 0 {
            let fact = counts[Int(at) - 1]
            scratch.add(Int32(fact.count), day: Int32(fact.day), leaves: book.leavesOfAtom[Int(fact.atom)])
            at = fact.next
        }
        guard book.needsBuyer else { return }
        at = records[record].purchases
        while at != 0 {
            let purchase = purchases[Int(at) - 1]
            scratch.buyer.orders &+= Int32(purchase.orders)
            scratch.buyer.lastDay = max(scratch.buyer.lastDay, Int32(purchase.day))
            if Int32(purchase.day) > today - RFMThresholds.spendDays {
                scratch.buyer.spend = Self.sum(scratch.buyer.spend, purchase.spend)
            }
            at = purchase.next
        }
    }

    /// What a record's owner spent in the 12 months until `today`.
    func yearlySpend(record: Int, today: Int32) -> Int64 {
        var spend: Int64 = 0
        var at = records[record].purchases
        while at != 0 {
            let purchase = purchases[Int(at) - 1]
            if Int32(purchase.day) > today - RFMThresholds.spendDays { spend = Self.sum(spend, purchase.spend) }
            at = purchase.next
        }
        return spend
    }
}
