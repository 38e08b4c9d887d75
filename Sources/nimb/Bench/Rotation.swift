/// Runs contestants in turn (A, B, C, A, B, C, ...) and compares them round by round: the machine drifts from
/// minute to minute, the ratio of two neighbours in time hardly does.
struct Rotation {
    struct Contestant {
        var name: String
        /// One round; returns the figure to compare.
        var round: () throws -> Double
    }

    var rounds: Int
    var contestants: [Contestant]

    struct Summary {
        /// Figures by contestant, in round order.
        var figures: [String: [Double]]

        func median(_ name: String) -> Double { Summary.median(figures[name] ?? []) }

        /// Median, least and greatest of the per-round ratios of one contestant to another.
        func ratio(_ name: String, to yardstick: String) -> (median: Double, least: Double, greatest: Double) {
            let pairs = zip(figures[name] ?? [], figures[yardstick] ?? []).map { $0 / $1 }
            return (Summary.median(pairs), pairs.min() ?? 0, pairs.max() ?? 0)
        }

        static func median(_ values: [Double]) -> Double {
            guard !values.isEmpty else { return 0 }
            let sorted = values.sorted()
            return sorted[sorted.count / 2]
        }
    }

    func run() throws -> Summary {
        var figures: [String: [Double]] = [:]
        for _ in 0..<rounds {
            for contestant in contestants { figures[contestant.name, default: []].append(try contestant.round()) }
        }
        return Summary(figures: figures)
    }
}
