import CLibPQ

/// Names and types of a statement's columns; made once per prepared statement.
final class RowDescription: Sendable {
    let names: [String]
    let types: [UInt32]
    private let indices: [String: Int]

    init(result: OpaquePointer) {
        let count = PQnfields(result)
        names = (0..<count).map { PQfname(result, $0).map { String(cString: $0) } ?? "" }
        types = (0..<count).map { PQftype(result, $0) }
        indices = Dictionary(names.enumerated().map { ($0.element, $0.offset) }, uniquingKeysWith: { a, _ in a })
    }

    func index(of name: String) -> Int? { indices[name] }
}

/// The complete answer of one statement, in memory.
public struct PostgresRows: RandomAccessCollection, Sendable {
    /// Owns a libpq result.
    ///
    /// Unchecked: libpq's results are immutable once complete and its accessors only read them, so any thread
    /// may; nobody else holds the pointer, and it is cleared when the last reference goes.
    final class Storage: @unchecked Sendable {
        let result: OpaquePointer
        let description: RowDescription

        init(result: OpaquePointer, description: RowDescription?) {
            self.result = result
            self.description = description ?? RowDescription(result: result)
        }

        deinit { PQclear(result) }
    }

    let storage: Storage
    /// Rows inserted, updated, deleted or selected, as the server counts them.
    public let affected: Int
    public let count: Int

    init(result: OpaquePointer, description: RowDescription?) {
        storage = Storage(result: result, description: description)
        count = Int(PQntuples(result))
        affected = PQcmdTuples(result).flatMap { Int(String(cString: $0)) } ?? 0
    }

    public var startIndex: Int { 0 }
    public var endIndex: Int { count }
    public var columns: [String] { storage.description.names }

    public subscript(position: Int) -> PostgresRow {
        precondition(position >= 0 && position < count, "row index out of range")
        return PostgresRow(storage: storage, index: Int32(position))
    }

    /// The only row; throws unless there is exactly one.
    public func single() throws(PostgresError) -> PostgresRow {
        guard count == 1 else { throw PostgresError(.decoding, "expected exactly one row, got \(count)") }
        return self[0]
    }
}

/// Names a column by position (from 0) or by name.
public protocol PostgresColumn {
    /// The position among `names`, or nil when there is no such column.
    func position(in columns: PostgresColumnNames) -> Int?
}

/// The columns of an answer.
public struct PostgresColumnNames: Sendable {
    let description: RowDescription
}

extension Int: PostgresColumn {
    public func position(in columns: PostgresColumnNames) -> Int? {
        self >= 0 && self < columns.description.names.count ? self : nil
    }
}

extension String: PostgresColumn {
    public func position(in columns: PostgresColumnNames) -> Int? { columns.description.index(of: self) }
}
