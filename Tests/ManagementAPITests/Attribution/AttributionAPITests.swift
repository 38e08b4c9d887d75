import AdModel
import Crypto
import Foundation
import Postgres
import Store
import TestKit
import Testing

/// Attribution over HTTP: every answer is checked against the document, every tenant against the other.
@Suite(.database) struct AttributionAPIBehaviour {
    /// Two campaigns click on one product; nord is later and wins, sud is its rival. October is over.
    private static let history = """
        insert into campaign (code, advertiser_id, contract_id, name, state) values
            ('cn', 1, 1, 'CN', 'active'), ('cs', 2, 2, 'CS', 'active');
        insert into campaign_version (campaign_id, valid_from) values (1, '-infinity'), (2, '-infinity');
        insert into line_item (code, campaign_id, advertiser_id, name, starts_at, ends_at, pricing, bid_micros) values
            ('ln', 1, 1, 'LN', '2026-01-01', '2027-01-01', 'cpc', 0), ('ls', 2, 2, 'LS', '2026-01-01', '2027-01-01', 'cpc', 0);
        insert into line_item_version (line_item_id, valid_from, promoted_skus) values
            (1, '-infinity', '{n1}'), (2, '-infinity', '{n1}');
        select ensure_day_partition('ad_event', '2026-10-10');
        insert into ad_event (decision_day, decision_id, ad, kind, card, storefront_id, placement_id, advertiser_id,
                campaign_id, line_item_id, creative_version_id, visitor_id, event_time, received_at, node_id) values
            ('2026-10-10', '00065d79-8724-6800-0000-00000000000a', 0, 2, -1, 1, 1, 1, 1, 1, 1, 'v1', '2026-10-10 10:00Z',
                '2026-10-10 10:00Z', 1),
            ('2026-10-10', '00065d78-b090-c400-0000-00000000000b', 0, 2, -1, 1, 1, 2, 2, 2, 2, 'v1', '2026-10-10 09:00Z',
                '2026-10-10 09:00Z', 1);
        insert into touch (touch_id, visitor_id, occurred_at, kind, advertiser_id, campaign_id, line_item_id,
                storefront_id, promoted_skus)
            select replace(decision_id::text, '-', '') || '.0.c', visitor_id, event_time, 'click', advertiser_id,
                campaign_id, line_item_id, 1, '{n1}' from ad_event;
        insert into customer_order (storefront_id, order_id, visitor_id, channel, ordered_at, received_at) values
            (1, 'o1', 'v1', 'online', '2026-10-10 12:00Z', '2026-10-10 12:00Z');
        insert into order_line (storefront_id, order_id, line_no, sku, units, gross_micros, net_micros) values
            (1, 'o1', 1, 'n1', 2, 240, 200);
        """

    private func with(_ body: (CampaignWorld) async throws -> Void) async throws {
        try await CampaignWorld.with { world in
            try await TestDatabase.current.pool.transaction { db in
                try db.script(Self.history)
                let october = OrderRounds.Range(month: Day(year: 2026, month: 10, day: 1) ?? Day(number: 0))
                _ = try LedgerReplay.repair(october, now: CampaignWorld.now, on: db)
            }
            try await body(world)
        }
    }

    @discardableResult
    private func get(_ world: CampaignWorld, _ path: String, as who: String, _ status: Int = 200) async throws
        -> CampaignWorld.Answer
    {
        let answer = try await world.send("GET", path, as: who)
        #expect(answer.status == status, "\(path) as \(who): \(answer.text)")
        #expect(answer.findings == [])
        return answer
    }

    @Test func ordersAreExplainedAndCreditsPagedToEachHisOwn() async throws {
        try await with { world in
            let full = try await get(world, "/v1/orders/o1/attribution", as: "analyst")
            #expect(full.text.contains("\"reason\":\"lost_on_recency\""))
            #expect(full.text.contains("\"campaign\":\"cn\"") && full.text.contains("\"campaign\":\"cs\""))
            #expect(full["ledger_agrees"] == "1")
            try await get(world, "/v1/orders/o1/attribution?storefront=other", as: "analyst", 404)
            try await get(world, "/v1/orders/o1/attribution?color=red", as: "analyst", 400)

            let credits = try await get(world, "/v1/credits?campaign=cn&posting_month=2026-10", as: "finance")
            #expect((credits.json["items"] as? [Any])?.count == 1)
            try await get(world, "/v1/credits?order=o1&storefront=shop&from=2026-10-01&to=2026-10-31", as: "adops")
            try await get(world, "/v1/credits?posting_month=October", as: "adops", 400)

            // The winner reads his own, under ids that are his alone.
            let own = try await get(world, "/v1/credits", as: "nord")
            let row = try #require((own.json["items"] as? [[String: Any]])?.first)
            let blinded = try #require(row["order"] as? String)
            #expect(blinded != "o1")
            let explained = try await get(world, "/v1/orders/\(blinded)/attribution", as: "nord")
            #expect(explained.text.contains("\"campaign\":\"cn\"") && !explained.text.contains("cs"))
            try await get(world, "/v1/orders/o1/attribution", as: "nord", 404)
            let filtered = try await get(world, "/v1/credits?order=\(blinded)", as: "nord")
            #expect((filtered.json["items"] as? [Any])?.count == 1)

            // The other learns that a rival won, and has no row; the winner's id of the order is none of his.
            #expect((try await get(world, "/v1/credits", as: "sud").json["items"] as? [Any])?.isEmpty == true)
            try await get(world, "/v1/orders/\(blinded)/attribution", as: "sud", 404)
        }
    }

