import AdModel

/// How large a share of its opportunities an evenly paced line item takes, so that what it spends follows the forecast
/// curve of its day and ends with the budget at the day's end.
///
/// The forecast says how a day's opportunities spread, not how many there will be: how much money taking *all* of
/// them would cost is learned from what was spent at the shares that were set. The next share is what brings the
/// spend back to the curve a little ahead of now. Too much traffic closes the share at once, too little opens it, and
/// an error never grows beyond what one look-ahead brings. Pure: called every few seconds off the request path; the
/// answer goes to `LeaseTable.setPassShare`.
public struct PacingController: Equatable, Sendable {
    /// Hours ahead at which the spend is to be on the curve again.
    static let lookAhead = 0.2
    /// Hours after which what was learned counts half.
    static let memory = 0.75
    /// Part of the day's budget that the curve runs ahead: what is not spent early cannot be made up for late.
    static let ahead = 0.003
    /// Never closed entirely, so that a line item that was throttled too hard finds out.
    static let least = 0.001
    /// Share taken before anything is known.
    static let first = 0.25

    /// The day as it is known at one moment.
    public struct Day: Equatable, Sendable {
        /// What may be spent from `from` to `to`, micro-roubles (or impressions, of a goal).
        public var budget: Int64
        /// Spent or promised of it so far.
        public var committed: Int64
        /// Hours of the accounting day in which the line item runs, 0...24.
        public var from: Double
        public var to: Double
        public var forecast: DemandForecast

        public init(
            budget: Int64, committed: Int64, from: Double = 0, to: Double = 24, forecast: DemandForecast = .flat
        ) {
            self.budget = budget
            self.committed = committed
            self.from = from
            self.to = to
            self.forecast = forecast
        }

        /// What should be committed at an hour of the day.
        public func plan(at hour: Double) -> Double {
            let whole = forecast.share(from: from, to: to)
            if whole <= 0 { return Double(budget) }
            return Double(budget) * min(1, forecast.share(from: from, to: min(hour, to)) / whole)
        }
    }

    /// Share set last, 0...1.
    public private(set) var share = Self.first
    /// Spent, and the shares of the day's opportunities that it was spent from; older evidence counts less.
    private var evidenceSpent = 0.0
    private var evidenceTaken = 0.0
    private var last: (hour: Double, committed: Int64)?

    public init() {}

    public static func == (a: Self, b: Self) -> Bool {
        a.share == b.share && a.evidenceSpent == b.evidenceSpent && a.evidenceTaken == b.evidenceTaken
            && a.last?.hour == b.last?.hour && a.last?.committed == b.last?.committed
    }

    /// The share for the time until the next call, in parts of 2^32 - 1.
    /// - Parameter hour: hour of the accounting day; a smaller one than before is another day, on which what was
    ///   learned of the traffic stays.
    public mutating func next(_ day: Day, at hour: Double) -> UInt32 {
        learn(day, at: hour)
        share = wanted(day, at: hour)
        return UInt32(share * Double(UInt32.max))
    }

    private mutating func learn(_ day: Day, at hour: Double) {
        defer { last = (hour, day.committed) }
        guard let last, hour > last.hour else { return }
        let kept = Self.memory / (Self.memory + (hour - last.hour))
        // Promises that come back make the sum fall: that is no traffic.
        let spent = max(0, day.committed - last.committed)
        evidenceSpent = evidenceSpent * kept + Double(spent)
        evidenceTaken = evidenceTaken * kept + share * day.forecast.share(from: last.hour, to: hour)
    }

    private func wanted(_ day: Day, at hour: Double) -> Double {
        let missing = day.budget - day.committed
        guard missing > 0 else { return 0 }
        let until = min(hour + Self.lookAhead, day.to)
        let coming = day.forecast.share(from: hour, to: until)
        // The last moments of the day: all that is left.
        guard coming > 0 else { return 1 }
        let due = min(Double(missing), day.plan(at: until) + Double(day.budget) * Self.ahead - Double(day.committed))
        guard due > 0 else { return Self.least }
        guard evidenceTaken > 0 else { return Self.first }
        guard evidenceSpent > 0 else { return min(1, max(share, Self.first) * 2) }
        let whole = evidenceSpent / evidenceTaken * coming
        return min(1, max(Self.least, due / whole))
    }
}
