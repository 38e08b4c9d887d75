import AdModel

/// What adjustments do to one line (rules 17 and 18), one step at a time.
struct AdjustedLine {
    private(set) var unitsLeft: Int64
    private(set) var amountLeft: Int64

    /// What one adjustment moved; negative when it took.
    struct Move: Equatable, Sendable {
        var units: Int64
        var amount: Int64
    }

    init(units: Int64, amount: Int64) {
        unitsLeft = units
        amountLeft = amount
    }

    /// Takes units and money; nil = all units left, and the share of the money that goes with the units.
    mutating func take(units: Int64?, amount: Int64?) -> Move {
        guard unitsLeft > 0 else { return Move(units: 0, amount: 0) }
        let taken = min(units ?? unitsLeft, unitsLeft)
        var money: Int64
        if taken == unitsLeft {
            // No unit is left, so the whole amount left goes.
            money = amountLeft
        } else if let amount {
            money = min(amount, amountLeft)
        } else {
            let product = amountLeft.multipliedFullWidth(by: taken)
            money = unitsLeft.dividingFullWidth(product).quotient
        }
        money = min(money, amountLeft)
        unitsLeft -= taken
        amountLeft -= money
        return Move(units: -taken, amount: -money)
    }

    /// Changes the amount, never below 0; nil when the amount would go beyond Int64.
    mutating func changePrice(by change: Int64) -> Move? {
        guard unitsLeft > 0 else { return Move(units: 0, amount: 0) }
        let (sum, overflow) = amountLeft.addingReportingOverflow(change)
        // The amount left is never negative, so only a rise can overflow.
        if overflow { return nil }
        let next = max(0, sum)
        let move = Move(units: 0, amount: next - amountLeft)
        amountLeft = next
        return move
    }
}

extension AdjustmentRow {
    /// Why the row does not fit rule 17; nil when it does.
    var misfit: String? {
        switch kind {
        case .cancel, .return:
            if lineNumber == nil, kind == .return { return "a return must name its line_no" }
            if lineNumber == nil, units != nil || amountMicros != nil {
                return "a cancel of the whole order leaves line_no, units and amount_micros empty"
            }
            if let units, units < 0 { return "units must not be negative" }
            if let amountMicros, amountMicros < 0 { return "amount_micros must not be negative" }
            return nil
        case .price:
            if lineNumber == nil { return "a price correction must name its line_no" }
            if amountMicros == nil { return "a price correction needs amount_micros" }
            if let units, units != 0 { return "a price correction moves no units: leave units empty or 0" }
            return nil
        }
    }
}
