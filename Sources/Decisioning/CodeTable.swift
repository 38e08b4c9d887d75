/// Codes to dense indices, looked up by their UTF-8 bytes without making a string. Immutable, open addressing.
public struct CodeTable: Sendable {
    private struct Entry {
        /// Range in `bytes`.
        var start: Int32
        var count: Int32
        var scope: Int32
        var value: Int32
    }

    private var bytes: ContiguousArray<UInt8> = []
    private var entries: ContiguousArray<Entry> = []
    /// Upper half of the hash, then entry + 1; 0 = free. A power of two, at most half full.
    private var places: ContiguousArray<UInt64> = [0, 0]

    public init() {}

    /// Codes in index order.
    public init(_ codes: [String]) {
        self.init()
        reserve(codes.count)
        for (index, code) in codes.enumerated() { insert(code, scope: 0, value: Int32(index)) }
    }

    /// How many codes there are.
    var count: Int { entries.count }

    mutating func reserve(_ count: Int) {
        var size = 2
        while size < count * 2 { size *= 2 }
        if size > places.count { rehash(size) }
    }

    /// Adds a code; the first one wins when it is repeated.
    mutating func insert(_ code: String, scope: Int32, value: Int32) {
        if (entries.count + 1) * 2 > places.count { rehash(places.count * 2) }
        let code = ContiguousArray(code.utf8)
        code.withUnsafeBytes { code in
            let hash = Self.hash(code, scope)
            let place = place(code, scope, hash)
            guard places[place] == 0 else { return }
            let start = Int32(bytes.count)
            bytes.append(contentsOf: code)
            entries.append(Entry(start: start, count: Int32(code.count), scope: scope, value: value))
            places[place] = Self.mark(hash, entries.count)
        }
    }

    /// Lets a code mean another value, or adds it.
    mutating func set(_ code: String, scope: Int32, value: Int32) {
        let bytes = ContiguousArray(code.utf8)
        let entry = bytes.withUnsafeBytes { self.entry($0, scope) }
        if entry < 0 {
            insert(code, scope: scope, value: value)
        } else {
            entries[entry].value = value
        }
    }

    private mutating func rehash(_ size: Int) {
        places = ContiguousArray(repeating: 0, count: size)
        for (index, entry) in entries.enumerated() {
            let first = Int(entry.start)
            bytes.withUnsafeBytes { bytes in
                let code = UnsafeRawBufferPointer(rebasing: bytes[first..<(first + Int(entry.count))])
                let hash = Self.hash(code, entry.scope)
                places[place(code, entry.scope, hash)] = Self.mark(hash, index + 1)
            }
        }
    }

    /// Index of a code, -1 when it is unknown.
    /// - Parameter scope: what the code is unique within; 0 unless the table says otherwise.
    public func find(_ code: UnsafeRawBufferPointer, scope: Int32 = 0) -> Int32 {
        let entry = entry(code, scope)
        return entry < 0 ? -1 : entries[entry].value
    }

    /// Index of a code, -1 when it is unknown. Not for the hot path.
    public func find(_ code: String, scope: Int32 = 0) -> Int32 {
        ContiguousArray(code.utf8).withUnsafeBytes { find($0, scope: scope) }
    }

    private func entry(_ code: UnsafeRawBufferPointer, _ scope: Int32) -> Int {
        Int(truncatingIfNeeded: places[place(code, scope, Self.hash(code, scope))] & 0xFFFF_FFFF) - 1
    }

    private static func mark(_ hash: UInt64, _ number: Int) -> UInt64 {
        hash & 0xFFFF_FFFF_0000_0000 | UInt64(number)
    }

    private static func hash(_ code: UnsafeRawBufferPointer, _ scope: Int32) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325 ^ UInt64(UInt32(bitPattern: scope))
        for byte in code { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        return hash
    }

    /// Where the code is, or the free place where it would be.
    private func place(_ code: UnsafeRawBufferPointer, _ scope: Int32, _ hash: UInt64) -> Int {
        let mask = places.count - 1
        var place = Int(truncatingIfNeeded: hash ^ (hash &>> 29)) & mask
        while true {
            let found = places[place]
            if found == 0 { return place }
            if (found ^ hash) &>> 32 == 0, isAt(Int(found & 0xFFFF_FFFF) - 1, code, scope) { return place }
            place = (place + 1) & mask
        }
    }

    private func isAt(_ index: Int, _ code: UnsafeRawBufferPointer, _ scope: Int32) -> Bool {
        let entry = entries[index]
        guard entry.scope == scope, Int(entry.count) == code.count else { return false }
        let first = Int(entry.start)
        for i in 0..<code.count where bytes[first + i] != code[i] { return false }
        return true
    }
}

/// Database ids to dense indices. Ids are dense integers, so a plain array serves.
public struct IDTable: Sendable {
    private var indices: ContiguousArray<Int32> = []

    init(_ ids: some Collection<Int32>) {
        indices = ContiguousArray(repeating: -1, count: Int(ids.max() ?? 0) + 1)
        for (index, id) in ids.enumerated() where id >= 0 { indices[Int(id)] = Int32(index) }
    }

    /// Larger than every id that was ever known.
    public var limit: Int { indices.count }

    /// Lets an id mean another index; -1 = none.
    mutating func set(_ id: Int32, _ index: Int32) {
        guard id >= 0 else { return }
        if Int(id) >= indices.count {
            indices.append(contentsOf: repeatElement(-1, count: Int(id) + 1 - indices.count))
        }
        indices[Int(id)] = index
    }

    /// Index of an id, -1 when it is unknown.
    public func find(_ id: Int32) -> Int32 {
        id >= 0 && Int(id) < indices.count ? indices[Int(id)] : -1
    }
}