    @Test func aMonthIsPublishedRestatedAndCompared() async throws {
        try await with { world in
            let refused = try await world.send("POST", "/v1/publications", as: "nord", body: #"{"month":"2026-10"}"#)
            #expect(refused.status == 403)
            let early = try await world.send("POST", "/v1/publications", as: "finance", body: #"{"month":"2026-11"}"#)
            #expect(early.status == 409 && early["code"] == "invalid_state", "\(early.text)")
            #expect(early.findings == [])
            let wrong = try await world.send("POST", "/v1/publications", as: "finance", body: #"{"month":"soon"}"#)
            #expect(wrong.status == 422)
            let made = try await world.send(
                "POST", "/v1/publications", as: "finance", body: #"{"month":"2026-10","note":"first"}"#)
            #expect(made.status == 201, "\(made.text)")
            #expect(made.findings == [])
            let id = made["id"]

            // A click is found invalid later: sud wins, in November's books.
            let invalid = try await world.send(
                "POST", "/v1/event-invalidations", as: "adops",
                body: #"{"reason":"bot_agent","events":["00065d7987246800000000000000000a.0.c"],"note":"later"}"#)
            #expect(invalid.status == 200, "\(invalid.text)")
            #expect(invalid.findings == [])
            #expect(invalid["events"] == "1" && invalid["credit_rows"] == "2")
            let nobody = try await world.send(
                "POST", "/v1/event-invalidations", as: "adops", body: #"{"reason":"bot_agent"}"#)
            #expect(nobody.status == 422 && nobody.findings == [])

            let diff = try await get(world, "/v1/reports/\(id)/diff", as: "finance")
            #expect(diff["moved"] == "2")
            #expect(diff.text.contains("\"cause\":\"invalid_touch\""))
            let own = try await get(world, "/v1/reports/\(id)/diff?against=current&limit=1", as: "nord")
            #expect(own["moved"] == "1")
            #expect(!own.text.contains("\"o1\"") && !own.text.contains("sud"))
            try await get(world, "/v1/reports/\(id)/diff?against=pub-nothing", as: "finance", 400)
            try await get(world, "/v1/reports/pub-nothing/diff", as: "finance", 404)

            let again = try await world.send("POST", "/v1/publications", as: "admin", body: #"{"month":"2026-10"}"#)
            #expect(again.status == 201, "\(again.text)")
            #expect(again["version"] == "2")
            let restated = try await get(world, "/v1/reports/\(again["id"])/diff?against=\(id)", as: "finance")
            #expect(restated["moved"] == "2")
            let list = try await get(world, "/v1/publications?month=2026-10&limit=1", as: "nord")
            #expect((list.json["items"] as? [Any])?.count == 1)
            #expect(list.json["next_cursor"] is String)
            let shares = try await get(world, "/v1/publications/\(again["id"])", as: "sud")
            #expect((shares.json["shares"] as? [[String: Any]])?.map { $0["advertiser"] as? String } == ["sud"])
            let sound = try await TestDatabase.current.pool.transaction { try LedgerDoctor.run(on: $0) }
            // The history was written by hand, without rollups; the credit ledger itself is sound.
            #expect(sound.failures.map(\.check).filter { !$0.hasPrefix("rollup") } == [])
        }
    }

    @Test func aReportPrintsTheHashesOfItsInputsPolicyAndResult() async throws {
        try await with { world in
            let query = "/v1/reports/performance?from=2026-10-01&to=2026-10-31&by=campaign"
            func hashes() async throws -> [String: Any] {
                try #require(try await get(world, query, as: "nord").json["methodology"] as? [String: Any])
            }
            let first = try await hashes()
            let csv = try await world.send("GET", query + "&format=csv", as: "nord")
            let digest = SHA256.hash(data: Data(csv.text.utf8)).map {
                String($0 >> 4, radix: 16) + String($0 & 15, radix: 16)
            }
            #expect(first["result_hash"] as? String == digest.joined())
            let policies = try #require(first["policies"] as? [[String: Any]])
            #expect((policies.first?["policy_hash"] as? String)?.count == 64)
            #expect(try await hashes()["inputs_hash"] as? String == first["inputs_hash"] as? String)
            // Another version of what is set up is another input, whether or not it moves this report.
            try await TestDatabase.current.pool.withConnection {
                try $0.script("select bump_control_version('control')")
            }
            #expect(try await hashes()["inputs_hash"] as? String != first["inputs_hash"] as? String)
            #expect(try await hashes()["result_hash"] as? String == first["result_hash"] as? String)
        }
    }

    @Test func theLedgerFilesOfAnAdvertiserAreHisAlone() async throws {
        try await with { world in
            let days = "from=2026-10-01&to=2026-10-31"
            let own = try await world.send("GET", "/v1/reports/ledger-files?\(days)", as: "nord")
            #expect(own.status == 200)
            let foreign = try await get(world, "/v1/reports/ledger-files?\(days)&advertiser=sud", as: "nord", 404)
            #expect(foreign["code"] == "not_found")
            try await get(world, "/v1/reports/ledger-files?\(days)", as: "analyst", 400)
            try await get(world, "/v1/reports/ledger-files?from=2026-10-02&to=2026-10-01", as: "nord", 400)
            try await get(world, "/v1/reports/ledger-files?from=2026-01-01&to=2026-10-01", as: "nord", 400)
            let retailer = try await world.send("GET", "/v1/reports/ledger-files?\(days)&advertiser=sud", as: "analyst")
            #expect(retailer.status == 200)
        }
    }
}
