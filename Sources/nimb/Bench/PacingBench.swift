import AdModel
import Decisioning
import Foundation
import Simulator

/// Days of a thousand line items whose traffic is not what was forecast, lived minute by minute under one way of
/// pacing: the same traffic, prices and confirmations for every way.
struct PacingBench {
    /// A way of pacing.
    enum Method: String, CaseIterable {
        /// What serves: the forecast curve with feedback.
        case controller
        /// Plain probabilistic throttling: the share that the forecast says the budget pays for, all day.
        case throttling
        /// The share goes up or down by a tenth each minute, by the side of the same curve that the spend is on
        /// (Agarwal et al., KDD 2014): reported beside it.
        case adaptive
    }

    /// Minutes between two corrections; a node corrects every five seconds.
    static let step = 1
    /// Part of the promised impressions that pages really show; the rest comes back after the billing deadline.
    static let confirmed = 0.92
    static let deadline = 60

    var lines = 1_000
    var days = 7
    /// Most that a day and an hour differ from what was forecast, as a part of it.
    var error = 0.5
    var seed: UInt64 = 1

    /// What a day of all line items came to.
    struct Figures: Equatable {
        /// Spent beyond the budgets, and left of them, as parts of all budgets.
        var overspend = 0.0
        var unspent = 0.0
        /// Root mean square over minutes and line items of (spent - plan) / budget.
        var deviation = 0.0
    }

    private struct Line {
        var budget: Int64
        /// What taking every opportunity of a day as forecast would cost.
        var whole: Double
        /// Mean price of one impression.
        var meanCost: Double
    }

    private static let forecastStart = Timestamp(micros: 1_764_028_800_000_000)

    /// Figures of each day.
    func run(_ method: Method) -> [Figures] {
        let curve = DemandCurve(zoneOffset: .hours(0))
        let hourly = (0..<24).map { curve.intensity(at: Self.forecastStart + .hours(Int64($0)) + .minutes(30)) }
        let forecast = DemandForecast(hourly: hourly)
        var world = SeededRandom(seed: seed)
        let all = (0..<lines).map { _ in Self.line(&world) }
        var controllers = [PacingController](repeating: PacingController(), count: lines)
        return (0..<days).map { day in
            var total = Figures()
            var budgets = 0.0
            var squares = 0.0
            for index in all.indices {
                // The same randomness for every method.
                var random = SeededRandom(
                    seed: SeededRandom.mix(seed &* 1_000_003 &+ UInt64(day) &* 8_191 &+ UInt64(index)))
                let lived = live(all[index], method, &controllers[index], forecast, &random)
                let budget = Double(all[index].budget)
                budgets += budget
                total.overspend += max(0, Double(lived.spent) - budget)
                total.unspent += max(0, budget - Double(lived.spent))
                squares += lived.squares
            }
            total.overspend /= budgets
            total.unspent /= budgets
            total.deviation = (squares / Double(lines * 1_440)).squareRoot()
            return total
        }
    }

    /// 400 to 40,000 impressions a day could be had; the budget pays for 5 to 40 % of what was forecast, so that half
    /// the traffic would do.
    private static func line(_ random: inout SeededRandom) -> Line {
        let impressions = 400 * exp(random.unit() * log(100.0))
        let price = random.between(100_000, 600_000)
        let whole = impressions * price
        return Line(budget: Int64(whole * random.between(0.05, 0.4)), whole: whole, meanCost: price)
    }

    private func live(
        _ line: Line, _ method: Method, _ controller: inout PacingController, _ forecast: DemandForecast,
        _ random: inout SeededRandom
    ) -> (spent: Int64, squares: Double) {
        let level = 1 + random.between(-error, error)
        var spent: Int64 = 0
        // Promised and not shown, by the minute at which it comes back.
        var returning = [Int64](repeating: 0, count: 1_440 + Self.deadline + 1)
        var outstanding: Int64 = 0
        var share = min(1, Double(line.budget) / line.whole)
        var squares = 0.0
        var distortion = 1.0
        for minute in 0..<1_440 {
            let hour = Double(minute) / 60
            outstanding -= returning[minute]
            if minute % 60 == 0 {
                distortion = min(max(level * (1 + random.between(-error / 2, error / 2)), 1 - error), 1 + error)
            }
            let day = PacingController.Day(
                budget: line.budget, committed: spent + outstanding, forecast: forecast)
            if minute % Self.step == 0 {
                switch method {
                case .controller: share = Double(controller.next(day, at: hour)) / Double(UInt32.max)
                case .throttling: break
                case .adaptive: share = min(1, share * (Double(day.committed) < day.plan(at: hour) ? 1.1 : 0.9))
                }
            }
            let expected =
                line.whole / line.meanCost * distortion * forecast.share(from: hour, to: hour + 1.0 / 60)
            // Drawn before it is thinned, so that every method meets the same opportunities.
            var lot = SeededRandom(seed: random.next())
            let opportunities = Self.poisson(expected, &lot)
            for _ in 0..<opportunities {
                let passes = lot.unit() < share
                let price = Int64(line.meanCost * lot.between(0.5, 1.5))
                let isShown = lot.chance(Self.confirmed)
                // A lease takes its promise first, so nothing is promised beyond the budget.
                guard passes, spent + outstanding + price <= line.budget else { continue }
                if isShown {
                    spent += price
                } else {
                    outstanding += price
                    returning[minute + Self.deadline] += price
                }
            }
            let plan = day.plan(at: hour + 1.0 / 60)
            let off = (Double(spent) - plan) / Double(line.budget)
            squares += off * off
        }
        return (spent, squares)
    }

    private static func poisson(_ mean: Double, _ random: inout SeededRandom) -> Int {
        // Large means as sums of small ones: the product of uniforms must not become 0.
        var left = mean
        var count = 0
        while left > 0 {
            let part = min(left, 16)
            left -= part
            let limit = exp(-part)
            var product = random.unit()
            while product > limit {
                count += 1
                product *= random.unit()
            }
        }
        return count
    }
}
