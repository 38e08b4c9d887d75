import AdModel
import Foundation
import Logging
import ManagementAPI
import Postgres
import TestKit
import Testing

private let now = Timestamp(rfc3339: "2026-11-21T10:00:00Z") ?? Timestamp(micros: 0)

private let schema = """
    insert into counterparty (code, kind, name, inn, roles)
        values ('cp', 'juridical', 'ООО Опыт', '7707083893', '{ors,rr}');
    insert into retailer (code, name, counterparty_id) values ('retailer', 'Магазин', 1);
    insert into advertiser (code, name, counterparty_id) values ('a1', 'A1', 1), ('a2', 'A2', 1);
    insert into contract (code, advertiser_id, client_counterparty_id, contractor_counterparty_id, signed_on)
        values ('c1', 1, 1, 1, '2026-01-01'), ('c2', 2, 1, 1, '2026-01-01');
    insert into campaign (code, advertiser_id, contract_id, name, state)
        values ('k1', 1, 1, 'K1', 'active'), ('k2', 2, 2, 'K2', 'active');
    insert into campaign_version (campaign_id, valid_from, policy) values (1, '-infinity', 'default@1');
    insert into api_key (code, prefix, hash, kind, advertiser_id) values
        ('key-a1', 'nk_adv_a1', sha256('nk_adv_one'), 'advertiser', 1);
    insert into api_key (code, prefix, hash, kind) values ('key-ret', 'nk_ret', sha256('nk_ret_one'), 'retailer');
    """

@Suite(.database) struct PolicyAPI {
    private static let retailer = "nk_ret_one"
    private static let advertiser = "nk_adv_one"

    init() async throws { try await TestDatabase.current.pool.withConnection { try $0.script(schema) } }

