/// A parameter of a statement or a field of a copied row.
///
/// The server says which type each place has; a value is converted to it where nothing is lost (`int4` into a
/// `bigint`, `int8` into an `int` when it fits). A `text` fits every type that has a textual input, outside COPY.
public enum PostgresValue: Equatable, Sendable {
    case null
    case bool(Bool)
    case int2(Int16)
    case int4(Int32)
    case int8(Int64)
    case float8(Double)
    /// Any text without the NUL character, which PostgreSQL cannot store.
    case text(String)
    case bytea([UInt8])
    /// Microseconds since 1970-01-01T00:00:00Z; `Int64.min` is -infinity, `Int64.max` infinity.
    case timestamptz(micros: Int64)
    /// Days since 1970-01-01; `Int32.min` is -infinity, `Int32.max` infinity.
    case date(days: Int32)
    case uuid(high: UInt64, low: UInt64)
    case interval(PostgresInterval)
    /// The text of a JSON document.
    case jsonb(String)
    case int2Array([Int16])
    case int4Array([Int32])
    case int8Array([Int64])
    case textArray([String])
    case byteaArray([[UInt8]])
    /// A one-dimensional array of anything above, `null` included.
    case array([PostgresValue])
}

/// A PostgreSQL interval: its three parts do not convert into each other.
public struct PostgresInterval: Equatable, Sendable {
    public var months: Int32
    public var days: Int32
    public var micros: Int64

    public init(months: Int32 = 0, days: Int32 = 0, micros: Int64 = 0) {
        self.months = months
        self.days = days
        self.micros = micros
    }

    /// The length in microseconds with days of 86,400 s; nil when the interval holds months.
    public var fixedMicros: Int64? {
        months == 0 ? Int64(days) * 86_400_000_000 + micros : nil
    }
}

extension PostgresValue {
    /// The text, or null.
    public static func text(orNull value: String?) -> PostgresValue { value.map { .text($0) } ?? .null }
    /// The number, or null.
    public static func int2(orNull value: Int16?) -> PostgresValue { value.map { .int2($0) } ?? .null }
    /// The number, or null.
    public static func int4(orNull value: Int32?) -> PostgresValue { value.map { .int4($0) } ?? .null }
    /// The number, or null.
    public static func int8(orNull value: Int64?) -> PostgresValue { value.map { .int8($0) } ?? .null }
    /// The truth value, or null.
    public static func bool(orNull value: Bool?) -> PostgresValue { value.map { .bool($0) } ?? .null }
    /// The bytes, or null.
    public static func bytea(orNull value: [UInt8]?) -> PostgresValue { value.map { .bytea($0) } ?? .null }
    /// The instant, or null.
    public static func timestamptz(orNull micros: Int64?) -> PostgresValue {
        micros.map { .timestamptz(micros: $0) } ?? .null
    }
    /// The day, or null.
    public static func date(orNull days: Int32?) -> PostgresValue { days.map { .date(days: $0) } ?? .null }
    /// The document, or null.
    public static func jsonb(orNull value: String?) -> PostgresValue { value.map { .jsonb($0) } ?? .null }
    /// A number of Swift's own width, as `bigint`.
    public static func int(_ value: Int) -> PostgresValue { .int8(Int64(value)) }
}
