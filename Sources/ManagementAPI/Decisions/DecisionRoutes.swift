import AdModel
import Decisioning
import Measurement
import Store

/// Why a page got the ads it got, and why a line item was not among them.
enum DecisionRoutes {
    static func add(to table: inout RouteTable) {
        table.get("/v1/decisions/{id}", .campaigns, .everyone) { call in try await decision(call) }
    }

    private static func decision(_ call: Call) async throws -> Answer {
        let query = try call.query()
        let lineItem = try query.text("line_item", limit: 64)
        try query.finish()
        guard let id = DecisionID(hex: call.path("id")) else { throw Refusal.notFound }
        let viewer: LedgerViewer = call.actor.isRetailer ? .retailer : .advertisers(call.actor.advertiserIDs)
        let record = try await record(id, call)
        guard let record else { throw Refusal.notFound }
        let lines = try await call.read { db in
            try DecisionReader.lineItems(of: record, named: lineItem, viewer: viewer, on: db)
        }
        let isBlinded = viewer != .retailer
        let answers: [LineExplanation]
        if let archive = call.services.snapshots {
            answers = try await archive.explain(record, lineItemIDs: lines, isBlinded: isBlinded)
        } else {
            answers = DecisionExplainer.explain(record, lineItemIDs: lines, replay: nil, isBlinded: isBlinded)
        }
        return try await call.read { db in
            let found = try DecisionReader.describe(record, answers: answers, viewer: viewer, on: db)
            return Answer.json { DecisionJSON.explanation(found, &$0) }
        }
    }

    /// From the tables, else from the log of this node, which may be a second ahead of them.
    private static func record(_ id: DecisionID, _ call: Call) async throws -> DecisionRecord? {
        let shipped = try await call.read { db in try DecisionReader.record(id, on: db) }
        if let shipped { return shipped }
        return try await call.services.recentDecision?(id)
    }
}
