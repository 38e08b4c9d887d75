import AdFormatFiles
import AdFormats
import AdModel
import Decisioning
import Foundation
import ManagementAPI
import Postgres
import Store
import Synchronization
import TestKit
import Testing

/// Whatever anybody does in whatever order: nothing serves that the retailer has not approved, and no update is lost.
@Suite(.database) struct CampaignPropertyTests {
    /// Small and fast random numbers with a seed that failures print.
    struct Dice {
        var state: UInt64

        mutating func roll(_ sides: Int) -> Int {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return Int((z ^ (z >> 31)) % UInt64(sides))
        }

        mutating func pick<T>(_ items: [T]) -> T { items[roll(items.count)] }
    }

    /// What one walk knows of its campaign, from the outside.
    private final class Walk {
        let seed: UInt64
        let campaign: String
        var lineItems: [String]
        /// The retailer's yes still holds: nothing was sent to moderation, rejected or withdrawn since.
        var isApproved = false
        var log: [String] = []

        init(seed: UInt64, campaign: String, lineItems: [String]) {
            self.seed = seed
            self.campaign = campaign
            self.lineItems = lineItems
        }
    }

    private static let actions = [
        "submit", "submit", "withdraw", "pause", "resume", "finish", "archive", "approve", "approve", "reject", "tick",
        "tick", "kktu", "products", "flight", "state", "tier", "copy", "line", "bulk", "line-resume", "forge",
    ]

