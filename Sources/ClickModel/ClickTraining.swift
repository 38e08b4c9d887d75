/// One training run: a trainer, what it is compared with, and how both have done.
public struct ClickTraining: Sendable {
    /// Share of the examples that are only learnt from: what is predicted without having learnt anything says nothing
    /// of the model.
    public static let warmUp: Int64 = 20_000

    private var trainer: ClickTrainer
    private var plain = PlainRates()
    private let rival: ClickWeights?
    private var rivalLoss = 0.0
    private var ownLoss = 0.0
    private var compared: Int64 = 0
    public private(set) var report = ClickReport()

    /// - Parameter rival: the model that serves now, judged on the examples that it has not learnt from either.
    public init(settings: ClickTrainer.Settings = ClickTrainer.Settings(), rival: ClickWeights? = nil) {
        trainer = ClickTrainer(settings)
        self.rival = rival
    }

    public mutating func learn(_ example: ClickExample, isNewToRival: Bool = true) {
        let predicted = trainer.learn(example)
        let plain = plain.learn(example)
        guard trainer.examples > Self.warmUp else { return }
        report.add(predicted: predicted, plain: plain, isClicked: example.isClicked)
        guard let rival, isNewToRival else { return }
        compared += 1
        rivalLoss += ExactMath.logLoss(rival.probability(example.context), example.isClicked)
        ownLoss += ExactMath.logLoss(predicted, example.isClicked)
    }

    public var examples: Int64 { trainer.examples }
    public var clicks: Int64 { trainer.clicks }
    /// Mean log losses of the rival and of this model on the examples that were new to both; nil without any.
    public var rivalLogLoss: Double? { compared == 0 ? nil : rivalLoss / Double(compared) }
    public var ownLogLoss: Double? { compared == 0 ? nil : ownLoss / Double(compared) }
    public var rivalVersion: Int32? { rival?.version }

    public func weights(version: Int32 = 0) -> ClickWeights { trainer.weights(version: version) }
}
