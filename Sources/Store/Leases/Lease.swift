import AdModel

/// What a node asks for one line item.
public struct LeaseRequest: Sendable, Equatable {
    public var lineItemID: Int32
    /// The node's current lease of the line item, nil when it has none.
    public var leaseID: Int64?
    /// What of the current lease has not been promised to anybody; it goes back to the budget first.
    public var unused: Micros
    /// What the node wants to be able to promise from now on.
    public var wanted: Micros

    public init(lineItemID: Int32, leaseID: Int64?, unused: Micros, wanted: Micros) {
        self.lineItemID = lineItemID
        self.leaseID = leaseID
        self.unused = unused
        self.wanted = wanted
    }
}

/// What a node may promise for one line item.
public struct LeaseGrant: Sendable, Equatable {
    public var lineItemID: Int32
    /// nil when nothing was granted.
    public var leaseID: Int64?
    /// The new lease, at most what was wanted; it replaces the unused part of the old one.
    public var granted: Micros
    /// Promises stop here: half an hour from now, or the end of the accounting day.
    public var expiresAt: Timestamp
    /// What today may cost as far as budgets say: the daily budget, or an even part of what is left of the total.
    /// nil without a budget.
    public var dayBudget: Micros?
    /// Spent today, with what other promises of today may still cost, without this grant.
    public var dayCommitted: Micros
    /// The accounting day, and the part of it in which the line item runs.
    public var day: LeaseDay

    public init(
        lineItemID: Int32, leaseID: Int64?, granted: Micros, expiresAt: Timestamp, dayBudget: Micros?,
        dayCommitted: Micros, day: LeaseDay
    ) {
        self.lineItemID = lineItemID
        self.leaseID = leaseID
        self.granted = granted
        self.expiresAt = expiresAt
        self.dayBudget = dayBudget
        self.dayCommitted = dayCommitted
        self.day = day
    }
}

/// The accounting day of a lease.
public struct LeaseDay: Sendable, Equatable {
    public var begins: Timestamp
    public var ends: Timestamp
    /// The flight, cut to the day.
    public var from: Timestamp
    public var to: Timestamp

    public init(begins: Timestamp, ends: Timestamp, flight: (from: Timestamp, to: Timestamp)) {
        self.begins = begins
        self.ends = ends
        from = min(max(begins, flight.from), ends)
        to = max(min(ends, flight.to), begins)
    }

    /// Hours between the beginning of the day and an instant, as the forecast of a day counts them.
    public func hour(_ instant: Timestamp) -> Double {
        min(24, max(0, Double((instant - begins).micros) / 3_600_000_000))
    }
}
