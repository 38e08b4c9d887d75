/// The counted part of a performance report row. Money is integer micro-roubles without VAT.
public struct PerformanceCounts: Equatable, Sendable {
    /// Units, sales and orders of one share of attribution.
    public struct Share: Equatable, Sendable {
        /// Orders with at least one line credited in this share.
        public var orders: Int64
        public var units: Int64
        public var salesMicros: Int64

        public init(orders: Int64 = 0, units: Int64 = 0, salesMicros: Int64 = 0) {
            self.orders = orders
            self.units = units
            self.salesMicros = salesMicros
        }
    }

    public var impressions: Int64 = 0
    public var viewable: Int64 = 0
    public var clicks: Int64 = 0
    public var spendMicros: Int64 = 0
    public var overDeliveryMicros: Int64 = 0
    public var direct = Share()
    public var halo = Share()
    public var basket = Share()
    /// The same credits by what earned them.
    public var click = Share()
    public var view = Share()
    /// The policy counts clicks and views as two numbers, and this row holds both: they are never added.
    public var keepsInteractionsApart = false
    /// Orders with any credited line; not the sum of the shares, as one order may have lines in each.
    public var orders: Int64 = 0
    /// What adjustments took from credited sales; positive.
    public var returnedMicros: Int64 = 0

    public init() {}

    public var units: Int64 { direct.units + halo.units + basket.units }
    public var salesMicros: Int64 { direct.salesMicros + halo.salesMicros + basket.salesMicros }
    public var netMicros: Int64 { salesMicros - returnedMicros }

    // The computed metrics; nil when there is nothing to divide by.
    public var ctr: Int64? { Ratio.millionths(clicks, impressions) }
    public var cpmMicros: Int64? { Ratio.scaled(spendMicros, by: 1_000, over: impressions) }
    public var cpcMicros: Int64? { Ratio.scaled(spendMicros, by: 1, over: clicks) }
    /// Net sales over spend, millionths.
    public var roas: Int64? { Ratio.millionths(netMicros, spendMicros) }
    /// Spend over net sales (ДРР), millionths.
    public var costShare: Int64? { Ratio.millionths(spendMicros, netMicros) }
}

/// One row of a performance report: the values of the dimensions asked for, and what was counted.
public struct PerformanceRow: Equatable, Sendable {
    /// `YYYY-MM-DD`; nil when not grouped by day. The same holds for the other dimensions.
    public var day: String?
    public var campaignCode: String?
    public var campaignName: String?
    public var lineItemCode: String?
    public var lineItemName: String?
    public var policy: String?
    /// `online` or `offline`.
    public var channel: String?
    /// `click` or `view`.
    public var interaction: String?
    public var counts: PerformanceCounts

    public init(
        day: String? = nil, campaignCode: String? = nil, campaignName: String? = nil, lineItemCode: String? = nil,
        lineItemName: String? = nil, policy: String? = nil, channel: String? = nil, interaction: String? = nil,
        counts: PerformanceCounts
    ) {
        self.day = day
        self.campaignCode = campaignCode
        self.campaignName = campaignName
        self.lineItemCode = lineItemCode
        self.lineItemName = lineItemName
        self.policy = policy
        self.channel = channel
        self.interaction = interaction
        self.counts = counts
    }
}

/// One policy as a report states it.
public struct PolicyMethodology: Equatable, Sendable {
    /// Name and version.
    public var policy: String
    public var clickWindowSeconds: Int64?
    public var viewWindowSeconds: Int64?
    /// `viewable` or `rendered`: which views earn credits; nil when none does.
    public var countedView: String?
    public var levels: [String]
    /// `line`, `advertiser` or `campaign`: among whom one winner is chosen.
    public var scope: String
    /// `net` or `gross`: whether returns move credits.
    public var basis: String
    /// Clicks and views are two numbers that are never added.
    public var keepsInteractionsApart: Bool
    /// SHA-256 of the policy's document, hexadecimal.
    public var hash: String

    public init(
        policy: String, clickWindowSeconds: Int64?, viewWindowSeconds: Int64?, countedView: String?, levels: [String],
        scope: String = "line", basis: String = "net", keepsInteractionsApart: Bool = false,
        hash: String = ""
    ) {
        self.policy = policy
        self.clickWindowSeconds = clickWindowSeconds
        self.viewWindowSeconds = viewWindowSeconds
        self.countedView = countedView
        self.levels = levels
        self.scope = scope
        self.basis = basis
        self.keepsInteractionsApart = keepsInteractionsApart
        self.hash = hash
    }
}

/// How the numbers of a report came about: stated in every report.
public struct ReportMethodology: Equatable, Sendable {
    /// The policies whose credits are shown, in the order asked for.
    public var policies: [PolicyMethodology]
    public var salesBy: SalesDate
    public var accountingZone: String
    /// Invalid share of impressions and clicks, millionths; nil without traffic.
    public var invalidShare: Int64?
    /// RFC 3339; everything received before is in the report. nil when nothing was ever shipped.
    public var dataThrough: String?
    /// SHA-256 of where the logs and ledgers stood, hexadecimal: reports of one hash were made of the same inputs.
    public var inputsHash: String
    /// SHA-256 of this page as CSV, hexadecimal: the bytes that `format=csv` answers with.
    public var resultHash: String
    /// True once no number of the report can change any more.
    public var final: Bool

    public init(
        policies: [PolicyMethodology], salesBy: SalesDate = .orderDate, accountingZone: String, invalidShare: Int64?,
        dataThrough: String?, inputsHash: String = "", resultHash: String = "", final: Bool
    ) {
        self.policies = policies
        self.salesBy = salesBy
        self.accountingZone = accountingZone
        self.invalidShare = invalidShare
        self.dataThrough = dataThrough
        self.inputsHash = inputsHash
        self.resultHash = resultHash
        self.final = final
    }
}

/// A page of a performance report with totals over all its pages.
public struct PerformanceReport: Equatable, Sendable {
    public var rows: [PerformanceRow]
    /// One row a policy, in the order asked for: numbers of two policies are never added.
    public var policyTotals: [PerformanceRow]
    public var methodology: ReportMethodology
    /// Ask for it to get the next page; nil on the last one.
    public var nextCursor: String?

    public init(
        rows: [PerformanceRow], policyTotals: [PerformanceRow], methodology: ReportMethodology, nextCursor: String?
    ) {
        self.rows = rows
        self.policyTotals = policyTotals
        self.methodology = methodology
        self.nextCursor = nextCursor
    }

    /// The totals of the first policy, and of the only one where there is one.
    public var totals: PerformanceCounts { policyTotals.first?.counts ?? PerformanceCounts() }
}