    @Test func noOrderOfActionsServesWhatNobodyApproved() async throws {
        let clock = Mutex(CampaignWorld.now)
        let loader = SnapshotLoader(
            pool: TestDatabase.current.pool, formats: try AdFormatSet(folders: AdFormatFiles.read()),
            mediaBaseURL: "https://media.example")
        var served = 0
        try await CampaignWorld.with(now: { clock.withLock { $0 } }) { world in
            for seed in UInt64(1)...24 {
                var dice = Dice(state: seed)
                clock.withLock { $0 = CampaignWorld.now }
                let walk = try await begin(seed, world)
                for _ in 0..<40 {
                    let action = dice.pick(Self.actions)
                    let who = dice.pick(["nord", "nord", "adops", "sud", "nord-analyst", "finance"])
                    walk.log.append("\(action) by \(who)")
                    try await perform(action, who, walk, world, clock, &dice)
                    let now = clock.withLock { $0 }
                    let servable = Self.servable(try await loader.load(now: now), now: now)
                    if !servable.isEmpty { served += 1 }
                    let approved = try await approvedCampaigns()
                    #expect(
                        servable.isSubset(of: approved), "seed \(seed): \(servable) after \(walk.log.suffix(12))")
                    let id = try await id(of: walk.campaign)
                    #expect(
                        !servable.contains(id) || walk.isApproved,
                        "seed \(seed) serves without approval after \(walk.log.suffix(12))")
                }
                // The next walk is alone: what this one left does not serve any more.
                try await TestDatabase.current.pool.withConnection {
                    _ = try $0.query("update campaign set state = 'archived'")
                }
            }
        }
        // A walk that never serves would prove nothing.
        #expect(served > 20)
    }

    /// Campaigns with a line item that serving would show now, by the loader that serving uses.
    private static func servable(_ data: ServingData, now: Timestamp) -> Set<Int32> {
        Set(
            data.input.lineItems.filter { item in
                item.isApproved && !item.isPaused && item.hasKKTU && item.startsAt <= now && now < item.endsAt
                    && item.creatives.contains(where: \.isServable)
            }.map(\.campaignID))
    }

    /// Campaigns whose latest yes by the retailer is later than everything that takes it back, by the record.
    private func approvedCampaigns() async throws -> Set<Int32> {
        try await TestDatabase.current.pool.withConnection { db in
            Set(
                try db.query(
                    """
                    select c.id from campaign c where
                        (select max(id) from campaign_transition t where t.campaign_id = c.id and to_state = 'approved'
                            and from_state = 'moderation' and actor in ('key:adops', 'key:admin'))
                        > (select coalesce(max(id), 0) from campaign_transition t where t.campaign_id = c.id
                            and to_state in ('moderation', 'rejected', 'draft'))
                    """
                ).map { try $0.int32("id") })
        }
    }

    private func id(of code: String) async throws -> Int32 {
        try await TestDatabase.current.pool.withConnection { db in
            try db.query("select id from campaign where code = $1", [.text(code)]).single().int32("id")
        }
    }

    /// A campaign with two line items whose creatives are approved and have tokens: the campaign's own state is the
    /// only thing between them and the shopper.
    private func begin(_ seed: UInt64, _ world: CampaignWorld) async throws -> Walk {
        let made = try await world.send(
            "POST", "/v1/campaigns", as: "nord", body: #"{"name":"Прогулка \#(seed)","kktu":"17.3.1"}"#)
        let walk = Walk(seed: seed, campaign: made["id"], lineItems: [])
        for _ in 0..<2 { try await addLineItem(walk, world, as: "nord") }
        return walk
    }

    private func addLineItem(_ walk: Walk, _ world: CampaignWorld, as who: String) async throws {
        let line = try await world.send(
            "POST", "/v1/campaigns/\(walk.campaign)/line-items", as: who,
            body: """
                {"name":"Полка","flight":{"from":"2026-11-20","to":"2026-11-23"},"pricing":"cpm",
                "bid_micros":200000000,"promoted":{"skus":["n1"]}}
                """)
        guard line.status == 201 else { return }
        let code = line["id"]
        walk.lineItems.append(code)
        try await TestDatabase.current.pool.transaction { db in
            try TenantScope.system.enter(on: db)
            let creative = try db.query(
                """
                insert into creative (code, line_item_id, advertiser_id, format)
                select 'cr-' || code, id, advertiser_id, 'banner' from line_item where code = $1 returning id
                """, [.text(code)]
            ).single().int32("id")
            try db.query(
                """
                insert into creative_version (creative_id, version, fields, landing_url, ord_form, submitted_at,
                    approved_at, erid, erid_status)
                values ($1, 1, '{}', 'https://shop.example/', 'banner', '2026-11-01Z', '2026-11-01Z', $2, 'new')
                """, [.int4(creative), .text("2Vtz\(code.replacing("-", with: ""))")])
        }
    }

    private func perform(
        _ action: String, _ who: String, _ walk: Walk, _ world: CampaignWorld, _ clock: borrowing Mutex<Timestamp>,
        _ dice: inout Dice
    ) async throws {
        let path = "/v1/campaigns/\(walk.campaign)"
        let line = walk.lineItems.isEmpty ? "none" : dice.pick(walk.lineItems)
        var answer: CampaignWorld.Answer?
        switch action {
        case "approve", "reject": try await moderate(action, who, walk, at: clock.withLock { $0 })
        case "forge": try await forge(walk)
        case "tick":
            let hours = Int64(dice.roll(14))
            clock.withLock { $0 = $0 + .hours(hours) }
            let now = clock.withLock { $0 }
            _ = try await CampaignSchedule.run(pool: TestDatabase.current.pool, now: now)
        case "kktu":
            answer = try await world.patch(
                path, as: who, #"{"kktu":"\#(dice.pick(["17.3.1", "17.3.2"]))","resubmit":\#(dice.roll(2) == 0)}"#)
        case "products":
            answer = try await world.patch(
                "/v1/line-items/\(line)", as: who,
                #"{"promoted":{"skus":["\#(dice.pick(["n1", "n2", "n3"]))"]},"resubmit":\#(dice.roll(2) == 0)}"#)
        case "flight":
            answer = try await world.patch(
                "/v1/line-items/\(line)", as: who, #"{"flight":{"to":"2026-11-2\#(3 + dice.roll(6))"}}"#)
        case "state": answer = try await world.patch(path, as: who, #"{"state":"active"}"#)
        case "tier": answer = try await world.patch("/v1/line-items/\(line)", as: who, #"{"tier":"house"}"#)
        case "copy": answer = try await world.send("POST", "\(path)/copy", as: who)
        case "line": if walk.lineItems.count < 5 { try await addLineItem(walk, world, as: who) }
        case "line-resume": answer = try await world.send("POST", "/v1/line-items/\(line)/resume", as: who)
        case "bulk":
            let what = dice.pick(["pause", "resume", "archive"])
            answer = try await world.send(
                "POST", "/v1/campaigns/bulk", as: who,
                body: #"{"ids":["\#(walk.campaign)"],"change":{"action":"\#(what)"}}"#)
        default: answer = try await world.send("POST", "\(path)/\(action)", as: who)
        }
        if let answer {
            #expect(answer.findings == [], "seed \(walk.seed): \(answer.text)")
            #expect(answer.status < 500, "seed \(walk.seed): \(answer.text)")
        }
        // The yes is taken back by whatever leaves the approved states, seen from the outside.
        let state = try await world.send("GET", path, as: "admin")["state"]
        if ["draft", "moderation", "rejected"].contains(state) { walk.isApproved = false }
    }

    /// Approves or rejects as the caller's own tenant and side; only the retailer's yes counts.
    private func moderate(_ action: String, _ who: String, _ walk: Walk, at now: Timestamp) async throws {
        let isSeller = who == "adops"
        guard isSeller || who == "nord" else { return }
        let code = walk.campaign
        do {
            try await TestDatabase.current.pool.transaction { db in
                try (isSeller ? TenantScope.retailer : .advertisers([1])).enter(on: db)
                let campaign = try db.query("select id from campaign where code = $1", [.text(code)]).single()
                    .int32("id")
                try CampaignTransitions.apply(
                    campaign, to: action == "approve" ? .approved : .rejected,
                    actor: CampaignActor(isSeller ? .retailer : .advertiser, name: "key:\(who)"), reason: action,
                    now: now, on: db)
            }
        } catch is Refusal { return }
        #expect(isSeller, "seed \(walk.seed): an advertiser moderated")
        if action == "approve" { walk.isApproved = true }
    }

    /// A hole in the API would still meet the database: an advertiser's session cannot write itself an approval.
    private func forge(_ walk: Walk) async throws {
        let code = walk.campaign
        let seed = walk.seed
        for state in ["approved", "active"] {
            do {
                try await TestDatabase.current.pool.transaction { db in
                    try TenantScope.advertisers([1]).enter(on: db)
                    let row = try db.query("select state from campaign where code = $1", [.text(code)]).single()
                    let before = try row.string("state")
                    // Unchanged, or the one move towards serving that is his: going on after his own pause.
                    guard before != state, !(before == "paused" && state == "active") else { return }
                    try db.query("update campaign set state = $2 where code = $1", [.text(code), .text(state)])
                    Issue.record("seed \(seed): the database let \(before) become \(state)")
                }
            } catch let error as PostgresError { #expect(error.sqlState == "42501") }
        }
    }

    // MARK: Lost updates

    @Test func ofManyUpdatesFromOneReadingOneWins() async throws {
        try await CampaignWorld.with { world in
            let made = try await world.send("POST", "/v1/campaigns", as: "nord", body: #"{"name":"К"}"#)
            let path = "/v1/campaigns/\(made["id"])"
            let tag = try #require(made.etag)
            let answers = try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<16 {
                    group.addTask {
                        try await world.send(
                            "PATCH", path, as: "nord", body: #"{"name":"К \#(number)"}"#, headers: ["If-Match": tag]
                        ).status
                    }
                }
                return try await group.reduce(into: [Int: Int]()) { $0[$1, default: 0] += 1 }
            }
            #expect(answers == [200: 1, 412: 15])
        }
    }

    @Test func everyAcceptedUpdateIsInTheResult() async throws {
        try await CampaignWorld.with { world in
            let made = try await world.send("POST", "/v1/campaigns", as: "nord", body: #"{"name":"К"}"#)
            let line = try await world.send(
                "POST", "/v1/campaigns/\(made["id"])/line-items", as: "nord",
                body: """
                    {"name":"Л","flight":{"from":"2026-11-20","to":"2026-11-30"},"pricing":"cpm","bid_micros":10000}
                    """)
            let path = "/v1/line-items/\(line["id"])"
            try await withThrowingTaskGroup(of: Void.self) { group in
                for task in 0..<6 {
                    group.addTask {
                        var left = 5
                        while left > 0 {
                            if task == 0 {
                                // Changes of many at once neither lose nor are lost.
                                let bulk = try await world.send(
                                    "POST", "/v1/line-items/bulk", as: "nord",
                                    body: #"{"ids":["\#(line["id"])"],"change":{"bid":{"add_micros":1}}}"#)
                                if bulk.status == 200 { left -= 1 }
                                continue
                            }
                            let read = try await world.send("GET", path, as: "nord")
                            let bid = (read.json["bid_micros"] as? Int ?? 0) + 1
                            let written = try await world.send(
                                "PATCH", path, as: "nord", body: #"{"bid_micros":\#(bid)}"#,
                                headers: ["If-Match": read.etag ?? ""])
                            if written.status == 200 { left -= 1 }
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await world.send("GET", path, as: "nord")["bid_micros"] == "10030")
        }
    }
}
