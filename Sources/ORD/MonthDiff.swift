import AdModel

/// What changed between two versions of a month, row by row and act by act (ord.md 9E).
public struct MonthDiff: Hashable, Sendable {
    /// One row or act before and after; nil where there is none.
    public struct Change<Value: Hashable & Sendable>: Hashable, Sendable {
        /// `<creative>__<pad>`, or the act's external id.
        public var id: String
        public var before: Value?
        public var after: Value?
    }

    /// Only what differs, in byte order of ids.
    public var rows: [Change<StatisticsRow>]
    public var acts: [Change<Act>]

    /// Rows and acts that the new version has no more: they are deleted at the operator.
    public var vanishedRows: [StatisticsRow] { rows.compactMap { $0.after == nil ? $0.before : nil } }
    public var vanishedActs: [Act] { acts.compactMap { $0.after == nil ? $0.before : nil } }
    public var isEmpty: Bool { rows.isEmpty && acts.isEmpty }

    public init(
        before: (rows: [StatisticsRow], acts: [Act]), after: (rows: [StatisticsRow], acts: [Act])
    ) {
        rows = Self.changes(before.rows, after.rows) { "\($0.creativeID)__\($0.padID)" }
        acts = Self.changes(before.acts, after.acts, \.id)
    }

    public init(before: Settlement, after: Settlement) {
        self.init(before: (before.rows, before.acts), after: (after.rows, after.acts))
    }

    private static func changes<Value: Hashable & Sendable>(
        _ before: [Value], _ after: [Value], _ id: (Value) -> String
    ) -> [Change<Value>] {
        let old = Dictionary(before.map { (id($0), $0) }) { first, _ in first }
        let new = Dictionary(after.map { (id($0), $0) }) { first, _ in first }
        return Set(old.keys).union(new.keys).sorted(by: byteOrder).compactMap { id in
            old[id] == new[id] ? nil : Change(id: id, before: old[id], after: new[id])
        }
    }
}
