import AdModel
import Store

/// `/v1/retailer`: settings of the installation.
enum RetailerRoutes {
    private static let path = "/v1/retailer"

    static func add(to table: inout RouteTable) {
        table.get(path, .operations, .retailer) { call in
            try call.requireNoQuery()
            return try await call.read { db in answer(try RetailerStore.get(on: db)) }
        }
        table.post(path, .operations, [.admin]) { call in
            try call.requireNoQuery()
            let body = try await call.body()
            let code = body.code("id")
            let patch = Patch(body, name: body.text("name"), counterparty: body.text("counterparty", limit: 80))
            try body.finish()
            return try await call.write { db, change in
                let fields = patch.applied(to: RetailerFields(name: "", counterparty: ""))
                let made = try RetailerStore.create(code: code ?? Code.make("ret"), fields, on: db)
                change.audit("retailer.created", object: "retailer", id: made.code, after: text(made))
                change.servingChanged()
                return answer(made, status: 201)
            }
        }
        table.patch(path, .operations, [.admin]) { call in
            try call.requireNoQuery()
            let body = try await call.body()
            body.readOnly("id")
            let patch = Patch(
                body, name: body.has("name") ? body.text("name") : nil,
                counterparty: body.has("counterparty") ? body.text("counterparty", limit: 80) : nil)
            try body.finish()
            return try await call.write { db, change in
                let retailer = try RetailerStore.get(forUpdate: true, on: db)
                try change.requireMatch(retailer.revision)
                let made = try RetailerStore.update(retailer, patch.applied(to: retailer.fields), on: db)
                change.audit(
                    "retailer.updated", object: "retailer", id: made.code, before: text(retailer), after: text(made))
                change.servingChanged()
                return answer(made)
            }
        }
    }

    /// What a body wants to be other than it is.
    private struct Patch {
        var name: String?
        var counterparty: String?
        var zone: String?
        var impressionDeadline: Int64?
        var clickDeadline: Int64?
        var stockMaxAge: Int64?

        init(_ body: Fields, name: String?, counterparty: String?) {
            self.name = name
            self.counterparty = counterparty
            func seconds(_ key: String, _ range: ClosedRange<Int64>) -> Int64? {
                body.has(key) ? body.int(key, range) : nil
            }
            zone = body.has("accounting_zone") ? body.text("accounting_zone", limit: 64) : nil
            impressionDeadline = seconds("impression_deadline_seconds", RetailerStore.deadlines)
            clickDeadline = seconds("click_deadline_seconds", RetailerStore.deadlines)
            stockMaxAge = seconds("stock_max_age_seconds", RetailerStore.stockAges)
        }

        func applied(to fields: RetailerFields) -> RetailerFields {
            RetailerFields(
                name: name ?? fields.name, counterparty: counterparty ?? fields.counterparty,
                accountingZone: zone ?? fields.accountingZone,
                impressionDeadline: impressionDeadline ?? fields.impressionDeadline,
                clickDeadline: clickDeadline ?? fields.clickDeadline, stockMaxAge: stockMaxAge ?? fields.stockMaxAge)
        }
    }

    private static func answer(_ retailer: Retailer, status: Int = 200) -> Answer {
        .json(status: status, revision: retailer.revision, location: status == 201 ? path : nil) {
            render(&$0, retailer)
        }
    }

    private static func text(_ retailer: Retailer) -> String {
        var json = JSONText()
        json.object { render(&$0, retailer) }
        return json.text
    }

    private static func render(_ json: inout JSONText, _ retailer: Retailer) {
        json.member("id", retailer.code)
        json.member("name", retailer.fields.name)
        json.member("counterparty", retailer.fields.counterparty)
        json.member("accounting_zone", retailer.fields.accountingZone)
        json.member("impression_deadline_seconds", retailer.fields.impressionDeadline)
        json.member("click_deadline_seconds", retailer.fields.clickDeadline)
        json.member("stock_max_age_seconds", retailer.fields.stockMaxAge)
    }
}
