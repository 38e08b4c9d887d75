/// Gives ids dense numbers. The empty id has none: it is absent and equals nothing.
struct Interner: Sendable {
    /// The number of an absent or unknown id.
    static let none = UInt32.max

    private struct Slot {
        var low: UInt64
        var high: UInt64
        var index: UInt32
    }

    private var slots: [Slot]
    private var mask: Int
    private var ends: [Int] = []
    private var arena: [UInt8] = []

    /// Takes no memory until the first id when `capacity` is 0.
    init(capacity: Int = 0) {
        guard capacity > 0 else {
            slots = []
            mask = 0
            return
        }
        var size = 16
        while size * 3 < capacity * 4 { size *= 2 }
        slots = [Slot](repeating: Slot(low: 0, high: 0, index: Interner.none), count: size)
        mask = size - 1
    }

    var count: Int { ends.count }

    /// The number of the id, a new one when it was not there.
    mutating func intern(_ cell: Cell) -> UInt32 {
        if cell.isEmpty { return Interner.none }
        if slots.isEmpty { self = Interner(capacity: 8) }
        let key = IDKey(cell)
        let at = position(key, cell)
        if slots[at].index != Interner.none { return slots[at].index }
        let index = UInt32(ends.count)
        arena.append(contentsOf: cell.buffer)
        ends.append(arena.count)
        slots[at] = Slot(low: key.low, high: key.high, index: index)
        if ends.count * 4 > slots.count * 3 { grow() }
        return index
    }

    mutating func intern(_ id: AttributionID) -> UInt32 { id.withCell { intern($0) } }

    /// The number of the id, or `none`.
    @inline(__always)
    func find(_ cell: Cell) -> UInt32 {
        if cell.isEmpty || slots.isEmpty { return Interner.none }
        return slots[position(IDKey(cell), cell)].index
    }

    func find(_ id: AttributionID) -> UInt32 { id.withCell { find($0) } }

    /// The slot of the key, or the free slot where it belongs.
    @inline(__always)
    private func position(_ key: IDKey, _ cell: Cell) -> Int {
        slots.withUnsafeBufferPointer { slots in
            var at = key.hash & mask
            while slots[at].index != Interner.none {
                if slots[at].low == key.low, slots[at].high == key.high,
                    !key.isHash || equals(slots[at].index, cell)
                {
                    return at
                }
                at = (at + 1) & mask
            }
            return at
        }
    }

    @inline(never)
    private func equals(_ index: UInt32, _ cell: Cell) -> Bool {
        withBytes(index) { $0.count == cell.count && $0.elementsEqual(cell.buffer) }
    }

    private mutating func grow() {
        let old = slots
        slots = [Slot](repeating: Slot(low: 0, high: 0, index: Interner.none), count: old.count * 2)
        mask = slots.count - 1
        for slot in old where slot.index != Interner.none {
            var at = IDKey(low: slot.low, high: slot.high).hash & mask
            while slots[at].index != Interner.none { at = (at + 1) & mask }
            slots[at] = slot
        }
    }

    /// The bytes of a number; empty for `none`.
    func withBytes<R>(_ index: UInt32, _ body: (UnsafeBufferPointer<UInt8>) -> R) -> R {
        if index == Interner.none { return body(UnsafeBufferPointer(start: nil, count: 0)) }
        let start = index == 0 ? 0 : ends[Int(index) - 1]
        let end = ends[Int(index)]
        return arena.withUnsafeBufferPointer { body(UnsafeBufferPointer(rebasing: $0[start..<end])) }
    }

    func id(_ index: UInt32) -> AttributionID { withBytes(index) { AttributionID(Array($0)) } }

    func precedes(_ a: UInt32, _ b: UInt32) -> Bool {
        withBytes(a) { a in withBytes(b) { bytesPrecede(a, $0) } }
    }
}

extension IDKey {
    init(low: UInt64, high: UInt64) {
        self.low = low
        self.high = high
    }
}

/// Rows grouped by a dense key: `rows(of: key)` is a range into `items`.
struct Grouped<Item: Sendable>: Sendable {
    private(set) var starts: [UInt32] = [0]
    private(set) var items: [Item] = []

    init() {}

    /// Groups in the order given; `keys` are below `count`.
    init(_ pairs: [(key: UInt32, item: Item)], count: Int) {
        starts = [UInt32](repeating: 0, count: count + 1)
        for pair in pairs { starts[Int(pair.key) + 1] += 1 }
        for i in 0..<count { starts[i + 1] += starts[i] }
        guard let first = pairs.first else { return }
        var next = starts
        items = [Item](repeating: first.item, count: pairs.count)
        for pair in pairs {
            items[Int(next[Int(pair.key)])] = pair.item
            next[Int(pair.key)] += 1
        }
    }

    /// The rows of a key; empty for keys that are not known here.
    @inline(__always)
    func range(_ key: UInt32) -> Range<Int> {
        let at = Int(key)
        return at + 1 < starts.count ? Int(starts[at])..<Int(starts[at + 1]) : 0..<0
    }

    func rows(_ key: UInt32) -> ArraySlice<Item> { items[range(key)] }

    var isEmpty: Bool { items.isEmpty }

    mutating func sortEach(by precedes: (Item, Item) -> Bool) {
        for key in 0..<max(0, starts.count - 1) {
            let range = Int(starts[key])..<Int(starts[key + 1])
            if range.count > 1 { items[range].sort(by: precedes) }
        }
    }
}
