/// A straight line through log-odds: what was said too boldly or too low is put right without changing any order. Odds
/// multipliers survive it, which a curve would not.
public struct Calibration: Equatable, Sendable {
    public var slope = 1.0
    public var shift = 0.0

    public init() {}

    func probability(logOdds: Double) -> Double { ExactMath.logistic(slope * logOdds + shift) }
}

/// Predictions and outcomes, counted by log-odds: as much of the data as calibration needs.
struct CalibrationBins: Sendable {
    private static let low = -12.0
    private static let width = 0.02
    private static let count = 800
    /// Clicks before a calibration is anything but chance.
    static let minimumClicks = 200.0

    private var examples = [Double](repeating: 0, count: Self.count)
    private var clicks = [Double](repeating: 0, count: Self.count)
    private var sums = [Double](repeating: 0, count: Self.count)

    mutating func add(logOdds: Double, isClicked: Bool) {
        let bin = min(max(Int((logOdds - Self.low) / Self.width), 0), Self.count - 1)
        examples[bin] += 1
        sums[bin] += logOdds
        if isClicked { clicks[bin] += 1 }
    }

    mutating func fade() {
        for bin in 0..<Self.count {
            examples[bin] /= 2
            clicks[bin] /= 2
            sums[bin] /= 2
        }
    }

    /// The likeliest line, by Newton's method; the slope stays within 0.8...1.25, as a model that needs more of it is
    /// wrong in other ways.
    func fit() -> Calibration {
        var line = Calibration()
        guard clicks.reduce(0, +) >= Self.minimumClicks else { return line }
        for _ in 0..<25 {
            var (shiftSlope, slopeSlope) = (0.0, 0.0)
            // A slope of 1 and a shift of 0 are believed a little.
            var (a, b, c) = (1.0, 0.0, 1.0)
            slopeSlope += 1 - line.slope
            shiftSlope -= line.shift
            for bin in 0..<Self.count where examples[bin] > 0 {
                let logOdds = sums[bin] / examples[bin]
                let p = line.probability(logOdds: logOdds)
                let missing = clicks[bin] - examples[bin] * p
                let information = examples[bin] * p * (1 - p)
                shiftSlope += missing
                slopeSlope += missing * logOdds
                a += information
                b += information * logOdds
                c += information * logOdds * logOdds
            }
            let determinant = a * c - b * b
            guard determinant > 1e-9 else { return line }
            let shiftStep = (c * shiftSlope - b * slopeSlope) / determinant
            let slopeStep = (a * slopeSlope - b * shiftSlope) / determinant
            line.shift += min(max(shiftStep, -1), 1)
            line.slope += min(max(slopeStep, -0.2), 0.2)
            if abs(shiftStep) + abs(slopeStep) < 1e-10 { break }
        }
        guard (0.8...1.25).contains(line.slope) else { return shiftOnly() }
        return line
    }

    private func shiftOnly() -> Calibration {
        var line = Calibration()
        for _ in 0..<25 {
            var (slope, information) = (-line.shift, 1.0)
            for bin in 0..<Self.count where examples[bin] > 0 {
                let p = line.probability(logOdds: sums[bin] / examples[bin])
                slope += clicks[bin] - examples[bin] * p
                information += examples[bin] * p * (1 - p)
            }
            let step = slope / information
            line.shift += min(max(step, -1), 1)
            if abs(step) < 1e-10 { break }
        }
        return line
    }
}
