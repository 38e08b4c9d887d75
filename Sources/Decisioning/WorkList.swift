/// Plain values in memory that one owner grows and reuses from decision to decision.
///
/// An array would ask at every write whether anybody shares it, which is a tenth of what a decision costs. This one
/// cannot be copied, so nobody does. Every access is checked against `count`.
struct WorkList<Element: BitwiseCopyable>: ~Copyable {
    private var base: UnsafeMutablePointer<Element>
    private var capacity: Int
    private(set) var count: Int

    init() {
        base = .allocate(capacity: 1)
        capacity = 1
        count = 0
    }

    deinit { base.deallocate() }

    var isEmpty: Bool { count == 0 }
    var indices: Range<Int> { 0..<count }
    var last: Element? { count == 0 ? nil : base[count &- 1] }

    @inline(__always)
    subscript(index: Int) -> Element {
        get {
            precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
            return base[index]
        }
        _modify {
            precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
            yield &base[index]
        }
    }

    @inline(__always)
    mutating func append(_ value: Element) {
        if count == capacity { grow(capacity * 2) }
        (base + count).initialize(to: value)
        count &+= 1
    }

    @inline(__always)
    mutating func removeLast() {
        precondition(count > 0)
        count &-= 1
    }

    /// Keeps the memory.
    @inline(__always)
    mutating func removeAll() { count = 0 }

    mutating func reserve(_ capacity: Int) {
        if capacity > self.capacity { grow(capacity) }
    }

    private mutating func grow(_ capacity: Int) {
        let larger = UnsafeMutablePointer<Element>.allocate(capacity: capacity)
        larger.moveInitialize(from: base, count: count)
        base.deallocate()
        base = larger
        self.capacity = capacity
    }
}

extension WorkList where Element: AdditiveArithmetic {
    /// At least so many values, new ones 0: an eighth more than asked for, as the next snapshot is a little larger.
    mutating func grow(to count: Int) {
        if count <= self.count { return }
        reserve(count + count / 8)
        while self.count < count + count / 8 { append(.zero) }
    }

    /// Every value 0.
    mutating func wipe() { for index in indices { self[index] = .zero } }
}
