import AdModel

/// What ads truly do to shoppers: the simulator plays by it, and a report should find it again.
public struct AdEffect: Equatable, Sendable {
    /// Probability that an ad which was seen is clicked, by format, for a shopper of average taste; `other` for the
    /// formats that are not named.
    public var clickRates: [String: Double] = [
        "banner": 0.008, "product-shelf": 0.014, "brand-shelf": 0.013, "sponsored-product": 0.018, "text": 0.006,
    ]
    public var otherClickRate = 0.01
    /// Probability that seeing an ad makes a shopper of average taste buy what he would not have bought.
    public var viewLift = 0.006
    /// Probability that a click does.
    public var clickLift = 0.12
    /// Share of such purchases that go to another product of the promoted one's brand.
    public var sisterShare = 0.35
    /// What the rates are multiplied by beside taste; nothing unless set. By device; how far apart the appeal of
    /// creatives lies (0...1, a creative's own is 1 - spread ... 1 + spread); in the evening, 18 to 24 o'clock; and for
    /// products below 200 (1 + slope) and above 1,000 roubles (1 - slope).
    public var deviceFactors: [Device: Double] = [:]
    public var creativeSpread = 0.0
    public var eveningFactor = 1.0
    public var priceSlope = 0.0
    /// Share of such purchases that are made in the same session; the others come within days.
    public var sameSessionShare = 0.6

    public init() {}
}

/// Sizes and habits of a simulation.
public struct SimulationOptions: Sendable {
    public var seed: UInt64 = 1
    /// When the shop opens.
    public var from: Timestamp
    /// Offset of the shop's clocks from UTC: shoppers sleep by it.
    public var zoneOffset = Timestamp.Span.hours(3)
    /// Page views of people on an average day.
    public var pageViewsPerDay = 2_800.0
    public var effect = AdEffect()
    /// Share of shoppers who do not consent to being known.
    public var refusesConsent = 0.07
    /// Share of shoppers with a loyalty card.
    public var loyal = 0.35
    /// Share of order lines that are sent back within ten days; of orders that are cancelled within hours.
    public var returned = 0.05
    public var cancelled = 0.015
    /// Share of orders made in a store, by card.
    public var offline = 0.12
    /// Bots, prefetching browsers and late beacons, too.
    public var invalidTraffic = true
    /// Ad events of one shopper in a minute that the server believes.
    public var eventsPerMinute = 300

    public init(from: Timestamp) { self.from = from }
}
