import AdModel
import Audiences
import Foundation
import Logging
import ManagementAPI
import Postgres
import Store
import TestKit
import Testing

private let now = Timestamp(rfc3339: "2026-11-21T10:00:00Z") ?? Timestamp(micros: 0)

/// Audiences as people keep them, and shoppers who want to be forgotten.
@Suite(.database) struct AudienceAPITests {
    init() async throws { try await MatrixWorld.load(TestDatabase.current.pool) }

    private func serving(_ body: (HTTPProbe) async throws -> Void) async throws {
        let database = PostgresOptions(url: TestDatabase.current.url)
        try await HTTPProbe.with(
            { announce in
                var services = ManagementServices(database: database, clock: { now })
                services.limits = .init(actor: 1_000_000, network: 1_000_000)
                try await ManagementServer(
                    options: ListenerOptions(port: 0), services: services, metrics: { "" },
                    logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }), onRunning: announce
                ).run()
            }, body)
    }

    private func send(
        _ probe: HTTPProbe, _ method: String, _ path: String, as role: String, _ body: String? = nil,
        match: String? = nil
    ) async throws -> HTTPProbe.Answer {
        var headers: [String: String] = [:]
        if body != nil { headers["Content-Type"] = "application/json" }
        if let match { headers["If-Match"] = match }
        return try await probe.send(
            method, path, key: MatrixWorld.keys[role], body: body.map { Data($0.utf8) }, headers: headers)
    }

    private static let views = """
        {"event":{"type":"product_view","products":["sku-1"],"days_ago":{"from":30,"to":0}}}
        """

    /// So many visitors looked at the product.
    private func look(_ visitors: Int) async throws {
        try await TestDatabase.current.pool.withConnection {
            try $0.script(
                """
                create table if not exists signal_rest partition of signal default;
                insert into signal (received_day, storefront_id, kind, visitor_id, product_sku, occurred_at)
                select '2020-01-01', 1, 'product_view', 'v' || n, 'sku-1', '2026-11-20' from generate_series(1, \(visitors)) n;
                """)
        }
    }

    @Test("An audience is made, read, changed and removed; a stale change is refused")
    func lifeOfAnAudience() async throws {
        try await serving { probe in
            let made = try await send(
                probe, "POST", "/v1/audiences", as: "adops",
                #"{"id":"viewers","name":"Смотрели","condition":\#(Self.views)}"#)
            #expect(made.status == 201, "\(made.text)")
            let read = try await send(probe, "GET", "/v1/audiences/viewers", as: "analyst")
            #expect(read.text == made.text)
            let change = #"{"condition":{"not":\#(Self.views)}}"#
            let stale = try await send(probe, "PATCH", "/v1/audiences/viewers", as: "adops", change, match: "\"r9\"")
            #expect(stale.status == 412)
            let changed = try await send(probe, "PATCH", "/v1/audiences/viewers", as: "adops", change, match: "\"r1\"")
            #expect(changed.status == 200 && changed.text.contains("\"not\""), "\(changed.text)")
            let foreign = try await send(
                probe, "PATCH", "/v1/audiences/viewers", as: "advertiser_manager", change, match: "\"r2\"")
            #expect(foreign.status == 403)
            // What the retailer's audience is made of is his own business.
            let told = try await send(probe, "GET", "/v1/audiences/viewers", as: "advertiser_manager")
            #expect(told.status == 200 && told.text.contains("\"condition\":null"), "\(told.text)")
            try await TestDatabase.current.pool.withConnection {
                _ = try $0.query("update line_item set targeting = '{\"audiences\":[\"viewers\"]}' where id = 1")
            }
            let named = try await send(probe, "DELETE", "/v1/audiences/viewers", as: "adops", match: "\"r2\"")
            #expect(named.status == 409, "a line item is aimed at it")
            try await TestDatabase.current.pool.withConnection {
                _ = try $0.query("update line_item set targeting = '{}' where id = 1")
            }
            #expect(
                try await send(probe, "DELETE", "/v1/audiences/viewers", as: "adops", match: "\"r2\"").status == 204)
            #expect(try await send(probe, "GET", "/v1/audiences/viewers", as: "adops").status == 404)
        }
    }

    @Test(
        "What is no condition is refused with its place",
        arguments: [
            (#"{"all":[]}"#, "condition.all"), (#"{"event":{"type":"dance"}}"#, "condition.event.type"),
            (#"{"event":{"type":"search","products":["p"]}}"#, "condition.event.products"),
            (#"{"event":{"type":"click","phrases":["p"]}}"#, "condition.event.phrases"),
            (#"{"event":{"type":"click"},"not":{"event":{"type":"click"}}}"#, "condition.not"),
            (#"{"event":{"type":"click","count":{"from":3,"to":2}}}"#, "condition.event.count.to"),
            (#"{"event":{"type":"click","days_ago":{"from":1,"to":2}}}"#, "condition.event.days_ago.to"),
            (#"{"any":[{"cohort":{"recency":["often"]}}]}"#, "condition.any[0].cohort.recency[0]"),
            (#"{"event":{"type":"click","campaigns":["foreign-campaign"]}}"#, "condition"),
            (#"{"event":{"type":"click","brands":["absent"]}}"#, "condition"),
        ])
    func refused(condition: String, field: String) async throws {
        try await serving { probe in
            let answer = try await send(
                probe, "POST", "/v1/audiences", as: "advertiser_manager", #"{"name":"n","condition":\#(condition)}"#)
            #expect(answer.status == 422 && answer.text.contains("\"field\":\"\(field)\""), "\(answer.text)")
        }
    }

    @Test("A size is exact to the retailer, two digits to an advertiser, and nothing below a hundred")
    func sizes() async throws {
        try await look(99)
        try await serving { probe in
            let body = #"{"condition":\#(Self.views)}"#
            let few = try await send(probe, "POST", "/v1/audience-sizes", as: "advertiser_manager", body)
            #expect(few.text == #"{"shoppers":null,"too_few":true,"known_shoppers":99}"#, "\(few.text)")
            let exact = try await send(probe, "POST", "/v1/audience-sizes", as: "analyst", body)
            #expect(exact.text == #"{"shoppers":99,"too_few":false,"known_shoppers":99}"#, "\(exact.text)")
            try await TestDatabase.current.pool.withConnection { _ = try $0.query("delete from signal") }
            try await look(1_234)
            let many = try await send(probe, "POST", "/v1/audience-sizes", as: "advertiser_manager", body)
            #expect(many.text == #"{"shoppers":1200,"too_few":false,"known_shoppers":1200}"#, "\(many.text)")
            _ = try await send(
                probe, "POST", "/v1/audiences", as: "advertiser_manager",
                #"{"id":"own","name":"n","condition":\#(Self.views)}"#)
            let stored = try await send(probe, "GET", "/v1/audiences/own/size", as: "advertiser_analyst")
            #expect(stored.text == many.text)
        }
    }

    @Test("Thresholds of cohorts must rise")
    func thresholds() async throws {
        try await serving { probe in
            let wrong = try await send(
                probe, "PATCH", "/v1/rfm-thresholds", as: "adops", #"{"active_days":90}"#, match: "\"r1\"")
            #expect(wrong.status == 422, "\(wrong.text)")
            let right = try await send(
                probe, "PATCH", "/v1/rfm-thresholds", as: "adops", #"{"active_days":14,"champion_orders":7}"#,
                match: "\"r1\"")
            #expect(right.status == 200 && right.text.contains("\"active_days\":14"), "\(right.text)")
            #expect(try await send(probe, "GET", "/v1/rfm-thresholds", as: "analyst").text == right.text)
        }
    }

    @Test("Who is erased is one fresh id everywhere, without links and phrases, and totals stay")
    func erasure() async throws {
        let pool = TestDatabase.current.pool
        try await pool.withConnection {
            try $0.script(
                """
                create table signal_rest partition of signal default;
                create table ad_event_rest partition of ad_event default;
                insert into identity_link values ('v1', 'c1', '2026-11-01'), ('v2', 'c1', '2026-11-02'),
                    ('v3', 'c1', '2026-11-02'), ('v3', 'c2', '2026-11-03');
                insert into signal (received_day, storefront_id, kind, visitor_id, customer_id, phrase, occurred_at) values
                    ('2026-11-05', 1, 'search', 'v1', 'c1', 'тайна', '2026-11-05'),
                    ('2026-11-05', 1, 'search', 'v3', 'c2', 'чай', '2026-11-05');
                insert into ad_event (decision_day, decision_id, ad, kind, card, storefront_id, placement_id, advertiser_id,
                    campaign_id, line_item_id, creative_version_id, visitor_id, event_time, received_at, node_id)
                values ('2026-11-05', md5('1')::uuid, 0, 0, -1, 1, 1, 1, 1, 1, 1, 'v2', '2026-11-05', '2026-11-05', 1);
                insert into customer_order values (1, 'o1', 'v1', null, 'online', '2026-11-05', '2026-11-05'),
                    (1, 'o2', null, 'c1', 'offline', '2026-11-05', '2026-11-05'),
                    (1, 'o3', 'v3', null, 'online', '2026-11-05', '2026-11-05');
                """)
        }
        try await serving { probe in
            let none = try await send(probe, "POST", "/v1/erasures", as: "admin", "{}")
            #expect(none.status == 422)
            let mail = try await send(probe, "POST", "/v1/erasures", as: "admin", #"{"visitor_id":"a@b.ru"}"#)
            #expect(mail.status == 422)
            let asked = try await send(probe, "POST", "/v1/erasures", as: "admin", #"{"visitor_id":"v1"}"#)
            #expect(asked.status == 201 && asked.text.contains("\"done_at\":null"), "\(asked.text)")
            let count = try await pool.transaction { try Erasures.runDue(now: now, on: $0) }
            #expect(count == 1)
            let path = try #require(asked.headers["location"])
            let done = try await send(probe, "GET", path, as: "admin")
            #expect(!done.text.contains("\"done_at\":null"), "\(done.text)")
        }
        let left = try await pool.withConnection { db in
            try db.query(
                """
                select (select count(*) from identity_link) as links,
                    (select string_agg(coalesce(phrase, '-'), ',' order by phrase nulls first) from signal) as phrases,
                    (select count(*) from customer_order) as orders,
                    (select count(distinct v) from (select visitor_id as v from signal where visitor_id <> 'v3'
                        union all select visitor_id from ad_event union all select visitor_id from customer_order
                        where visitor_id <> 'v3') x) as ids,
                    (select count(*) from customer_order where visitor_id like 'gone-%' and customer_id is null) as rekeyed,
                    (select visitor_ids = '{}' and customer_ids = '{}' from erasure where code like 'ers-%') as forgotten
                """
            ).single()
        }
        #expect(try left.int64("links") == 1, "v3 is someone else by now, and his link to the customer is gone")
        #expect(try left.string("phrases") == "-,чай")
        #expect(try left.int64("orders") == 5, "two of the world, three of the test")
        #expect(try left.int64("ids") == 1)
        #expect(try left.int64("rekeyed") == 2)
        #expect(try left.bool("forgotten"))
    }
}
