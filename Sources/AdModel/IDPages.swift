/// Values by database id, in pages: a copy with a change shares all other pages with what it was copied from. Ids are
/// dense integers of at least 0.
public struct IDPages<Value> {
    @inlinable static var pageSize: Int { 64 }

    /// A page is empty or full of places.
    @usableFromInline var pages: ContiguousArray<ContiguousArray<Value?>> = []
    public private(set) var count = 0

    public init() {}

    public var isEmpty: Bool { count == 0 }

    /// The ids that have a value, in order.
    public var ids: [Int32] {
        var ids: [Int32] = []
        ids.reserveCapacity(count)
        for (page, values) in pages.enumerated() {
            for place in values.indices where values[place] != nil {
                ids.append(Int32(page * Self.pageSize + place))
            }
        }
        return ids
    }

    /// The value of an id; nil = it has none, and an id below 0 never has one.
    @inlinable
    public subscript(id: Int32) -> Value? {
        get {
            let page = Int(id) / Self.pageSize
            guard id >= 0, page < pages.count, !pages[page].isEmpty else { return nil }
            return pages[page][Int(id) % Self.pageSize]
        }
        set { set(id, newValue) }
    }

    @usableFromInline
    mutating func set(_ id: Int32, _ value: Value?) {
        let page = Int(id) / Self.pageSize
        guard id >= 0, value != nil || page < pages.count && !pages[page].isEmpty else { return }
        if page >= pages.count { pages.append(contentsOf: repeatElement([], count: page + 1 - pages.count)) }
        if pages[page].isEmpty { pages[page] = ContiguousArray(repeating: nil, count: Self.pageSize) }
        let place = Int(id) % Self.pageSize
        count += (value == nil ? 0 : 1) - (pages[page][place] == nil ? 0 : 1)
        pages[page][place] = value
    }
}

extension IDPages: Sendable where Value: Sendable {}

extension IDPages: Equatable where Value: Equatable {
    public static func == (one: Self, other: Self) -> Bool {
        guard one.count == other.count else { return false }
        for (page, values) in one.pages.enumerated() {
            for (place, value) in values.enumerated() where value != nil {
                if other[Int32(page * pageSize + place)] != value { return false }
            }
        }
        return true
    }
}
