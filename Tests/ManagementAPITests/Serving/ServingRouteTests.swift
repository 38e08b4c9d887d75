import AdModel
import Decisioning
import Foundation
import Logging
import ManagementAPI
import Measurement
import Postgres
import Store
import TestKit
import Testing

private let now = Timestamp(rfc3339: "2026-11-21T10:00:00Z") ?? Timestamp(micros: 0)

/// The stop switch, previews and planning over HTTP.
@Suite(.database) struct ServingRouteTests {
    private let preview = PreviewParameter(secret: [UInt8](repeating: 5, count: 32))

    init() async throws { try await MatrixWorld.load(TestDatabase.current.pool) }

    private func serving(_ body: (HTTPProbe) async throws -> Void) async throws {
        let database = PostgresOptions(url: TestDatabase.current.url)
        let preview = preview
        try await HTTPProbe.with(
            { announce in
                var services = ManagementServices(database: database, clock: { now })
                services.limits = .init(actor: 1_000_000, network: 1_000_000)
                services.preview = preview
                try await ManagementServer(
                    options: ListenerOptions(port: 0), services: services, metrics: { "" },
                    logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }), onRunning: announce
                ).run()
            }, body)
    }

    private func send(
        _ probe: HTTPProbe, _ method: String, _ path: String, as role: String, _ body: String? = nil
    ) async throws -> HTTPProbe.Answer {
        try await probe.send(
            method, path, key: MatrixWorld.keys[role], body: body.map { Data($0.utf8) },
            headers: body == nil ? [:] : ["Content-Type": "application/json"])
    }

    private func one(_ sql: String) async throws -> String {
        try await TestDatabase.current.pool.withConnection { try $0.query(sql).single().string(0) }
    }

    @Test func theSwitchStopsAndReleasesWithItsReasonAndTrace() async throws {
        let storefront = try await one("select code from storefront order by id limit 1")
        try await serving { probe in
            let path = "/v1/storefronts/\(storefront)/stop"
            #expect(try await send(probe, "PUT", path, as: "adops", "{}").status == 422, "say why")
            let stopped = try await send(probe, "PUT", path, as: "adops", #"{"reason":"Отзыв товара"}"#)
            #expect(stopped.status == 200, "\(stopped.text)")
            #expect(stopped["storefront"] == storefront)
            let all = try await send(probe, "PUT", "/v1/stop", as: "admin", #"{"reason":"Авария"}"#)
            #expect(all.status == 200)
            let list = try await send(probe, "GET", "/v1/stop", as: "analyst")
            let items = list.json["items"] as? [[String: Any]] ?? []
            #expect(items.map { $0["reason"] as? String } == ["Авария", "Отзыв товара"])
            #expect(items.first?["storefront"] is NSNull)
            #expect(try await send(probe, "DELETE", "/v1/stop", as: "adops").status == 204)
            #expect(try await send(probe, "DELETE", path, as: "adops").status == 204)
            #expect(try await send(probe, "DELETE", path, as: "adops").status == 204, "nothing to release is no error")
            #expect(
                try await send(probe, "PUT", "/v1/storefronts/none/stop", as: "adops", #"{"reason":"x"}"#).status
                    == 404)
        }
        let trace = try await one(
            "select string_agg(action || ' ' || object_id, ', ' order by id) from audit_entry where object = 'serving'")
        #expect(
            trace
                == "serving.stopped \(storefront), serving.stopped everything, serving.released everything, serving.released \(storefront)"
        )
    }

    @Test func aPreviewIsSignedForVersionsThatTheCallerSees() async throws {
        let own = try await one(
            """
            select c.code || ' ' || v.version || ' ' || v.id from creative_version v join creative c on c.id = v.creative_id
            where c.advertiser_id = 1 order by v.id limit 1
            """
        ).split(separator: " ")
        let foreign = try await one("select code from creative where advertiser_id = 2 order by id limit 1")
        let preview = preview
        try await serving { probe in
            let path = "/v1/creatives/\(own[0])/versions/\(own[1])/preview-link"
            let answer = try await send(probe, "POST", path, as: "advertiser_manager", "{}")
            #expect(answer.status == 201, "\(answer.text)")
            #expect(answer["expires_at"] == (now + .hours(1)).rfc3339)
            #expect(try preview.open(answer["preview"], now: now) == Int32(own[2]))
            let short = try await send(probe, "POST", path, as: "advertiser_manager", #"{"valid_seconds":60}"#)
            #expect(throws: PreviewParameter.Fault.expired) {
                try preview.open(short["preview"], now: now + .seconds(61))
            }
            for absent in [
                "/v1/creatives/\(foreign)/versions/1/preview-link", "/v1/creatives/none/versions/1/preview-link",
                "/v1/creatives/\(own[0])/versions/99/preview-link",
            ] {
                #expect(try await send(probe, "POST", absent, as: "advertiser_manager", "{}").status == 404)
            }
        }
    }

    @Test func smallNumbersAreNotToldToAdvertisers() async throws {
        try await TestDatabase.current.pool.withConnection {
            try $0.script(
                """
                select ensure_day_partition('request_sample', date '2026-11-20');
                insert into request_sample (day, decision_id, decided_at, storefront_id, page_type, device, visitor,
                    placement_ids, parts)
                select date '2026-11-20', gen_random_uuid(), timestamptz '2026-11-20 10:00Z', s.id, 'home',
                    case when n <= 99 then 'mobile' else 'desktop' end, n, array[p.id], 1
                from generate_series(1, 1234) n, (select id from storefront order by id limit 1) s,
                    (select id from placement order by id limit 1) p
                """)
        }
        try await serving { probe in
            let all = try await send(probe, "POST", "/v1/planning/reach", as: "advertiser_analyst", "{}")
            #expect(all.json["shoppers"] as? Int == 1_200, "\(all.text)")
            #expect(all.json["too_few"] as? Bool == false)
            let few = #"{"targeting":{"devices":["mobile"]}}"#
            let hidden = try await send(probe, "POST", "/v1/planning/reach", as: "advertiser_manager", few)
            #expect(hidden.json["shoppers"] is NSNull)
            #expect(hidden.json["requests"] is NSNull)
            #expect(hidden.json["too_few"] as? Bool == true)
            let shown = try await send(probe, "POST", "/v1/planning/reach", as: "analyst", few)
            #expect(shown.json["shoppers"] as? Int == 99)
            let unknown = try await send(
                probe, "POST", "/v1/planning/reach", as: "analyst", #"{"targeting":{"colour":["red"]}}"#)
            #expect(unknown.status == 422)
        }
    }

    @Test func aRivalsBookingIsAPeriodWithoutAName() async throws {
        try await TestDatabase.current.pool.withConnection {
            try $0.script(
                """
                insert into line_item (code, campaign_id, advertiser_id, name, starts_at, ends_at, tier, pricing, bid_micros)
                select 'rival-line', c.id, 2, 'x', '2026-12-01Z', '2026-12-11Z', 'sponsorship', 'fixed', 5
                from campaign c where c.advertiser_id = 2 order by c.id limit 1;
                update campaign set state = 'active' where advertiser_id = 2;
                """)
        }
        try await serving { probe in
            let body =
                #"{"tier":"sponsorship","flight":{"from":"2026-12-05T00:00:00Z","to":"2026-12-20T00:00:00Z"}}"#
            let theirs = try await send(probe, "POST", "/v1/planning/availability", as: "advertiser_manager", body)
            #expect(theirs.status == 200, "\(theirs.text)")
            #expect(theirs.json["available"] as? Bool == false)
            let conflict = (theirs.json["conflicts"] as? [[String: Any]])?.first
            #expect(conflict?["from"] as? String == "2026-12-05T00:00:00Z")
            #expect(conflict?["to"] as? String == "2026-12-11T00:00:00Z")
            #expect(conflict?["line_item"] is NSNull)
            #expect(!theirs.text.contains("rival-line"))
            let seller = try await send(probe, "POST", "/v1/planning/availability", as: "adops", body)
            #expect(seller.text.contains("rival-line"))
            let guaranteed =
                #"{"tier":"guaranteed","goal_impressions":5,"flight":{"from":"2026-12-05T00:00:00Z","to":"2026-12-20T00:00:00Z"}}"#
            let warned = try await send(probe, "POST", "/v1/planning/availability", as: "adops", guaranteed)
            #expect(warned.json["warnings"] as? [String] == ["overbooked"], "nothing was ever asked for")
        }
    }
}
