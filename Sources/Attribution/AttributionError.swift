/// Why an input or a policy is refused. Messages name tables, rows and ids of orders and ads, never shoppers.
public struct AttributionError: Error, Equatable, Sendable {
    /// Stable snake_case word: `conflict`, `invalid_row`, `invalid_policy`, `unknown_policy`, `invalid_file`.
    public var code: String
    /// What is wrong and what to do about it.
    public var message: String
    /// The table (file) at fault, when there is one.
    public var table: AttributionTable?
    /// Where in the table: the index of the row, or its byte offset when the table is a file.
    public var position: Int?
    /// The other row of a contradiction, in `otherTable`.
    public var otherPosition: Int?
    /// The table of the other row.
    public var otherTable: AttributionTable?

    public init(
        code: String, message: String, table: AttributionTable? = nil, position: Int? = nil,
        otherTable: AttributionTable? = nil, otherPosition: Int? = nil
    ) {
        self.code = code
        self.message = message
        self.table = table
        self.position = position
        self.otherTable = otherTable
        self.otherPosition = otherPosition
    }

    /// The same input fails the same way every time.
    public var isRetryable: Bool { false }

    static func conflict(_ table: AttributionTable, _ second: Int, _ first: Int, _ message: String) -> AttributionError
    {
        AttributionError(
            code: "conflict", message: message, table: table, position: second, otherTable: table,
            otherPosition: first)
    }

    static func row(_ table: AttributionTable, _ position: Int, _ message: String) -> AttributionError {
        AttributionError(code: "invalid_row", message: message, table: table, position: position)
    }
}

/// The input tables, named as the files of `nimb attribute` are.
public enum AttributionTable: String, CaseIterable, Sendable {
    case touches, lines, products, campaigns, brands, grants, links, adjustments, rivals
}
