import AdModel
import ClickModel
import Decisioning
import Profiles

/// The click model as the naive evaluator uses it: looked up anew for every question.
struct NaiveClicks {
    private let world: World
    private let tables: ClickTables

    init(_ world: World) {
        self.world = world
        tables = ClickTables(
            world.input.clickWeights, placements: world.input.placements.map(\.id),
            formats: world.input.formats.map(\.name))
    }

    private func products(_ line: SnapshotInput.LineItem) -> [SnapshotInput.Product] {
        line.promotedProductIDs.compactMap { id in world.input.products.first { $0.id == id } }
    }

    /// Mean margin of what is promoted.
    func margin(_ line: SnapshotInput.LineItem) -> Float {
        let margins = products(line).map { Float(min(max($0.margin, 0), 1)) }
        return margins.isEmpty ? 0 : margins.reduce(0, +) / Float(margins.count)
    }

    private func own(
        _ line: SnapshotInput.LineItem, _ creative: SnapshotInput.Creative, _ format: SnapshotInput.Format
    ) -> (odds: Float, doubt: UInt8) {
        let prior = min(max(creative.priorCTR ?? format.priorCTR, 1e-6), 0.999)
        return tables.creative(
            creative.versionID, format: index(format), price: PriceLevel.code(products(line).first?.price),
            prior: Float(prior / (1 - prior)), hasOwnPrior: creative.priorCTR != nil)
    }

    private func index(_ format: SnapshotInput.Format) -> Int32 {
        Int32(world.input.formats.firstIndex { $0.name == format.name } ?? 0)
    }

    private func index(_ placement: SnapshotInput.Placement) -> Int32 {
        Int32(world.input.placements.firstIndex { $0.id == placement.id } ?? 0)
    }

    /// The creative with the best odds after its draw; nil without a model.
    func choose(
        _ line: SnapshotInput.LineItem, _ creatives: [SnapshotInput.Creative], _ format: SnapshotInput.Format,
        seed: UInt64
    ) -> (creative: SnapshotInput.Creative, drawn: Float)? {
        guard tables.isActive else { return nil }
        var best: (creative: SnapshotInput.Creative, drawn: Float)?
        var bestOdds: Float = -1
        for creative in creatives {
            let own = own(line, creative, format)
            let drawn =
                own.doubt == 0
                ? 1
                : ClickTables.multiplier(
                    doubt: own.doubt, draw: ClickTables.draw(seed, creativeVersionID: creative.versionID))
            if own.odds * drawn > bestOdds {
                best = (creative, drawn)
                bestOdds = own.odds * drawn
            }
        }
        return best
    }

    /// Odds of a click in a slot of a page, whatever the shopper's interests; nil without a model.
    func odds(
        _ line: SnapshotInput.LineItem, _ creative: SnapshotInput.Creative, _ format: SnapshotInput.Format,
        _ placement: SnapshotInput.Placement, _ page: Page
    ) -> Float? {
        guard tables.isActive else { return nil }
        let ofPage = tables.page(
            format: index(format), device: page.device, hour: Int(page.minuteOfWeek) / 60 % 24,
            isKnown: page.hasShopper)
        return own(line, creative, format).odds
            * (ofPage * tables.slot(placement: index(placement), format: index(format)))
    }

    /// What interests multiply them by; nil without a model.
    func interest(_ strength: (category: Float, brand: Float)) -> Float? {
        guard tables.isActive else { return nil }
        return tables.interest(
            category: Interest.code(strength: strength.category, age: 0),
            brand: Interest.code(strength: strength.brand, age: 0))
    }

    /// Click probability that floors count with; nil without a model.
    func floorParts(
        _ line: SnapshotInput.LineItem, _ creative: SnapshotInput.Creative, _ format: SnapshotInput.Format,
        _ placement: SnapshotInput.Placement
    ) -> UInt64? {
        guard tables.isActive else { return nil }
        return Scoring.parts(
            odds: own(line, creative, format).odds,
            factor: tables.floorFactor(placement: index(placement), format: index(format)))
    }
}

/// Random models: weights as large as they may be, so that bounds are met at their edges.
enum RandomModel {
    static func make(_ random: inout SplitMix, _ input: SnapshotInput) -> ClickWeights {
        var entries: [UInt32: ClickWeights.Entry] = [:]
        func add(_ feature: ClickFeature, _ value: UInt64, _ most: Double) {
            let weight = (Double(random.below(2_001)) / 1_000 - 1) * most
            let evidence = Float(random.pick([0, 1, 5, 20, 50, 500]))
            let index = feature.index(value)
            entries[index] = ClickWeights.Entry(index: index, weight: Float(weight), evidence: evidence)
        }
        for code in 0..<UInt64(Interest.count) {
            add(.category, code, 0.5)
            add(.brand, code, 0.3)
            add(.price, code, 0.6)
        }
        for hour in UInt64(0)..<24 { add(.hour, hour, 0.5) }
        for known in UInt64(0)..<2 { add(.isKnown, known, 0.3) }
        add(.position, 0, 0.4)
        for format in input.formats {
            let name = UInt64(ClickFeature.hash(format.name))
            add(.format, name, 0.8)
            for device in Device.allCases { add(.deviceFormat, ClickFeature.number(device) << 32 | name, 0.3) }
            for placement in input.placements { add(.placementFormat, UInt64(placement.id) << 32 | name, 0.5) }
        }
        for device in Device.allCases { add(.device, ClickFeature.number(device), 0.5) }
        for placement in input.placements { add(.placement, UInt64(placement.id), 1.5) }
        for creative in input.lineItems.flatMap(\.creatives) { add(.creative, UInt64(creative.versionID), 1) }
        let bias = ClickFeature.bias.index(0)
        entries[bias] = ClickWeights.Entry(index: bias, weight: -3.5, evidence: 1_000)
        return ClickWeights(version: 1, entries: entries.values.sorted { $0.index < $1.index })
    }

    /// Gives a world a model, prices, margins and slots that count margins, or only some of them.
    static func add(to world: inout World, seed: UInt64) {
        var random = SplitMix(seed ^ 0xC11C)
        for index in world.input.products.indices {
            if random.chance(80) { world.input.products[index].price = .roubles(Int64(10 + random.below(5_000))) }
            if random.chance(60) { world.input.products[index].margin = Double(random.below(101)) / 100 }
        }
        if random.chance(30) {
            for index in world.input.placements.indices where random.chance(50) {
                world.input.placements[index].marginWeight = Double(random.below(101)) / 100
            }
        }
        if random.chance(50) { world.input.clickWeights = make(&random, world.input) }
    }
}
