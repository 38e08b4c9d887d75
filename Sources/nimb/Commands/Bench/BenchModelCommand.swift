import ArgumentParser
import ClickModel
import Foundation

/// The click model on simulated shoppers, whose true click-through rates are known.
struct BenchModelCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "model",
        abstract: "How well the click model predicts, beside plain rates and scikit-learn (goal G8).",
        discussion: """
            Simulated shoppers walk through a shop whose ads the decision engine chooses; each impression's features are \
            what its decision would have logged. Predictions are made before their outcome is known (progressive \
            validation), over all impressions in the order of their decisions. The batch yardstick is scikit-learn's \
            LogisticRegression on the same features, trained on everything before each later fifth and judged on that \
            fifth. Calibration is judged against the true probabilities, by tenths of the impressions.
            """)

    @Option(help: "Impressions to collect.")
    var impressions = 6_000_000
    @Option(help: "Seed of the shop and its shoppers.")
    var seed: UInt64 = 1
    @Option(help: "Learning rate of a weight of which nothing is known; as in service unless given.")
    var rate: Double = ClickTrainer.Settings().rate
    @Option(help: "Pull of weights to zero; as in service unless given.")
    var shrinkage: Double = ClickTrainer.Settings().shrinkage
    @Option(help: "Python with numpy and scikit-learn for the batch yardstick; none = without it.")
    var python: String?
    @Option(help: "Folder for the features that the yardstick reads; a temporary one unless given.")
    var directory: String?

    func validate() throws {
        guard (50_000...60_000_000).contains(impressions) else {
            throw ValidationError("--impressions takes 50,000...60,000,000")
        }
        guard rate > 0, shrinkage >= 0 else { throw ValidationError("--rate is above 0, --shrinkage not below") }
    }

    func run() throws {
        let began = ContinuousClock.now
        var shop = try ModelBenchShop(seed: seed)
        let data = try shop.live(impressions: impressions)
        Console.say(
            "\(data.examples.count) impressions, \(data.clicks) clicks in \(data.days) simulated days, "
                + "\(data.lineItems) line items; collected in \(Self.seconds(since: began)) s")
        var settings = ClickTrainer.Settings()
        settings.rate = rate
        settings.shrinkage = shrinkage
        let figures = ModelBenchFigures(data, settings)
        figures.lines.forEach(Console.say)
        guard let python else {
            Console.say("no --python: without the batch yardstick no goal is judged")
            return
        }
        let folder =
            directory.map { URL(fileURLWithPath: $0) }
            ?? FileManager.default.temporaryDirectory.appendingPathComponent("nimb-model-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { if directory == nil { try? FileManager.default.removeItem(at: folder) } }
        let batch = try ModelBenchYardstick(python: python, folder: folder).run(data, figures)
        Console.say(
            String(
                format: "scikit-learn, batch: log loss %.6f on the later four fifths; nimb there %.6f, ratio %.5f",
                batch.logLoss, figures.laterLogLoss, figures.laterLogLoss / batch.logLoss))
        let ratios = figures.trueCalibration
        Console.say(
            BenchGoalLine(
                goal: "G8", value: figures.laterLogLoss / batch.logLoss, floor: nil, aim: 1.01,
                least: batch.foldRatios.min() ?? 0, greatest: batch.foldRatios.max() ?? 0,
                rounds: batch.foldRatios.count, yardstick: "sklearn-batch-logistic", isValid: data.isLargeEnough
            ).json)
        Console.say(
            BenchGoalLine(
                goal: "G8-plain", value: figures.logLoss / figures.plainLogLoss, floor: 1, aim: nil,
                least: figures.logLoss / figures.plainLogLoss, greatest: figures.logLoss / figures.plainLogLoss,
                rounds: 1, yardstick: "smoothed-ctr", isValid: data.isLargeEnough
            ).json)
        Console.say(
            BenchGoalLine(
                goal: "G8-calibration", value: ratios.max { abs($0 - 1) < abs($1 - 1) } ?? 0, floor: nil, aim: 1.02,
                least: ratios.min() ?? 0, greatest: ratios.max() ?? 0, rounds: ratios.count,
                yardstick: "true-probability", isValid: data.isLargeEnough
            ).json)
    }

    static func seconds(since began: ContinuousClock.Instant) -> Int64 {
        (ContinuousClock.now - began).components.seconds
    }
}
