import AdFormats
import AdModel
import Decisioning
import Postgres
import Store
import TestKit
import Testing

/// Every state that a campaign, a creative, its token, a pause and a flight can be in, through the real loader and
/// the real decision, against a table of what may serve.
@Suite("Nothing unapproved or without a token serves", .database)
struct CreativeServingTests {
    struct Combination: CustomStringConvertible {
        var campaign: String
        var hasKKTU: Bool
        var version: String
        var erid: String
        var linePaused: Bool
        var creativePaused: Bool
        var flight: String

        /// The truth.
        var mayServe: Bool {
            campaign == "active" && hasKKTU && version == "approved" && (erid == "new" || erid == "verified")
                && !linePaused && !creativePaused && flight == "running"
        }

        var description: String {
            "\(campaign) kktu:\(hasKKTU) \(version) erid:\(erid) \(linePaused) \(creativePaused) \(flight)"
        }
    }

    static let combinations: [Combination] = {
        var all: [Combination] = []
        for campaign in ["draft", "moderation", "approved", "rejected", "active", "paused", "finished", "archived"] {
            for hasKKTU in [true, false] {
                for version in ["draft", "moderation", "rejected", "approved", "future", "revoked"] {
                    for erid in ["none", "new", "verified", "bad"] {
                        for flags in 0..<4 {
                            for flight in ["coming", "running", "over"] {
                                all.append(
                                    Combination(
                                        campaign: campaign, hasKKTU: hasKKTU, version: version, erid: erid,
                                        linePaused: flags & 1 == 1, creativePaused: flags & 2 == 2, flight: flight))
                            }
                        }
                    }
                }
            }
        }
        return all
    }()

    /// One placement, line item and creative per combination.
    private static func sql() -> String {
        var campaigns: [String] = []
        var lines: [String] = []
        var placements: [String] = []
        var creatives: [String] = []
        var versions: [String] = []
        var campaignIDs: [String: Int] = [:]
        for (index, item) in combinations.enumerated() {
            let key = "\(item.campaign)-\(item.hasKKTU)"
            if campaignIDs[key] == nil {
                campaignIDs[key] = campaignIDs.count + 10
                campaigns.append(
                    "(\(campaignIDs.count + 9), '\(key)', 1, 1, 'x', \(item.hasKKTU ? "'17.3.1'" : "null"), '\(item.campaign)')"
                )
            }
            let id = index + 100
            let (from, to) =
                switch item.flight {
                case "coming": ("2026-11-25Z", "2026-12-25Z")
                case "running": ("2026-11-01Z", "2026-12-01Z")
                default: ("2026-10-01Z", "2026-11-20Z")
                }
            placements.append("(\(id), 1, 'p\(id)', 'home', '{banner}')")
            lines.append(
                "(\(id), 'l\(id)', \(campaignIDs[key] ?? 0), 1, 'x', \(item.linePaused), '\(from)', '\(to)', 'cpm', 1000000, "
                    + "'{\"placements\":[\"p\(id)\"]}')")
            creatives.append("(\(id), 'c\(id)', \(id), 1, 'banner', \(item.creativePaused))")
            let approved = ["approved", "revoked"].contains(item.version)
            let cells = [
                item.version == "draft" ? "null" : "'2026-11-02Z'",
                item.version == "rejected" ? "'2026-11-03Z'" : "null",
                approved ? "'2026-11-03Z'" : item.version == "future" ? "'2026-11-24Z'" : "null",
                item.version == "revoked" ? "'2026-11-04Z'" : "null",
                ["rejected", "revoked"].contains(item.version) ? "'нет'" : "null",
                item.erid == "none" ? "null, null" : "'Token\(id)', '\(item.erid)'",
            ]
            versions.append(
                "(\(id), \(id), 1, '{}', 'https://shop.example/', 'banner', \(cells.joined(separator: ", ")))")
        }
        return """
            insert into campaign (id, code, advertiser_id, contract_id, name, kktu, state) overriding system value
                values \(campaigns.joined(separator: ","));
            insert into placement (id, storefront_id, code, page_type, formats) overriding system value
                values \(placements.joined(separator: ","));
            insert into line_item (id, code, campaign_id, advertiser_id, name, paused, starts_at, ends_at, pricing,
                bid_micros, targeting) overriding system value values \(lines.joined(separator: ","));
            insert into creative (id, code, line_item_id, advertiser_id, format, paused) overriding system value
                values \(creatives.joined(separator: ","));
            insert into creative_version (id, creative_id, version, fields, landing_url, ord_form, submitted_at,
                rejected_at, approved_at, revoked_at, feedback, erid, erid_status) overriding system value
                values \(versions.joined(separator: ","));
            """
    }

    @Test func everyCombinationServesExactlyWhenTheTableSaysSo() async throws {
        let pool = try await ServingWorld.make()
        let sql = Self.sql()
        // What `ServingWorld` has would compete.
        try await pool.withConnection { try $0.script("update line_item set paused = true; \(sql)") }
        let data = try await SnapshotLoaderTests.loader(pool).load(now: ServingWorld.now)
        let snapshot = try Snapshot(data.input)
        let stock = StockView(snapshot: snapshot, version: 0, rows: [])
        let leases = LeaseTable(maximumLineItemID: Int32(Self.combinations.count + 200))
        for index in Self.combinations.indices { leases.grant(Int32(index + 100), .roubles(100)) }
        let scratch = Scratch()
        var served = 0
        for (index, item) in Self.combinations.enumerated() {
            var request = DecisionRequest()
            request.pageType = .home
            request.location = snapshot.lookup.locations.find("msk")
            request.slots = [.init(placement: snapshot.lookup.placements.find("p\(index + 100)", scope: 0))]
            Decider.decide(
                request, snapshot: snapshot, stock: stock, profiles: nil, budget: leases, now: ServingWorld.now,
                seed: UInt64(index), scratch: scratch)
            let isServed = scratch.result.slots[0].adCount > 0
            #expect(isServed == item.mayServe, "\(item)")
            if isServed { served += 1 }
        }
        #expect(served == 2, "active, approved, unpaused, in flight, with a new or verified token")
    }
}
