import AdModel

/// What a ledger comes to (rule 20): sums by everything but the kind, without those that are 0 units and 0 money.
public struct NetPosition: Equatable, Sendable {
    public struct Entry: Hashable, Sendable {
        public var key: NetKey
        public var units: Int64
        public var amountMicros: Int64
    }

    /// Sorted as the output is.
    public let entries: [Entry]

    public init(_ rows: some Sequence<CreditRow>) {
        var sums: [NetKey: (Int64, Int64)] = [:]
        for row in rows {
            let old = sums[row.netKey] ?? (0, 0)
            sums[row.netKey] = (old.0 + row.units, old.1 + row.amountMicros)
        }
        entries = sums.filter { $0.value != (0, 0) }
            .map { Entry(key: $0.key, units: $0.value.0, amountMicros: $0.value.1) }
            .sorted { $0.key < $1.key }
    }

    /// Header of `csv` with its line end.
    public static let header =
        "order_id,line_no,policy,advertiser_id,campaign_id,line_item_id,touch_id,interaction,level,units,amount_micros\n"

    /// Bytes to compare and to hash: header, then one row an entry, as in rule 19 without `kind`.
    public var csv: [UInt8] { Array(NetPosition.header.utf8) + rows }

    /// `csv` without its header. Positions of orders that follow each other by bytes may be joined.
    public var rows: [UInt8] {
        var out: [UInt8] = []
        for entry in entries {
            CreditCSV.append(entry.key, to: &out)
            out += Array(",\(entry.units),\(entry.amountMicros)\n".utf8)
        }
        return out
    }
}

/// The append-only rows that bring a ledger to what a recomputation says (rules 20-22).
public enum LedgerDifference {
    /// - Parameters:
    ///   - history: every row that the ledger holds of the affected lines, any order.
    ///   - recomputed: what the engine says of the same lines now.
    ///   - cause: what made the lines run again; rows that come from the order or from an adjustment keep their own.
    /// - Returns: rows to append, sorted; empty when the net positions are equal. A winner that lost has its net
    ///   reversed in full, a new winner gets all its rows, a winner that stays gets only what is missing.
    public static func rows(
        history: some Sequence<CreditRow>, recomputed: some Sequence<CreditRow>, cause: CreditRow.Cause
    ) -> [CreditRow] {
        let old = Dictionary(grouping: history, by: \.netKey)
        let new = Dictionary(grouping: recomputed, by: \.netKey)
        var out: [CreditRow] = []
        for (key, rows) in old where new[key] == nil {
            out += correction(of: rows[0], by: (0, 0), minus: net(rows), cause: cause)
        }
        for (key, rows) in new {
            guard let before = old[key] else {
                out += rows
                continue
            }
            let was = net(before)
            let becomes = net(rows)
            if was == becomes { continue }
            if was == (0, 0) {
                out += rows
            } else if let missing = missing(in: before, of: rows) {
                out += missing
            } else {
                out += correction(of: rows[0], by: becomes, minus: was, cause: cause)
            }
        }
        return out.sorted(by: CreditRow.precedes)
    }

    private static func net(_ rows: [CreditRow]) -> (Int64, Int64) {
        rows.reduce((0, 0)) { ($0.0 + $1.units, $0.1 + $1.amountMicros) }
    }

    private struct Move: Hashable {
        var kind: CreditRow.Kind
        var units: Int64
        var amount: Int64
        init(_ row: CreditRow) {
            kind = row.kind
            units = row.units
            amount = row.amountMicros
        }
    }

    /// The rows of `rows` that `before` lacks, when `before` has no row that `rows` lacks.
    private static func missing(in before: [CreditRow], of rows: [CreditRow]) -> [CreditRow]? {
        var had: [Move: Int] = [:]
        for row in before { had[Move(row), default: 0] += 1 }
        var result: [CreditRow] = []
        for row in rows {
            let move = Move(row)
            if let count = had[move], count > 0 { had[move] = count - 1 } else { result.append(row) }
        }
        return had.values.allSatisfy { $0 == 0 } ? result : nil
    }

    /// The difference of two nets as a reversal of what is less and a credit of what is more.
    private static func correction(
        of row: CreditRow, by becomes: (Int64, Int64), minus was: (Int64, Int64), cause: CreditRow.Cause
    ) -> [CreditRow] {
        let units = becomes.0 - was.0
        let amount = becomes.1 - was.1
        func make(_ kind: CreditRow.Kind, _ units: Int64, _ amount: Int64) -> [CreditRow] {
            if units == 0, amount == 0 { return [] }
            var copy = row
            copy.kind = kind
            copy.units = units
            copy.amountMicros = amount
            copy.cause = cause
            copy.causeAt = row.orderedAt
            return [copy]
        }
        return make(.reversal, min(units, 0), min(amount, 0)) + make(.credit, max(units, 0), max(amount, 0))
    }
}

/// Which month a ledger row posts to (rule 21).
public enum PostingMonth {
    /// First day of the month that the row belongs to. Days are of the accounting zone.
    /// - Parameter isPublished: true when finance has published or frozen the month of that first day.
    public static func first(cause: Day, recorded: Day, isPublished: (Day) -> Bool) -> Day {
        let month = start(cause)
        guard isPublished(month) else { return month }
        // The month of the recording is open unless the clock was set back; the next open one is as good then.
        var open = start(recorded)
        while isPublished(open) { open = start(open + 31) }
        return open
    }

    private static func start(_ day: Day) -> Day { day + (1 - day.civil.day) }
}
