import AdModel
import ClickModel
import Decisioning

/// A click model of the size and spread of a trained one, so that decisions are measured with the score that serves:
/// slots, devices, hours and prices apart by tens of per cent, interests up to their limits, every creative with a rate
/// of its own, and one in ten too new to be known.
enum BenchClickModel {
    static func make(_ input: SnapshotInput, _ random: inout BenchRandom) -> ClickWeights {
        var entries: [UInt32: ClickWeights.Entry] = [:]
        func add(_ feature: ClickFeature, _ value: UInt64, _ weight: Double, evidence: Float = 1_000) {
            let index = feature.index(value)
            entries[index] = ClickWeights.Entry(index: index, weight: Float(weight), evidence: evidence)
        }
        func some(_ most: Double) -> Double { (Double(random.below(2_001)) / 1_000 - 1) * most }
        for line in input.lineItems {
            for creative in line.creatives {
                let isNew = random.below(10) == 0
                add(.creative, UInt64(creative.versionID), isNew ? 0 : some(0.5), evidence: isNew ? 0 : 100)
            }
        }
        for code in 0..<UInt64(Interest.count) {
            let strength = code == 0 ? -0.1 : Double((code - 1) % 5) / 4
            add(.category, code, 0.3 * strength)
            add(.brand, code, 0.18 * strength)
            add(.price, code, some(0.2))
        }
        for hour in UInt64(0)..<24 { add(.hour, hour, some(0.2)) }
        add(.isKnown, 0, -0.1)
        add(.isKnown, 1, 0.1)
        for device in Device.allCases { add(.device, ClickFeature.number(device), some(0.2)) }
        for placement in input.placements { add(.placement, UInt64(placement.id), some(0.5)) }
        for format in input.formats { add(.format, UInt64(ClickFeature.hash(format.name)), some(0.3)) }
        add(.bias, 0, -4.6)
        return ClickWeights(version: 1, entries: entries.values.sorted { $0.index < $1.index })
    }
}
