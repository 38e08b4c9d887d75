import AdModel
import ORD
import Postgres
import Store
import TestKit
import Testing

@Suite("Labels are the registered objects", .database) struct LabelTests {
    private static let now = "2026-03-10T09:00:00Z"

    /// The fixture approves with the clock of today; the edge's clock stands in March.
    private static let approved = """
        alter table creative_version disable trigger creative_version_keep;
        update creative_version set approved_at = '2026-01-01' where approved_at is not null;
        alter table creative_version enable trigger creative_version_keep;
        """

    private func findings(_ world: MonthWorld) async throws -> [String] {
        try await world.pool.transaction { db in
            try LabelAudit.run(now: MonthWorld.at(Self.now), on: db).map { "\($0.object) \($0.code)" }
        }
    }

    /// The label of a creative as the edge has it in memory.
    private func printed(_ world: MonthWorld, _ id: String) async throws -> ServingCreative? {
        try await SnapshotLoaderTests.loader(world.pool).load(now: MonthWorld.at(Self.now)).creatives.values
            .first { $0.publicID == id }
    }

    @Test func `the label on the page and the operator's objects agree byte for byte, the token's case kept`()
        async throws
    {
        let world = try await MonthWorld.march()
        // A name with letters that look alike, and a token of mixed case.
        try await world.run(
            """
            update counterparty set name = 'ООО "Coffeе & Ко"' where id = 2;
            \(Self.approved)
            """)
        let reading = try await FinanceStore.read(MonthWorld.month("2026-03"), from: world.pool)
        for creative in reading.statement.creatives where creative.erid != nil {
            let line = try #require(reading.statement.lineItems.first { $0.creativeIDs.contains(creative.id) })
            let person = try #require(reading.statement.persons.first { $0.id == line.advertiserID })
            let label = try #require(AdLabel(creative, of: person))
            let edge = try #require(try await printed(world, String(creative.id.dropFirst(3))))
            let onPage = AdLabel(advertiser: edge.advertiserName, inn: edge.advertiserINN, erid: edge.erid)
            #expect(onPage.isIdentical(to: label), "\(creative.id)")
            let fragment = String(decoding: Fragments.creative(edge), as: UTF8.self)
            #expect(fragment.contains(#""erid":"\#(label.erid)""#) && fragment.contains(#""text":"Реклама""#))
        }
        #expect(try await findings(world) == [])
    }

    @Test func `a name that the operator has accepted otherwise is found`() async throws {
        let world = try await MonthWorld.march()
        try await world.run(Self.approved)
        let person = try #require(
            try await FinanceStore.read(MonthWorld.month("2026-03"), from: world.pool).statement.persons
                .first { $0.id == "org-cafe" })
        let hash = OperatorRequests.person(person).fingerprint
        try await world.pool.transaction { db in
            _ = try db.query(
                "insert into ord_object (external_id, body_sha256, accepted_at) values ('org-cafe', $1, now())",
                [.bytea(hash)])
        }
        #expect(try await findings(world) == [])
        try await world.run("update counterparty set name = 'ООО \"Кофe\"' where id = 2")
        #expect(
            try await findings(world) == [
                "creative cr-top-v1 label_not_accepted", "creative cr-shelf-v1 label_not_accepted",
                "creative cr-home-v1 label_not_accepted",
            ])
    }

    @Test func `without a token, or with a refused one, nothing serves`() async throws {
        let person = Person(id: "org-a", kind: "juridical", name: "ООО А", inn: "7707083893", roles: ["advertiser"])
        func label(_ erid: String?, _ status: String?) -> AdLabel? {
            AdLabel(Creative(id: "cr-1-v1", kktus: [], form: "banner", erid: erid, eridStatus: status), of: person)
        }
        #expect(label(nil, nil) == nil && label("", nil) == nil && label("2Vtzq", nil) == nil)
        #expect(label("2VtzqxExample", "bad") == nil && label("2Vtzqx Example", "new") == nil)
        #expect(label("2VtzqxExample", "new")?.text == "Реклама. ООО А, ИНН 7707083893. erid: 2VtzqxExample")
        let upper = try #require(label("2VTZQXEXAMPLE", "new"))
        #expect(try #require(label("2VtzqxExample", "new")).isIdentical(to: upper) == false)
    }
}
