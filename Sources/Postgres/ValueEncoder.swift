/// Turns values into the wire form of the type that the server expects.
enum ValueEncoder {
    enum Form: Int32 {
        case text = 0
        case binary = 1
    }

    /// Appends the value's wire form. `place` names the parameter or column in errors.
    static func encode(
        _ value: PostgresValue, as type: UInt32, place: @autoclosure () -> String, into out: inout [UInt8]
    ) throws(PostgresError) -> Form {
        switch value {
        case .null: return .binary
        case .bool(let flag) where type == TypeID.bool:
            out.append(flag ? 1 : 0)
            return .binary
        case .int2(let number): return try integer(Int64(number), type, place(), &out)
        case .int4(let number): return try integer(Int64(number), type, place(), &out)
        case .int8(let number): return try integer(number, type, place(), &out)
        case .float8(let number): return try double(number, type, place(), &out)
        case .text(let text): return try encode(text: text, type, place(), &out)
        case .jsonb(let text):
            switch type {
            case TypeID.jsonb:
                out.append(1)
                try append(text, place(), &out)
                return .binary
            case TypeID.json, TypeID.text:
                try append(text, place(), &out)
                return .binary
            default: throw mismatch("a JSON document", type, place())
            }
        case .bytea(let bytes) where type == TypeID.bytea:
            out.append(contentsOf: bytes)
            return .binary
        case .timestamptz(let micros) where type == TypeID.timestamptz:
            out.append(bigEndian: try shifted(micros, by: Epoch.micros, place()))
            return .binary
        case .date(let days) where type == TypeID.date:
            out.append(bigEndian: try shifted(days, by: Epoch.days, place()))
            return .binary
        case .uuid(let high, let low) where type == TypeID.uuid:
            out.append(bigEndian: high)
            out.append(bigEndian: low)
            return .binary
        case .interval(let interval) where type == TypeID.interval:
            out.append(bigEndian: interval.micros)
            out.append(bigEndian: interval.days)
            out.append(bigEndian: interval.months)
            return .binary
        case .int2Array(let items): return try array(items.lazy.map { .int2($0) }, type, place(), &out)
        case .int4Array(let items): return try array(items.lazy.map { .int4($0) }, type, place(), &out)
        case .int8Array(let items): return try array(items.lazy.map { .int8($0) }, type, place(), &out)
        case .textArray(let items): return try array(items.lazy.map { .text($0) }, type, place(), &out)
        case .byteaArray(let items): return try array(items.lazy.map { .bytea($0) }, type, place(), &out)
        case .array(let items): return try array(items, type, place(), &out)
        case .bool: throw mismatch("a truth value", type, place())
        case .bytea: throw mismatch("bytes", type, place())
        case .timestamptz: throw mismatch("an instant", type, place())
        case .date: throw mismatch("a day", type, place())
        case .uuid: throw mismatch("a UUID", type, place())
        case .interval: throw mismatch("an interval", type, place())
        }
    }

    private static func integer(
        _ number: Int64, _ type: UInt32, _ place: @autoclosure () -> String, _ out: inout [UInt8]
    ) throws(PostgresError) -> Form {
        switch type {
        case TypeID.int8: out.append(bigEndian: number)
        case TypeID.int4:
            guard let narrow = Int32(exactly: number) else { throw tooLarge("integer", place()) }
            out.append(bigEndian: narrow)
        case TypeID.int2:
            guard let narrow = Int16(exactly: number) else { throw tooLarge("smallint", place()) }
            out.append(bigEndian: narrow)
        case TypeID.oid:
            guard let narrow = UInt32(exactly: number) else { throw tooLarge("oid", place()) }
            out.append(bigEndian: narrow)
        case TypeID.numeric: appendNumeric(number, &out)
        case TypeID.float8:
            guard let exact = Double(exactly: number) else { throw tooLarge("double precision", place()) }
            out.append(bigEndian: exact.bitPattern)
        default: throw mismatch("a whole number", type, place())
        }
        return .binary
    }

