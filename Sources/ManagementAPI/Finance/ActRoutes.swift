import AdModel
import FinanceDocuments
import FinanceExports
import ORD
import Postgres
import Store

/// `/v1/finance/acts`: an advertiser sees his own, once they are issued; the rest of finance is the retailer's.
enum ActRoutes {
    private static let one = "/v1/finance/acts/{id}"
    private static let readers: Set<Role> = FinanceCalls.readers.union([.advertiserManager, .advertiserAnalyst])

    static func add(to table: inout RouteTable) {
        table.get("/v1/finance/acts", .finance, readers, list)
        table.get(one, .finance, readers) { call in
            try call.requireNoQuery()
            return try await call.read { db in
                let act = try find(call, on: db)
                return .json { FinanceJSON.act(&$0, act) }
            }
        }
        table.get("\(one)/document", .finance, readers, document)
        table.get("\(one)/charges", .finance, readers) { call in
            let query = try call.query()
            let page = try query.page()
            try query.finish()
            return try await call.read { db in
                let rows = try ChargeTrace.act(
                    find(call, on: db), after: page.after, limit: page.fetchLimit, on: db)
                return .list(rows, call, page, id: { $0.id }) { WalletJSON.charge(&$0, $1) }
            }
        }
        table.put("\(one)/levy-status", .finance, .treasurers, setLevy)
    }

    private static func find(_ call: Call, on db: isolated PostgresConnection) throws -> ActRecord {
        try ActStore.find(call.path("id"), issuedOnly: !call.actor.isRetailer, on: db)
    }

    @Sendable private static func list(_ call: Call) async throws -> Answer {
        let query = try call.query()
        let month = try FinanceCalls.month(query)
        let advertiser = try query.text("advertiser", limit: 64)
        let page = try query.page()
        try query.finish()
        return try await call.read { db in
            let rows = try ActStore.list(
                month: month, advertiser: advertiser, issuedOnly: !call.actor.isRetailer, after: page.after,
                limit: page.fetchLimit, on: db)
            return .list(rows, call, page, id: { $0.key }) { FinanceJSON.act(&$0, $1.act) }
        }
    }

    /// The act to print and sign.
    @Sendable private static func document(_ call: Call) async throws -> Answer {
        let query = try call.query()
        let isPDF = try query.word("format", ["html", "pdf"]) == "pdf"
        try query.finish()
        let paper = try await call.read { db -> (stem: String, html: [UInt8]) in
            let act = try find(call, on: db)
            // The caller may see this act; the paper is made of the frozen month, of which nothing else is shown.
            try TenantScope.retailer.enter(on: db)
            let month = try MonthFiles.month(
                act.month, version: act.version, kktu: FinanceCalls.kktu(call, on: db), now: call.now, on: db)
            guard let document = ActDocument.all(of: month).first(where: { $0.act.id == act.id }) else {
                throw Refusal(.invalidState, "The agent's report is the agent's paper.")
            }
            return (document.fileStem, document.html)
        }
        return try await FinanceCalls.paper(paper.stem, paper.html, isPDF: isPDF)
    }

    /// What the register says of the levy on an act; `blocked` locks it for good.
    @Sendable private static func setLevy(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let body = try await call.body()
        let status = body.word("status", LevyLocks.statuses) ?? ""
        try body.finish()
        return try await call.write { db, change in
            let before = try find(call, on: db)
            try LevyLocks.set(
                act: before.id, month: before.month, status: status,
                by: MonthActor(name: call.actor.name, at: call.now), on: db)
            let after = try find(call, on: db)
            change.audit(
                "act.levy_set", object: "act", id: after.id, before: JSONText.object { $0.member("levy", before.levy) },
                after: JSONText.object { $0.member("levy", after.levy) })
            return .json { FinanceJSON.act(&$0, after) }
        }
    }
}
