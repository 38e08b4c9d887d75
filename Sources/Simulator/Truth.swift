import AdModel

/// What really happened, counted by the one who made it happen. A report is right when it says the same.
public struct Truth: Equatable, Sendable {
    /// What ads of one line item or campaign did.
    public struct Ads: Equatable, Sendable {
        /// Valid events that reached the server in time, each once.
        public var impressions: Int64 = 0
        public var viewables: Int64 = 0
        /// Ads clicked (an ad counts once, whichever card).
        public var clicks: Int64 = 0
        /// Units bought because of the ads, and what they cost without VAT, before returns.
        public var causedUnits: Int64 = 0
        public var causedNet = Micros.zero
        /// The part of them that were another product than the promoted one.
        public var causedHaloUnits: Int64 = 0

        public init() {}
    }

    public var byLineItem: [Int32: Ads] = [:]
    public var byCampaign: [Int32: Ads] = [:]
    public var pageViews: Int64 = 0
    public var sessions: Int64 = 0
    public var orders: Int64 = 0
    public var units: Int64 = 0
    /// Without VAT, before returns.
    public var net = Micros.zero
    /// Units sent back or cancelled.
    public var returnedUnits: Int64 = 0
    public var stockOuts: Int64 = 0
    /// Ad events that must not count, by the reason that a server should find.
    public var invalid: [InvalidReason: Int64] = [:]

    public init() {}

    /// All line items together.
    public var total: Ads {
        byLineItem.values.reduce(into: Ads()) { sum, it in
            sum.impressions += it.impressions
            sum.viewables += it.viewables
            sum.clicks += it.clicks
            sum.causedUnits += it.causedUnits
            sum.causedNet = sum.causedNet + it.causedNet
            sum.causedHaloUnits += it.causedHaloUnits
        }
    }
}
