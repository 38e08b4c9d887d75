import AdModel

/// How large a share of its opportunities an evenly paced line item takes, corrected by what it spent so far.
/// Pure: called every few seconds off the request path; the answer goes to `LeaseTable.setPassShare`.
public enum PacingController {
    /// - Parameters:
    ///   - current: share of the last period, in parts of 2^32 - 1.
    ///   - dayBudget: what the day may cost.
    ///   - spent: spent or reserved since the day began.
    ///   - elapsed: part of the day that is over, 0...1.
    /// - Returns: the next share, in parts of 2^32 - 1; never 0 before the budget is spent, so that a line item
    ///   that was throttled too hard finds out.
    public static func nextShare(current: UInt32, dayBudget: Micros, spent: Micros, elapsed: Double) -> UInt32 {
        if dayBudget.value <= 0 || spent >= dayBudget { return 0 }
        // A little ahead of the clock on purpose: what is not spent early cannot be made up for late.
        let due = Double(dayBudget.value) * min(1, max(0, elapsed) + 0.01)
        let error = (due - Double(spent.value)) / Double(dayBudget.value)
        let factor = min(2, max(0.5, 1 + 4 * error))
        let share = max(Double(current) * factor, Double(UInt32.max) * 0.001)
        return UInt32(min(share, Double(UInt32.max)))
    }
}
