import AdModel
import Foundation
import Logging
import ManagementAPI
import Postgres
import TestKit
import Testing

private let now = Timestamp(rfc3339: "2026-11-21T10:00:00Z") ?? Timestamp(micros: 0)

private func quiet() -> Logger { Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }) }

private let schema = """
    insert into counterparty (code, kind, name, inn, roles)
        values ('cp', 'juridical', 'ООО Опыт', '7707083893', '{ors,rr}');
    insert into retailer (code, name, counterparty_id) values ('retailer', 'Магазин', 1);
    insert into storefront (code, name, url) values ('shop', 'Shop', 'https://shop.test');
    insert into advertiser (code, name, counterparty_id) values ('a1', 'A1', 1), ('a2', 'A2', 1);
    insert into contract (code, advertiser_id, client_counterparty_id, contractor_counterparty_id, signed_on)
        values ('c1', 1, 1, 1, '2026-01-01'), ('c2', 2, 1, 1, '2026-01-01');
    insert into campaign (code, advertiser_id, contract_id, name, state)
        values ('k1', 1, 1, '=K1', 'active'), ('k2', 2, 2, 'K"2', 'active');
    insert into api_key (prefix, hash, kind, advertiser_id, expires_at) values
        ('nk_adv_a1', sha256('nk_adv_one'), 'advertiser', 1, 'infinity'),
        ('nk_adv_a2', sha256('nk_adv_two'), 'advertiser', 2, 'infinity'),
        ('nk_adv_old', sha256('nk_adv_old'), 'advertiser', 1, '2026-11-21T10:00:00Z');
    insert into api_key (prefix, hash, kind, storefront_id) values ('nk_shop', sha256('nk_shop_key'), 'shop', 1);
    insert into performance_day (day, advertiser_id, campaign_id, line_item_id, creative_version_id, storefront_id,
            placement_id, impressions, viewable, clicks, invalid)
        values ('2026-11-20', 1, 1, 1, 1, 1, 1, 3, 2, 1, 1), ('2026-11-21', 1, 1, 1, 1, 1, 1, 1, 0, 0, 0),
            ('2026-11-21', 2, 2, 2, 2, 1, 1, 50, 40, 30, 0);
    """

@Suite(.database) struct ManagementAPIBehaviour {
    init() async throws { try await TestDatabase.current.pool.withConnection { try $0.script(schema) } }

    private func serving(
        health: @escaping @Sendable () async -> [HealthCheck] = { [] }, _ body: (HTTPProbe) async throws -> Void
    ) async throws {
        let database = PostgresOptions(url: TestDatabase.current.url)
        try await HTTPProbe.with(
            { announce in
                let server = ManagementServer(
                    options: ListenerOptions(port: 0),
                    services: ManagementServices(database: database, clock: { now }), metrics: { "nimb_up 1\n" },
                    health: health, logger: quiet(), onRunning: announce)
                try await server.run()
            }, body)
    }

    @Test func anAdvertiserSeesHisOwnRowsOnly() async throws {
        try await serving { probe in
            let own = try await probe.get("/v1/reports/performance?from=2026-11-01&to=2026-11-30", key: "nk_adv_one")
            #expect(own.status == 200)
            let rows = own.json["rows"] as? [[String: Any]] ?? []
            #expect(rows.map { $0["day"] as? String } == ["2026-11-20", "2026-11-21"])
            #expect(rows.map { $0["impressions"] as? Int } == [3, 1])
            #expect(rows.allSatisfy { $0["campaign"] as? String == "k1" })
            #expect(own.text.contains("\"ctr\":0.333333"))
            #expect(own.text.contains("\"roas\":null"))
            #expect(own.text.contains("\"invalid_traffic_share\":0.166667"))
            #expect(!own.text.contains("k2"))
            #expect(own.headers["cache-control"] == "no-store")
            let totals = own.json["totals"] as? [String: Any] ?? [:]
            #expect(totals["impressions"] as? Int == 4)
            let other = try await probe.get("/v1/reports/performance?by=campaign", key: "nk_adv_two")
            #expect(other.text.contains("\"campaign_name\":\"K\\\"2\""))
            #expect(!other.text.contains("k1"))
        }
    }

    @Test func badMissingExpiredAndForeignKindsOfKeysLookAlike() async throws {
        try await serving { probe in
            for key in [nil, "nk_adv_wrong", "nk_adv_old", "nk_shop_key", ""] {
                let answer = try await probe.get("/v1/reports/performance", key: key)
                #expect(answer.status == 401)
                #expect(answer["code"] == "unauthorized")
                #expect(answer.headers["www-authenticate"] == "Bearer")
                #expect(answer.headers["content-type"] == "application/problem+json")
            }
        }
    }

    @Test func aForeignCampaignAndAnAbsentOneAreAnsweredAlike() async throws {
        try await serving { probe in
            var answers: [[String: String]] = []
            for code in ["k1", "nowhere"] {
                let answer = try await probe.get(
                    "/v1/reports/performance?campaign=\(code)", key: "nk_adv_two", headers: ["X-Request-Id": "same"])
                #expect(answer.status == 404)
                answers.append(answer.json.mapValues { "\($0)" })
            }
            #expect(answers[0] == answers[1])
            #expect(answers[0]["code"] == "unknown_campaign")
        }
    }

