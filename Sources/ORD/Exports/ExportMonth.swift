import AdModel

/// A month that is about to leave the house: everything that any of its files is made of.
public struct ExportMonth: Sendable {
    public var statement: MonthStatement
    /// Contents by SHA-256 in lower-case hex, at least of the media that the month refers to.
    public var mediaBytes: [String: [UInt8]]
    public var kktu: KKTUDictionary
    /// The day in UTC.
    public var today: Day
    /// True when `today` is not the real one; the manifest says so.
    public var rehearsal: Bool
    /// Acts and rows of the version that was exported last; needed when the statement corrects one.
    public var previous: Settlement?
    /// Address, bank and signatory by person id; those of the statement unless given.
    public var details: [String: PartyDetails]
    /// Ids that an operator gave our objects, by our id; for operators that give ids themselves.
    public var operatorIDs: [String: String]
    public var toolVersion: String
    /// How operators read what their documents leave open.
    public var switches = OperatorSwitches()

    public init(
        statement: MonthStatement, mediaBytes: [String: [UInt8]], kktu: KKTUDictionary, today: Day,
        rehearsal: Bool = false, previous: Settlement? = nil,
        details: [String: PartyDetails] = [:], operatorIDs: [String: String] = [:], toolVersion: String
    ) {
        self.statement = statement
        self.mediaBytes = mediaBytes
        self.kktu = kktu
        self.today = today
        self.rehearsal = rehearsal
        self.previous = previous
        self.details = details.isEmpty ? statement.details : details
        self.operatorIDs = operatorIDs
        self.toolVersion = toolVersion
    }

    /// True when the month is frozen: its acts have their numbers, and nothing of it can change.
    public var isFinal: Bool { statement.edition != nil }

    /// Acts and rows as the VK profile counts them.
    public func settlement() -> Settlement { Settlement(statement, profile: switches.vk) }

    /// What the gate says of the month.
    public func findings() -> [Finding] { Gate.findings(statement, settlement(), kktu: kktu, today: today) }
}

/// The sums of a month, for a page that shows it at a glance.
public struct MonthTotals: Hashable, Sendable {
    /// Charged and not given back, without VAT, to the last micro-rouble, whether a contract is known for it or not.
    public var ledger: Micros
    /// What of it has found its contract, creative and pad. Anything less than `ledger` keeps the month from closing.
    public var placed: Micros
    /// Acts minus ledger: the rounding rows together.
    public var rounding: Micros
    /// Shows of all rows, those of self-promotion among them.
    public var shows: Int64
    public var rows: Int
    public var acts: Int
    public var actsExcludingVAT: KopeckAmount
    public var actsVAT: KopeckAmount
    public var actsIncludingVAT: KopeckAmount
    public var itemsExcludingVAT: KopeckAmount
    public var statisticsExcludingVAT: Decimal5
    public var statisticsVAT: Decimal5
    public var levy: [LevyForecast]
    /// Statistics and acts are due on this day.
    public var statisticsDue: Day

    public init(_ statement: MonthStatement, _ settlement: Settlement) {
        ledger = statement.ledgerTotal
        placed = settlement.ledgers.reduce(.zero) { $0 + $1.ledger }
        rounding = settlement.ledgers.reduce(.zero) { $0 + ($1.actID == nil ? .zero : $1.rounding) }
        shows = settlement.countedShows
        rows = settlement.rows.count
        acts = settlement.acts.count
        actsExcludingVAT = settlement.acts.reduce(.zero) { $0 + $1.services.excludingVAT }
        actsVAT = settlement.acts.reduce(.zero) { $0 + $1.services.vat }
        actsIncludingVAT = settlement.acts.reduce(.zero) { $0 + $1.services.includingVAT }
        itemsExcludingVAT = settlement.acts.flatMap(\.items).reduce(.zero) { $0 + $1.amount.excludingVAT }
        let amounts = settlement.rows.compactMap(\.amount)
        statisticsExcludingVAT = amounts.reduce(.zero) { $0 + $1.excludingVAT }
        statisticsVAT = amounts.reduce(.zero) { $0 + $1.vat }
        levy = LevyForecast.of(
            settlement.acts,
            contracts: Dictionary(statement.contracts.map { ($0.id, $0) }) { first, _ in first })
        statisticsDue = Deadlines.statistics(of: statement.month)
    }
}
