import AdModel

/// An export that replaces an earlier one of the same month (R25): the full month again, under the same ids.
public struct Correction: Hashable, Sendable {
    /// 1 for the first correction; the bundle is named `…-k1.zip`.
    public var number: Int
    /// Why the month is exported again, in the words of whoever does it.
    public var reason: String
    /// SHA-256 of the previous bundle's `manifest.json`, 64 lower-case hex digits.
    public var supersedes: String
    public var previous: Previous

    public init(number: Int, reason: String, supersedes: String, previous: Previous) {
        self.number = number
        self.reason = reason
        self.supersedes = supersedes
        self.previous = previous
    }

    /// What the operator holds after the previous export.
    public struct Previous: Hashable, Sendable {
        /// The operator's key of a statistics row, with the first day that was told.
        public struct Row: Hashable, Sendable {
            public var creativeID: String
            public var padID: String
            public var actualStart: Day

            public init(creativeID: String, padID: String, actualStart: Day) {
                self.creativeID = creativeID
                self.padID = padID
                self.actualStart = actualStart
            }
        }

        public var rows: [Row]
        public var actIDs: [String]

        public init(rows: [Row], actIDs: [String]) {
            self.rows = rows
            self.actIDs = actIDs
        }
    }

    /// What has to be taken back before the new rows and acts are sent.
    struct Deletions {
        var rows: [Previous.Row] = []
        var actIDs: [String] = []
    }

    /// The rows as they are sent, and what is deleted before.
    ///
    /// A row keeps the first day that was told (R14). When it now begins earlier, the day would be false, so the old
    /// key is deleted first.
    func apply(to rows: [StatisticsRow], acts: [Act]) -> (rows: [StatisticsRow], deletions: Deletions) {
        var deletions = Deletions()
        var told: [String: Previous.Row] = [:]
        for row in previous.rows { told["\(row.creativeID) \(row.padID)"] = row }
        var corrected = rows
        for index in corrected.indices {
            let key = "\(corrected[index].creativeID) \(corrected[index].padID)"
            guard let old = told.removeValue(forKey: key) else { continue }
            if old.actualStart <= corrected[index].actualStart {
                corrected[index].actualStart = old.actualStart
            } else {
                deletions.rows.append(old)
            }
        }
        deletions.rows += told.values
        deletions.rows.sort { a, b in
            a.creativeID != b.creativeID ? byteOrder(a.creativeID, b.creativeID) : byteOrder(a.padID, b.padID)
        }
        deletions.actIDs = Set(previous.actIDs).subtracting(acts.map(\.id)).sorted(by: byteOrder)
        return (corrected, deletions)
    }
}
