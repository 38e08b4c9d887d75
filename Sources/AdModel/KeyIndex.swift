import CPrefetch

/// Records that know their own 64-bit keys, by number from 0.
public protocol KeyedRecords: ~Copyable {
    /// Key of the record with this number.
    func key(ofRecord record: Int) -> UInt64
}

/// A record that knows its own 64-bit key.
public protocol KeyedRecord {
    var key: UInt64 { get }
}

extension ContiguousArray: KeyedRecords where Element: KeyedRecord {
    @inlinable
    public func key(ofRecord record: Int) -> UInt64 { self[record].key }
}

/// Open addressing from 64-bit keys to records 0..<count that the caller keeps side by side, each with its key. The
/// numbers stay dense when a record is removed.
///
/// A slot is four bytes: the record's number in as many bits as the slots have, and of the key's hash as many as are
/// left over. Those tell all but one in thousands of the other keys of a run apart (with 4,096 records 19 bits), so
/// that a look-up reads a line of slots and the record that is looked for, and no other record for its key. Slots are
/// raw memory of this index alone: reading and changing them checks neither bounds (positions are masked) nor whether
/// somebody shares them.
///
/// Keys should be spread or at least differ in their low bits (hashes, ids); whoever chooses keys freely could make
/// them collide.
public struct KeyIndex: ~Copyable {
    /// Hash bits above `mask`, record number + 1 within it; 0 = free.
    @usableFromInline
    var slots: UnsafeMutablePointer<UInt32>
    /// Logarithm of the count of slots. Three quarters of them are taken at most.
    @usableFromInline
    var bits: UInt32
    /// Records known.
    public private(set) var count: Int

    /// Most records that an index takes.
    public static let limit = 3 << 26

    @inlinable
    var mask: UInt32 { 1 &<< bits &- 1 }

    public init() {
        bits = 4
        count = 0
        slots = Self.allocate(bits)
    }

    deinit { slots.deallocate() }

    private static func allocate(_ bits: UInt32) -> UnsafeMutablePointer<UInt32> {
        let slots = UnsafeMutablePointer<UInt32>.allocate(capacity: 1 << Int(bits))
        slots.initialize(repeating: 0, count: 1 << Int(bits))
        return slots
    }

    // MARK: Use

    /// Number of the record of `key`; -1 when there is none.
    @inlinable
    public borrowing func find<Records: KeyedRecords & ~Copyable>(_ key: UInt64, in records: borrowing Records) -> Int {
        let hash = Self.hash(key)
        let wanted = hash &<< bits
        let mask = mask
        var place = hash &>> (32 &- bits)
        while true {
            let slot = slots[Int(place)]
            if slot == 0 { return -1 }
            if slot ^ wanted <= mask {
                let record = Int(slot & mask) &- 1
                if records.key(ofRecord: record) == key { return record }
            }
            place = (place &+ 1) & mask
        }
    }

    /// Starts to fetch the slots of a key.
    public borrowing func prefetch(_ key: UInt64) {
        nimb_prefetch(slots + Int(Self.hash(key) &>> (32 &- bits)))
    }

    /// The record that has the key, or looks as if it had; -1 when there is none. Reads no record.
    public borrowing func likely(_ key: UInt64) -> Int {
        let hash = Self.hash(key)
        let wanted = hash &<< bits
        let mask = mask
        var place = hash &>> (32 &- bits)
        while true {
            let slot = slots[Int(place)]
            if slot == 0 { return -1 }
            if slot ^ wanted <= mask { return Int(slot & mask) &- 1 }
            place = (place &+ 1) & mask
        }
    }

    /// Takes a key that is not there yet. Its record, which the caller adds, has number `count` before the call.
    /// - Parameter records: at least the records that were there before.
    /// - Returns: number of the new record.
    @inlinable
    @discardableResult
    public mutating func insert<Records: KeyedRecords & ~Copyable>(
        _ key: UInt64, in records: borrowing Records
    ) -> Int {
        let record = count
        if (record &+ 1) &* 4 > 3 &* (Int(mask) &+ 1) {
            grow()
            for record in 0..<record { take(records.key(ofRecord: record), record) }
        }
        take(key, record)
        hasGrown(to: record &+ 1)
        return record
    }

    /// Removes a record; the last one takes its number.
    /// - Parameter records: the records as they were; the caller moves the last one afterwards.
    @inlinable
    public mutating func remove<Records: KeyedRecords & ~Copyable>(record: Int, in records: borrowing Records) {
        precondition(record >= 0 && record < count, "no such record")
        free(place(of: record, records.key(ofRecord: record)), in: records)
        let last = count &- 1
        if record != last {
            let place = Int(place(of: last, records.key(ofRecord: last)))
            slots[place] = slots[place] & ~mask | UInt32(truncatingIfNeeded: record &+ 1)
        }
        hasGrown(to: last)
    }

    // MARK: Slots

    /// The upper half of a product in which every bit of the key has its part (Fibonacci hashing).
    @inlinable
    static func hash(_ key: UInt64) -> UInt32 {
        UInt32(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) &>> 32)
    }

    @usableFromInline
    mutating func hasGrown(to count: Int) { self.count = count }

    /// Twice the slots, all free.
    @usableFromInline
    mutating func grow() {
        precondition(count < Self.limit, "too many records for one index")
        slots.deallocate()
        bits += 1
        slots = Self.allocate(bits)
    }

    /// Puts a record into the first free slot from the home of its key on.
    @inlinable
    mutating func take(_ key: UInt64, _ record: Int) {
        let hash = Self.hash(key)
        var place = hash &>> (32 &- bits)
        while slots[Int(place)] != 0 { place = (place &+ 1) & mask }
        slots[Int(place)] = hash &<< bits | UInt32(truncatingIfNeeded: record &+ 1)
    }

    /// The slot of a record that is there.
    @inlinable
    borrowing func place(of record: Int, _ key: UInt64) -> UInt32 {
        var place = Self.hash(key) &>> (32 &- bits)
        while Int(slots[Int(place)] & mask) != record &+ 1 {
            precondition(slots[Int(place)] != 0, "the record's key has changed")
            place = (place &+ 1) & mask
        }
        return place
    }

    /// Empties a slot and closes the gap, so that no look-up stops short of a later key.
    @inlinable
    mutating func free<Records: KeyedRecords & ~Copyable>(_ place: UInt32, in records: borrowing Records) {
        var hole = place
        slots[Int(hole)] = 0
        var next = (hole &+ 1) & mask
        while slots[Int(next)] != 0 {
            let slot = slots[Int(next)]
            let home = Self.hash(records.key(ofRecord: Int(slot & mask) &- 1)) &>> (32 &- bits)
            if (next &- home) & mask >= (next &- hole) & mask {
                slots[Int(hole)] = slot
                slots[Int(next)] = 0
                hole = next
            }
            next = (next &+ 1) & mask
        }
    }
}
