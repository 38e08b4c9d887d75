/// Type numbers of `pg_type.dat`; they never change.
enum TypeID {
    static let bool: UInt32 = 16
    static let bytea: UInt32 = 17
    static let char: UInt32 = 18
    static let name: UInt32 = 19
    static let int8: UInt32 = 20
    static let int2: UInt32 = 21
    static let int4: UInt32 = 23
    static let text: UInt32 = 25
    static let oid: UInt32 = 26
    static let json: UInt32 = 114
    static let float4: UInt32 = 700
    static let float8: UInt32 = 701
    static let unknown: UInt32 = 705
    static let bpchar: UInt32 = 1042
    static let varchar: UInt32 = 1043
    static let date: UInt32 = 1082
    static let timestamptz: UInt32 = 1184
    static let interval: UInt32 = 1186
    static let numeric: UInt32 = 1700
    static let uuid: UInt32 = 2950
    static let jsonb: UInt32 = 3802
    static let void: UInt32 = 2278
    /// First number that `initdb` leaves to types of the database itself (enums, domains).
    static let firstOwn: UInt32 = 16_384

    /// Element type of an array type.
    static func element(ofArray type: UInt32) -> UInt32? {
        switch type {
        case 1000: bool
        case 1001: bytea
        case 1003: name
        case 1005: int2
        case 1007: int4
        case 1009: text
        case 1015: varchar
        case 1016: int8
        case 1021: float4
        case 1022: float8
        case 1182: date
        case 1185: timestamptz
        case 1187: interval
        case 1231: numeric
        case 199: json
        case 2951: uuid
        case 3807: jsonb
        default: nil
        }
    }

    static func isText(_ type: UInt32) -> Bool {
        switch type {
        case text, varchar, bpchar, name, unknown, json, char: true
        default: false
        }
    }
}

/// Between PostgreSQL's epoch (2000-01-01) and Unix's.
enum Epoch {
    static let micros: Int64 = 946_684_800_000_000
    static let days: Int32 = 10_957
}

extension [UInt8] {
    mutating func append<T: FixedWidthInteger>(bigEndian value: T) {
        Swift.withUnsafeBytes(of: value.bigEndian) { append(contentsOf: $0) }
    }

    mutating func overwrite(at offset: Int, bigEndian value: Int32) {
        Swift.withUnsafeBytes(of: value.bigEndian) { bytes in
            for i in 0..<4 { self[offset + i] = bytes[i] }
        }
    }
}

extension UnsafeRawBufferPointer {
    func integer<T: FixedWidthInteger>(at offset: Int = 0, _: T.Type = T.self) -> T {
        T(bigEndian: loadUnaligned(fromByteOffset: offset, as: T.self))
    }
}
