import AdFormatFiles
import AdFormats
import AdModel
import Foundation
import Logging
import ManagementAPI
import Measurement
import Postgres
import Store
import TestKit
import Testing

private let now = Timestamp(rfc3339: "2026-11-21T10:00:00Z") ?? Timestamp(micros: 0)

/// Why a page got the ads it got, over HTTP.
@Suite(.database) struct DecisionRouteTests {
    init() async throws { try await MatrixWorld.load(TestDatabase.current.pool) }

    private func serving(
        recent: DecisionRecord? = nil, _ body: (HTTPProbe) async throws -> Void
    ) async throws {
        let database = PostgresOptions(url: TestDatabase.current.url)
        let formats = try AdFormatSet(folders: AdFormatFiles.read())
        let pool = TestDatabase.current.pool
        try await HTTPProbe.with(
            { announce in
                var services = ManagementServices(database: database, clock: { now })
                services.limits = .init(actor: 1_000_000, network: 1_000_000)
                services.snapshots = SnapshotArchive(
                    loader: SnapshotLoader(pool: pool, formats: formats, mediaBaseURL: ""), shopperHash: nil)
                services.recentDecision = { recent?.id == $0 ? recent : nil }
                try await ManagementServer(
                    options: ListenerOptions(port: 0), services: services, metrics: { "" },
                    logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }), onRunning: announce
                ).run()
            }, body)
    }

    private func get(_ probe: HTTPProbe, _ path: String, as role: String) async throws -> HTTPProbe.Answer {
        try await probe.send("GET", path, key: MatrixWorld.keys[role])
    }

    private var path: String { "/v1/decisions/\(MatrixWorld.decision.hex)" }

    @Test func theRetailerSeesTheWholeAuction() async throws {
        try await serving { probe in
            let answer = try await get(probe, path, as: "adops")
            #expect(answer.status == 200, "\(answer.text)")
            let auction = try #require(answer.json["auction"] as? [String: Any])
            let slots = try #require(auction["slots"] as? [[String: Any]])
            #expect(slots.count == 2)
            let ad = try #require((slots[0]["ads"] as? [[String: Any]])?.first)
            #expect(ad["line_item"] as? String == "own-line")
            #expect(ad["price_micros"] as? Int == 90_000)
            #expect(ad["products"] as? [String] == ["sku-1"])
            let rival = try #require((slots[0]["candidates"] as? [[String: Any]])?.first)
            #expect(rival["line_item"] as? String == "foreign-line")
            #expect(rival["outcome"] as? String == "outbid")
            #expect(rival["stage"] as? String == "auction")
            let reasons = try #require((slots[0]["reasons"] as? [[String: Any]])?.first)
            #expect(reasons["reason"] as? String == "paced")
            #expect(reasons["count"] as? Int == 3)
            #expect((auction["stopped"] as? [[String: Any]])?.first?["outcome"] as? String == "paced")
            #expect(answer.json["placements"] as? [String] == ["home.top", "home.top"])
            #expect(answer.json["reconstructed"] as? Bool == false)
            // What the record says needs no reconstruction.
            let asked = try await get(probe, path + "?line_item=foreign-line", as: "analyst")
            let line = try #require((asked.json["line_items"] as? [[String: Any]])?.first)
            let outcomes = (line["slots"] as? [[String: Any]])?.map { $0["outcome"] as? String }
            #expect(outcomes == ["outbid", "outbid"])
        }
    }

    @Test func anAdvertiserSeesHisOwnAndNothingOfHisRivals() async throws {
        try await serving { probe in
            let answer = try await get(probe, path, as: "advertiser_manager")
            #expect(answer.status == 200, "\(answer.text)")
            #expect(answer.json["auction"] is NSNull)
            let lines = try #require(answer.json["line_items"] as? [[String: Any]])
            #expect(lines.map { $0["line_item"] as? String } == ["own-line"])
            let slots = try #require(lines.first?["slots"] as? [[String: Any]])
            #expect(slots.map { $0["outcome"] as? String } == ["served", "served"])
            #expect(!answer.text.contains("price"), "what he paid here follows from what a rival bid")
            let foreign = try await get(probe, path + "?line_item=foreign-line", as: "advertiser_manager")
            let absent = try await get(probe, path + "?line_item=absent-line", as: "advertiser_manager")
            #expect(foreign.status == 400)
            for member in ["status", "code", "detail", "field"] {
                #expect("\(foreign.json[member] ?? "")" == "\(absent.json[member] ?? "")", "\(member)")
            }
        }
    }

    @Test func whatTheRecordDoesNotSayIsAskedAgainWhileTheSnapshotIsKept() async throws {
        // The campaign was a draft when the snapshot of that version was taken, and is one still.
        let version = try await TestDatabase.current.pool.withConnection {
            try $0.query("select version from control_version where stream = 'control'").single().int64("version")
        }
        func recent(_ version: Int64, _ low: UInt64) -> DecisionRecord {
            DecisionRecord(
                id: DecisionID(issuedAt: now, low: low), storefrontID: 1, pageType: .home, visitorID: nil,
                locationID: 1, device: .mobile, snapshotVersion: version, stockVersion: 1,
                slots: [.init(placementID: 1, noFill: 1, ads: [], losers: [])], context: .init(), detail: .init())
        }
        for (record, outcome) in [(recent(version, 7), "not_approved"), (recent(version + 9, 8), "unknown")] {
            try await serving(recent: record) { probe in
                for role in ["admin", "advertiser_analyst"] {
                    let answer = try await get(
                        probe, "/v1/decisions/\(record.id.hex)?line_item=own-line", as: role)
                    #expect(answer.status == 200, "\(answer.text)")
                    let slot = ((answer.json["line_items"] as? [[String: Any]])?.first?["slots"] as? [[String: Any]])?
                        .first
                    #expect(slot?["outcome"] as? String == outcome, "\(answer.text)")
                    #expect(answer.json["reconstructed"] as? Bool == (outcome == "not_approved"))
                }
            }
        }
    }

    @Test func whatIsNoDecisionIsNotFound() async throws {
        try await serving { probe in
            for id in ["absent", String(repeating: "f", count: 32), String(repeating: "0", count: 32)] {
                let answer = try await get(probe, "/v1/decisions/\(id)", as: "admin")
                #expect(answer.status == 404, "\(id): \(answer.text)")
            }
        }
    }
}
