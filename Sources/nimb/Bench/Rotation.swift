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
    /// Asked after a contestant's turn: false when something else had its processor meanwhile. Then the whole round is
    /// dropped and another one run, up to three times as many as were asked for; after that all of them are given.
    var isUndisturbed: () -> Bool = { true }

    struct Summary {
        /// Figures by contestant, in round order.
        var figures: [String: [Double]]
        /// Rounds that did not count.
        var dropped = 0

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
        var summary = Summary(figures: [:])
        var all: [String: [Double]] = [:]
        var kept = 0
        while kept < rounds, kept + summary.dropped < 3 * rounds {
            var round: [(name: String, figure: Double)] = []
            var isSound = true
            for contestant in contestants {
                round.append((contestant.name, try contestant.round()))
                isSound = isUndisturbed() && isSound
            }
            for (name, figure) in round { all[name, default: []].append(figure) }
            guard isSound else {
                summary.dropped += 1
                continue
            }
            kept += 1
            for (name, figure) in round { summary.figures[name, default: []].append(figure) }
        }
        // Better all of them than the few that happened to be left; the caller sees how many there are.
        if kept < rounds { summary.figures = all }
        return summary
    }
}
