import AdModel
import CatalogImport
import Foundation
import Postgres
import Store
import TestKit
import Testing

@Suite("Importing a feed", .database)
struct FeedImportTests {
    typealias Fixture = FeedFixture

    @Test func theDummyJSONFeedIs194Offers() async throws {
        try await Fixture.prepare()
        let file = Fixture.cases.appendingPathComponent("dummyjson-feed.yml.xml")
        let report = try await FeedImporter(catalogue: CatalogueStore(pool: TestDatabase.current.pool)).run(
            file: file, storefront: "shop", location: "msk", now: Fixture.now)
        #expect(report.tally.offers == 194 && report.change.accepted == 194)
        #expect(report.change.productsCreated == 194 && report.change.withoutCategory == 0)
        #expect(report.tally.bad.isEmpty)
        #expect(report.tally.remarks["currency_not_converted"] == 194)
        #expect(report.categories == 25)
        #expect(try await Fixture.rows("select count(*), count(distinct brand) from product") == ["(194,63)"])
        #expect(
            try await Fixture.rows(
                "select p.name, p.brand, s.price_micros, s.quantity, c.name as category from product p "
                    + "join stock s on s.product_id = p.id join category c on c.id = any(p.category_ids) where sku = '1'"
            )
                == [#"("Essence Mascara Lash Princess",Essence,9990000,99,beauty)"#])
        #expect(try await Fixture.rows("select offers, accepted, removed from feed_import") == ["(194,194,0)"])
        // The same feed again: nothing new, and snapshots need not be rebuilt.
        let again = try await FeedImporter(catalogue: CatalogueStore(pool: TestDatabase.current.pool)).run(
            file: file, storefront: "shop", location: "msk", now: Fixture.now)
        #expect(again.change.productsCreated == 0 && again.change.productsChanged == 0)
        #expect(again.change.controlVersion == nil)
    }

    @Test func locationsShareProductsAndKeepTheirOwnStock() async throws {
        try await Fixture.prepare()
        try await Fixture.importFeed(Fixture.feed(Fixture.offer("a") + Fixture.offer("b")))
        let report = try await Fixture.importFeed(
            Fixture.feed(Fixture.offer("a", price: "11") + Fixture.offer("c")), location: "spb")
        #expect(report.change.productsCreated == 1 && report.change.removed == 0)
        #expect(try await Fixture.rows(Fixture.stockSQL) == ["(a,3,10500000,0)", "(b,3,10500000,0)"])
        #expect(try await Fixture.rows("select count(*) from product") == ["(3)"])
    }

    @Test func theFirstOfferOfAnIDStays() async throws {
        try await Fixture.prepare()
        let report = try await Fixture.importFeed(
            Fixture.feed(Fixture.offer("a", name: "первый") + Fixture.offer("b") + Fixture.offer("a", name: "второй")))
        #expect(report.change.accepted == 2 && report.change.duplicates == 1)
        #expect(report.tally.bad == ["duplicate_id": 1])
        #expect(try await Fixture.rows("select name from product where sku = 'a'") == ["(первый)"])
        #expect(try await Fixture.rows("select bad_offers from feed_import") == [#"("{""duplicate_id"": 1}")"#])
    }

    @Test func aFeedNeverOverwritesANewerDelta() async throws {
        try await Fixture.prepare()
        try await Fixture.importFeed(Fixture.feed(Fixture.offer("a") + Fixture.offer("b") + Fixture.offer("c")))
        let store = StockStore(pool: TestDatabase.current.pool)
        let noon = try #require(Timestamp(rfc3339: "2026-11-01T12:00:00+03:00"))
        _ = try await store.applyDeltas(
            [
                StockDelta(sku: "a", quantity: 0, priceMicros: 1, version: 5),
                StockDelta(sku: "c", quantity: 9, priceMicros: 1, version: 5),
            ], location: "msk", asOf: noon)
        // Made at eleven, arrives after the delta of noon; `c` is not in it.
        let report = try await Fixture.importFeed(
            Fixture.feed(
                Fixture.offer("a", price: "20") + Fixture.offer("b", price: "20"), date: "2026-11-01T11:00+03:00"))
        #expect(report.change.keptNewer == 1 && report.change.removed == 0)
        #expect(try await Fixture.rows(Fixture.stockSQL) == ["(a,0,1,5)", "(b,3,20000000,0)", "(c,9,1,5)"])
        // A feed of one o'clock knows better; the shop's version stays for the deltas to come.
        try await Fixture.importFeed(
            Fixture.feed(
                Fixture.offer("a") + Fixture.offer("b") + Fixture.offer("c"), date: "2026-11-01T13:00+03:00"))
        #expect(
            try await Fixture.rows(Fixture.stockSQL) == ["(a,3,10500000,5)", "(b,3,10500000,0)", "(c,3,10500000,5)"])
    }