    private func serving(_ body: (HTTPProbe) async throws -> Void) async throws {
        let database = PostgresOptions(url: TestDatabase.current.url)
        try await HTTPProbe.with(
            { announce in
                let server = ManagementServer(
                    options: ListenerOptions(port: 0),
                    services: ManagementServices(database: database, clock: { now }), metrics: { "" }, health: { [] },
                    logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }), onRunning: announce)
                try await server.run()
            }, body)
    }

    private func send(
        _ probe: HTTPProbe, _ method: String, _ path: String, key: String, body: String? = nil,
        headers: [String: String] = [:]
    ) async throws -> HTTPProbe.Answer {
        try await probe.send(
            method, path, key: key, body: body.map { Data($0.utf8) },
            headers: headers.merging(["Content-Type": "application/json"]) { first, _ in first })
    }

    private static let week =
        #"{"definition":{"name":"week","version":1,"click_window_seconds":604800,"view_window_seconds":null,"levels":["sku","variant"]}}"#

    @Test func aRetailerAddsAPolicyThatNeverChangesAndAdvertisersSeeIt() async throws {
        try await serving { probe in
            let made = try await send(
                probe, "POST", "/v1/attribution-policies", key: Self.retailer, body: Self.week)
            #expect(made.status == 201, "\(made.text)")
            #expect(made["id"] == "week@1")
            #expect(made.headers["location"] == "/v1/attribution-policies/week@1")
            let definition = made.json["definition"] as? [String: Any]
            #expect(definition?["levels"] as? [String] == ["sku", "variant"])
            #expect(definition?["scope"] as? String == "line")
            // The same version again is refused, whatever it says; the next one is another policy.
            let again = try await send(probe, "POST", "/v1/attribution-policies", key: Self.retailer, body: Self.week)
            #expect(again.status == 422 && again["field"] == "definition.version")
            let list = try await probe.get("/v1/attribution-policies", key: Self.advertiser)
            let items = list.json["items"] as? [[String: Any]] ?? []
            #expect(
                items.compactMap { $0["id"] as? String } == [
                    "default@1", "item-24h@1", "order-24h@1", "sku-strict@1", "smart-placement@1", "week@1",
                ])
            let own = try await send(probe, "POST", "/v1/attribution-policies", key: Self.advertiser, body: Self.week)
            #expect(own.status == 403)
        }
    }

    @Test func problemsNameTheMemberAtFault() async throws {
        try await serving { probe in
            let body =
                #"{"definition":{"name":"week","version":0,"click_window_seconds":-1,"levels":["sku","brand"]},"colour":1}"#
            let refused = try await send(probe, "POST", "/v1/attribution-policies", key: Self.retailer, body: body)
            #expect(refused.status == 422)
            let errors = refused.json["errors"] as? [[String: Any]] ?? []
            #expect(
                errors.compactMap { $0["field"] as? String } == [
                    "definition.version", "definition.click_window_seconds", "definition.view_window_seconds",
                    "definition.levels", "colour",
                ], "\(refused.text)")
        }
    }

    @Test func aPolicyIsForbiddenOpenedToAllAndRemovedWhileUnused() async throws {
        try await serving { probe in
            _ = try await send(probe, "POST", "/v1/attribution-policies", key: Self.retailer, body: Self.week)
            let path = "/v1/attribution-policies/week@1"
            let blind = try await send(probe, "PATCH", path, key: Self.retailer, body: #"{"allowed":false}"#)
            #expect(blind.status == 428)
            let forbidden = try await send(
                probe, "PATCH", path, key: Self.retailer, body: #"{"allowed":false}"#, headers: ["If-Match": "\"r1\""])
            #expect(forbidden.status == 200, "\(forbidden.text)")
            #expect(forbidden["allowed"] == "0" || forbidden["allowed"] == "false")
            let stale = try await send(
                probe, "PATCH", path, key: Self.retailer, body: #"{"for_all":true}"#, headers: ["If-Match": "\"r1\""])
            #expect(stale.status == 412)
            let removed = try await send(
                probe, "DELETE", path, key: Self.retailer, headers: ["If-Match": "\"r2\""])
            #expect(removed.status == 204, "\(removed.text)")
            #expect(try await probe.get(path, key: Self.retailer).status == 404)
            // What all campaigns compete under stays for good.
            let all = try await send(
                probe, "PATCH", "/v1/attribution-policies/item-24h@1", key: Self.retailer, body: #"{"for_all":true}"#,
                headers: ["If-Match": "\"r1\""])
            #expect(all.status == 200, "\(all.text)")
            #expect(all.text.contains("\"for_all\":true"))
            let used = try await send(
                probe, "DELETE", "/v1/attribution-policies/item-24h@1", key: Self.retailer,
                headers: ["If-Match": "\"r2\""])
            #expect(used.status == 409)
        }
    }

    @Test func aHoldoutIsSetAndAnEmptyExperimentSaysSo() async throws {
        try await serving { probe in
            let before = try await probe.get("/v1/campaigns/k1/incrementality", key: Self.advertiser)
            #expect(before.status == 200, "\(before.text)")
            #expect(before["verdict"] == "no_holdout")
            let set = try await send(
                probe, "PUT", "/v1/campaigns/k1/holdout", key: Self.retailer, body: #"{"share_per_10000":1000}"#,
                headers: ["If-Match": "\"r1\""])
            #expect(set.status == 200, "\(set.text)")
            let empty = try await probe.get("/v1/campaigns/k1/incrementality?window_days=7", key: Self.advertiser)
            #expect(empty["verdict"] == "not_enough_data")
            #expect(empty["share_per_10000"] == "1000")
            #expect(empty.text.contains("\"sales\":null"))
            let tooMuch = try await send(
                probe, "PUT", "/v1/campaigns/k1/holdout", key: Self.retailer, body: #"{"share_per_10000":5001}"#,
                headers: ["If-Match": "\"r2\""])
            #expect(tooMuch.status == 422)
            // Another advertiser's campaign and none look alike.
            let foreign = try await probe.get("/v1/campaigns/k2/incrementality", key: Self.advertiser)
            let absent = try await probe.get("/v1/campaigns/none/incrementality", key: Self.advertiser)
            #expect(foreign.status == 404 && absent.status == 404)
            #expect(foreign["detail"] == absent["detail"])
        }
    }
}
