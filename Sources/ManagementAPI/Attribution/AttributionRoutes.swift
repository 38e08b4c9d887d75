import AdModel
import Archive
import Postgres
import Store

/// Why an order was credited as it was, the ledger itself, what was published of it, and what moved since.
enum AttributionRoutes {
    static func add(to table: inout RouteTable) {
        table.get("/v1/orders/{id}/attribution", .attribution, .everyone) { call in try await explain(call) }
        table.get("/v1/credits", .attribution, .everyone) { call in try await credits(call) }
        table.get("/v1/publications", .reports, .everyone) { call in try await publications(call) }
        table.get("/v1/publications/{id}", .reports, .everyone) { call in try await publication(call) }
        table.post("/v1/publications", .reports, .treasurers) { call in try await publish(call) }
        table.get("/v1/reports/{id}/diff", .reports, .everyone) { call in try await diff(call) }
        table.get("/v1/reports/ledger-files", .reports, .everyone) { call in try await ledgerFiles(call) }
        table.post("/v1/event-invalidations", .attribution, .sellers) { call in try await invalidate(call) }
    }

    private static func viewer(_ call: Call) -> LedgerViewer {
        call.actor.isRetailer ? .retailer : .advertisers(call.actor.advertiserIDs)
    }

    // MARK: Orders and credits

    private static func explain(_ call: Call) async throws -> Answer {
        let query = try call.query()
        let storefront = try query.text("storefront", limit: 64)
        try query.finish()
        let id = call.path("id")
        let viewer = viewer(call)
        return try await call.read { db in
            guard
                let key = try OrderExplainer.find(id, storefront: storefront, viewer: viewer, on: db),
                let found = try OrderExplainer.explain(key, viewer: viewer, on: db)
            else { throw Refusal.notFound }
            return Answer.json { AttributionJSON.explanation(found, &$0) }
        }
    }

    private static func credits(_ call: Call) async throws -> Answer {
        let query = try call.query()
        var filter = CreditPages.Filter()
        filter.advertiser = try query.text("advertiser", limit: 64)
        filter.campaign = try query.text("campaign", limit: 64)
        filter.policy = try query.text("policy", limit: 80)
        filter.postingMonth = try month(query, "posting_month")
        filter.from = try query.day("from")
        filter.to = try query.day("to")
        let order = try query.text("order", limit: 256)
        let storefront = try query.text("storefront", limit: 64)
        let page = try query.page()
        try query.finish()
        if storefront != nil, order == nil {
            throw Refusal(.invalidParameter, field: "storefront", "Says whose order is meant: give order too.")
        }
        let viewer = viewer(call)
        let wanted = filter
        return try await call.read { db in
            var filter = wanted
            if let order {
                // An order that is not there, or not the viewer's, has no rows.
                guard let key = try OrderExplainer.find(order, storefront: storefront, viewer: viewer, on: db) else {
                    return Answer.list([CreditPages.Row](), call, page, id: { $0.id }) { _, _ in }
                }
                filter.order = key
            }
            let rows = try CreditPages.read(
                filter, viewer: viewer, after: page.after, limit: Int(page.fetchLimit), on: db)
            return Answer.list(rows, call, page, id: { $0.id }) { AttributionJSON.credit($1, &$0) }
        }
    }

    // MARK: Publications

    private static func publications(_ call: Call) async throws -> Answer {
        let query = try call.query()
        let month = try month(query, "month")
        let page = try query.page()
        try query.finish()
        return try await call.read { db in
            let rows = try Publications.list(month: month, after: page.after, limit: Int(page.fetchLimit), on: db)
            return Answer.list(rows, call, page, id: { $0.id }) { AttributionJSON.publication($1, shares: nil, &$0) }
        }
    }

    private static func publication(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let id = call.path("id")
        return try await call.read { db in
            guard let found = try Publications.find(id, on: db) else { throw Refusal.notFound }
            let shares = try Publications.shares(of: found.id, on: db)
            return Answer.json { AttributionJSON.publication(found, shares: shares, &$0) }
        }
    }

    private static func publish(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let fields = try await call.body()
        let text = fields.text("month", limit: 7)
        let note = fields.textIfPresent("note", limit: 500)
        let month = text.flatMap { Day("\($0)-01") }
        if text != nil, month == nil { fields.problem("month", "Must be a month like 2026-10.") }
        try fields.finish()
        guard let month else { throw Refusal.field("month", "invalid", "Must be a month like 2026-10.") }
        let (actor, now) = (call.actor.name, call.now)
        return try await call.write { db, change in
            let made = try Publications.publish(month: month, by: actor, note: note, now: now, on: db)
            let shares = try Publications.shares(of: made.id, on: db)
            change.audit(
                "publication.created", object: "publication", id: made.code,
                after: AttributionJSON.publication(made, shares: []))
            return Answer.json(status: 201, location: "/v1/publications/\(made.code)") {
                AttributionJSON.publication(made, shares: shares, &$0)
            }
        }
    }

