import CLibPQ

/// Sends rows of a COPY. Only valid inside the closure it is handed to.
public struct CopyWriter: ~Copyable {
    /// Bytes gathered before they are handed to libpq.
    static let chunk = 131_072

    private let connection: OpaquePointer
    private let columns: RowDescription
    private var buffer: [UInt8]
    /// Rows written so far.
    public private(set) var rows = 0

    init(connection: OpaquePointer, columns: RowDescription) {
        self.connection = connection
        self.columns = columns
        buffer = Array("PGCOPY\n".utf8) + [0xFF, 0x0D, 0x0A, 0x00, 0, 0, 0, 0, 0, 0, 0, 0]
        buffer.reserveCapacity(Self.chunk + 4_096)
    }

    /// Writes one row: a value per column, in the order of the columns.
    public mutating func row(_ values: PostgresValue...) throws(PostgresError) { try row(values) }

    /// Writes one row: a value per column, in the order of the columns.
    public mutating func row(_ values: [PostgresValue]) throws(PostgresError) {
        guard values.count == columns.types.count else {
            throw PostgresError(
                .encoding, "row \(rows + 1) has \(values.count) values for \(columns.types.count) columns")
        }
        buffer.append(bigEndian: Int16(values.count))
        for i in values.indices {
            try ValueEncoder.field(
                values[i], as: columns.types[i], place: "row \(rows + 1), column \(columns.names[i])", into: &buffer)
        }
        rows += 1
        if buffer.count >= Self.chunk { try flush() }
    }

    mutating func finish() throws(PostgresError) {
        buffer.append(bigEndian: Int16(-1))
        try flush()
    }

    private mutating func flush() throws(PostgresError) {
        let sent = buffer.withUnsafeBytes { bytes in
            PQputCopyData(connection, bytes.bindMemory(to: CChar.self).baseAddress, Int32(bytes.count))
        }
        guard sent == 1 else {
            throw PostgresError(.connectionLost, "the connection was lost while rows were being copied")
        }
        buffer.removeAll(keepingCapacity: true)
    }
}
