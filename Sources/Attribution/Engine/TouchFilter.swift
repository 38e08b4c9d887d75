/// Says quickly that a touch cannot matter: its shopper ordered nothing, or nothing in its window.
///
/// Most touches end here, and the answer takes one look at one place in memory. It may say "perhaps" too often, never
/// "no" wrongly: each id carries one bit for each 64th part of time in which any person it may be has ordered.
struct TouchFilter: Sendable {
    struct Slot: Sendable {
        var low: UInt64 = 0
        /// 0 = free: no id has such a key.
        var high: UInt64 = 0
        var times: UInt64 = 0
    }

    let slots: [Slot]
    let mask: Int
    private let first: Int64
    private let last: Int64
    private let shift: UInt64

    init(_ table: OrderTable) {
        let times = table.targets.lazy.map(\.at)
        let first = times.min() ?? 0
        let last = times.max() ?? 0
        let (span, overflow) = last.subtractingReportingOverflow(first)
        var shift: UInt64 = 0
        while overflow ? shift < 58 : span >> Int64(shift) > 63 { shift += 1 }
        self.first = first
        self.last = last
        self.shift = shift
        var bits = [UInt64](repeating: 0, count: table.shoppers.count)
        for person in bits.indices {
            for at in Int(table.targetStarts[person])..<Int(table.targetStarts[person + 1]) {
                bits[person] |= 1 << (UInt64(bitPattern: table.targets[at].at &- first) >> shift)
            }
        }
        var used = 0
        var ids: [(UInt32, UInt64)] = []
        for shopper in 0..<UInt32(bits.count) {
            let times = table.people(of: shopper).reduce(0) { $0 | bits[Int($1)] }
            if times == 0 { continue }
            ids.append((shopper, times))
            used += 1
        }
        var size = 16
        while size < used * 2 { size *= 2 }
        var slots = [Slot](repeating: Slot(), count: size)
        let mask = size - 1
        for (shopper, times) in ids {
            let key = table.shoppers.withBytes(shopper) { IDKey(Cell($0.baseAddress, $0.count)) }
            var at = key.hash & mask
            while slots[at].high != 0, slots[at].low != key.low || slots[at].high != key.high { at = (at + 1) & mask }
            slots[at] = Slot(low: key.low, high: key.high, times: slots[at].times | times)
        }
        self.slots = slots
        self.mask = mask
    }

    /// The parts of time that a window covers; 0 when it meets none of the orders.
    @inline(__always)
    func parts(from at: Int64, window: Int64) -> UInt64 {
        if window < 0 || at > last { return 0 }
        let (sum, overflow) = at.addingReportingOverflow(window)
        let end = overflow ? Int64.max : sum
        if end < first { return 0 }
        let low = UInt64(bitPattern: max(at, first) &- first) &>> shift
        let high = UInt64(bitPattern: min(end, last) &- first) &>> shift
        return (~0 &<< low) & (~0 &>> (63 &- high))
    }
}
