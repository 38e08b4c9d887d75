import AdModel

/// Why a row of the charge ledger has the amount it has. Raw values are stored.
public enum ChargeReason: String, CaseIterable, Sendable {
    /// Charged in full.
    case billed
    /// The line item's total budget had no room: charged 0.
    case overBudget = "over_budget"
    /// The line item's budget of the accounting day had no room: charged 0.
    case overDailyBudget = "over_daily_budget"
    /// Wallet plus credit limit had no room: charged 0.
    case overWallet = "over_wallet"
    /// The month of the event was frozen before its log arrived: charged 0.
    case monthClosed = "month_closed"
    /// A daily part of a fixed price.
    case accrual
    case refund, rounding, correction
    /// A refund that waits for a later act, because the levy has locked its own.
    case carry
}

/// What may be spent on one line item, and what has been.
public struct LineBudget: Equatable, Sendable {
    public var advertiserID: Int32
    /// nil = no limit.
    public var total: Micros?
    /// Per accounting day; nil = no limit.
    public var daily: Micros?
    public var spent: Micros

    public init(advertiserID: Int32, total: Micros?, daily: Micros?, spent: Micros) {
        self.advertiserID = advertiserID
        self.total = total
        self.daily = daily
        self.spent = spent
    }
}

/// A line item on one accounting day.
public struct LineDay: Hashable, Sendable {
    public var lineItemID: Int32
    public var day: Day

    public init(lineItemID: Int32, day: Day) {
        self.lineItemID = lineItemID
        self.day = day
    }
}

/// What an advertiser may spend in all: wallet balance plus credit limit, and what has been spent.
public struct AdvertiserFunds: Equatable, Sendable {
    /// Top-ups less withdrawals plus refunds, plus the credit limit.
    public var available: Micros
    public var spent: Micros

    public init(available: Micros, spent: Micros) {
        self.available = available
        self.spent = spent
    }
}

/// Decides charge by charge whether a price fits. Filled from locked rows, asked in the order of the log, and
/// written back, so that **spend never exceeds budget, wallet or credit limit**; what does not fit is charged
/// nothing and stays visible as over-delivery.
public struct BudgetBook: Sendable {
    public private(set) var lines: [Int32: LineBudget]
    public private(set) var days: [LineDay: Micros]
    public private(set) var advertisers: [Int32: AdvertiserFunds]

    public init(lines: [Int32: LineBudget], days: [LineDay: Micros], advertisers: [Int32: AdvertiserFunds]) {
        self.lines = lines
        self.days = days
        self.advertisers = advertisers
    }

    /// Amount and reason of the next charge; what is charged is booked. A line item or advertiser that the book
    /// does not know has no room.
    ///
    /// - Parameters:
    ///   - price: what the event costs, not negative.
    ///   - accepted: the reason a charge gets that fits, `.billed` or `.accrual`.
    public mutating func charge(
        line lineItemID: Int32, on day: Day, price: Micros, accepted: ChargeReason = .billed
    ) -> (amount: Micros, reason: ChargeReason) {
        guard var line = lines[lineItemID] else { return (.zero, .overBudget) }
        guard var funds = advertisers[line.advertiserID] else { return (.zero, .overWallet) }
        let key = LineDay(lineItemID: lineItemID, day: day)
        let spentToday = days[key] ?? .zero
        if let total = line.total, !fits(price, after: line.spent, within: total) { return (.zero, .overBudget) }
        if let daily = line.daily, !fits(price, after: spentToday, within: daily) { return (.zero, .overDailyBudget) }
        guard fits(price, after: funds.spent, within: funds.available) else { return (.zero, .overWallet) }
        line.spent += price
        funds.spent += price
        lines[lineItemID] = line
        days[key] = spentToday + price
        advertisers[line.advertiserID] = funds
        return (price, accepted)
    }

    /// Written without a sum, so that an absurd price cannot overflow. A price of nothing always fits.
    private func fits(_ price: Micros, after spent: Micros, within limit: Micros) -> Bool {
        price == .zero || (spent <= limit && price <= limit - spent)
    }
}
