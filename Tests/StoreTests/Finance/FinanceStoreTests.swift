import AdModel
import Archive
import Foundation
import ORD
import Postgres
import Store
import TestKit
import Testing

@Suite(.database) struct FinanceStoreTests {
    private func prepare() async throws {
        try await TestDatabase.current.pool.transaction { try FinanceFixture.march(on: $0) }
    }

    private func read(_ month: String = "2026-03") async throws -> MonthReading {
        try await FinanceStore.read(try #require(AccountingMonth(month)), from: TestDatabase.current.pool)
    }

    private func export(_ reading: MonthReading, today: String = "2026-04-02") throws -> VKBundle {
        let csv = try Data(
            contentsOf: FixturePaths.repository.appendingPathComponent("Sources/nimb/Data/kktu.csv"))
        return try VKBundle.export(
            reading.statement, mediaBytes: reading.mediaBytes, kktu: KKTUDictionary(csv: [UInt8](csv)),
            today: try #require(Day(today)), toolVersion: "test")
    }

    private func text(_ bundle: VKBundle, _ name: String) throws -> String {
        String(decoding: try #require(bundle.files.first { $0.name == name }).bytes, as: UTF8.self)
    }

    @Test func `acts and rows equal the ledger of the accounting month`() async throws {
        try await prepare()
        let reading = try await read()
        let bundle = try export(reading)
        let settlement = Settlement(reading.statement)
        // 490 shows at 99,990, two clicks at 12,345,678 after a refund, and one day of the fixed price.
        let ledger = Micros(490 * 99_990 + 2 * 12_345_678 + 100_000_000)
        #expect(settlement.ledgers.map(\.ledger) == [ledger])
        #expect(settlement.acts.first?.services.excludingVAT == KopeckAmount(roundingHalfUp: ledger))
        #expect(settlement.acts.first?.services.excludingVAT.description == "173.69")
        #expect(settlement.ledgers.first?.rounding == Micros(3_544))

        let rows = Dictionary(uniqueKeysWithValues: settlement.rows.map { ("\($0.creativeID) \($0.padID)", $0) })
        #expect(
            Set(rows.keys) == [
                "cr-top-v1 pad-web", "cr-top-v1 pad-app", "cr-shelf-v1 pad-web", "cr-home-v1 pad-web",
                "cr-home-v1 pad-app",
                "cr-own-v1 pad-app",
            ])
        let web = try #require(rows["cr-top-v1 pad-web"])
        #expect(web.shows == 300 && web.invoicedShows == 290)
        #expect(web.actualStart == Day("2026-03-01") && web.plannedEnd == Day("2026-03-20"))
        let shelf = try #require(rows["cr-shelf-v1 pad-web"])
        #expect(shelf.shows == 40 && shelf.payType == "cpc" && shelf.actualEnd == Day("2026-03-20"))
        let home = try #require(rows["cr-home-v1 pad-web"]?.amount?.excludingVAT)
        let app = try #require(rows["cr-home-v1 pad-app"]?.amount?.excludingVAT)
        #expect(home > app && abs(home.units - 2 * app.units) <= 2, "two of three shows of the day")
        #expect(rows["cr-own-v1 pad-app"]?.shows == 5 && rows["cr-own-v1 pad-app"]?.amount == nil)

        let invoices = try text(bundle, "invoices.ndjson")
        #expect(invoices.contains(#""excluding_vat":"173.69","including_vat":"211.90","vat":"38.21""#))
    }

    @Test func `objects carry what the shop knows of them`() async throws {
        try await prepare()
        let bundle = try export(try await read())
        let creatives = try text(bundle, "creatives.ndjson")
        #expect(
            creatives.contains(
                #""texts":["Кофе недели","До воскресенья","Кофе молотый","Кофе в зёрнах","Кофе в капсулах"]"#))
        #expect(creatives.contains(#""brand":"Чай Y, Кофе X""#))
        #expect(creatives.contains(#"{"form":"banner","kktus":["28.1.1"],"media_external_ids":["#))
        #expect(creatives.contains(#""person_external_id":"org-shop""#))
        #expect(!(try text(bundle, "contracts.ndjson").contains("ctr-own")))
        #expect(bundle.files.count(where: { $0.name.hasPrefix("media/") }) == 1)
        let manifest = try text(bundle, "manifest.json")
        #expect(manifest.contains(#""generated_at":"2026-04-01T00:00:03Z""#))
        #expect(manifest.contains(#""time_zone":"Europe/Moscow""#))
    }

    @Test func `two exports of the same ledger are one file, and a charge of another month changes nothing`()
        async throws
    {
        try await prepare()
        func zip() async throws -> [UInt8] {
            try ZipWriter.bytes(
                of: export(try await read()).files.map { ArchiveEntry(name: $0.name, bytes: $0.bytes) })
        }
        let first = try await zip()
        #expect(try await zip() == first)
        try await TestDatabase.current.pool.transaction {
            try FinanceFixture.events(
                line: 1, storefront: 1, at: "2026-04-05 10:00+00", count: 3, charged: 3, micros: 5, on: $0)
        }
        #expect(try await zip() == first)
        try await TestDatabase.current.pool.transaction {
            try FinanceFixture.events(
                line: 1, storefront: 1, at: "2026-03-05 10:00+00", count: 3, charged: 3, micros: 5, on: $0)
        }
        #expect(try await zip() != first)
    }

    @Test func `shows without an erid stop the export`() async throws {
        try await prepare()
        _ = try await TestDatabase.current.pool.withConnection {
            // A token leaves only after the operator has refused it.
            try $0.script(
                """
                update creative_version set erid_status = 'bad' where id = 3;
                update creative_version set erid = null, erid_status = null where id = 3
                """)
        }
        let reading = try await read()
        #expect { try export(reading) } throws: {
            ($0 as? ORDError)?.findings.map { "\($0.object) \($0.code)" } == ["creative cr-home-v1 erid_missing"]
        }
    }

    @Test func `a rollup that disagrees with the events stops the export`() async throws {
        try await prepare()
        _ = try await TestDatabase.current.pool.withConnection {
            try $0.query("update performance_day set impressions = impressions + 1 where line_item_id = 4").affected
        }
        let reading = try await read()
        #expect { try export(reading) } throws: { ($0 as? ORDError)?.findings.map(\.code) == ["shows_differ"] }
    }

    @Test func `a month that is not over stops the export`() async throws {
        try await prepare()
        let reading = try await read()
        #expect { try export(reading, today: "2026-03-30") } throws: { error in
            (error as? ORDError)?.findings.contains { $0.code == "date_in_future" } == true
        }
    }

    @Test func `a database without a retailer says what to do`() async throws {
        await #expect { try await read() } throws: { ($0 as? FinanceError)?.code == "no_retailer" }
    }

    @Test func `a month without anything is an empty bundle`() async throws {
        try await prepare()
        let bundle = try export(try await read("2026-01"))
        #expect(try text(bundle, "statistics.ndjson").isEmpty && text(bundle, "invoices.ndjson").isEmpty)
        #expect(try text(bundle, "manifest.json").contains(#""generated_at":"2026-01-01T00:00:00Z""#))
    }
}
