import AdModel
import Audiences
import Foundation
import Testing

/// One rule of audiences: what shoppers did, a condition, and who is in.
private struct AudienceCase: Decodable {
    struct Event: Decodable {
        var visitor: String?
        var customer: String?
        /// Days before today.
        var daysAgo: Int32
        /// A type of event, or `link`.
        var type: String
        var product: String?
        var brand: Int32?
        var categories: [Int32]?
        var words: [String]?
        var spend: Int64?
    }

    var rule: String
    var events: [Event]
    var condition: AudienceCondition
    var members: [String]
}

@Suite struct AudienceCaseTests {
    private static let today = Day(number: 20_000)

    private static var folder: URL {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Cases")
    }

    static let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? [])
        .filter { $0.hasSuffix(".json") }.sorted()

    /// Brand codes of the cases are their ids as text, and so are category codes.
    static func filter(_ atom: CountedAtom) -> EventFilter {
        let events = atom.events
        var filter = EventFilter()
        if !events.products.isEmpty { filter.skus = Set(events.products.map { TextKey.of($0) }) }
        if !events.brands.isEmpty { filter.brandIDs = Set(events.brands.compactMap { Int32($0) }) }
        if !events.categories.isEmpty { filter.categoryIDs = Set(events.categories.compactMap { Int32($0) }) }
        if !events.phrases.isEmpty {
            filter.phrases = events.phrases.map { $0.split(separator: " ").map { TextKey.of(String($0)) } }
        }
        if atom.ownerID != 0 { filter.advertiserIDs = [atom.ownerID] }
        return filter
    }

    private static func key(_ name: String?, customer: Bool = false) -> UInt64 {
        name.map { TextKey.of((customer ? "c:" : "v:") + $0) } ?? 0
    }

    @Test("The rule of a case holds", arguments: names)
    func holds(name: String) throws {
        let data = try Data(contentsOf: Self.folder.appendingPathComponent(name))
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .useDefaultKeys
        let it = try decoder.decode(AudienceCase.self, from: data)
        let book = AudienceBook([AudienceDefinition(id: 1, condition: it.condition)], filter: Self.filter)
        let facts = AudienceFacts(book)
        for event in it.events {
            let day = Self.today + Int(-event.daysAgo)
            let at = Timestamp(micros: day.utcStart.micros + 1)
            let visitor = Self.key(event.visitor)
            let customer = Self.key(event.customer, customer: true)
            let item = AudienceEvent.Item(
                sku: event.product.map { TextKey.of($0) } ?? 0, brandID: event.brand ?? 0,
                categoryIDs: event.categories ?? [])
            if event.type == "link" {
                facts.apply(.link(visitor: visitor, customer: customer, at: at), day: day)
            } else if event.type == "order" {
                facts.apply(
                    .order(
                        items: [item], spend: Micros(event.spend ?? 0), visitor: visitor, customer: customer, at: at),
                    day: day)
            } else {
                var action = AudienceEvent(type: try #require(AudienceEventType(rawValue: event.type)))
                action.items = [item]
                action.words = (event.words ?? []).map { TextKey.of($0) }
                facts.apply(.event(action, visitor: visitor, at: at), day: day)
            }
        }
        facts.findChampions(today: Self.today.number)
        var members: [String] = []
        var scratch = AudienceScratch()
        let visitors = Set(it.events.compactMap(\.visitor)).sorted()
        for visitor in visitors {
            var list: ContiguousArray<Int32> = []
            facts.members(of: Self.key(visitor), today: Self.today.number, scratch: &scratch, into: &list)
            if !list.isEmpty { members.append(visitor) }
        }
        #expect(members == it.members, "\(it.rule)")
        let sizes = facts.sizes(today: Self.today.number)
        #expect(sizes.members == [it.members.count] && sizes.shoppers == visitors.count, "\(it.rule)")
    }

    @Test("There are cases")
    func thereAreCases() { #expect(Self.names.count >= 10) }
}
