import AdModel

/// What is going to happen, earliest first; of one instant, in the order in which it was planned. A binary heap.
struct Agenda<Entry: Sendable>: Sendable {
    private struct Planned: Sendable {
        var at: Int64
        var order: UInt64
        var entry: Entry

        func isBefore(_ other: Planned) -> Bool { (at, order) < (other.at, other.order) }
    }

    private var heap: [Planned] = []
    private var planned: UInt64 = 0

    var count: Int { heap.count }
    var nextAt: Timestamp? { heap.first.map { Timestamp(micros: $0.at) } }

    mutating func plan(_ entry: Entry, at instant: Timestamp) {
        planned += 1
        heap.append(Planned(at: instant.micros, order: planned, entry: entry))
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child].isBefore(heap[parent]) else { break }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    mutating func take() -> (at: Timestamp, entry: Entry)? {
        guard let first = heap.first else { return nil }
        let last = heap.removeLast()
        if !heap.isEmpty {
            heap[0] = last
            var parent = 0
            while true {
                var child = 2 * parent + 1
                guard child < heap.count else { break }
                if child + 1 < heap.count, heap[child + 1].isBefore(heap[child]) { child += 1 }
                guard heap[child].isBefore(heap[parent]) else { break }
                heap.swapAt(child, parent)
                parent = child
            }
        }
        return (Timestamp(micros: first.at), first.entry)
    }
}
