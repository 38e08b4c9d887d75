import AdFormats
import AdModel
import Decisioning
import Measurement
import Postgres
import Store
import TestKit
import Testing

/// What serving read under an earlier control version.
@Suite("Earlier snapshots", .database)
struct SnapshotHistoryTests {
    @Test func anEarlierVersionIsLoadedAsItWas() async throws {
        let pool = try await ServingWorld.make()
        let loader = try SnapshotLoaderTests.loader(pool)
        var versions: [ServingData] = [try await loader.load(now: ServingWorld.now)]
        let changes = [
            "update line_item set bid_micros = 1 where id = 1",
            "update campaign set state = 'paused'; update creative set paused = true where id = 2",
            "insert into placement (storefront_id, code, page_type, formats) values (1, 'new', 'cart', '{banner}')",
            "update line_item_version set valid_to = '2026-11-20Z' where valid_to = '2026-11-25Z'",
            """
            insert into line_item (code, campaign_id, advertiser_id, name, starts_at, ends_at, pricing, bid_micros, caps)
            values ('later', 1, 1, 'Новая', '2026-11-01Z', '2026-12-01Z', 'cpm', 5, '[]')
            """,
            "delete from creative_version where creative_id = 4; delete from creative where id = 4",
            "update retailer set stock_max_age = '3 hours'",
            "delete from line_item where code = 'later'",
        ]
        for change in changes {
            try await pool.transaction { db in try db.script(change) }
            versions.append(try await loader.load(now: ServingWorld.now))
        }
        #expect(Set(versions.map(\.input.version)).count == changes.count + 1)
        for (number, then) in versions.enumerated() {
            let found = try #require(try await loader.load(version: then.input.version, now: ServingWorld.now))
            #expect(found == then, "after change \(number)")
        }
        // What was put in place of the tables is gone with its transaction.
        #expect(try await loader.load(now: ServingWorld.now) == versions.last)
    }

    @Test func aVersionThatIsNotKeptIsNone() async throws {
        let pool = try await ServingWorld.make()
        let loader = try SnapshotLoaderTests.loader(pool)
        let first = try await loader.load(now: ServingWorld.now).input.version
        _ = try await pool.withConnection { try $0.query("update line_item set bid_micros = 2 where id = 1") }
        #expect(try await loader.load(version: first, now: ServingWorld.now) != nil)
        _ = try await pool.withConnection { try $0.query("select prune_serving_history(now() + interval '1 day')") }
        #expect(try await loader.load(version: first, now: ServingWorld.now) == nil)
        let now = try await loader.load(now: ServingWorld.now)
        #expect(try await loader.load(version: now.input.version, now: ServingWorld.now) == now)
        #expect(try await loader.load(version: now.input.version + 1, now: ServingWorld.now) == nil)
    }
}

@Suite("Forecast of traffic", .database)
struct TrafficForecastTests {
    @Test func theSameWeekdayCountsMostAndTodayNotAtAll() async throws {
        let pool = try await ServingWorld.make()
        // 21 November 2026 is a Saturday.
        try await pool.withConnection {
            try $0.script(
                """
                insert into traffic_hour values ('2026-11-14', 10, 1, 100), ('2026-11-15', 20, 1, 100),
                    ('2026-11-21', 3, 1, 5000), ('2026-10-01', 4, 1, 5000), ('2026-11-14', 5, 2, 7);
                """)
        }
        let forecast = try await LeaseStore(pool: pool, nodeID: 1).traffic(now: ServingWorld.now)
        #expect(forecast.hourly[1]?[10] == 400)
        #expect(forecast.hourly[1]?[20] == 100)
        #expect(forecast.hourly[1]?[3] == 0)
        #expect(forecast.hourly[1]?[4] == 0)
        #expect(forecast.hourly[2]?[5] == 28)
    }

    @Test func aLineItemIsExpectedWhereAndWhenItMayAppear() {
        var forecast = TrafficForecast()
        forecast.hourly[1] = (0..<24).map { $0 == 9 ? 100 : 0 }
        forecast.hourly[2] = (0..<24).map { $0 == 21 ? 100 : 0 }
        let placements = [
            SnapshotInput.Placement(id: 1, storefrontID: 1, code: "a", pageType: .home, formats: ["banner"]),
            SnapshotInput.Placement(id: 2, storefrontID: 1, code: "b", pageType: .cart, formats: ["banner"]),
        ]
        var item = SnapshotInput.LineItem(id: 1, campaignID: 1, advertiserID: 1)
        item.creatives = [.init(versionID: 1, format: "banner")]
        func busy(_ item: SnapshotInput.LineItem) -> [Int] {
            let curve = forecast.curve(of: item, placements: placements, firstHourOfWeek: 0)
            return (0..<24).filter { curve.share(from: Double($0), to: Double($0) + 1) > 0.2 }
        }
        #expect(busy(item) == [9, 21])
        item.targeting.wanted.placements = ["b"]
        #expect(busy(item) == [21])
        item.targeting.wanted.placements = []
        item.targeting.excluded.pageTypes = [.cart]
        #expect(busy(item) == [9])
        item.targeting.excluded.pageTypes = []
        item.targeting.wanted.dayparts = [Daypart(days: [1], fromHour: 18, toHour: 24)]
        #expect(busy(item) == [21])
        item.creatives = []
        item.targeting.wanted.dayparts = []
        #expect(busy(item) == [], "nothing known: every hour like every other")
    }
}
