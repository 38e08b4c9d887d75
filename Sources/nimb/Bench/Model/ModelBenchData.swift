import ClickModel
import Foundation

/// What a simulated shop's ads came to, in the order of the decisions.
struct ModelBenchData {
    var examples: [ClickExample] = []
    /// True probability of a click, per example.
    var truth: [Float] = []
    var clicks = 0
    var days: Int64 = 0
    var lineItems = 0

    /// Enough for what goal G8 asks: five million impressions.
    var isLargeEnough: Bool { examples.count >= 5_000_000 }
}

/// The model's own figures on the data: predicted first, learnt from afterwards.
struct ModelBenchFigures {
    /// Where the first of five parts ends: predictions before are no part of the comparison with a batch.
    let firstFold: Int
    private(set) var logLoss = 0.0
    private(set) var plainLogLoss = 0.0
    private(set) var truthLogLoss = 0.0
    private(set) var laterLogLoss = 0.0
    /// Log loss of each of the later four fifths.
    private(set) var foldLogLoss: [Double] = []
    /// Predicted / true probability, and predicted / clicks, by tenths of the impressions.
    private(set) var trueCalibration: [Double] = []
    private(set) var clickCalibration: [Double] = []
    private(set) var clicksByDecile: [Double] = []
    private(set) var seconds = 0.0
    private(set) var weights: ClickWeights

    init(_ data: ModelBenchData, _ settings: ClickTrainer.Settings) {
        let count = data.examples.count
        firstFold = count / 5
        var trainer = ClickTrainer(settings)
        var plain = PlainRates()
        var report = ClickReport()
        var truthReport = ClickReport()
        var later = [ClickReport](repeating: ClickReport(), count: 4)
        var byTruth = PredictionDeciles()
        var byClicks = PredictionDeciles()
        let began = ContinuousClock.now
        for index in 0..<count {
            let example = data.examples[index]
            let predicted = trainer.learn(example)
            let rate = plain.learn(example)
            report.add(predicted: predicted, plain: rate, isClicked: example.isClicked)
            truthReport.add(predicted: Double(data.truth[index]), plain: rate, isClicked: example.isClicked)
            guard index >= firstFold else { continue }
            later[min((index - firstFold) * 4 / max(count - firstFold, 1), 3)]
                .add(predicted: predicted, plain: rate, isClicked: example.isClicked)
            byTruth.add(predicted, outcome: Double(data.truth[index]))
            byClicks.add(predicted, outcome: example.isClicked ? 1 : 0)
        }
        let spent = (ContinuousClock.now - began).components
        seconds = Double(spent.seconds) + Double(spent.attoseconds) / 1e18
        logLoss = report.logLoss
        plainLogLoss = report.plainLogLoss
        truthLogLoss = truthReport.logLoss
        foldLogLoss = later.map(\.logLoss)
        laterLogLoss = later.reduce(0) { $0 + $1.lossSum } / Double(max(count - firstFold, 1))
        trueCalibration = byTruth.ratios.map(\.ratio)
        clickCalibration = byClicks.ratios.map(\.ratio)
        clicksByDecile = byClicks.ratios.map(\.outcome)
        weights = trainer.weights()
    }

    var lines: [String] {
        func row(_ name: String, _ values: [Double], _ format: String) -> String {
            name + values.map { " " + String(format: format, $0) }.joined()
        }
        return [
            String(
                format:
                    "log loss, all impressions: nimb %.6f, plain rate of (slot, creative) %.6f, the truth itself %.6f",
                logLoss, plainLogLoss, truthLogLoss),
            row("by tenths: predicted / true probability", trueCalibration, "%.3f"),
            row("by tenths: predicted / clicks          ", clickCalibration, "%.3f"),
            row("by tenths: clicks                      ", clicksByDecile, "%.0f"),
            String(
                format: "learnt in %.1f s (with all yardsticks but the batch), %d weights", seconds,
                weights.entries.count),
        ]
    }
}
