import AdFormats
import AdModel
import Decisioning
import Postgres
import Profiles
import Store
import TestKit
import Testing

@Suite("Loading what serving runs on", .database)
struct SnapshotLoaderTests {
    /// Formats as the installation has them, without reading the folder.
    static func loader(
        _ pool: PostgresPool, contextProducts: Int = SnapshotLoader.contextProductLimit
    ) throws -> SnapshotLoader {
        func files(_ minimum: Int, _ maximum: Int) -> [String: [UInt8]] {
            [
                "format.json": Array(
                    """
                    {"title":"x","ord_form":"banner","prior_ctr":0.01,"cards":{"minimum":\(minimum),"maximum":\(maximum)},
                     "media":{"minimum":0,"maximum":3,"maximum_bytes":1000,"content_types":["image/png"],"sizes":[]}}
                    """.utf8),
                "schema.json": Array(#"{"type":"object"}"#.utf8),
                "template.mustache": Array("<p>{{label.text}}</p>".utf8),
                "preview.json": Array(#"{"fields":{}}"#.utf8),
            ]
        }
        let formats = try AdFormatSet(folders: ["banner": files(0, 0), "product-shelf": files(1, 8)])
        return SnapshotLoader(
            pool: pool, formats: formats, mediaBaseURL: "http://media.test", contextProducts: contextProducts)
    }

    @Test func aCatalogueThatIsCutSaysSo() async throws {
        let pool = try await ServingWorld.make()
        for (limit, known, isCut) in [(0, 0, true), (1, 1, false), (5, 1, false)] {
            let data = try await Self.loader(pool, contextProducts: limit).load(now: ServingWorld.now)
            #expect(data.contextProducts == known)
            #expect(data.isContextCut == isCut)
            #expect(data.input.products.count == data.promotedProductIDs.count + known)
        }
    }

    static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    @Test func theAnswerFragmentsCarryLabelPicturesAndFields() async throws {
        let data = try await Self.loader(try await ServingWorld.make()).load(now: ServingWorld.now)
        let banner = try #require(data.input.lineItems.first { $0.id == 1 }?.creatives.first { $0.versionID == 1 })
        let fragment = Self.text(banner.fragment)
        #expect(fragment.contains(#""format":"banner","creative_id":"banner-v1""#))
        #expect(fragment.contains(#""label":{"text":"Реклама","advertiser":"ООО \"Норд\"","inn":"7736207543""#))
        #expect(fragment.contains(#""erid":"2VtzqBanner""#))
        #expect(fragment.contains(".jpg\",\"width\":960,\"height\":240}"))
        #expect(fragment.contains("http://media.test/media/"))
        let product = try #require(data.input.products.first { $0.sku == "p1" })
        #expect(
            Self.text(product.fragment)
                == #""sku":"p1","name":"Кофе \u003c1\u003e","picture_url":"https://cdn.example/1.png""#)
    }

    @Test func theNewestServableVersionServesAndOneWithoutEridNever() async throws {
        let data = try await Self.loader(try await ServingWorld.make()).load(now: ServingWorld.now)
        let creatives = try #require(data.input.lineItems.first { $0.id == 1 }).creatives
        #expect(
            creatives.filter(\.isServable).map(\.versionID) == [1], "version 2 has no erid, the other one a bad one")
        #expect(data.creatives[5]?.publicID == "bare-v1", "not servable, but known")
    }

    @Test func aCreativeOfARecentlyEndedLineItemCanStillBeClicked() async throws {
        let loader = try Self.loader(try await ServingWorld.make())
        let data = try await loader.load(now: ServingWorld.now)
        #expect(!data.input.lineItems.contains { $0.id == 3 })
        #expect(data.creatives[4]?.landingURL == "https://shop.example/old")
        let later = try await loader.load(now: ServingWorld.now + .days(4))
        #expect(later.creatives[4] == nil)
    }

    @Test func whatIsPromotedFollowsTheVersionOfTheDay() async throws {
        let loader = try Self.loader(try await ServingWorld.make())
        let data = try await loader.load(now: ServingWorld.now)
        #expect(data.input.lineItems.first { $0.id == 2 }?.promotedProductIDs == [2, 1], "in the order of preference")
        let later = try await loader.load(now: ServingWorld.now + .days(5))
        #expect(later.input.lineItems.first { $0.id == 2 }?.promotedProductIDs == [3])
    }

    @Test func storefrontsKeysAndBrandsAreKnown() async throws {
        let data = try await Self.loader(try await ServingWorld.make()).load(now: ServingWorld.now)
        let shop = try #require(data.storefronts.first)
        #expect(shop.origin == "https://shop.example")
        #expect(shop.landingHosts == ["shop.example", "cdn.shop.example"])
        #expect(shop.zoneOffsetSeconds == 5 * 3_600)
        #expect(data.serverKeys.count == 1, "the other one has expired")
        #expect(data.brandAliases == ["НОРДА": 1])
        #expect(data.input.products.first { $0.sku == "p2" }?.brandID == 1)
        #expect(data.input.products.first { $0.sku == "x1" }?.brandID == nil)
        #expect(data.input.lineItems.first { $0.id == 1 }?.caps.day == 3)
        #expect(data.impressionDeadline == .hours(1))
    }

    @Test func rulesOfThePageAndGoalsAreLoaded() async throws {
        let pool = try await ServingWorld.make()
        try await pool.withConnection { connection in
            try connection.script(
                """
                update placement set competitor_block = 'category' where code = 'home.top';
                update brand set competitor_block = 'all';
                update campaign set companions = true;
                update line_item set tier = 'guaranteed', goal_impressions = 1000, pacing = 'even',
                    targeting = '{"search_phrases": [{"phrase": "Детские чашки"}], "signed_in": true}' where id = 1;
                insert into performance_day (day, advertiser_id, campaign_id, line_item_id, creative_version_id,
                    storefront_id, placement_id, impressions)
                values ('2026-11-20', 1, 1, 1, 1, 1, 1, 40), ('2026-11-21', 1, 1, 1, 1, 1, 1, 2),
                    ('2026-11-21', 1, 1, 2, 1, 1, 1, 7);
                """)
        }
        let data = try await Self.loader(pool).load(now: ServingWorld.now)
        #expect(data.input.placements.first { $0.code == "home.top" }?.competitorBlock == .category)
        #expect(data.input.brands.allSatisfy { $0.competitorBlock == .all })
        let line = try #require(data.input.lineItems.first { $0.id == 1 })
        #expect(line.isCompanion && line.isPacedEvenly && line.goalImpressions == 1_000)
        #expect(line.targeting.wanted.phrases.map(\.phrase) == ["детск чашк"], "as searches are compared")
        #expect(line.targeting.wanted.signedIn == true)
        let goals = GoalStore(pool: pool)
        #expect(try await goals.delivered(of: [1, 2, 3]) == [1: 42, 2: 7])
        #expect(try await goals.traffic(now: ServingWorld.now) == .flat, "nobody has asked for anything yet")
    }

    @Test func theSnapshotDecidesOnWhatWasLoaded() async throws {
        let loader = try Self.loader(try await ServingWorld.make())
        let data = try await loader.load(now: ServingWorld.now)
        let snapshot = try Snapshot(data.input)
        let rows = try await loader.stock(of: data.promotedProductIDs)
        let stock = StockView(snapshot: snapshot, version: rows.version, rows: rows.rows)
        let leases = LeaseTable(maximumLineItemID: 10)
        for id: Int32 in 1...2 { leases.grant(id, .roubles(100)) }
        let scratch = Scratch()
        var request = DecisionRequest()
        request.pageType = .home
        request.location = snapshot.lookup.locations.find("msk")
        request.slots = [
            .init(placement: snapshot.lookup.placements.find("home.top", scope: 0)),
            .init(placement: snapshot.lookup.placements.find("home.shelf", scope: 0)),
        ]
        Decider.decide(
            request, snapshot: snapshot, stock: stock, profiles: nil, budget: leases, now: ServingWorld.now, seed: 1,
            scratch: scratch)
        #expect(scratch.result.slots.map(\.adCount) == [1, 1])
        #expect(scratch.result.cards.map(\.price) == [100_000_000, 900_000_000])
        request.location = snapshot.lookup.locations.find("spb")
        Decider.decide(
            request, snapshot: snapshot, stock: stock, profiles: nil, budget: leases, now: ServingWorld.now, seed: 1,
            scratch: scratch)
        #expect(scratch.result.slots[1].noFill == .outOfStock)
    }

    @Test func onlyChangedStockIsReadAgain() async throws {
        let pool = try await ServingWorld.make()
        let loader = try Self.loader(pool)
        let before = try await loader.stock(of: [1, 2])
        #expect(before.rows.count == 3)
        let result = try await StockStore(pool: pool).applyDeltas(
            [StockDelta(sku: "p1", quantity: 0, priceMicros: 5, version: 2)], location: "msk", asOf: ServingWorld.now)
        let changes = try await loader.stockChanges(after: before.version)
        #expect(changes.version == result.changeNumber)
        #expect(changes.rows.map(\.productID) == [1])
        #expect(changes.rows.first?.quantity == 0)
        #expect(try await loader.stockChanges(after: changes.version).rows.isEmpty)
    }

    @Test func aLineItemThatCannotBeReadRefusesTheWholeSnapshotByName() async throws {
        let pool = try await ServingWorld.make()
        try await pool.withConnection {
            try $0.script(#"update line_item set targeting = '{"no_such_key": []}' where code = 'cpc'"#)
        }
        let loader = try Self.loader(pool)
        let error = await #expect(throws: ServingDataError.self) { try await loader.load(now: ServingWorld.now) }
        #expect(error?.code == "unreadable_line_item")
        #expect(error?.message.contains("cpc") == true)
    }

    @Test func versionsFollowTheStreams() async throws {
        let pool = try await ServingWorld.make()
        let loader = try Self.loader(pool)
        let before = try await loader.versions()
        try await pool.withConnection { _ = try $0.query("select bump_control_version('control')") }
        let after = try await loader.versions()
        #expect(after.control == before.control + 1)
        #expect(after.stock == before.stock)
        #expect(try await loader.load(now: ServingWorld.now).input.version == after.control)
    }

    @Test func clientIdentitiesAreFoundByKind() async throws {
        let pool = try await ServingWorld.make()
        try await pool.withConnection {
            try $0.script("insert into client_event_identity values (1, 'order', 'o1', '\\x0102')")
        }
        let store = ClientIdentityStore(pool: pool)
        #expect(try await store.contentHash(storefrontID: 1, kind: "order", clientID: "o1") == [1, 2])
        #expect(try await store.contentHash(storefrontID: 1, kind: "adjustment", clientID: "o1") == nil)
    }
}
