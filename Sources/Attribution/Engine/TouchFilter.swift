/// Says quickly that a touch cannot matter: its shopper ordered nothing, or nothing in its window.
///
/// Most touches end here, and the answer takes one look at one place in memory. It may say "perhaps" too often, never
/// "no" wrongly: each id leads to a word with one bit for each 64th part of time in which any person it may be has
/// ordered, and ids that share a word share its bits.
struct TouchFilter: Sendable {
    let words: [UInt64]
    let mask: Int
    private let first: Int64
    private let last: Int64
    /// Makes a distance in time small enough to be multiplied.
    private let shift: UInt64
    private let scale: UInt64

    init(_ table: OrderTable) {
        let times = table.targets.lazy.map(\.at)
        let first = times.min() ?? 0
        let last = times.max() ?? 0
        let span = UInt64(bitPattern: last &- first)
        var shift: UInt64 = 0
        while span >> shift >= 1 << 30 { shift += 1 }
        let scale = (UInt64(64) << 32) / (span >> shift + 1)
        self.first = first
        self.last = last
        self.shift = shift
        self.scale = scale
        var bits = [UInt64](repeating: 0, count: table.shoppers.count)
        for person in bits.indices {
            for at in Int(table.targetStarts[person])..<Int(table.targetStarts[person + 1]) {
                let distance = UInt64(bitPattern: table.targets[at].at &- first)
                bits[person] |= 1 << ((distance >> shift * scale) >> 32)
            }
        }
        var size = 64
        while size < bits.count * 3 / 2 { size *= 2 }
        var words = [UInt64](repeating: 0, count: size)
        for shopper in 0..<UInt32(bits.count) {
            let times = table.timesOfPeople(of: shopper, bits)
            if times == 0 { continue }
            let key = table.shoppers.withBytes(shopper) { IDKey(Cell($0.baseAddress, $0.count)) }
            words[key.hash & (size - 1)] |= times
        }
        self.words = words
        mask = size - 1
    }

    /// The parts of time that a window covers; 0 when it meets none of the orders.
    @inline(__always)
    func parts(from at: Int64, window: Int64) -> UInt64 {
        if window < 0 || at > last { return 0 }
        let (sum, overflow) = at.addingReportingOverflow(window)
        let end = overflow ? Int64.max : sum
        if end < first { return 0 }
        let low = part(UInt64(bitPattern: max(at, first) &- first))
        let high = part(UInt64(bitPattern: min(end, last) &- first))
        return (~0 &<< low) & (~0 &>> (63 &- high))
    }

    /// 0...63.
    @inline(__always)
    private func part(_ distance: UInt64) -> UInt64 { ((distance &>> shift) &* scale) &>> 32 }
}
