import AdModel
import ClickModel

/// A click model laid out for serving: every weight as a multiplier of odds, so that a prediction is a few
/// multiplications and `o / (1 + o)`. What a creative brings by itself is worked out with the snapshot; what the page
/// and the slot bring is one factor per slot and format, the same for all candidates; only a shopper's interests are
/// looked up per candidate, and they are bounded, at least 1, so that the index keeps tight upper bounds.
public struct ClickTables: Sendable {
    /// Version of the model; 0 = none, then clicks are expected by the priors alone.
    public let version: Int32
    /// Whether there is a model.
    public let isActive: Bool

    let formatCount: Int
    /// By placement index x formats + format: the slot itself, at its first position.
    let placements: ContiguousArray<Float>
    /// By device x formats + format.
    let devices: ContiguousArray<Float>
    let hours: ContiguousArray<Float>
    /// Without a profile, and with one.
    let known: ContiguousArray<Float>
    /// By `Interest.code`, the least of them 1.
    let categories: ContiguousArray<Float>
    let brands: ContiguousArray<Float>
    /// What an average page multiplies by, by format.
    let typical: ContiguousArray<Float>
    private let formats: [UInt32]
    private let weights: ClickWeights

    /// Evidence of a format below which its prior is believed instead.
    static let formatEvidence: Float = 10
    /// Evidence (clicks, about) at which each class of doubt ends; beyond the last one a creative is known.
    static let doubtEnds: [Float] = [2, 6, 14, 30, 62]
    /// Draws of each class of doubt.
    static let draws = 16
    /// By doubt x draws + draw: 1 for what is known, else equally likely multipliers of its odds with a mean of 1.
    static let drawn: ContiguousArray<Float> = makeDraws()

    /// - Parameters:
    ///   - weights: nil = no model.
    ///   - placements: database ids by index.
    ///   - formats: names by index.
    public init(_ weights: ClickWeights?, placements: [Int32], formats: [String]) {
        formatCount = max(formats.count, 1)
        version = weights?.version ?? 0
        isActive = weights != nil
        self.formats = formats.map(ClickFeature.hash)
        let model = weights ?? ClickWeights(version: 0, entries: [])
        self.weights = model
        guard weights != nil else {
            self.placements = []
            devices = []
            hours = []
            known = []
            categories = []
            brands = []
            typical = []
            return
        }
        func factor(_ sum: Double) -> Float { Float(ClickWeights.exponential(min(max(sum, -12), 12))) }
        func interests(_ feature: ClickFeature) -> (least: Double, factors: ContiguousArray<Float>) {
            let all = (0..<UInt64(Interest.count)).map { model.weight(feature, $0) }
            let least = all.min() ?? 0
            return (least, ContiguousArray(all.map { factor($0 - least) }))
        }
        let category = interests(.category)
        let brand = interests(.brand)
        categories = category.factors
        brands = brand.factors
        let first = model.weight(.position, 0)
        self.placements = ContiguousArray(
            placements.flatMap { placement in
                let id = UInt64(UInt32(bitPattern: placement))
                return formats.map { name in
                    factor(
                        first + model.weight(.placement, id)
                            + model.weight(.placementFormat, id << 32 | UInt64(ClickFeature.hash(name))))
                }
            })
        devices = ContiguousArray(
            Device.allCases.flatMap { device in
                formats.map { name in
                    let own = model.weight(.device, ClickFeature.number(device))
                    let both = ClickFeature.number(device) << 32 | UInt64(ClickFeature.hash(name))
                    return factor(own + model.weight(.deviceFormat, both))
                }
            })
        hours = ContiguousArray((0..<24).map { factor(model.weight(.hour, UInt64($0))) })
        known = ContiguousArray(
            (0..<2).map { factor(model.weight(.isKnown, UInt64($0)) + category.least + brand.least) })

        func mean(_ feature: ClickFeature, _ values: some Sequence<UInt64>, _ factor: (UInt64) -> Float) -> Float {
            var (sum, evidence): (Float, Float) = (0, 0)
            for value in values {
                let own = model.entry(feature, value).evidence
                sum += own * factor(value)
                evidence += own
            }
            return evidence > 0 ? sum / evidence : 1
        }
        let (hours, known, categories, brands, devices) = (hours, known, self.categories, self.brands, devices)
        let common =
            mean(.hour, 0..<24) { hours[Int($0)] } * mean(.isKnown, 0..<2) { known[Int($0)] }
            * mean(.category, 0..<UInt64(Interest.count)) { categories[Int($0)] }
            * mean(.brand, 0..<UInt64(Interest.count)) { brands[Int($0)] }
        typical = ContiguousArray(
            formats.indices.map { format in
                common
                    * mean(.device, 0..<UInt64(Device.allCases.count)) { device in
                        devices[Int(device) * formats.count + format]
                    }
            })
    }