    private static func double(
        _ number: Double, _ type: UInt32, _ place: @autoclosure () -> String, _ out: inout [UInt8]
    ) throws(PostgresError) -> Form {
        switch type {
        case TypeID.float8: out.append(bigEndian: number.bitPattern)
        case TypeID.float4: out.append(bigEndian: Float(number).bitPattern)
        default: throw mismatch("a floating-point number", type, place())
        }
        return .binary
    }

    private static func encode(
        text: String, _ type: UInt32, _ place: @autoclosure () -> String, _ out: inout [UInt8]
    ) throws(PostgresError) -> Form {
        if type == TypeID.jsonb { out.append(1) }
        try append(text, place(), &out)
        return TypeID.isText(type) || type == TypeID.jsonb ? .binary : .text
    }

    private static func append(_ text: String, _ place: @autoclosure () -> String, _ out: inout [UInt8])
        throws(PostgresError)
    {
        let start = out.count
        out.append(contentsOf: text.utf8)
        if out[start...].contains(0) {
            throw PostgresError(
                .encoding, "\(place()): the text holds a NUL character, which PostgreSQL cannot store")
        }
    }

    /// `numeric` is base 10,000 digits, most significant first.
    private static func appendNumeric(_ number: Int64, _ out: inout [UInt8]) {
        var digits: [Int16] = []
        var rest = number.magnitude
        while rest > 0 {
            digits.append(Int16(rest % 10_000))
            rest /= 10_000
        }
        out.append(bigEndian: Int16(digits.count))
        out.append(bigEndian: Int16(max(0, digits.count - 1)))
        out.append(bigEndian: UInt16(number < 0 ? 0x4000 : 0))
        out.append(bigEndian: Int16(0))
        for digit in digits.reversed() { out.append(bigEndian: digit) }
    }

    private static func array(
        _ items: some Collection<PostgresValue>, _ type: UInt32, _ place: @autoclosure () -> String,
        _ out: inout [UInt8]
    ) throws(PostgresError) -> Form {
        guard let element = TypeID.element(ofArray: type) else { throw mismatch("an array", type, place()) }
        out.append(bigEndian: Int32(items.isEmpty ? 0 : 1))
        out.append(bigEndian: Int32(items.contains(.null) ? 1 : 0))
        out.append(bigEndian: element)
        guard !items.isEmpty else { return .binary }
        out.append(bigEndian: Int32(items.count))
        out.append(bigEndian: Int32(1))
        for item in items { try field(item, as: element, place: place(), into: &out) }
        return .binary
    }

    /// Appends a length-prefixed binary field, as arrays and COPY hold them.
    static func field(
        _ value: PostgresValue, as type: UInt32, place: @autoclosure () -> String, into out: inout [UInt8]
    ) throws(PostgresError) {
        if case .null = value {
            out.append(bigEndian: Int32(-1))
            return
        }
        let start = out.count
        out.append(bigEndian: Int32(0))
        // Enums are text in both forms, so types of the database itself may take text here too.
        let form = try encode(value, as: type, place: place(), into: &out)
        guard form == .binary || type >= TypeID.firstOwn else { throw mismatch("text", type, place()) }
        out.overwrite(at: start, bigEndian: Int32(out.count - start - 4))
    }

    private static func shifted<T: FixedWidthInteger>(_ value: T, by epoch: T, _ place: @autoclosure () -> String)
        throws(PostgresError) -> T
    {
        if value == .min || value == .max { return value }
        let (shifted, overflow) = value.subtractingReportingOverflow(epoch)
        guard !overflow else { throw tooLarge("instant", place()) }
        return shifted
    }

    private static func tooLarge(_ type: String, _ place: String) -> PostgresError {
        PostgresError(.encoding, "\(place): the number does not fit \(type)")
    }

    private static func mismatch(_ what: String, _ type: UInt32, _ place: String) -> PostgresError {
        PostgresError(
            .encoding,
            "\(place): the server expects type number \(type) here, got \(what); write a cast such as $1::bigint")
    }
}
