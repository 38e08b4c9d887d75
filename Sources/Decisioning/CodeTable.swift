/// Codes to dense indices, looked up by their UTF-8 bytes without making a string. Immutable, open addressing.
public struct CodeTable: Sendable {
    private var bytes: ContiguousArray<UInt8> = []
    private var starts: ContiguousArray<Int32> = [0]
    private var scopes: ContiguousArray<Int32> = []
    private var values: ContiguousArray<Int32> = []
    /// Entry + 1; 0 = free. A power of two, at most half full.
    private var places: ContiguousArray<Int32> = [0, 0]

    public init() {}

    /// Codes in index order.
    public init(_ codes: [String]) {
        self.init()
        reserve(codes.count)
        for (index, code) in codes.enumerated() { insert(code, scope: 0, value: Int32(index)) }
    }

    /// How many codes there are.
    var count: Int { values.count }

    mutating func reserve(_ count: Int) {
        var size = 2
        while size < count * 2 { size *= 2 }
        if size > places.count { rehash(size) }
    }

    /// Adds a code; the first one wins when it is repeated.
    mutating func insert(_ code: String, scope: Int32, value: Int32) {
        if (values.count + 1) * 2 > places.count { rehash(places.count * 2) }
        let code = ContiguousArray(code.utf8)
        let place = code.withUnsafeBytes { self.place($0, scope) }
        guard places[place] == 0 else { return }
        bytes.append(contentsOf: code)
        starts.append(Int32(bytes.count))
        scopes.append(scope)
        values.append(value)
        places[place] = Int32(values.count)
    }

    /// Lets a code mean another value, or adds it.
    mutating func set(_ code: String, scope: Int32, value: Int32) {
        let bytes = ContiguousArray(code.utf8)
        let entry = bytes.withUnsafeBytes { places[place($0, scope)] }
        if entry == 0 {
            insert(code, scope: scope, value: value)
        } else {
            values[Int(entry) - 1] = value
        }
    }

    private mutating func rehash(_ size: Int) {
        places = ContiguousArray(repeating: 0, count: size)
        for entry in 0..<values.count {
            let first = Int(starts[entry])
            let count = Int(starts[entry + 1]) - first
            let place = bytes.withUnsafeBytes {
                self.place(UnsafeRawBufferPointer(rebasing: $0[first..<(first + count)]), scopes[entry])
            }
            places[place] = Int32(entry + 1)
        }
    }

    /// Index of a code, -1 when it is unknown.
    /// - Parameter scope: what the code is unique within; 0 unless the table says otherwise.
    public func find(_ code: UnsafeRawBufferPointer, scope: Int32 = 0) -> Int32 {
        let entry = places[place(code, scope)]
        return entry == 0 ? -1 : values[Int(entry) - 1]
    }

    /// Index of a code, -1 when it is unknown. Not for the hot path.
    public func find(_ code: String, scope: Int32 = 0) -> Int32 {
        ContiguousArray(code.utf8).withUnsafeBytes { find($0, scope: scope) }
    }

    private func place(_ code: UnsafeRawBufferPointer, _ scope: Int32) -> Int {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325 ^ UInt64(UInt32(bitPattern: scope))
        for byte in code { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        let mask = places.count - 1
        var place = Int(truncatingIfNeeded: hash ^ (hash &>> 29)) & mask
        while places[place] != 0 {
            let entry = Int(places[place]) - 1
            if scopes[entry] == scope, equal(entry, code) { return place }
            place = (place + 1) & mask
        }
        return place
    }

    private func equal(_ entry: Int, _ code: UnsafeRawBufferPointer) -> Bool {
        let first = Int(starts[entry])
        guard Int(starts[entry + 1]) - first == code.count else { return false }
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
