import AdModel

/// Everything that a month's export is made of, as plain values: the ledger summed by day, the shows, and the objects
/// that they refer to. Ids are external ids.
public struct MonthStatement: Sendable {
    /// What a line item contributes to the rows of its creatives.
    public struct LineItem: Hashable, Codable, Sendable {
        /// Public code, for messages.
        public var id: String
        /// nil for self-promotion.
        public var contractID: String?
        /// The advertiser's contract with his agency, when our contract is with the agency (R26).
        public var cid: String?
        /// The advertiser's person.
        public var advertiserID: String
        public var pricing: Pricing
        /// Days of the flight in the accounting zone.
        public var flightFirst: Day
        public var flightLast: Day
        /// Its creative versions in the order they were made.
        public var creativeIDs: [String]

        public init(
            id: String, contractID: String?, advertiserID: String, pricing: Pricing, flightFirst: Day, flightLast: Day,
            creativeIDs: [String], cid: String? = nil
        ) {
            self.id = id
            self.contractID = contractID
            self.advertiserID = advertiserID
            self.pricing = pricing
            self.flightFirst = flightFirst
            self.flightLast = flightLast
            self.creativeIDs = creativeIDs
            self.cid = cid
        }
    }

    /// One day of one creative on one pad: what was shown and what was charged.
    public struct Fact: Hashable, Sendable {
        public var lineItemID: String
        /// nil for charges of a whole line item (fixed accruals).
        public var creativeID: String?
        public var padID: String?
        public var day: Day
        /// Valid impressions.
        public var shows: Int64
        /// Net of refunds and corrections, without rounding rows.
        public var ledger: Micros
        /// Impressions and clicks that were charged more than nothing, net of full reversals.
        public var billedImpressions: Int64
        public var billedClicks: Int64
        /// Lowest ledger row of the day, to find it again; 0 for none.
        public var chargeID: Int64

        public init(
            lineItemID: String, creativeID: String?, padID: String?, day: Day, shows: Int64 = 0,
            ledger: Micros = .zero, billedImpressions: Int64 = 0, billedClicks: Int64 = 0, chargeID: Int64 = 0
        ) {
            self.lineItemID = lineItemID
            self.creativeID = creativeID
            self.padID = padID
            self.day = day
            self.shows = shows
            self.ledger = ledger
            self.billedImpressions = billedImpressions
            self.billedClicks = billedClicks
            self.chargeID = chargeID
        }
    }

    /// The ledger was complete up to here when the month was read.
    public struct Cut: Hashable, Sendable {
        /// Highest ledger row of the month; 0 for none.
        public var highestChargeID: Int64
        /// Its time; the freeze's own time once there is one.
        public var at: Timestamp

        public init(highestChargeID: Int64, at: Timestamp) {
            self.highestChargeID = highestChargeID
            self.at = at
        }
    }

    /// What an agent acting for the retailer reports of a month (R26).
    public struct AgentReport: Hashable, Codable, Sendable {
        /// External id of the mediation contract.
        public var contractID: String
        /// What was sold through the agent, without VAT.
        public var sales: KopeckAmount
        /// What the agent keeps, without VAT.
        public var commission: KopeckAmount
        public var serial: String
        public var date: Day

        public init(contractID: String, sales: KopeckAmount, commission: KopeckAmount, serial: String, date: Day) {
            self.contractID = contractID
            self.sales = sales
            self.commission = commission
            self.serial = serial
            self.date = date
        }
    }

    /// Which frozen version a statement is.
    public struct Edition: Hashable, Sendable {
        /// From 1.
        public var version: Int
        /// How many versions were exported before this one: 0 for the first bundle, n for the n-th correction.
        public var correction: Int
        /// SHA-256 of the manifest of the last exported version, in hex; nil for the first.
        public var supersedes: String?
        /// Why the month was corrected; nil for a first freeze.
        public var reason: String?

        public init(version: Int, correction: Int = 0, supersedes: String? = nil, reason: String? = nil) {
            self.version = version
            self.correction = correction
            self.supersedes = supersedes
            self.reason = reason
        }
    }

    public var month: AccountingMonth
    /// Name of the accounting zone.
    public var timeZone: String
    public var cut: Cut
    /// Serials of the acts by contract, given at freeze; empty before.
    public var serials: [String: String]
    /// All counterparties, contracts and pads, whether the month refers to them or not: duplicates are looked for
    /// among all of them.
    public var persons: [Person]
    public var contracts: [Contract]
    public var pads: [Pad]
    /// Contracts of other operators that creatives or items name.
    public var cids: [CID]
    /// Creatives that the month refers to, with their media.
    public var creatives: [Creative]
    public var media: [Media]
    public var lineItems: [LineItem]
    public var facts: [Fact]
    /// The ledger and the shows of the month, summed a second time by a plain query: the gate compares.
    public var ledgerTotal: Micros
    public var showsTotal: Int64
    public var agentReports: [AgentReport] = []
    /// Dates of acts by contract where they are not the month's last day (R15).
    public var actDates: [String: Day] = [:]
    /// First exported `date_start_actual` by `<creative>__<pad>`: corrections keep it (R14).
    public var actualStarts: [String: Day] = [:]
    /// What papers say of the parties of the month's contracts, by person id.
    public var details: [String: PartyDetails] = [:]
    /// Warnings that a person answers for.
    public var overrides: [GateOverride] = []
    /// Which frozen version it is; nil for a rehearsal of a month that is open.
    public var edition: Edition?

    public init(
        month: AccountingMonth, timeZone: String, cut: Cut, serials: [String: String] = [:], persons: [Person],
        contracts: [Contract], pads: [Pad], cids: [CID] = [], creatives: [Creative], media: [Media],
        lineItems: [LineItem],
        facts: [Fact], ledgerTotal: Micros, showsTotal: Int64
    ) {
        self.month = month
        self.timeZone = timeZone
        self.cut = cut
        self.serials = serials
        self.persons = persons
        self.contracts = contracts
        self.pads = pads
        self.cids = cids
        self.creatives = creatives
        self.media = media
        self.lineItems = lineItems
        self.facts = facts
        self.ledgerTotal = ledgerTotal
        self.showsTotal = showsTotal
    }
}
