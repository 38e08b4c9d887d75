import AdModel
import CPrefetch

/// The profiles of one shard: an index of their keys, and the records.
struct ProfileTable: ~Copyable {
    private let capacity: Int
    private var index = KeyIndex()
    private var records: ProfileRecords
    private var clock: UInt64 = 0
    private(set) var evictions = 0

    var count: Int { records.count }

    init(capacity: Int) {
        self.capacity = capacity
        records = ProfileRecords(capacity: capacity)
    }

    borrowing func read(_ key: UInt64) -> Profile? {
        let record = index.find(key, in: records)
        return record < 0 ? nil : records[record].pointee.profile
    }

    /// Starts to fetch what tells where the record of `key` is.
    borrowing func prefetchPlace(_ key: UInt64) { index.prefetch(key) }

    /// Starts to fetch the record itself.
    borrowing func prefetchRecord(_ key: UInt64) {
        let record = index.likely(key)
        guard record >= 0 else { return }
        let start = UnsafeRawPointer(records[record])
        for line in 0...(MemoryLayout<ProfileRecords.Record>.size / 64) { nimb_prefetch(start + 64 * line) }
    }

    /// Keys of those who have caps.
    borrowing func capped() -> [UInt64] {
        var keys: [UInt64] = []
        for record in 0..<records.count where !records[record].pointee.profile.caps.isEmpty {
            keys.append(records[record].pointee.key)
        }
        return keys
    }

    /// Changes the record of `key` in place, making an empty one first if there is none.
    @inline(__always)
    mutating func change<R>(_ key: UInt64, _ body: (inout Profile) -> R) -> R {
        body(&records[recordMade(key)].pointee.profile)
    }

    /// The same, and copies the record out afterwards: straight to where it is wanted.
    @inline(__always)
    mutating func change(_ key: UInt64, into copy: inout Profile, _ body: (inout Profile) -> Void) {
        let place = records[recordMade(key)]
        body(&place.pointee.profile)
        withUnsafeMutablePointer(to: &copy) { copy in
            withUnsafePointer(to: &place.pointee.profile) { copy.update(from: $0, count: 1) }
        }
    }

    /// Number of the record of `key`, made if need be.
    @inline(__always)
    private mutating func recordMade(_ key: UInt64) -> Int {
        let record = index.find(key, in: records)
        return record < 0 ? insert(key) : record
    }

    mutating func remove(_ key: UInt64) {
        let record = index.find(key, in: records)
        if record >= 0 { remove(record: record) }
    }

    private mutating func remove(record: Int) {
        index.remove(record: record, in: records)
        records.remove(record)
    }

    @inline(never)
    private mutating func insert(_ key: UInt64) -> Int {
        if records.count >= capacity { evict() }
        let record = index.insert(key, in: records)
        records.append(key)
        return record
    }

    private mutating func evict() {
        var victim = 0
        var oldest = UInt32.max
        for _ in 0..<8 {
            clock = clock &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let candidate = Int((clock &>> 33) % UInt64(records.count))
            let lastSeen = records[candidate].pointee.profile.lastSeen
            if lastSeen < oldest {
                oldest = lastSeen
                victim = candidate
            }
        }
        evictions += 1
        remove(record: victim)
    }
}

/// Profiles with their keys, side by side. Room for all of them is asked for at once; the system gives memory as it is
/// first written, so that growing neither copies records nor takes more memory than they need, and no table of pieces
/// stands between a number and its record. Raw memory of one table: what stands where is checked by number, and that
/// nobody shares it need not be checked at every change.
struct ProfileRecords: ~Copyable, KeyedRecords {
    struct Record {
        var key: UInt64
        var profile: Profile
    }

    private let base: UnsafeMutablePointer<Record>
    private let capacity: Int
    private(set) var count = 0

    init(capacity: Int) {
        self.capacity = max(capacity, 1)
        base = .allocate(capacity: self.capacity)
    }

    // Records are plain bytes: there is nothing to deinitialise.
    deinit { base.deallocate() }

    /// Where a record stands until the next one is removed.
    subscript(record: Int) -> UnsafeMutablePointer<Record> {
        @inline(__always)
        borrowing get {
            precondition(UInt(bitPattern: record) < UInt(bitPattern: count), "no such record")
            return base + record
        }
    }

    @inline(__always)
    borrowing func key(ofRecord record: Int) -> UInt64 { self[record].pointee.key }

    /// Adds an empty profile.
    mutating func append(_ key: UInt64) {
        precondition(count < capacity, "no room for another record")
        count += 1
        self[count - 1].initialize(to: Record(key: key, profile: Profile()))
    }

    /// Removes a record; the last one takes its place.
    mutating func remove(_ record: Int) {
        let last = count - 1
        if record != last { self[record].update(from: self[last], count: 1) }
        count = last
    }
}
