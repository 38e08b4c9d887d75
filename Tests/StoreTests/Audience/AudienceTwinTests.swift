import AdModel
import Audiences
import Billing
import Postgres
import Store
import TestKit
import Testing

/// Audiences from three sides: rows read into facts, the same facts counted as they happen, and SQL over the rows.
@Suite(.database) struct AudienceTwinTests {
    private func members(_ facts: AudienceFacts, _ today: Int32) -> [[String]] {
        var result = [[String]](repeating: [], count: facts.book.definitions.count)
        var scratch = AudienceScratch()
        for visitor in AudienceHistory.visitors {
            var list: ContiguousArray<Int32> = []
            facts.members(
                of: AudienceHistory.keys.visitor(visitor), today: today, scratch: &scratch, into: &list)
            for audience in list { result[Int(audience)].append(visitor) }
        }
        return result
    }

    @Test("Rows, events and SQL agree on who is in", arguments: Array(UInt64(1)...5))
    func agree(seed: UInt64) async throws {
        let database = TestDatabase.current
        let history = AudienceHistory(seed: seed)
        try await database.pool.withConnection { try $0.script(AudienceHistory.world + history.sql) }
        var random = SplitMix64(seed: seed &* 977)
        let definitions = (1...24).map { number in
            AudienceDefinition(
                id: Int32(number), advertiserID: number % 3 == 0 ? 2 : nil,
                condition: AudienceHistory.condition(&random, depth: 3))
        }
        let now = AudienceHistory.now
        let loader = AudienceLoader(pool: database.pool, keys: AudienceHistory.keys, log: nil)
        let loaded = try await loader.load(definitions, thresholds: RFMThresholds(), now: now) {}
        let zone = loaded.zone
        let today = zone.day(of: now).number
        let live = AudienceFacts(loaded.facts.book)
        for action in history.actions {
            LiveAudiences.Installed(facts: live) { zone.day(of: $0) }.apply(action)
        }
        live.findChampions(today: today)
        let twins: [[String]] = try await database.pool.transaction { db in
            try db.script(AudienceTwin.views)
            let twins = try definitions.map { definition in
                try db.query(AudienceTwin.members(definition.condition, owner: definition.advertiserID))
                    .map { try $0.string("id") }
            }
            try db.script("drop view best_spend, owned_order, shopper")
            return twins
        }
        let known = Set(twins.flatMap(\.self))
        let read = members(loaded.facts, today)
        let counted = members(live, today)
        let sizes = loaded.facts.sizes(today: today)
        for (index, definition) in definitions.enumerated() {
            // Who is not known is in no audience of SQL, and asked by nobody.
            let twin = twins[index]
            let inRows = read[index].filter { known.contains($0) || twin.contains($0) }
            #expect(inRows == twin, "seed \(seed), rows: \(definition)")
            #expect(counted[index].filter(known.contains) == twin, "seed \(seed), events: \(definition)")
            #expect(sizes.members[index] == twin.count, "seed \(seed), size: \(definition)")
            guard index % 8 == 0 else { continue }
            let size = try await database.pool.transaction { db in
                try AudienceSize.make(definition, now: now, on: db)
            }
            #expect(size.shoppers == twin.count && size.known == sizes.shoppers, "seed \(seed)")
        }
    }
}
