/// Exact division of a total among rows.
public enum Allocation {
    /// A row that takes part: its weight, and an id that settles ties.
    public struct Share: Hashable, Sendable {
        /// Not negative.
        public var weight: Int64
        public var id: String

        public init(weight: Int64, id: String) {
            self.weight = weight
            self.id = id
        }
    }

    /// Largest remainder: parts are proportional to the weights and add up to `total` exactly.
    ///
    /// The result does not depend on the order of the rows. Ties go to the larger weight, then to the smaller id in
    /// byte order. With no weight at all every part is zero.
    public static func largestRemainder(_ total: Int64, among shares: [Share]) -> [Int64] {
        let sum = shares.reduce(Int128(0)) { $0 + Int128($1.weight) }
        guard sum > 0, total > 0 else { return Array(repeating: 0, count: shares.count) }
        var parts: [Int64] = []
        var remainders: [(index: Int, remainder: Int128)] = []
        parts.reserveCapacity(shares.count)
        var left = total
        for (index, share) in shares.enumerated() {
            let (quotient, remainder) = (Int128(total) * Int128(share.weight)).quotientAndRemainder(dividingBy: sum)
            parts.append(Int64(quotient))
            left -= Int64(quotient)
            remainders.append((index, remainder))
        }
        remainders.sort { a, b in
            if a.remainder != b.remainder { return a.remainder > b.remainder }
            let (x, y) = (shares[a.index], shares[b.index])
            if x.weight != y.weight { return x.weight > y.weight }
            return byteOrder(x.id, y.id)
        }
        for entry in remainders.prefix(Int(left)) { parts[entry.index] += 1 }
        return parts
    }

    /// VAT of rows that add up to the VAT of their act (R19).
    ///
    /// Each row gets its own VAT rounded half up; the rest goes to the largest rows as far as the operator's bounds
    /// allow.
    /// - Parameters:
    ///   - act: VAT of the act.
    ///   - rows: sums without VAT with the id that settles ties.
    /// - Returns: the VAT of each row, and what no row could take (act minus rows).
    public static func vat(
        _ act: KopeckAmount, at rate: VATRate, among rows: [(amount: Decimal5, id: String)]
    ) -> (parts: [Decimal5], rest: Decimal5) {
        var parts = rows.map { VAT.amount(of: $0.amount, at: rate) }
        var rest = parts.reduce(act.decimal5) { $0 - $1 }
        guard rest != .zero else { return (parts, rest) }
        let largestFirst = rows.indices.sorted { a, b in
            if rows[a].amount != rows[b].amount { return rows[a].amount > rows[b].amount }
            return byteOrder(rows[a].id, rows[b].id)
        }
        for index in largestFirst where rest != .zero {
            let bounds = VAT.bounds(of: rows[index].amount, at: rate)
            let wanted = parts[index] + rest
            let given = min(max(wanted, bounds.lowerBound), bounds.upperBound)
            // A part outside its bounds would be moved towards them here; it cannot be, half up lies inside.
            rest = wanted - given
            parts[index] = given
        }
        return (parts, rest)
    }
}

extension Allocation {
    /// VAT of items that add up to the VAT of their act, in kopecks: each its own rounded half up, the rest on the
    /// largest items inside the operator's bounds. The floors of the items never exceed the act's VAT, so nothing rests.
    public static func itemVAT(
        _ act: KopeckAmount, at rate: VATRate, among items: [(amount: KopeckAmount, id: String)]
    ) -> [KopeckAmount] {
        var parts = items.map { VAT.amount(of: $0.amount, at: rate) }
        var rest = parts.reduce(act) { $0 - $1 }
        let largestFirst = items.indices.sorted { a, b in
            if items[a].amount != items[b].amount { return items[a].amount > items[b].amount }
            return byteOrder(items[a].id, items[b].id)
        }
        for index in largestFirst where rest != .zero {
            let bounds = VAT.bounds(of: items[index].amount, at: rate)
            let wanted = parts[index] + rest
            parts[index] = min(max(wanted, bounds.lowerBound), bounds.upperBound)
            rest = wanted - parts[index]
        }
        return parts
    }
}

/// Ids are compared by their bytes, so that order never depends on a locale.
@inlinable
public func byteOrder(_ a: String, _ b: String) -> Bool { a.utf8.lexicographicallyPrecedes(b.utf8) }
