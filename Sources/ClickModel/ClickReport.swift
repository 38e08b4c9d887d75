/// How good predictions were, each made before its outcome was known.
public struct ClickReport: Equatable, Sendable {
    public var examples: Int64 = 0
    public var clicks: Int64 = 0
    /// Sum of the log losses of the model, and of the plain rate of (slot, creative).
    public private(set) var lossSum = 0.0
    public private(set) var plainLossSum = 0.0
    public private(set) var predictedSum = 0.0
    private var deciles = PredictionDeciles()

    public init() {}

    public mutating func add(predicted: Double, plain: Double, isClicked: Bool) {
        examples += 1
        clicks += isClicked ? 1 : 0
        lossSum += ExactMath.logLoss(predicted, isClicked)
        plainLossSum += ExactMath.logLoss(plain, isClicked)
        predictedSum += predicted
        deciles.add(predicted, outcome: isClicked ? 1 : 0)
    }

    /// Mean log loss per impression; 0 of nothing.
    public var logLoss: Double { examples == 0 ? 0 : lossSum / Double(examples) }
    public var plainLogLoss: Double { examples == 0 ? 0 : plainLossSum / Double(examples) }
    /// Predicted clicks / clicks; 1 while there are none.
    public var calibration: Double { clicks == 0 ? 1 : predictedSum / Double(clicks) }
    /// The same by tenths of the impressions, from the least to the most likely.
    public var calibrationByDecile: [Double] { deciles.ratios.map(\.ratio) }
}

/// Predictions in fine classes, from which tenths of equal size are made.
public struct PredictionDeciles: Equatable, Sendable {
    public struct Decile: Equatable, Sendable {
        public var examples: Double
        public var predicted: Double
        public var outcome: Double
        public var ratio: Double { outcome > 0 ? predicted / outcome : 1 }
    }

    private static let classes = 4_096
    private var examples = [Double](repeating: 0, count: Self.classes)
    private var predicted = [Double](repeating: 0, count: Self.classes)
    private var outcomes = [Double](repeating: 0, count: Self.classes)

    public init() {}

    /// - Parameter outcome: 0 or 1; or the true probability, where it is known.
    public mutating func add(_ probability: Double, outcome: Double) {
        // The upper bits of a float: classes of equal ratio, about 0.5 % apart around a probability of 0.01.
        let bits = Int(Float(min(max(probability, 1e-5), 1)).bitPattern >> 16)
        let lowest = Int(Float(1e-5).bitPattern >> 16)
        let at = min(bits - lowest, Self.classes - 1)
        examples[at] += 1
        predicted[at] += probability
        outcomes[at] += outcome
    }

    /// Ten tenths of equal size as nearly as the classes allow.
    public var ratios: [Decile] {
        let total = examples.reduce(0, +)
        guard total > 0 else { return [] }
        var deciles: [Decile] = []
        var open = Decile(examples: 0, predicted: 0, outcome: 0)
        var seen = 0.0
        for at in 0..<Self.classes where examples[at] > 0 {
            open.examples += examples[at]
            open.predicted += predicted[at]
            open.outcome += outcomes[at]
            seen += examples[at]
            if seen >= total * Double(deciles.count + 1) / 10 {
                deciles.append(open)
                open = Decile(examples: 0, predicted: 0, outcome: 0)
            }
        }
        return deciles
    }
}

/// The yardstick that a model has to beat: clicks per impression of each creative in each slot, drawn to the rate of
/// everything while little is known.
public struct PlainRates: Sendable {
    /// Impressions' worth of belief in the rate of everything.
    public static let belief = 300.0

    private var counts: [UInt64: (impressions: Double, clicks: Double)] = [:]
    private var impressions = 100.0
    private var clicks = 1.0

    public init() {}

    /// Predicts, then counts.
    public mutating func learn(_ example: ClickExample) -> Double {
        let key =
            UInt64(UInt32(bitPattern: example.context.placementID)) << 32
            | UInt64(UInt32(bitPattern: example.context.creativeVersionID))
        let all = clicks / impressions
        var own = counts[key] ?? (0, 0)
        let predicted = (own.clicks + Self.belief * all) / (own.impressions + Self.belief)
        own.impressions += 1
        own.clicks += example.isClicked ? 1 : 0
        counts[key] = own
        impressions += 1
        clicks += example.isClicked ? 1 : 0
        return predicted
    }
}
