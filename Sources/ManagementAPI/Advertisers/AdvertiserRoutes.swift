import AdModel
import Store

/// `/v1/advertisers`: who buys. Sellers keep them, finance sets how far they may go into debt.
enum AdvertiserRoutes {
    private static let path = "/v1/advertisers"
    private static let one = "/v1/advertisers/{id}"

    static func add(to table: inout RouteTable) {
        table.get(path, .campaigns, .everyone) { call in
            let query = try call.query()
            let search = try query.text("q", limit: 100)
            let page = try query.page()
            try query.finish()
            return try await call.read { db in
                let rows = try AdvertiserStore.list(
                    search: search, after: page.after, limit: page.fetchLimit, on: db)
                return .list(rows, call, page, id: { Int64($0.id) }) { render(&$0, $1) }
            }
        }
        table.get(one, .campaigns, .everyone) { call in
            try call.requireNoQuery()
            return try await call.read { db in answer(try AdvertiserStore.get(call.path("id"), on: db)) }
        }
        table.post(path, .campaigns, .sellers) { call in try await create(call) }
        table.patch(one, .campaigns, [.admin, .adops, .finance, .advertiserManager]) { call in try await update(call) }
        table.delete(one, .campaigns, .sellers) { call in
            try call.requireNoQuery()
            return try await call.write { db, change in
                let advertiser = try AdvertiserStore.get(call.path("id"), forUpdate: true, on: db)
                try change.requireMatch(advertiser.revision)
                try AdvertiserStore.delete(advertiser, on: db)
                change.audit("advertiser.deleted", object: "advertiser", id: advertiser.code, before: text(advertiser))
                change.servingChanged()
                return .noContent
            }
        }
    }

    private static func create(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let body = try await call.body()
        let code = body.code("id")
        let fields = AdvertiserFields(
            name: body.text("name") ?? "", counterparty: body.text("counterparty", limit: 80) ?? "",
            creditLimit: Micros(body.microsIfPresent("credit_limit_micros") ?? 0),
            lowBalance: body.microsIfPresent("low_balance_micros").map { Micros($0) })
        try body.finish()
        if fields.creditLimit > .zero { try requireTreasurer(call) }
        return try await call.write { db, change in
            let made = try AdvertiserStore.create(code: code, fields, on: db)
            // Not his own affair yet: one that was added by mistake can still be removed.
            change.audit("advertiser.created", object: "advertiser", id: made.code, after: text(made))
            change.servingChanged()
            return answer(made, status: 201)
        }
    }

    /// What a merge patch wants to be other than it is.
    private struct Patch {
        var name: String?
        var counterparty: String?
        var creditLimit: Int64?
        var lowBalance: Int64?
        var setsLowBalance: Bool

        init(_ body: Fields) {
            body.readOnly("id")
            name = body.has("name") ? body.text("name") : nil
            counterparty = body.has("counterparty") ? body.text("counterparty", limit: 80) : nil
            creditLimit = body.has("credit_limit_micros") ? body.micros("credit_limit_micros") : nil
            setsLowBalance = body.has("low_balance_micros")
            lowBalance = body.microsIfPresent("low_balance_micros")
        }

        func applied(to advertiser: Advertiser) -> AdvertiserFields {
            AdvertiserFields(
                name: name ?? advertiser.name, counterparty: counterparty ?? advertiser.counterparty,
                creditLimit: creditLimit.map { Micros($0) } ?? advertiser.creditLimit,
                lowBalance: setsLowBalance ? lowBalance.map { Micros($0) } : advertiser.lowBalance)
        }
    }

    private static func update(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let body = try await call.body()
        let patch = Patch(body)
        try body.finish()
        return try await call.write { db, change in
            let advertiser = try AdvertiserStore.get(call.path("id"), forUpdate: call.actor.isRetailer, on: db)
            try change.requireMatch(advertiser.revision)
            if patch.name != nil || patch.counterparty != nil { try requireSeller(call) }
            if patch.creditLimit != nil { try requireTreasurer(call) }
            let fields = patch.applied(to: advertiser)
            let made =
                call.actor.isRetailer
                ? try AdvertiserStore.update(advertiser, fields, on: db)
                : try AdvertiserStore.setLowBalance(advertiser, fields.lowBalance, on: db)
            change.audit(
                "advertiser.updated", object: "advertiser", id: made.code, advertiser: made.id,
                before: text(advertiser), after: text(made))
            change.servingChanged()
            return answer(made)
        }
    }

    private static func requireSeller(_ call: Call) throws(Refusal) {
        guard !call.actor.retailerRoles.isDisjoint(with: Set<Role>.sellers) else {
            throw Refusal.field("name", "role", "Name and counterparty are set by the roles admin and adops.")
        }
    }

    private static func requireTreasurer(_ call: Call) throws(Refusal) {
        guard !call.actor.retailerRoles.isDisjoint(with: Set<Role>.treasurers) else {
            throw Refusal.field("credit_limit_micros", "role", "It is set by the roles admin and finance.")
        }
    }

    private static func answer(_ advertiser: Advertiser, status: Int = 200) -> Answer {
        .json(
            status: status, revision: advertiser.revision,
            location: status == 201 ? "\(path)/\(advertiser.code)" : nil
        ) { render(&$0, advertiser) }
    }

    private static func text(_ advertiser: Advertiser) -> String {
        var json = JSONText()
        json.object { render(&$0, advertiser) }
        return json.text
    }

    private static func render(_ json: inout JSONText, _ advertiser: Advertiser) {
        json.member("id", advertiser.code)
        json.member("name", advertiser.name)
        json.member("counterparty", advertiser.counterparty)
        json.member("credit_limit_micros", advertiser.creditLimit.value)
        json.member("low_balance_micros", advertiser.lowBalance?.value)
    }
}
