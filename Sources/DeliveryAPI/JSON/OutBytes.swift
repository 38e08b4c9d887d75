/// Growing memory for one answer, reused from request to request by one event loop.
///
/// Raw memory instead of an array, because an answer is a hundred short copies and each of an array's would check
/// uniqueness and exclusivity again. Every append makes sure of its room first.
final class OutBytes {
    private var memory: UnsafeMutableRawPointer
    private var capacity: Int
    private(set) var count = 0

    init(capacity: Int = 32_768) {
        self.capacity = capacity
        memory = .allocate(byteCount: capacity, alignment: 16)
    }

    deinit { memory.deallocate() }

    func clear() { count = 0 }

    /// Everything appended since `clear`.
    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: memory, count: count) }

    @inline(__always)
    private func reserve(_ more: Int) {
        if count + more > capacity { grow(more) }
    }

    private func grow(_ more: Int) {
        let larger = max(capacity * 2, count + more)
        let next = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 16)
        next.copyMemory(from: memory, byteCount: count)
        memory.deallocate()
        memory = next
        capacity = larger
    }

    @inline(__always)
    func append(_ text: StaticString) {
        let length = text.utf8CodeUnitCount
        reserve(length)
        (memory + count).copyMemory(from: text.utf8Start, byteCount: length)
        count += length
    }

    @inline(__always)
    func append(_ source: UnsafeRawBufferPointer) {
        guard let base = source.baseAddress else { return }
        reserve(source.count)
        (memory + count).copyMemory(from: base, byteCount: source.count)
        count += source.count
    }

    @inline(__always)
    func append(_ source: [UInt8]) { source.withUnsafeBytes { append($0) } }

    /// Labelled, because a literal would prefer a `String` and be copied out of one.
    func append(text: String) {
        var copy = text
        copy.withUTF8 { append(UnsafeRawBufferPointer($0)) }
    }

    /// Copies an earlier part of what was written here.
    @inline(__always)
    func appendCopy(of range: Range<Int>) {
        reserve(range.count)
        (memory + count).copyMemory(from: memory + range.lowerBound, byteCount: range.count)
        count += range.count
    }

    /// Lets `body` write at most `limit` bytes in place; it returns how many.
    @inline(__always)
    func write(limit: Int, _ body: (UnsafeMutableRawBufferPointer) -> Int) {
        reserve(limit)
        count += body(UnsafeMutableRawBufferPointer(start: memory + count, count: limit))
    }

    /// A decimal integer.
    func append(decimal value: Int64) {
        reserve(20)
        var magnitude = value.magnitude
        if value < 0 { put(0x2D) }
        let start = count
        repeat {
            put(0x30 + UInt8(magnitude % 10))
            magnitude /= 10
        } while magnitude > 0
        var low = start
        var high = count - 1
        while low < high {
            let swapped = memory.load(fromByteOffset: low, as: UInt8.self)
            memory.storeBytes(of: memory.load(fromByteOffset: high, as: UInt8.self), toByteOffset: low, as: UInt8.self)
            memory.storeBytes(of: swapped, toByteOffset: high, as: UInt8.self)
            low += 1
            high -= 1
        }
    }

    /// Micro-roubles as roubles with two decimals, the way a shop shows a price.
    func append(roubles micros: Int64) {
        let kopecks = (micros + 5_000) / 10_000
        append(decimal: kopecks / 100)
        reserve(3)
        put(0x2E)
        put(0x30 + UInt8(kopecks % 100 / 10))
        put(0x30 + UInt8(kopecks % 10))
    }

    /// 16 lower-case hexadecimal digits.
    func append(hex value: UInt64) {
        reserve(16)
        var shift: UInt64 = 60
        while true {
            let nibble = UInt8(truncatingIfNeeded: value >> shift & 15)
            put(nibble < 10 ? 0x30 + nibble : 0x57 + nibble)
            if shift == 0 { return }
            shift -= 4
        }
    }

    @inline(__always)
    private func put(_ byte: UInt8) {
        memory.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
        count += 1
    }
}