    private static func diff(_ call: Call) async throws -> Answer {
        let query = try call.query()
        let against = try query.text("against", limit: 64)
        let page = try query.page()
        try query.finish()
        let id = call.path("id")
        let viewer = viewer(call)
        return try await call.read { db in
            guard let publication = try Publications.find(id, on: db) else { throw Refusal.notFound }
            var other: Publication?
            if let against, against != "current" {
                other = try Publications.find(against, on: db)
                guard other != nil else {
                    throw Refusal(.invalidParameter, field: "against", "There is no publication of that id.")
                }
            }
            let found = try PublicationDiff.read(
                publication, against: other, isCurrent: against == "current", viewer: viewer, after: page.after,
                limit: Int(page.fetchLimit), on: db)
            return Answer.json { json in
                AttributionJSON.diff(found, items: found.items.prefix(page.limit), &json)
                let last = found.items.count > page.limit ? found.items[page.limit - 1] : nil
                json.member("next_cursor", last.map { Cursor.seal($0.position, call.services.sealer) })
            }
        }
    }

    // MARK: Files

    /// Days that one export of the API covers.
    static let exportDays = 92

    private static func ledgerFiles(_ call: Call) async throws -> Answer {
        let query = try call.query()
        let code = try query.text("advertiser", limit: 64)
        guard let from = try query.day("from"), let to = try query.day("to") else {
            throw Refusal(.invalidParameter, field: "from", "Give from and to, accounting days of the orders.")
        }
        try query.finish()
        guard from <= to else { throw Refusal(.invalidParameter, field: "to", "Must not be before from.") }
        guard to - from < exportDays else {
            throw Refusal(.rangeTooLong, field: "to", "At most \(exportDays) days at a time.")
        }
        let ids = call.actor.advertiserIDs
        let isRetailer = call.actor.isRetailer
        return try await call.read { db in
            let advertiser: Int32
            if let code {
                // Row level security makes another tenant's code unknown.
                guard let row = try db.query("select id from advertiser where code = $1", [.text(code)]).first else {
                    throw Refusal.notFound
                }
                advertiser = try row.int32(0)
            } else {
                guard !isRetailer, ids.count == 1 else {
                    throw Refusal(.invalidParameter, field: "advertiser", "Required: you see more than one advertiser.")
                }
                advertiser = ids[0]
            }
            // Rivals decide, so the contests are held over everybody's touches; the files are blinded.
            try TenantScope.system.enter(on: db)
            let memory = LedgerFileMemory()
            _ = try LedgerFiles.write(
                LedgerFiles.Request(advertiserID: advertiser, from: from, to: to), on: db, to: memory)
            let bytes = try ZipWriter.bytes(of: memory.files.map { ArchiveEntry(name: $0.key, bytes: $0.value) })
            var answer = Answer(status: 200, contentType: "application/zip", body: bytes)
            answer.headers["content-disposition"] = "attachment; filename=\"ledger-\(from)-\(to).zip\""
            return answer
        }
    }

    // MARK: Invalid traffic

    private static func invalidate(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let fields = try await call.body()
        let reason = fields.word("reason", InvalidReason.allCases.map(\.rawValue)).flatMap(
            InvalidReason.init(rawValue:))
        let note = fields.textIfPresent("note", limit: 500)
        let events =
            fields.has("events") ? fields.texts("events", limit: EventInvalidation.eventLimit, itemLimit: 64) : []
        let visitor = fields.textIfPresent("visitor", limit: 128)
        let from = fields.instantIfPresent("from")
        let to = fields.instantIfPresent("to")
        if events.isEmpty == (visitor == nil) {
            fields.problem("events", "Give either events or visitor with from and to.", code: "required")
        }
        if visitor != nil, from == nil || to == nil {
            fields.problem("from", "Say from when to when the visitor's events are meant.", code: "required")
        }
        try fields.finish()
        guard let reason else { throw Refusal.field("reason", "required", "Give a reason.") }
        let selection: EventInvalidation.Selection
        if let visitor, let from, let to {
            selection = .visitor(visitor, from: from, to: to)
        } else {
            selection = .events(events)
        }
        let (actor, now) = (call.actor.name, call.now)
        return try await call.write { db, change in
            let made = try EventInvalidation.apply(
                selection, reason: reason, note: note, actor: actor, now: now, on: db)
            if made.events == 0 {
                change.nothingChanged()
            } else {
                var json = JSONText()
                json.object { summary(made, reason, &$0) }
                change.audit(
                    "events.invalidated", object: "event", id: call.requestID, after: json.text)
            }
            return Answer.json { summary(made, reason, &$0) }
        }
    }

    private static func summary(
        _ made: EventInvalidation.Summary, _ reason: InvalidReason, _ json: inout JSONText
    ) {
        json.member("reason", reason.rawValue)
        json.member("events", made.events)
        json.member("repeated", made.repeated)
        json.member("unknown", made.unknown)
        json.member("refunds", made.refunds)
        json.member("refunded_micros", made.refunded.value)
        json.member("orders", made.credits.orders)
        json.member("credit_rows", made.credits.rows)
    }

    private static func month(_ query: QueryReader, _ name: String) throws(Refusal) -> Day? {
        guard let text = try query.text(name, limit: 7) else { return nil }
        guard let month = Day("\(text)-01") else {
            throw Refusal(.invalidParameter, field: name, "Must be a month like 2026-10.")
        }
        return month
    }
}
