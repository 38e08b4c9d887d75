/// Reads binary fields.
enum ValueDecoder {
    typealias Bytes = UnsafeRawBufferPointer

    static func integer(_ bytes: Bytes, _ type: UInt32) -> Int64? {
        switch (type, bytes.count) {
        case (TypeID.int8, 8): bytes.integer(Int64.self)
        case (TypeID.int4, 4): Int64(bytes.integer(Int32.self))
        case (TypeID.int2, 2): Int64(bytes.integer(Int16.self))
        case (TypeID.oid, 4): Int64(bytes.integer(UInt32.self))
        // sum(bigint) and sum(numeric) are numeric: whole ones are read as the integers they are.
        case (TypeID.numeric, _): numeric(bytes).flatMap { Int64(dropTrailingZeros($0)) }
        default: nil
        }
    }

    static func double(_ bytes: Bytes, _ type: UInt32) -> Double? {
        switch (type, bytes.count) {
        case (TypeID.float8, 8): Double(bitPattern: bytes.integer(UInt64.self))
        case (TypeID.float4, 4): Double(Float(bitPattern: bytes.integer(UInt32.self)))
        case (TypeID.numeric, _): numeric(bytes).flatMap { Double($0) }
        default: nil
        }
    }

    static func string(_ bytes: Bytes, _ type: UInt32) -> String? {
        if TypeID.isText(type) || type >= TypeID.firstOwn { return String(validating: bytes, as: UTF8.self) }
        switch type {
        case TypeID.jsonb where bytes.first == 1: return String(validating: Bytes(rebasing: bytes[1...]), as: UTF8.self)
        case TypeID.numeric: return numeric(bytes)
        case TypeID.void: return ""
        default: return nil
        }
    }

    static func micros(_ bytes: Bytes, _ type: UInt32) -> Int64? {
        guard type == TypeID.timestamptz, bytes.count == 8 else { return nil }
        return unshifted(bytes.integer(Int64.self), by: Epoch.micros)
    }

    static func days(_ bytes: Bytes, _ type: UInt32) -> Int32? {
        guard type == TypeID.date, bytes.count == 4 else { return nil }
        return unshifted(bytes.integer(Int32.self), by: Epoch.days)
    }

    private static func unshifted<T: FixedWidthInteger>(_ value: T, by epoch: T) -> T? {
        if value == .min || value == .max { return value }
        let (sum, overflow) = value.addingReportingOverflow(epoch)
        return overflow ? nil : sum
    }

    static func interval(_ bytes: Bytes, _ type: UInt32) -> PostgresInterval? {
        guard type == TypeID.interval, bytes.count == 16 else { return nil }
        return PostgresInterval(
            months: bytes.integer(at: 12), days: bytes.integer(at: 8), micros: bytes.integer(at: 0))
    }

    /// Elements of a one-dimensional array; nil when the bytes are not one or an element is refused.
    static func array<T>(_ bytes: Bytes, _ type: UInt32, _ element: (Bytes, UInt32) -> T?) -> [T]? {
        guard TypeID.element(ofArray: type) != nil, bytes.count >= 12 else { return nil }
        let dimensions = bytes.integer(Int32.self)
        if dimensions == 0 { return [] }
        guard dimensions == 1, bytes.count >= 20 else { return nil }
        let elementType = bytes.integer(at: 8, UInt32.self)
        let count = Int(bytes.integer(at: 12, Int32.self))
        var offset = 20
        var items: [T] = []
        guard count >= 0, count <= bytes.count / 4 else { return nil }
        items.reserveCapacity(count)
        for _ in 0..<count {
            guard offset + 4 <= bytes.count else { return nil }
            let length = Int(bytes.integer(at: offset, Int32.self))
            offset += 4
            guard length >= 0, offset + length <= bytes.count,
                let item = element(Bytes(rebasing: bytes[offset..<(offset + length)]), elementType)
            else { return nil }
            items.append(item)
            offset += length
        }
        return items
    }

    /// Exact decimal text of a `numeric`.
    static func numeric(_ bytes: Bytes) -> String? {
        guard bytes.count >= 8 else { return nil }
        let count = Int(bytes.integer(Int16.self))
        let weight = Int(bytes.integer(at: 2, Int16.self))
        let sign = bytes.integer(at: 4, UInt16.self)
        let scale = Int(bytes.integer(at: 6, UInt16.self))
        guard count >= 0, bytes.count == 8 + 2 * count else { return nil }
        switch sign {
        case 0, 0x4000: break
        case 0xC000: return "NaN"
        case 0xD000: return "Infinity"
        case 0xF000: return "-Infinity"
        default: return nil
        }
        func group(_ index: Int) -> String {
            guard index >= 0, index < count else { return "0000" }
            let digits = String(bytes.integer(at: 8 + 2 * index, Int16.self))
            return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
        }
        var whole = ""
        if weight >= 0 { for i in 0...weight { whole += group(i) } }
        let trimmed = whole.drop { $0 == "0" }
        var text = (sign == 0x4000 ? "-" : "") + (trimmed.isEmpty ? "0" : String(trimmed))
        if scale > 0 {
            var fraction = ""
            var i = weight + 1
            while fraction.count < scale {
                fraction += group(i)
                i += 1
            }
            text += "." + fraction.prefix(scale)
        }
        return text
    }

    private static func dropTrailingZeros(_ text: String) -> Substring {
        guard let point = text.firstIndex(of: ".") else { return text[...] }
        return text[text.index(after: point)...].allSatisfy({ $0 == "0" }) ? text[..<point] : text[...]
    }
}
