/// Open-addressing table of one shard: an index of record numbers, and the records side by side in chunks, so that
/// growing neither copies them nor takes more memory than they need.
struct ProfileTable: Sendable {
    private let capacity: Int
    private var keys: ContiguousArray<UInt64> = []
    private var chunks: ContiguousArray<ContiguousArray<Profile>> = []
    /// Record number + 1; 0 = free. A power of two, at most half full.
    private var index: ContiguousArray<UInt32>
    private var clock: UInt64 = 0
    private(set) var evictions = 0

    private static let chunkBits = 4
    private static let chunkSize = 1 << chunkBits

    var count: Int { keys.count }

    private subscript(record: Int) -> Profile {
        get { chunks[record >> Self.chunkBits][record & (Self.chunkSize - 1)] }
        _modify { yield &chunks[record >> Self.chunkBits][record & (Self.chunkSize - 1)] }
    }

    init(capacity: Int) {
        self.capacity = capacity
        index = ContiguousArray(repeating: 0, count: 16)
    }

    func read(_ key: UInt64) -> Profile? {
        let place = find(key)
        return index[place] == 0 ? nil : self[Int(index[place]) - 1]
    }

    /// Visits every record.
    func forEach(_ body: (UInt64, borrowing Profile) -> Void) {
        for record in keys.indices { body(keys[record], self[record]) }
    }

    /// Changes the record of `key` in place, making an empty one first if there is none.
    mutating func change<R>(_ key: UInt64, _ body: (inout Profile) -> R) -> R {
        let place = find(key)
        if index[place] != 0 { return body(&self[Int(index[place]) - 1]) }
        return body(&self[insert(key)])
    }

    mutating func remove(_ key: UInt64) {
        let place = find(key)
        guard index[place] != 0 else { return }
        let record = Int(index[place]) - 1
        free(place)
        let last = keys.count - 1
        if record != last {
            index[find(keys[last])] = UInt32(record + 1)
            keys[record] = keys[last]
            self[record] = self[last]
        }
        keys.removeLast()
        chunks[last >> Self.chunkBits].removeLast()
        if chunks[last >> Self.chunkBits].isEmpty { chunks.removeLast() }
    }

    private mutating func insert(_ key: UInt64) -> Int {
        if keys.count >= capacity {
            evict()
        } else if (keys.count + 1) * 2 > index.count {
            grow()
        }
        keys.append(key)
        if chunks.count << Self.chunkBits < keys.count {
            var chunk = ContiguousArray<Profile>()
            chunk.reserveCapacity(Self.chunkSize)
            chunks.append(chunk)
        }
        chunks[chunks.count - 1].append(Profile())
        index[find(key)] = UInt32(keys.count)
        return keys.count - 1
    }

    private mutating func evict() {
        var victim = 0
        var oldest = UInt32.max
        for _ in 0..<8 {
            clock = clock &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let candidate = Int((clock &>> 33) % UInt64(keys.count))
            if self[candidate].lastSeen < oldest {
                oldest = self[candidate].lastSeen
                victim = candidate
            }
        }
        evictions += 1
        remove(keys[victim])
    }

    private mutating func grow() {
        index = ContiguousArray(repeating: 0, count: index.count * 2)
        for (record, key) in keys.enumerated() { index[find(key)] = UInt32(record + 1) }
    }

    /// Place that holds `key`, or the free place where it belongs.
    private func find(_ key: UInt64) -> Int {
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
