import AdFormats
import AdModel
import Decisioning
import Foundation
import Postgres
import Shelves
import Store
import TestKit
import Testing

/// How shelves are filled, over the API: line items and placements.
@Suite(.database) struct ShelfRouteTests {
    private static let line = """
        {"id": "nord-line", "name": "Полка", "flight": {"from": "2026-11-22T00:00:00Z", "to": "2026-12-22T00:00:00Z"},
        "pricing": "cpm", "bid_micros": 100000000, "total_budget_micros": 1000000000, "promoted": {"brands": ["norda"]},
        "shelf": {"algorithms": ["bought_together", "similar"], "per_brand": 3}}
        """

    private func campaign(_ world: CampaignWorld) async throws {
        let made = try await world.send(
            "POST", "/v1/campaigns", as: "adops",
            body: #"{"id": "nord-1", "name": "Норд", "advertiser": "nord", "contract": "ctr-nord", "kktu": "17.3.1"}"#)
        #expect(made.status == 201, "\(made.text)")
    }

    @Test("An advertiser chooses the algorithms of his line item, changes and withdraws the choice")
    func lineItem() async throws {
        try await CampaignWorld.with { world in
            try await campaign(world)
            let made = try await world.send("POST", "/v1/campaigns/nord-1/line-items", as: "adops", body: Self.line)
            #expect(made.status == 201 && made.findings == [], "\(made.text) \(made.findings)")
            let shelf = made.json["shelf"] as? [String: Any]
            #expect(shelf?["algorithms"] as? [String] == ["bought_together", "similar"])
            #expect(shelf?["per_brand"] as? Int == 3)
            #expect(shelf?["mix_prices"] as? Bool == false)
            let path = "/v1/line-items/nord-line"
            let changed = try await world.patch(
                path, as: "nord", #"{"shelf": {"algorithms": ["personal"], "mix_prices": true}}"#)
            #expect(changed.status == 200 && changed.findings == [], "\(changed.text)")
            #expect((changed.json["shelf"] as? [String: Any])?["algorithms"] as? [String] == ["personal"])
            let copied = try await world.send(
                "POST", "/v1/campaigns/nord-1/copy", as: "nord", body: "{}")
            #expect(copied.status == 201, "\(copied.text)")
            let copies = try await TestDatabase.current.pool.withConnection {
                try $0.query("select shelf::text as shelf from line_item").map { try $0.stringIfPresent("shelf") }
            }
            #expect(Set(copies).count == 1 && copies.count == 2, "\(copies)")
            let withdrawn = try await world.patch(path, as: "nord", #"{"shelf": null}"#)
            #expect(withdrawn.status == 200 && withdrawn.json["shelf"] is NSNull, "\(withdrawn.text)")
        }
    }

    @Test("What is no shelf is refused with its place")
    func refusals() async throws {
        try await CampaignWorld.with { world in
            try await campaign(world)
            for (shelf, field, code) in [
                (#"{"algorithms": ["magic"]}"#, "shelf.algorithms[0]", "not_allowed"),
                (#"{"algorithms": ["similar", "similar"]}"#, "shelf.algorithms[1]", "duplicate"),
                (#"{"per_brand": 17}"#, "shelf.per_brand", "out_of_range"),
                (#"{"size": 5}"#, "shelf.size", "unknown_field"),
                (#""similar""#, "shelf", "wrong_type"),
            ] {
                let body = Self.line.replacing(
                    #"{"algorithms": ["bought_together", "similar"], "per_brand": 3}"#, with: shelf)
                let answer = try await world.send("POST", "/v1/campaigns/nord-1/line-items", as: "adops", body: body)
                #expect(answer.status == 422 && answer.findings == [], "\(shelf): \(answer.text)")
                #expect(
                    answer.errors.contains { $0["field"] == field && $0["code"] == code }, "\(shelf): \(answer.text)")
            }
        }
    }

    @Test("The retailer chooses for his placements; serving gets both choices")
    func placement() async throws {
        try await CampaignWorld.with { world in
            let path = "/v1/storefronts/shop/placements/home.top"
            let changed = try await world.patch(
                path, as: "adops",
                #"{"shelf": {"algorithms": ["popular_in_category"], "mix_prices": true}}"#)
            #expect(changed.status == 200 && changed.findings == [], "\(changed.text) \(changed.findings)")
            #expect((changed.json["shelf"] as? [String: Any])?["mix_prices"] as? Bool == true)
            #expect(try await world.patch(path, as: "nord", #"{"shelf": null}"#).status == 403)
            let wrong = try await world.patch(path, as: "adops", #"{"shelf": {"per_brand": -1}}"#)
            #expect(wrong.status == 422, "\(wrong.text)")

            try await campaign(world)
            let made = try await world.send("POST", "/v1/campaigns/nord-1/line-items", as: "adops", body: Self.line)
            #expect(made.status == 201)
            let pool = TestDatabase.current.pool
            let loader = SnapshotLoader(pool: pool, formats: try AdFormatSet(folders: [:]), mediaBaseURL: "")
            let data = try await loader.load(now: CampaignWorld.now)
            #expect(
                data.input.placements.first?.shelf
                    == ShelfPlan([.popularInCategory], mixesPrices: true))
            #expect(data.input.lineItems.first?.shelf == ShelfPlan([.boughtTogether, .similar], perBrand: 3))
        }
    }

    @Test("The retailer sees what the algorithms were computed from")
    func tables() async throws {
        try await CampaignWorld.with { world in
            #expect(try await world.send("GET", "/v1/shelves", as: "nord").status == 403)
            let before = try await world.send("GET", "/v1/shelves", as: "adops")
            #expect(
                before.findings == [] && before.json["version"] as? Int == 0 && before.json["computed_at"] is NSNull)
            _ = try await ShelfJob.run(pool: TestDatabase.current.pool, now: CampaignWorld.now)
            let after = try await world.send("GET", "/v1/shelves", as: "adops")
            #expect(after.findings == [] && after.json["products"] as? Int == 4, "\(after.text)")
        }
    }
}
