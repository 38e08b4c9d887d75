/// One goal's result as a line of JSON, for machines that keep the figures.
struct BenchGoalLine {
    var goal: String
    var value: Double
    /// nil where no floor or aim is set for the figure.
    var floor: Double?
    var aim: Double?
    var least: Double
    var greatest: Double
    var rounds: Int
    var yardstick: String
    /// False when other load disturbed the run.
    var isValid: Bool

    var json: String {
        func number(_ value: Double?) -> String {
            guard let value, value.isFinite else { return "null" }
            return String((value * 1_000).rounded() / 1_000)
        }
        return "{\"goal\":\"\(goal)\",\"value\":\(number(value)),\"floor\":\(number(floor)),\"aim\":\(number(aim)),"
            + "\"min\":\(number(least)),\"max\":\(number(greatest)),\"rounds\":\(rounds),"
            + "\"yardstick\":\"\(yardstick)\",\"valid\":\(isValid)}"
    }
}