    @Test(arguments: [
        ("from=2026-13-01", "from"), ("from=2026-11-02&to=2026-11-01", "to"), ("by=brand", "by"),
        ("colour=red", "colour"),
        ("from=2020-01-01&to=2026-01-01", "to"), ("limit=all", "limit"), ("cursor=%FF", "cursor"),
        ("by=day&by=day", "by"),
    ])
    func aBadParameterIsAProblemThatNamesIt(query: String, field: String) async throws {
        try await serving { probe in
            let answer = try await probe.get("/v1/reports/performance?\(query)", key: "nk_adv_one")
            #expect(answer.status == 400)
            #expect(answer["field"] == field)
            #expect(!answer["code"].isEmpty)
            #expect(answer["request_id"] == answer.headers["x-request-id"])
        }
    }

    @Test func theCSVHoldsTheSameNumbersAndDefusesFormulas() async throws {
        try await serving { probe in
            let answer = try await probe.get("/v1/reports/performance?by=campaign&format=csv", key: "nk_adv_one")
            #expect(answer.headers["content-type"]?.hasPrefix("text/csv") == true)
            let lines = answer.text.split(separator: "\n")
            #expect(lines.count == 2)
            #expect(lines[1].hasPrefix("k1,'=K1,4,2,1,0.250000,"))
        }
    }

    @Test func pagesAreWalkedByCursor() async throws {
        try await serving { probe in
            let first = try await probe.get("/v1/reports/performance?by=day&limit=1", key: "nk_adv_one")
            let cursor = first["next_cursor"]
            let second = try await probe.get(
                "/v1/reports/performance?by=day&limit=1&cursor=\(cursor)", key: "nk_adv_one")
            #expect((second.json["rows"] as? [[String: Any]])?.first?["day"] as? String == "2026-11-21")
            #expect(second.json["next_cursor"] is NSNull)
        }
    }

    @Test func healthNamesWhatFails() async throws {
        try await serving { probe in
            let answer = try await probe.get("/v1/health")
            #expect(answer.status == 200)
            #expect(answer["status"] == "ok")
            let metrics = try await probe.get("/metrics")
            #expect(metrics.text == "nimb_up 1\n")
        }
        try await serving(health: { [HealthCheck(name: "worker", healthy: false, detail: "It stands still.")] }) {
            probe in
            let answer = try await probe.get("/v1/health")
            #expect(answer.status == 503)
            #expect(answer.text.contains("\"name\":\"worker\",\"status\":\"failed\",\"detail\":\"It stands still.\""))
        }
    }

    @Test func whatIsNotThereIsAProblemWithARequestID() async throws {
        try await serving { probe in
            let answer = try await probe.get("/v1/nothing", headers: ["X-Request-Id": "abc-1"])
            #expect(answer.status == 404)
            #expect(answer["code"] == "not_found")
            #expect(answer["request_id"] == "abc-1")
            let unfit = try await probe.get("/v1/nothing", headers: ["X-Request-Id": "<script>"])
            #expect(unfit["request_id"] != "<script>")
        }
    }
}

@Suite(.database) struct MediaServerBehaviour {
    private let hash = String(repeating: "ab", count: 32)

    init() async throws {
        _ = try await TestDatabase.current.pool.withConnection { connection in
            try connection.query(
                "insert into media (sha256, content_type, width, height, bytes) values ($1, 'image/png', 1, 1, $2)",
                [.bytea([UInt8](repeating: 0xAB, count: 32)), .bytea([1, 2, 3])])
        }
    }

    private func serving(_ body: (HTTPProbe) async throws -> Void) async throws {
        try await HTTPProbe.with(
            { announce in
                try await MediaServer(
                    options: ListenerOptions(port: 0), pool: TestDatabase.current.pool, logger: quiet(),
                    onRunning: announce
                ).run()
            }, body)
    }

    @Test func aPictureIsServedInertAndForever() async throws {
        try await serving { probe in
            let answer = try await probe.get("/media/\(hash).png")
            #expect(answer.status == 200)
            #expect(Array(answer.body) == [1, 2, 3])
            #expect(answer.headers["content-type"] == "image/png")
            #expect(answer.headers["x-content-type-options"] == "nosniff")
            #expect(answer.headers["content-security-policy"] == "sandbox; default-src 'none'")
            #expect(answer.headers["cache-control"] == "public, max-age=31536000, immutable")
            let again = try await probe.get(
                "/media/\(hash).png", headers: ["If-None-Match": answer.headers["etag"] ?? ""])
            #expect(again.status == 304)
            #expect(again.body.isEmpty)
        }
    }

    @Test func anythingElseIsNotFound() async throws {
        try await serving { probe in
            let wanted = [
                "/media/\(hash).jpg", "/media/\(hash.uppercased()).png", "/media/\(hash).svg", "/media/..%2Fsecret",
                "/media/\(String(repeating: "cd", count: 32)).png", "/media/", "/",
            ]
            for path in wanted {
                let status = try await probe.get(path).status
                #expect(status == 404, "\(path)")
            }
        }
    }
}
