import Foundation
import TestKit
import Testing

@Suite("nimb seed and nimb import", .database)
struct ImportCommandTests {
    typealias Fixture = FeedFixture

    static var data: URL { Repository.root.appendingPathComponent("Sources/nimb/Data") }

    private func nimb(_ arguments: [String]) async throws -> (code: Int32, output: [String]) {
        try await run(arguments + ["--database-url", TestDatabase.current.url])
    }

    private func run(_ arguments: [String]) async throws -> (code: Int32, output: [String]) {
        let child = try ChildProcess.nimb(arguments)
        let code = try await child.exit(within: .seconds(60))
        return (code, child.output)
    }

    @Test func theDemoShopIsSetUpByTwoCommandsAndServable() async throws {
        let feeds = try Repository.temporaryFolder("demo-feeds")
        defer { try? FileManager.default.removeItem(at: feeds) }
        #expect(try await run(["demo", "feeds", "--out", feeds.path]).code == 0)
        let first = try await nimb(["seed", Self.data.appendingPathComponent("demo-shop.yaml").path])
        #expect(first.code == 0, "\(first.output)")
        #expect(first.output.filter { $0.hasPrefix("key demo-") }.count == 7)
        for location in ["msk", "spb", "ekb"] {
            let feed = feeds.appendingPathComponent("\(location).xml").path
            let done = try await nimb(["import", "feed", feed, "--storefront", "shop", "--location", location])
            #expect(done.code == 0, "\(done.output)")
            #expect(!done.output.contains { $0.hasPrefix("skipped") })
        }
        let campaigns = Self.data.appendingPathComponent("demo-campaigns.yaml").path
        let third = try await nimb(["seed", campaigns])
        #expect(third.code == 0, "\(third.output)")
        let second = try await nimb(["seed", Self.data.appendingPathComponent("demo-shop.yaml").path, campaigns])
        #expect(second.output.filter { $0.contains("nothing to change") }.count == 2, "\(second.output)")
        #expect(!second.output.contains { $0.hasPrefix("key ") })
        // Every line item promotes at least two products that can be bought, in every region.
        #expect(
            try await Fixture.rows(
                """
                select l.code, k.code from line_item l
                join line_item_version v on v.line_item_id = l.id and valid_to = 'infinity' cross join stock_location k
                where (select count(*) from product p join stock s on s.product_id = p.id and s.quantity > 0
                    and s.location_id = k.id where p.sku = any(v.promoted_skus)) < 2
                """) == [])
        #expect(try await Fixture.rows("select count(*) from campaign") == ["(20)"])
        #expect(
            try await Fixture.rows("select state, count(*) from campaign group by 1 order by 1") == [
                "(active,16)", "(approved,1)", "(draft,1)", "(moderation,1)", "(rejected,1)",
            ])
        // Whoever sells has a price model and a format of each kind.
        #expect(
            try await Fixture.rows(
                "select distinct pricing from line_item order by 1")
                == ["(cpc)", "(cpm)", "(fixed)"])
        // All that should serve may: approved, with a token of the operator.
        #expect(
            try await Fixture.rows(
                """
                select c.code from creative c join creative_version v on v.creative_id = c.id
                join line_item l on l.id = c.line_item_id join campaign p on p.id = l.campaign_id
                where p.state in ('active', 'approved') and (v.state <> 'approved' or v.erid is null)
                """) == [])
    }

    @Test func aBadSeedNamesFileLinePathAndReason() async throws {
        let folder = try Repository.temporaryFolder("seed")
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appendingPathComponent("my.yaml")
        let text = """
            retailer: {id: r, name: R, counterparty: org}
            counterparties:
              - {id: org, kind: juridical, name: ООО Р, inn: "7700000017", roles: [publisher]}
            """
        try Data(text.utf8).write(to: file)
        let bad = try await nimb(["seed", file.path])
        #expect(bad.code == 1)
        #expect(bad.output.contains { $0.hasPrefix("my.yaml:3: counterparties[0].inn: ") }, "\(bad.output)")
        #expect(try await Fixture.rows("select 1 from counterparty") == [])
        try Data("stock_locations:\n  - id: msk\n    nmae: Москва\n".utf8).write(to: file)
        let misspelt = try await nimb(["seed", file.path])
        #expect(misspelt.code == 1)
        #expect(misspelt.output.contains { $0.hasPrefix("my.yaml:3: stock_locations[0].nmae: ") }, "\(misspelt.output)")
        #expect(misspelt.output.contains { $0.hasPrefix("my.yaml:2: stock_locations[0].name: Required") })
        #expect(try await Fixture.rows("select 1 from stock_location") == [])
        // The key of the run does not outlive it.
        #expect(try await Fixture.rows("select 1 from api_key") == [])
        try Data("a: [1".utf8).write(to: file)
        let broken = try await nimb(["seed", file.path])
        #expect(broken.code == 1)
        #expect(broken.output.first?.contains("is not YAML") == true, "\(broken.output)")
        try Data("a: &a [x, x]\nb: &b [*a, *a, *a, *a]\nc: [*b, *b]\nretailer: {<<: *a}".utf8).write(to: file)
        #expect(try await nimb(["seed", file.path]).code == 1)
    }

    /// A tenth of the million that `nimb bench import` runs. The limit of 400 MB is for the million; the reader keeps
    /// nothing of an offer, so a tenth must already stay far below it.
    @Test func aLargeFeedIsStreamed() async throws {
        try await Fixture.prepare()
        let folder = try Repository.temporaryFolder("large")
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appendingPathComponent("large.xml")
        let offers = 100_000
        #expect(FileManager.default.createFile(atPath: file.path, contents: nil))
        let handle = try FileHandle(forWritingTo: file)
        try handle.write(contentsOf: Data(#"<yml_catalog date="2026-11-01"><shop><categories/><offers>"#.utf8))
        for start in stride(from: 0, to: offers, by: 1_000) {
            let part = (start..<start + 1_000).map {
                Fixture.offer(
                    "sku-\($0)", name: "Товар номер \($0)",
                    extra: "<count>1</count><description>\(String(repeating: "слово ", count: 20))</description>")
            }
            try handle.write(contentsOf: Data(part.joined(separator: "\n").utf8))
        }
        try handle.write(contentsOf: Data("</offers></shop></yml_catalog>".utf8))
        try handle.close()
        let done = try await nimb(["import", "feed", file.path, "--storefront", "shop", "--location", "msk"])
        #expect(done.code == 0, "\(done.output)")
        #expect(done.output.contains { $0.hasPrefix("accepted 100000 offers: 100000 new products") }, "\(done.output)")
        let peak = try #require(
            done.output.first { $0.hasPrefix("peak memory ") }.flatMap { Int($0.split(separator: " ")[2]) })
        #expect(peak < 150, "\(peak) MB")
    }
}
