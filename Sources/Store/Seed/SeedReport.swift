/// What a seed did.
public struct SeedReport: Sendable, Equatable {
    /// A key that was generated now. Its text is nowhere else: print it once.
    public struct GeneratedKey: Sendable, Equatable {
        public var code: String
        /// `shop`, `advertiser` or `retailer`.
        public var kind: String
        public var text: String
    }

    public var created = 0
    public var updated = 0
    public var unchanged = 0
    /// One line per row that was created, changed or closed, in the order of writing.
    public var changes: [String] = []
    /// What is in the file but cannot serve yet, and why.
    public var notServable: [String] = []
    public var generatedKeys: [GeneratedKey] = []
    /// The control version after the seed; nil when nothing changed.
    public var controlVersion: Int64?

    public init() {}

    /// False for a second run of the same file.
    public var changedAnything: Bool { !changes.isEmpty }
}
