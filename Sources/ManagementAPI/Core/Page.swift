/// Which part of a list is wanted.
public struct Page: Equatable, Sendable {
    public static let defaultLimit = 100
    public static let maximumLimit = 500

    /// Rows of one answer.
    public var limit: Int
    /// Internal id of the last row of the page before; 0 for the first page.
    public var after: Int64

    public init(limit: Int = Page.defaultLimit, after: Int64 = 0) {
        self.limit = limit
        self.after = after
    }

    /// Rows to read: one more than are shown says whether there is a next page.
    public var fetchLimit: Int64 { Int64(limit) + 1 }
}
