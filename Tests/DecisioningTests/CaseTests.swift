import AdModel
import Decisioning
import Foundation
import Profiles
import Stemmer
import Testing

/// The rules of a decision, one JSON file each in `Cases/`: the file's name says the behaviour, `rule` says it in a
/// sentence, `steps` are pages asked one after the other of the same shop.
@Suite struct CaseTests {
    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Cases")
    static let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? [])
        .filter { $0.hasSuffix(".json") }.sorted()

    @Test("There are cases") func exist() { #expect(Self.names.count >= 80) }

    @Test("A case holds", arguments: names)
    func holds(name: String) throws {
        let data = try Data(contentsOf: Self.folder.appendingPathComponent(name))
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .useDefaultKeys
        let file = try decoder.decode(CaseFile.self, from: data)
        let engine = try Engine(file.world())
        let leases = engine.leases()
        let profiles = engine.profiles()
        let stemmer = WordStemmer()
        var now = engine.world.now
        for (number, step) in file.steps.enumerated() {
            now = now + .seconds(step.after_seconds ?? 0)
            for signal in step.signals ?? [] {
                profiles.apply(
                    ProfileSignal(
                        kind: signal.kind.flatMap(SignalKind.init(rawValue:)) ?? .productView,
                        productID: signal.product.map(CaseFile.product) ?? 0,
                        categoryID: signal.category.map(CaseFile.category) ?? 0,
                        brandID: signal.brand.map(CaseFile.brand) ?? 0, at: now), shopper: Engine.shopper)
            }
            for line in step.confirm ?? [] {
                profiles.confirm(Engine.shopper, lineItemID: line, advertiserID: line, decidedAt: now)
            }
            guard let wanted = step.page else { continue }
            let outcome = engine.decide(wanted.page(stemmer.stem), leases: leases, profiles: profiles, now: now)
            for (index, expected) in (step.expect ?? []).enumerated() {
                let slot = try #require(outcome.slots.indices.contains(index) ? outcome.slots[index] : nil)
                let place: Comment = "\(name), step \(number), slot \(index): \(file.rule)"
                if let ads = expected.ads {
                    #expect(slot.ads.map(\.line) == ads.map(\.line), place)
                    for (ad, want) in zip(slot.ads, ads) {
                        if let price = want.price_micros { #expect(ad.price == price, place) }
                        if let reserved = want.reserved_micros { #expect(ad.reserved == reserved, place) }
                        if let skus = want.products { #expect(ad.products == skus.map(CaseFile.product), place) }
                        if let prices = want.prices_micros { #expect(ad.cardPrices == prices, place) }
                        if let version = want.version { #expect(ad.version == version, place) }
                    }
                }
                if expected.no_fill != nil || expected.ads?.isEmpty == false {
                    #expect(slot.noFill.name == expected.no_fill ?? "none", place)
                }
                if let losers = expected.losers { #expect(slot.losers == losers, place) }
            }
        }
    }
}
