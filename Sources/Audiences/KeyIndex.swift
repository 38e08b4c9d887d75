/// Open addressing from 64-bit keys to dense record numbers 0..<count, which stay dense when a key is removed.
struct KeyIndex: Sendable {
    private(set) var keys: ContiguousArray<UInt64> = []
    /// Record number + 1; 0 = free. A power of two, at most half full.
    private var index = ContiguousArray<UInt32>(repeating: 0, count: 16)

    var count: Int { keys.count }

    /// Number of the record of `key`; -1 when there is none.
    func find(_ key: UInt64) -> Int { Int(index[place(key)]) - 1 }

    /// Number of a new record, which is the count before. The key must not be there.
    mutating func insert(_ key: UInt64) -> Int {
        if (keys.count + 1) * 2 > index.count {
            index = ContiguousArray(repeating: 0, count: index.count * 2)
            for (record, key) in keys.enumerated() { index[place(key)] = UInt32(record + 1) }
        }
        keys.append(key)
        index[place(key)] = UInt32(keys.count)
        return keys.count - 1
    }

    /// Removes a record; the last one takes its number. The caller moves its rows alike.
    mutating func remove(record: Int) {
        free(place(keys[record]))
        let last = keys.count - 1
        if record != last {
            index[place(keys[last])] = UInt32(record + 1)
            keys[record] = keys[last]
        }
        keys.removeLast()
    }

    private func place(_ key: UInt64) -> Int {
        let mask = index.count - 1
        var place = home(key)
        while index[place] != 0, keys[Int(index[place]) - 1] != key { place = (place + 1) & mask }
        return place
    }

    private func home(_ key: UInt64) -> Int {
        Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) &>> 32) & (index.count - 1)
    }

    /// Empties a place and closes the gap, so that no look-up stops short of a later key.
    private mutating func free(_ place: Int) {
        let mask = index.count - 1
        var hole = place
        index[hole] = 0
        var next = (hole + 1) & mask
        while index[next] != 0 {
            let wanted = home(keys[Int(index[next]) - 1])
            if (next &- wanted) & mask >= (next &- hole) & mask {
                index[hole] = index[next]
                index[next] = 0
                hole = next
            }
            next = (next + 1) & mask
        }
    }
}
