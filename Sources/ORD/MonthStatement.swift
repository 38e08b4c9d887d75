import AdModel

/// Everything that a month's export is made of, as plain values: the ledger summed by day, the shows, and the objects
/// that they refer to. Ids are external ids.
public struct MonthStatement: Sendable {
    /// What a line item contributes to the rows of its creatives.
    public struct LineItem: Hashable, Sendable {
        /// Public code, for messages.
        public var id: String
        /// nil for self-promotion.
        public var contractID: String?
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
            creativeIDs: [String]
        ) {
            self.id = id
            self.contractID = contractID
            self.advertiserID = advertiserID
            self.pricing = pricing
            self.flightFirst = flightFirst
            self.flightLast = flightLast
            self.creativeIDs = creativeIDs
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
