/// What is known of a touch before anything is looked up for it.
struct TouchProbe {
    /// Touches that are read before any of them is looked up: the lookups then wait for memory together.
    static let batch = 64

    var at: Int64
    /// Parts of time in which an order would be in the touch's window; later the time of the first target.
    var parts: UInt64
    /// Of the shopper; later his number.
    var hash: Int
    var targets: Range<Int>
    var isClick: Bool
}

extension Contest {
    /// Lets those of at most `TouchProbe.batch` touches compete that may matter. The probes are overwritten.
    /// - Parameters:
    ///   - shopper: id of the shopper of a touch.
    ///   - touch: the whole touch.
    @inline(__always)
    mutating func offer(
        _ probes: UnsafeMutablePointer<TouchProbe>, _ count: Int, _ filter: TouchFilter, _ table: OrderTable,
        shopper: (Int) -> Cell, touch: (Int, TouchProbe) -> TouchCells
    ) {
        var survivors: UInt64 = 0
        filter.words.withUnsafeBufferPointer { words in
            for i in 0..<count {
                survivors |= (words[probes[i].hash & filter.mask] & probes[i].parts != 0 ? 1 : 0) &<< UInt64(i)
            }
        }
        // Each step asks for all survivors before the next one needs the answers: misses of the cache overlap.
        forEachBit(survivors) { probes[$0].hash = Int(table.shoppers.find(shopper($0))) }
        forEachBit(survivors) { probes[$0].targets = table.targets(of: UInt32(probes[$0].hash), at: probes[$0].at) }
        table.targets.withUnsafeBufferPointer { targets in
            forEachBit(survivors) { i in
                let range = probes[i].targets
                probes[i].parts = range.isEmpty ? 0 : UInt64(bitPattern: targets[range.lowerBound].at)
            }
        }
        forEachBit(survivors) { i in
            let range = probes[i].targets
            // The only order of the person may be one that is before the touch.
            if range.isEmpty || (range.count == 1 && Int64(bitPattern: probes[i].parts) < probes[i].at) { return }
            offer(touch(i, probes[i]), targets: range, of: table)
        }
    }
}

@inline(__always)
private func forEachBit(_ bits: UInt64, _ body: (Int) -> Void) {
    var bits = bits
    while bits != 0 {
        body(bits.trailingZeroBitCount)
        bits &= bits &- 1
    }
}