    // MARK: With the snapshot

    /// Odds of a click that a creative brings by itself, and how doubtful they are (0 = known).
    public func creative(
        _ versionID: Int32, format: Int32, price: UInt8, prior: Float, hasOwnPrior: Bool
    ) -> (odds: Float, doubt: UInt8) {
        guard isActive else { return (prior, 0) }
        let own = weights.entry(.creative, UInt64(UInt32(bitPattern: versionID)))
        let name = UInt64(formats[Int(format)])
        let ofFormat = weights.entry(.format, name)
        var sum = weights.weight(.price, UInt64(price))
        sum += weights.weight(.creative, UInt64(UInt32(bitPattern: versionID)))
        let doubt = Self.doubt(own.evidence)
        if ofFormat.evidence < Self.formatEvidence || hasOwnPrior && own.evidence == 0 {
            return (prior * Float(ClickWeights.exponential(sum)), doubt)
        }
        sum += weights.weight(.bias, 0) + weights.weight(.format, name)
        return (Float(ClickWeights.exponential(min(max(sum, -14), 3))), doubt)
    }

    private static func doubt(_ evidence: Float) -> UInt8 {
        for (number, end) in doubtEnds.enumerated() where evidence < end { return UInt8(number + 1) }
        return 0
    }

    /// Most that a draw multiplies odds by.
    static func greatestDraw(_ doubt: UInt8) -> Float { drawn[Int(doubt) * draws + draws - 1] }

    private static func makeDraws() -> ContiguousArray<Float> {
        // Middles of sixteen equally likely parts of a normal distribution.
        let half = [0.0784, 0.2372, 0.4023, 0.5791, 0.7764, 1.0100, 1.3180, 1.8627]
        let normal = half.reversed().map { -$0 } + half
        var all = ContiguousArray<Float>(repeating: 1, count: draws)
        var begin = 0.0
        for end in doubtEnds {
            // What is not known counts like four clicks of an average creative.
            let deviation = 1 / (begin + 4).squareRoot()
            let factors = normal.map { ClickWeights.exponential($0 * deviation) }
            let mean = factors.reduce(0, +) / Double(draws)
            all.append(contentsOf: factors.map { Float($0 / mean) })
            begin = Double(end)
        }
        return all
    }

    // MARK: With a decision

    /// What the page multiplies the odds of every creative of a format by, whatever the slot.
    @inline(__always)
    public func page(format: Int32, device: Device, hour: Int, isKnown: Bool) -> Float {
        devices[Int(device.ordinal) &* formatCount &+ Int(format)] * hours[hour] * known[isKnown ? 1 : 0]
    }

    /// What a slot (placement index) multiplies them by.
    @inline(__always)
    public func slot(placement: Int32, format: Int32) -> Float {
        placements[Int(placement) &* formatCount &+ Int(format)]
    }

    /// What a shopper's interests (by `Interest.code`) multiply them by, at least 1.
    @inline(__always)
    public func interest(category: UInt8, brand: UInt8) -> Float { categories[Int(category)] * brands[Int(brand)] }

    /// Number of the draw for a doubtful creative: chance that the decision's seed decides.
    @inline(__always)
    public static func draw(_ seed: UInt64, creativeVersionID: Int32) -> Int {
        Int(truncatingIfNeeded: Scoring.mix(seed ^ 0x7E57_ED0D_D5, creativeVersionID) &>> 60)
    }

    /// What that draw multiplies the odds by: Thompson sampling, from a table.
    @inline(__always)
    public static func multiplier(doubt: UInt8, draw: Int) -> Float { drawn[Int(doubt) &* draws &+ draw] }

    /// What floors count a slot's clicks by: the slot on an average page, whoever the shopper is.
    @inline(__always)
    public func floorFactor(placement: Int32, format: Int32) -> Float {
        placements[Int(placement) &* formatCount &+ Int(format)] * typical[Int(format)]
    }
}
