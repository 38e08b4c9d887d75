import CLibPQ

/// One row of an answer. Every accessor throws `decoding` when the column is missing, holds another type or,
/// without `IfPresent`, is null.
public struct PostgresRow: Sendable {
    let storage: PostgresRows.Storage
    let index: Int32

    /// True when the column is null; throws when there is no such column.
    public func isNull(_ column: some PostgresColumn) throws(PostgresError) -> Bool {
        PQgetisnull(storage.result, index, try position(column)) != 0
    }

    private func position(_ column: some PostgresColumn) throws(PostgresError) -> Int32 {
        guard let position = column.position(in: PostgresColumnNames(description: storage.description)) else {
            throw PostgresError(.decoding, "there is no column \(column) in the answer")
        }
        return Int32(position)
    }

    private func decode<T>(
        _ column: some PostgresColumn, _ what: StaticString, _ read: (UnsafeRawBufferPointer, UInt32) -> T?
    ) throws(PostgresError) -> T? {
        let position = try position(column)
        guard PQgetisnull(storage.result, index, position) == 0 else { return nil }
        let bytes = UnsafeRawBufferPointer(
            start: PQgetvalue(storage.result, index, position),
            count: Int(PQgetlength(storage.result, index, position)))
        let type = storage.description.types[Int(position)]
        guard let value = read(bytes, type) else {
            throw PostgresError(.decoding, "column \(column) of type number \(type) cannot be read as \(what)")
        }
        return value
    }

    private func present<T>(_ value: T?, _ column: some PostgresColumn) throws(PostgresError) -> T {
        guard let value else { throw PostgresError(.decoding, "column \(column) is null") }
        return value
    }
}

extension PostgresRow {
    /// A whole number, or nil for null.
    public func int64IfPresent(_ column: some PostgresColumn) throws(PostgresError) -> Int64? {
        try decode(column, "a whole number", ValueDecoder.integer)
    }
    /// A whole number.
    public func int64(_ column: some PostgresColumn) throws(PostgresError) -> Int64 {
        try present(try int64IfPresent(column), column)
    }

    /// A whole number that fits 32 bits, or nil for null.
    public func int32IfPresent(_ column: some PostgresColumn) throws(PostgresError) -> Int32? {
        try decode(
            column, "a whole number that fits 32 bits", { ValueDecoder.integer($0, $1).flatMap { Int32(exactly: $0) } })
    }
    /// A whole number that fits 32 bits.
    public func int32(_ column: some PostgresColumn) throws(PostgresError) -> Int32 {
        try present(try int32IfPresent(column), column)
    }

    /// A whole number that fits 16 bits, or nil for null.
    public func int16IfPresent(_ column: some PostgresColumn) throws(PostgresError) -> Int16? {
        try decode(
            column, "a whole number that fits 16 bits", { ValueDecoder.integer($0, $1).flatMap { Int16(exactly: $0) } })
    }
    /// A whole number that fits 16 bits.
    public func int16(_ column: some PostgresColumn) throws(PostgresError) -> Int16 {
        try present(try int16IfPresent(column), column)
    }

    /// A whole number, or nil for null.
    public func intIfPresent(_ column: some PostgresColumn) throws(PostgresError) -> Int? {
        try decode(column, "a whole number", { ValueDecoder.integer($0, $1).map { Int($0) } })
    }
    /// A whole number.
    public func int(_ column: some PostgresColumn) throws(PostgresError) -> Int {
        try present(try intIfPresent(column), column)
    }

    /// A truth value, or nil for null.
    public func boolIfPresent(_ column: some PostgresColumn) throws(PostgresError) -> Bool? {
        try decode(column, "a truth value", { $1 == TypeID.bool && $0.count == 1 ? $0[0] != 0 : nil })
    }
    /// A truth value.
    public func bool(_ column: some PostgresColumn) throws(PostgresError) -> Bool {
        try present(try boolIfPresent(column), column)
    }

    /// A floating-point number, or nil for null.
    public func doubleIfPresent(_ column: some PostgresColumn) throws(PostgresError) -> Double? {
        try decode(column, "a floating-point number", ValueDecoder.double)
    }
    /// A floating-point number.
    public func double(_ column: some PostgresColumn) throws(PostgresError) -> Double {
        try present(try doubleIfPresent(column), column)
    }

    /// Text, JSON or numeric, or nil for null.
    public func stringIfPresent(_ column: some PostgresColumn) throws(PostgresError) -> String? {
        try decode(column, "text, JSON or numeric", ValueDecoder.string)
    }
    /// Text, JSON or numeric.
    public func string(_ column: some PostgresColumn) throws(PostgresError) -> String {
        try present(try stringIfPresent(column), column)
    }

