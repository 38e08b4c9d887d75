import ArgumentParser
import Foundation
import Shelves

/// Quality of `bought_together` on real baskets.
struct BenchShelfCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "shelf",
        abstract: "How well bought_together completes real baskets, beside showing what sells most.",
        discussion: """
            Reads transactions.csv of the Complete Journey (84.51°, CC0). Tables come from the baskets up to the last \
            week of training; of every later basket each product is taken out in turn, and the ranking is asked with \
            the rest. recall@10: the product is among the first ten; MRR: 1 / its place, 0 beyond 100. The same with \
            each product alone, as on its page, and all others as right answers. Intervals: the middle 95 % of 2,000 \
            draws of households. Products that training never saw are missed by both.
            """)

    @Option(help: "Folder of the Complete Journey's CSV files.")
    var data: String
    @Option(help: "Last week of training.")
    var trainUntil = 27
    @Option(help: "Last week of the test; all later ones unless given.")
    var testUntil: Int?

    func run() throws {
        var bench = ShelfBench(data: URL(fileURLWithPath: data))
        bench.trainUntil = trainUntil
        bench.testUntil = testUntil
        let report = try bench.run()
        print(
            "\(report.trainBaskets) baskets of training with \(report.products) products, "
                + "\(report.testBaskets) baskets of test")
        print("                          bought_together   popularity   ratio (95 %)")
        for (name, comparison) in [("rest of the basket", report.completion), ("one product", report.alone)] {
            print("\(name): \(comparison.cases) questions, \(comparison.households) households")
            Self.show("recall@10", comparison.recall)
            Self.show("MRR", comparison.reciprocal)
        }
        for (goal, figure) in [
            ("shelf-recall", report.completion.recall.ratio), ("shelf-mrr", report.completion.reciprocal.ratio),
        ] {
            print(
                BenchGoalLine(
                    goal: goal, value: figure.value, floor: 1.2, aim: 1.2, least: figure.low, greatest: figure.high,
                    rounds: 1, yardstick: "popularity", isValid: figure.low > 1
                ).json)
        }
    }

    private static func show(_ name: String, _ figure: (own: Double, popular: Double, ratio: ShelfEvaluation.Ratio)) {
        print(
            "  " + name.padding(toLength: 22, withPad: " ", startingAt: 0)
                + String(
                    format: "%15.4f %12.4f   %.2f (%.2f-%.2f)", figure.own, figure.popular, figure.ratio.value,
                    figure.ratio.low, figure.ratio.high))
    }
}
