import AdModel

/// Logistic regression learnt one example at a time (FTRL-proximal, per-coordinate rates). The order of the examples
/// is part of the data: the same examples in the same order give the same weights, bit by bit.
///
/// Every prediction is made before its example is learnt from, so that the running figures are an honest validation.
public struct ClickTrainer: Sendable {
    /// How fast and how cautiously it learns.
    public struct Settings: Equatable, Sendable {
        /// Rate of a coordinate before anything is known of it.
        public var rate = 0.08
        /// Examples' worth of evidence before the rate falls.
        public var patience = 1.0
        /// Pull to zero that leaves rare features out of the model.
        public var sparsity = 0.05
        /// Pull to zero in proportion to the weight.
        public var shrinkage = 1.0
        /// Click probability assumed at first.
        public var start = 0.01
        /// Examples between two calibrations.
        public var calibrationEvery = 20_000

        public init() {}
    }

    private let settings: Settings
    private let start: Double
    private let limits: InlineArray<13, Double>
    private var pull: ContiguousArray<Double>
    private var squares: ContiguousArray<Double>
    private var evidence: ContiguousArray<Float>
    private var calibration = Calibration()
    private var bins = CalibrationBins()
    private var fadedAt: Int64
    /// Examples learnt from, and clicks among them.
    public private(set) var examples: Int64 = 0
    public private(set) var clicks: Int64 = 0

    public init(_ settings: Settings = Settings()) {
        self.settings = settings
        fadedAt = Int64(settings.calibrationEvery)
        start = ExactMath.log(settings.start / (1 - settings.start))
        var limits = InlineArray<13, Double>(repeating: 0)
        for feature in ClickFeature.allCases { limits[Int(feature.rawValue)] = feature.limit }
        self.limits = limits
        pull = ContiguousArray(repeating: 0, count: 1 << ClickFeature.bits)
        squares = pull
        evidence = ContiguousArray(repeating: 0, count: 1 << ClickFeature.bits)
    }

    /// Predicts the example, then learns from it.
    /// - Returns: the calibrated probability of a click that was given to it beforehand.
    public mutating func learn(_ example: ClickExample) -> Double {
        learn(ClickFeature.indices(example.context), isClicked: example.isClicked)
    }

    /// The same for an example whose features are known by their places.
    public mutating func learn(_ indices: InlineArray<13, UInt32>, isClicked: Bool) -> Double {
        var weights = InlineArray<13, Double>(repeating: 0)
        var sum = start
        for number in 0..<ClickFeature.count {
            weights[number] = weight(Int(indices[number]), limit: limits[number])
            sum += weights[number]
        }
        let raw = ExactMath.logistic(sum)
        let predicted = calibration.probability(logOdds: sum)
        bins.add(logOdds: sum, isClicked: isClicked)
        let gradient = raw - (isClicked ? 1 : 0)
        let square = gradient * gradient
        let information = Float(raw * (1 - raw))
        for number in 0..<ClickFeature.count {
            let index = Int(indices[number])
            let before = squares[index]
            let step = ((before + square).squareRoot() - before.squareRoot()) / settings.rate
            pull[index] += gradient - step * weights[number]
            squares[index] = before + square
            evidence[index] += information
        }
        examples += 1
        clicks += isClicked ? 1 : 0
        if examples % Int64(settings.calibrationEvery) == 0 { calibrate() }
        return predicted
    }

    /// What was predicted long ago, by less knowledge, counts less: half, each time that there are twice as many.
    private mutating func calibrate() {
        calibration = bins.fit()
        guard examples >= 2 * fadedAt else { return }
        bins.fade()
        fadedAt = examples
    }

    /// The weight that is best by what is known of a coordinate, inside its limit: the objective is convex, so that
    /// the best inside is the best of all, moved to the edge.
    private func weight(_ index: Int, limit: Double) -> Double {
        let pulled = pull[index]
        guard abs(pulled) > settings.sparsity else { return 0 }
        let towards = pulled < 0 ? pulled + settings.sparsity : pulled - settings.sparsity
        let free = -towards / ((settings.patience + squares[index].squareRoot()) / settings.rate + settings.shrinkage)
        return min(max(free, -limit), limit)
    }

    /// The model by now, calibrated on all that was learnt.
    public func weights(version: Int32 = 0) -> ClickWeights {
        let calibration = bins.fit()
        let bias = ClickFeature.bias.index(0)
        var limits: [UInt32: Double] = [:]
        for feature in [ClickFeature.category, .brand] {
            for value in 0..<UInt64(Interest.count) { limits[feature.index(value)] = feature.limit }
        }
        var entries: [ClickWeights.Entry] = []
        for index in 0..<pull.count where squares[index] > 0 {
            let limit = limits[UInt32(index)] ?? 12
            var weight = weight(index, limit: limit) * calibration.slope
            if index == Int(bias) { weight += start * calibration.slope + calibration.shift }
            entries.append(
                ClickWeights.Entry(index: UInt32(index), weight: Float(weight), evidence: evidence[index]))
        }
        return ClickWeights(version: version, entries: entries)
    }
}