    @Test func whatVanishesGoesOutOfStockAndTooMuchIsRefused() async throws {
        try await Fixture.prepare()
        let ten = (0..<10).map { Fixture.offer("o\($0)") }
        try await Fixture.importFeed(Fixture.feed(ten.joined()))
        let later = "2026-11-02T10:00+03:00"
        let report = try await Fixture.importFeed(Fixture.feed(ten.dropLast(3).joined(), date: later))
        #expect(report.change.removed == 3)
        #expect(
            try await Fixture.rows("select count(*), count(*) filter (where quantity = 0) from stock") == ["(10,3)"])
        let before = try await Fixture.dump()
        await #expect(throws: CatalogueError.removesTooMuch(removed: 3, buyable: 7)) {
            try await Fixture.importFeed(Fixture.feed(ten.prefix(4).joined(), date: "2026-11-03T10:00+03:00"))
        }
        #expect(try await Fixture.dump() == before)
        let allowed = try await Fixture.importFeed(
            Fixture.feed(ten.prefix(4).joined(), date: "2026-11-03T10:00+03:00"), share: 430_000)
        #expect(allowed.change.removed == 3)
    }

    @Test func offersThatBecomeUnavailableCountAsLost() async throws {
        try await Fixture.prepare()
        let ten = (0..<10).map { Fixture.offer("o\($0)") }
        try await Fixture.importFeed(Fixture.feed(ten.joined()))
        let none = "<count>0</count>"
        let half = ten.prefix(5) + (5..<9).map { Fixture.offer("o\($0)", extra: none) }
        let before = try await Fixture.dump()
        await #expect(throws: CatalogueError.removesTooMuch(removed: 5, buyable: 10)) {
            try await Fixture.importFeed(Fixture.feed(half.joined(), date: "2026-11-02"))
        }
        #expect(try await Fixture.dump() == before)
        let allowed = try await Fixture.importFeed(Fixture.feed(half.joined(), date: "2026-11-02"), share: 500_000)
        #expect(allowed.change.removed == 1)
        // What was out of stock already is not lost again.
        try await Fixture.importFeed(Fixture.feed(half.joined(), date: "2026-11-03"), share: 0)
    }

    @Test func aFeedThatIsRefusedChangesNothing() async throws {
        try await Fixture.prepare()
        try await Fixture.importFeed(Fixture.feed(Fixture.offer("a")))
        let before = try await Fixture.dump()
        let many = (0..<500).map { Fixture.offer("n\($0)") }.joined()
        let cut = String(Fixture.feed(many, date: "2026-11-05").dropLast(40))
        let error = await #expect(throws: FeedError.self) { try await Fixture.importFeed(cut) }
        #expect(error?.code == "feed_not_well_formed")
        await #expect(throws: CatalogueError.nothingAccepted) { try await Fixture.importFeed(Fixture.feed("")) }
        await #expect(throws: CatalogueError.unknownLocation("ekb")) {
            try await Fixture.importFeed(Fixture.feed(Fixture.offer("a")), location: "ekb")
        }
        let dry = try await Fixture.importFeed(Fixture.feed(Fixture.offer("a") + Fixture.offer("z")), dryRun: true)
        #expect(dry.change.productsCreated == 1)
        #expect(try await Fixture.dump() == before)
    }

    @Test func everyChangeOfStockCarriesTheNewNumber() async throws {
        try await Fixture.prepare()
        let first = try await Fixture.importFeed(Fixture.feed(Fixture.offer("a") + Fixture.offer("b")))
        let second = try await Fixture.importFeed(Fixture.feed(Fixture.offer("b"), date: "2026-11-02"), share: 500_000)
        let numbers = [first, second].compactMap(\.change.stockVersion)
        #expect(numbers == [1, 2])
        #expect(
            try await Fixture.rows(
                "select p.sku, change_number, quantity from stock s join product p on p.id = product_id order by sku")
                == ["(a,2,0)", "(b,2,3)"])
    }

    @Test func rulesOfLineItemsFollowTheCatalogue() async throws {
        try await Fixture.prepare()
        try await TestDatabase.current.pool.withConnection { db in
            try db.script(
                """
                insert into counterparty (code, kind, name, roles)
                    values ('o', 'juridical', 'O', '{advertiser}'), ('r', 'juridical', 'R', '{publisher}');
                insert into advertiser (code, name, counterparty_id) select 'adv', 'A', id from counterparty where code = 'o';
                insert into contract (code, advertiser_id, client_counterparty_id, contractor_counterparty_id, signed_on)
                    select 'c', a.id, a.counterparty_id, r.id, '2026-01-01' from advertiser a, counterparty r where r.code = 'r';
                insert into campaign (code, advertiser_id, contract_id, name) select 'k', advertiser_id, id, 'K' from contract;
                insert into line_item (code, campaign_id, advertiser_id, name, starts_at, ends_at, pricing, bid_micros, promoted)
                    select 'l', id, advertiser_id, 'L', '2026-01-01', '2027-01-01', 'cpm', 1, '{"categories": ["1"]}' from campaign;
                """)
        }
        let report = try await Fixture.importFeed(Fixture.feed(Fixture.offer("a") + Fixture.offer("b")))
        #expect(report.change.lineItemsChanged == 1)
        let later = try await Fixture.importFeed(
            Fixture.feed(Fixture.offer("a") + Fixture.offer("b") + Fixture.offer("c"), date: "2026-11-02"),
            now: Fixture.now + .hours(1))
        #expect(later.change.lineItemsChanged == 1 && later.change.controlVersion != nil)
        #expect(
            try await Fixture.rows(
                "select promoted_skus, valid_to = 'infinity' from line_item_version order by valid_from")
                == [#"("{a,b}",f)"#, #"("{a,b,c}",t)"#])
    }
}
