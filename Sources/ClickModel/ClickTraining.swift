/// One training run: a trainer, what it is compared with, and how both have done.
public struct ClickTraining: Sendable {
    /// Share of the examples that are only learnt from: what is predicted without having learnt anything says nothing
    /// of the model.
    public static let warmUp: Int64 = 20_000

    private var trainer: ClickTrainer
    private var plain = PlainRates()
    private let rival: ClickWeights?
    private var rivalLoss = 0.0
    public private(set) var report = ClickReport()

    /// - Parameter rival: the model that serves now, judged on the same examples. It may have been trained on some of
    ///   them, so that the comparison is in its favour.
    public init(settings: ClickTrainer.Settings = ClickTrainer.Settings(), rival: ClickWeights? = nil) {
        trainer = ClickTrainer(settings)
        self.rival = rival
    }

    public mutating func learn(_ example: ClickExample) {
        let predicted = trainer.learn(example)
        let plain = plain.learn(example)
        guard trainer.examples > Self.warmUp else { return }
        report.add(predicted: predicted, plain: plain, isClicked: example.isClicked)
        if let rival { rivalLoss += ExactMath.logLoss(rival.probability(example.context), example.isClicked) }
    }

    public var examples: Int64 { trainer.examples }
    public var clicks: Int64 { trainer.clicks }
    /// Mean log loss of the rival on the examples that the report is of; nil without one.
    public var rivalLogLoss: Double? {
        rival == nil || report.examples == 0 ? nil : rivalLoss / Double(report.examples)
    }

    public func weights(version: Int32 = 0) -> ClickWeights { trainer.weights(version: version) }
}
