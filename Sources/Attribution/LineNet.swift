/// What a line was sold for and what adjustments left of it (rule 17): the most that one contest may credit.
public struct LineNet: Hashable, Sendable {
    public var orderID: AttributionID
    public var lineNumber: Int64
    public var units: Int64
    public var amountMicros: Int64
    public var netUnits: Int64
    public var netAmountMicros: Int64
}

extension AttributionEngine {
    /// The nets of all lines that may earn credit; touches play no part.
    /// - Throws: `conflict` or `invalid_row` when rows contradict each other.
    public static func nets(
        _ input: AttributionInput, reference: AttributionReference
    ) throws(AttributionError) -> [LineNet] {
        let table = try orders(input, reference)
        var result: [LineNet] = []
        for number in table.lines.indices {
            let line = table.lines[number]
            if line.units < 1 || line.amount < 0 { continue }
            var net = LineNet(
                orderID: table.orderIDs.id(line.order), lineNumber: line.number, units: line.units,
                amountMicros: line.amount, netUnits: line.units, netAmountMicros: line.amount)
            if !table.moves.isEmpty {
                for move in table.moves.rows(UInt32(number)) {
                    net.netUnits += move.move.units
                    net.netAmountMicros += move.move.amount
                }
            }
            result.append(net)
        }
        return result
    }
}
