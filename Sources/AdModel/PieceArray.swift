/// A list kept in pieces: a copy with a change shares all other pieces with what it was copied from, so that it costs
/// what the change costs and not what the list does.
@frozen
public struct PieceArray<Element>: RandomAccessCollection, MutableCollection, RangeReplaceableCollection,
    ExpressibleByArrayLiteral
{
    /// Elements of one piece at most.
    @inlinable static var pieceLimit: Int { 64 }

    /// None is empty.
    @usableFromInline var pieces: ContiguousArray<ContiguousArray<Element>>
    /// Index of the first element of each piece.
    @usableFromInline var starts: ContiguousArray<Int>
    @usableFromInline var size: Int

    @inlinable
    public init() {
        pieces = []
        starts = []
        size = 0
    }

    @inlinable
    public init(_ elements: some Sequence<Element>) {
        self.init()
        for element in elements { append(element) }
    }

    @inlinable
    public init(arrayLiteral elements: Element...) { self.init(elements) }

    @inlinable public var startIndex: Int { 0 }
    @inlinable public var endIndex: Int { size }
    @inlinable public var count: Int { size }

    @inlinable
    public subscript(index: Int) -> Element {
        _read {
            precondition(index >= 0 && index < count, "index out of range")
            let piece = piece(of: index)
            yield pieces[piece][index - starts[piece]]
        }
        _modify {
            precondition(index >= 0 && index < count, "index out of range")
            let piece = piece(of: index)
            yield &pieces[piece][index - starts[piece]]
        }
    }

    /// The last piece that begins at `index` or before.
    @inlinable
    func piece(of index: Int) -> Int {
        var low = 0
        var high = starts.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if starts[middle] <= index { low = middle } else { high = middle }
        }
        return low
    }

    @inlinable
    public mutating func append(_ element: Element) {
        if let last = pieces.indices.last, pieces[last].count < Self.pieceLimit {
            pieces[last].append(element)
        } else {
            starts.append(count)
            pieces.append([element])
        }
        size += 1
    }

    @inlinable
    public mutating func replaceSubrange(
        _ range: Range<Int>, with elements: some Collection<Element>
    ) {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "range out of bounds")
        guard count > 0 else {
            for element in elements { append(element) }
            return
        }
        let first = piece(of: Swift.min(range.lowerBound, count - 1))
        let last = range.isEmpty ? first : piece(of: range.upperBound - 1)
        var changed = ContiguousArray(pieces[first].prefix(range.lowerBound - starts[first]))
        changed.append(contentsOf: elements)
        changed.append(contentsOf: pieces[last].dropFirst(range.upperBound - starts[last]))
        var split: ContiguousArray<ContiguousArray<Element>> = []
        // Two halves rather than a full piece and a rest: the next insertion is likely to be near.
        let parts = (changed.count + Self.pieceLimit - 1) / Self.pieceLimit
        for part in 0..<parts {
            split.append(
                ContiguousArray(changed[(changed.count * part / parts)..<(changed.count * (part + 1) / parts)]))
        }
        pieces.replaceSubrange(first...last, with: split)
        var start = starts[first]
        starts.removeSubrange(first...)
        for piece in pieces[first...] {
            starts.append(start)
            start += piece.count
        }
        size = start
    }

    /// Whether this is the other list, unchanged, and not merely an equal one. For a list that is held meanwhile.
    @inlinable
    public func isIdentical(to other: Self) -> Bool {
        size == other.size
            && pieces.withUnsafeBufferPointer { own in
                other.pieces.withUnsafeBufferPointer { own.baseAddress == $0.baseAddress }
            }
    }

    /// Calls `body` with one piece after the other: reading fields of elements in place, without copies of them.
    @inlinable
    public func forEachPiece(_ body: (UnsafeBufferPointer<Element>) throws -> Void) rethrows {
        for piece in pieces { try piece.withUnsafeBufferPointer { try body($0) } }
    }

    @inlinable
    public func makeIterator() -> Iterator { Iterator(pieces) }

    @frozen
    public struct Iterator: IteratorProtocol {
        @usableFromInline let pieces: ContiguousArray<ContiguousArray<Element>>
        @usableFromInline var piece = 0
        @usableFromInline var place = 0

        @inlinable
        init(_ pieces: ContiguousArray<ContiguousArray<Element>>) { self.pieces = pieces }

        @inlinable
        public mutating func next() -> Element? {
            guard piece < pieces.count else { return nil }
            let element = pieces[piece][place]
            place += 1
            if place == pieces[piece].count {
                piece += 1
                place = 0
            }
            return element
        }
    }
}

extension PieceArray: Sendable where Element: Sendable {}

extension PieceArray: Equatable where Element: Equatable {
    public static func == (one: Self, other: Self) -> Bool { one.count == other.count && one.elementsEqual(other) }
}

extension PieceArray: CustomStringConvertible {
    public var description: String { Array(self).description }
}