    /// Bytea, or nil for null.
    public func bytesIfPresent(_ column: some PostgresColumn) throws(PostgresError) -> [UInt8]? {
        try decode(column, "bytea", { $1 == TypeID.bytea ? Array($0) : nil })
    }
    /// Bytea.
    public func bytes(_ column: some PostgresColumn) throws(PostgresError) -> [UInt8] {
        try present(try bytesIfPresent(column), column)
    }

    /// Timestamptz as microseconds since the Unix epoch (`Int64.min`/`max` = -infinity/infinity), or nil for null.
    public func microsIfPresent(_ column: some PostgresColumn) throws(PostgresError) -> Int64? {
        try decode(column, "timestamptz", ValueDecoder.micros)
    }
    /// Timestamptz as microseconds since the Unix epoch (`Int64.min`/`max` = -infinity/infinity).
    public func micros(_ column: some PostgresColumn) throws(PostgresError) -> Int64 {
        try present(try microsIfPresent(column), column)
    }

    /// Date as days since 1970-01-01, or nil for null.
    public func daysIfPresent(_ column: some PostgresColumn) throws(PostgresError) -> Int32? {
        try decode(column, "date", ValueDecoder.days)
    }
    /// Date as days since 1970-01-01.
    public func days(_ column: some PostgresColumn) throws(PostgresError) -> Int32 {
        try present(try daysIfPresent(column), column)
    }

    /// Uuid, or nil for null.
    public func uuidIfPresent(_ column: some PostgresColumn) throws(PostgresError) -> ((high: UInt64, low: UInt64))? {
        try decode(
            column, "uuid", { $1 == TypeID.uuid && $0.count == 16 ? (high: $0.integer(), low: $0.integer(at: 8)) : nil }
        )
    }
    /// Uuid.
    public func uuid(_ column: some PostgresColumn) throws(PostgresError) -> (high: UInt64, low: UInt64) {
        try present(try uuidIfPresent(column), column)
    }

    /// Interval, or nil for null.
    public func intervalIfPresent(_ column: some PostgresColumn) throws(PostgresError) -> PostgresInterval? {
        try decode(column, "interval", ValueDecoder.interval)
    }
    /// Interval.
    public func interval(_ column: some PostgresColumn) throws(PostgresError) -> PostgresInterval {
        try present(try intervalIfPresent(column), column)
    }

    /// Array of whole numbers, or nil for null.
    public func int16ArrayIfPresent(_ column: some PostgresColumn) throws(PostgresError) -> [Int16]? {
        try decode(
            column, "array of whole numbers",
            { ValueDecoder.array($0, $1) { ValueDecoder.integer($0, $1).flatMap { Int16(exactly: $0) } } })
    }
    /// Array of whole numbers.
    public func int16Array(_ column: some PostgresColumn) throws(PostgresError) -> [Int16] {
        try present(try int16ArrayIfPresent(column), column)
    }

    /// Array of whole numbers, or nil for null.
    public func int32ArrayIfPresent(_ column: some PostgresColumn) throws(PostgresError) -> [Int32]? {
        try decode(
            column, "array of whole numbers",
            { ValueDecoder.array($0, $1) { ValueDecoder.integer($0, $1).flatMap { Int32(exactly: $0) } } })
    }
    /// Array of whole numbers.
    public func int32Array(_ column: some PostgresColumn) throws(PostgresError) -> [Int32] {
        try present(try int32ArrayIfPresent(column), column)
    }

    /// Array of whole numbers, or nil for null.
    public func int64ArrayIfPresent(_ column: some PostgresColumn) throws(PostgresError) -> [Int64]? {
        try decode(column, "array of whole numbers", { ValueDecoder.array($0, $1, ValueDecoder.integer) })
    }
    /// Array of whole numbers.
    public func int64Array(_ column: some PostgresColumn) throws(PostgresError) -> [Int64] {
        try present(try int64ArrayIfPresent(column), column)
    }

    /// Array of texts, or nil for null.
    public func stringArrayIfPresent(_ column: some PostgresColumn) throws(PostgresError) -> [String]? {
        try decode(column, "array of texts", { ValueDecoder.array($0, $1, ValueDecoder.string) })
    }
    /// Array of texts.
    public func stringArray(_ column: some PostgresColumn) throws(PostgresError) -> [String] {
        try present(try stringArrayIfPresent(column), column)
    }

    /// Array of bytea, or nil for null.
    public func bytesArrayIfPresent(_ column: some PostgresColumn) throws(PostgresError) -> [[UInt8]]? {
        try decode(column, "array of bytea", { ValueDecoder.array($0, $1) { $1 == TypeID.bytea ? Array($0) : nil } })
    }
    /// Array of bytea.
    public func bytesArray(_ column: some PostgresColumn) throws(PostgresError) -> [[UInt8]] {
        try present(try bytesArrayIfPresent(column), column)
    }
}
