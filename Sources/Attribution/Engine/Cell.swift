/// A borrowed byte string: a cell of a file or the bytes of an id. Valid only while its owner lives.
struct Cell {
    let base: UnsafePointer<UInt8>?
    let count: Int

    @inline(__always)
    init(_ base: UnsafePointer<UInt8>?, _ count: Int) {
        self.base = base
        self.count = count
    }

    @inline(__always)
    init(_ bytes: UnsafeBufferPointer<UInt8>) { self.init(bytes.baseAddress, bytes.count) }

    static var empty: Cell { Cell(nil, 0) }

    @inline(__always)
    var isEmpty: Bool { count == 0 }

    var buffer: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: base, count: count) }

    var id: AttributionID { AttributionID(Array(buffer)) }

    func equals(_ text: StaticString) -> Bool {
        count == text.utf8CodeUnitCount
            && buffer.elementsEqual(UnsafeBufferPointer(start: text.utf8Start, count: count))
    }

    func equals(_ other: Cell) -> Bool { count == other.count && buffer.elementsEqual(other.buffer) }

    /// Calls the body with each non-empty element of a `|` list.
    func forEachElement(_ body: (Cell) -> Void) {
        guard let base else { return }
        var start = 0
        for i in 0...count where i == count || base[i] == 0x7C {
            if i > start { body(Cell(base + start, i - start)) }
            start = i + 1
        }
    }
}

extension AttributionID {
    func withCell<R>(_ body: (Cell) throws -> R) rethrows -> R {
        try bytes.withUnsafeBufferPointer { try body(Cell($0.baseAddress, $0.count)) }
    }
}

/// Sixteen bytes that stand for an id: the id itself when it has at most 15 bytes, else 120 bits of its hash.
struct IDKey: Equatable {
    var low: UInt64
    var high: UInt64

    /// True when the key is a hash, so that equal keys still need their bytes compared.
    var isHash: Bool { high >> 56 == 0xFF }

    @inline(__always)
    init(_ cell: Cell) {
        let count = cell.count
        guard let base = cell.base, count > 0 else {
            low = 0
            high = 0
            return
        }
        let raw = UnsafeRawPointer(base)
        if count >= 16 {
            (low, high) = IDKey.hashing(raw, count)
            return
        }
        if count >= 8 {
            low = raw.loadUnaligned(as: UInt64.self)
            // The last eight bytes overlap the first; shifting drops what is already in `low`.
            let tail = raw.loadUnaligned(fromByteOffset: count - 8, as: UInt64.self)
            high = count == 8 ? 0 : tail &>> UInt64(8 * (16 - count))
        } else {
            high = 0
            if count >= 4 {
                let first = UInt64(raw.loadUnaligned(as: UInt32.self))
                let last = UInt64(raw.loadUnaligned(fromByteOffset: count - 4, as: UInt32.self))
                low = first | last &<< UInt64(8 * (count - 4))
            } else {
                low = UInt64(base[0]) | UInt64(base[count >> 1]) &<< UInt64(8 * (count >> 1))
                low |= UInt64(base[count - 1]) &<< UInt64(8 * (count - 1))
            }
        }
        high |= UInt64(count) &<< 56
    }

    @inline(never)
    private static func hashing(_ raw: UnsafeRawPointer, _ count: Int) -> (UInt64, UInt64) {
        var a: UInt64 = 0x9E37_79B9_7F4A_7C15 ^ UInt64(count)
        var b: UInt64 = 0xD1B5_4A32_D192_ED03
        var i = 0
        while i + 8 <= count {
            let word = raw.loadUnaligned(fromByteOffset: i, as: UInt64.self)
            a = IDKey.mix(a ^ word, 0xA076_1D64_78BD_642F)
            b = IDKey.mix(b &+ word, 0xE703_7ED1_A0B4_28DB)
            i += 8
        }
        let word = raw.loadUnaligned(fromByteOffset: count - 8, as: UInt64.self)
        return (
            IDKey.mix(a ^ word, 0x8EBC_6AF0_9C88_C6E3),
            IDKey.mix(b &+ word, 0x5899_65CC_7537_4CC3) | 0xFF00_0000_0000_0000
        )
    }

    @inline(__always)
    static func mix(_ a: UInt64, _ b: UInt64) -> UInt64 {
        let product = a.multipliedFullWidth(by: b)
        return product.high ^ product.low
    }

    /// Where a table starts to look.
    @inline(__always)
    var hash: Int {
        Int(truncatingIfNeeded: IDKey.mix(low ^ 0xA076_1D64_78BD_642F, high ^ 0xE703_7ED1_A0B4_28DB))
    }
}

/// Orders ids by their bytes.
func bytesPrecede(_ a: UnsafeBufferPointer<UInt8>, _ b: UnsafeBufferPointer<UInt8>) -> Bool {
    a.lexicographicallyPrecedes(b)
}
