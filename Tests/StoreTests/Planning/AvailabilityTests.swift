import AdModel
import Decisioning
import Postgres
import Store
import TestKit
import Testing

@Suite("Availability", .database) struct AvailabilityTests {
    static let day = Timestamp(rfc3339: "2026-12-01T00:00:00Z") ?? Timestamp(micros: 0)

    /// A sponsorship of `home.top` for the first ten days of December, in a campaign of the given state.
    private static func world(_ state: String, targeting: String = #"{"placements":["home.top"]}"#) async throws
        -> PostgresPool
    {
        let pool = try await ServingWorld.make()
        try await pool.withConnection {
            try $0.script(
                """
                insert into campaign (code, advertiser_id, contract_id, name, kktu, state)
                    values ('held', 1, 1, 'Бронь', '17.3.1', '\(state)');
                insert into line_item (code, campaign_id, advertiser_id, name, starts_at, ends_at, tier, pricing, bid_micros,
                    targeting)
                values ('rival', 2, 1, 'Спонсор', '2026-12-01Z', '2026-12-11Z', 'sponsorship', 'fixed', 5, '\(targeting)');
                """)
        }
        return pool
    }

    private static func plan(
        _ from: Int64, _ to: Int64, formats: Set<String> = [], _ change: (inout Targeting) -> Void = { _ in }
    ) -> Availability.Plan {
        var targeting = Targeting()
        targeting.wanted.placements = ["home.top"]
        change(&targeting)
        return Availability.Plan(
            startsAt: day + .days(from), endsAt: day + .days(to), targeting: targeting, formats: formats)
    }

    private static func conflicts(_ plan: Availability.Plan, _ pool: PostgresPool) async throws
        -> [Availability.Conflict]
    {
        try await pool.transaction { try Availability.conflicts(with: plan, on: $0) }
    }

    @Test(
        "An overlap names the period and the place, whatever state holds it",
        arguments: [
            "moderation", "approved", "active", "paused",
        ])
    func overlap(state: String) async throws {
        let pool = try await Self.world(state)
        let found = try await Self.conflicts(Self.plan(5, 20), pool)
        #expect(found.map(\.from) == [Self.day + .days(5)])
        #expect(found.map(\.to) == [Self.day + .days(10)])
        #expect(found.map(\.placements) == [["shop/home.top"]])
        #expect(try await Self.conflicts(Self.plan(10, 20), pool).isEmpty, "the flight is half-open")
        #expect(try await Self.conflicts(Self.plan(-9, 0), pool).isEmpty)
    }

    @Test("What is not submitted holds nothing", arguments: ["draft", "rejected", "finished", "archived"])
    func drafts(state: String) async throws {
        let pool = try await Self.world(state)
        #expect(try await Self.conflicts(Self.plan(0, 5), pool).isEmpty)
    }

    @Test func whatCannotMeetIsFree() async throws {
        let pool = try await Self.world(
            "active", targeting: #"{"placements":["home.top"],"regions":["RU-MOW"],"devices":["mobile"]}"#)
        #expect(try await Self.conflicts(Self.plan(0, 5), pool).count == 1)
        #expect(try await Self.conflicts(Self.plan(0, 5) { $0.wanted.placements = ["home.shelf"] }, pool).isEmpty)
        #expect(try await Self.conflicts(Self.plan(0, 5) { $0.wanted.devices = [.desktop] }, pool).isEmpty)
        #expect(try await Self.conflicts(Self.plan(0, 5) { $0.wanted.regions = ["RU-SPE"] }, pool).isEmpty)
        #expect(try await Self.conflicts(Self.plan(0, 5) { $0.excluded.regions = ["RU"] }, pool).isEmpty)
        #expect(try await Self.conflicts(Self.plan(0, 5) { $0.wanted.regions = ["RU"] }, pool).count == 1)
        #expect(
            try await Self.conflicts(Self.plan(0, 5) { $0.wanted.categories = ["coffee"] }, pool).count == 1,
            "a page may be about several categories")
        #expect(
            try await Self.conflicts(Self.plan(0, 5, formats: ["product-shelf"]), pool).isEmpty,
            "the placement takes banners alone")
    }

    @Test func aTakenPlaceIsRefusedByPeriodWithoutAName() async throws {
        let pool = try await Self.world("active")
        let error = await #expect(throws: Refusal.self) {
            try await pool.transaction { try Availability.requireFree(Self.plan(5, 20), on: $0) }
        }
        #expect(error?.code == .slotTaken)
        #expect(error?.detail.contains("2026-12-06") == true)
        #expect(error?.detail.contains("2026-12-11") == true)
        #expect(error?.detail.contains("rival") == false)
    }

    @Test func aForecastLeavesOutWhatOthersWerePromised() async throws {
        let pool = try await ServingWorld.make()
        try await pool.withConnection {
            try $0.script(
                """
                select ensure_day_partition('request_sample', d::date)
                    from generate_series(date '2026-10-24', date '2026-11-20', interval '1 day') d;
                insert into request_sample (day, decision_id, decided_at, storefront_id, page_type, device, placement_ids, parts)
                    select d::date, gen_random_uuid(), d, 1, 'home', 'mobile', '{1}', 16
                    from generate_series(date '2026-10-24', date '2026-11-20', interval '1 day') d, generate_series(1, 10) n;
                insert into campaign (code, advertiser_id, contract_id, name, kktu, state)
                    values ('held', 1, 1, 'Бронь', '17.3.1', 'active');
                insert into line_item (code, campaign_id, advertiser_id, name, starts_at, ends_at, tier, pricing, bid_micros,
                    goal_impressions, targeting)
                values ('other', 2, 1, 'Г', '2026-12-01Z', '2026-12-11Z', 'guaranteed', 'fixed', 5, 1000, '{}');
                """)
        }
        let forecast = try await pool.transaction { connection in
            try Forecast.make(Self.plan(5, 15), now: ServingWorld.now, on: connection)
        }
        #expect(forecast.expectedSlots == 1_600, "160 a day for ten days")
        #expect(forecast.booked == 500, "five of the other's ten days")
        #expect(!forecast.isOverbooked(by: 1_100))
        #expect(forecast.isOverbooked(by: 1_101))
    }
}
