import AdModel
import ORD
import Reporting
import Store

/// `GET /v1/advertisers/{id}/wallet/statement`: with VAT and without, page by page or as one CSV file.
enum StatementRoutes {
    static func add(to table: inout RouteTable) {
        table.get("/v1/advertisers/{id}/wallet/statement", .wallet, .everyone) { call in
            let query = try call.query()
            let from = try query.day("from")
            let to = try query.day("to")
            let isCSV = try query.word("format", ["json", "csv"]) == "csv"
            let page = try query.page()
            try query.finish()
            return try await call.read { db in
                let advertiser = try AdvertiserStore.get(call.path("id"), on: db)
                let last = try to ?? RetailerStore.today(call.now, on: db)
                let statement = try WalletStatement.read(
                    advertiser: advertiser.id, from: from ?? last + (1 - last.civil.day), to: last,
                    zone: try RetailerStore.zone(on: db), on: db)
                return isCSV ? csv(statement, advertiser, call) : json(statement, advertiser, page, call)
            }
        }
    }

    private static func json(
        _ statement: WalletStatement, _ advertiser: Advertiser, _ page: Page, _ call: Call
    ) -> Answer {
        let rows = statement.lines.drop { $0.key <= page.after }
        let shown = rows.prefix(page.limit)
        return .json { json in
            json.member("advertiser", advertiser.code)
            json.member("from", statement.from.description)
            json.member("to", statement.to.description)
            json.member("opening_balance_micros", statement.opening.value)
            json.member("closing_balance_micros", statement.closing.value)
            json.member("over_delivery_events", statement.overDeliveryEvents)
            json.member("over_delivery_micros", statement.overDelivery.value)
            json.member("totals") { WalletJSON.totals(&$0, statement) }
            json.member("items", array: shown) { json, line in json.object { WalletJSON.line(&$0, line, call) } }
            let last = rows.count > page.limit ? shown.last : nil
            json.member("next_cursor", last.map { Cursor.seal($0.key, call.services.sealer) })
        }
    }

    private static func csv(_ statement: WalletStatement, _ advertiser: Advertiser, _ call: Call) -> Answer {
        var text = """
            day,kind,id,amount_micros,vat_rate,vat_micros,amount_with_vat_micros,balance_micros,reference,reason,actor,\
            campaign,events,over_delivery_events,over_delivery_micros

            """
        for line in statement.lines {
            let cells: [String] = [
                line.day.description, line.kind.rawValue, CSVCell.text(line.object ?? ""),
                CSVCell.number(line.amount.value), line.rate?.rawValue ?? "",
                line.vat.map { CSVCell.number($0.micros.value) } ?? "",
                line.amountWithVAT.map { CSVCell.number($0.micros.value) } ?? "", CSVCell.number(line.balance.value),
                CSVCell.text(line.reference ?? ""), CSVCell.text(line.reason ?? ""),
                CSVCell.text(line.actor.map { WalletJSON.actor($0, call) } ?? ""), CSVCell.text(line.campaign ?? ""),
                CSVCell.number(line.events), CSVCell.number(line.overDeliveryEvents),
                CSVCell.number(line.overDelivery.value),
            ]
            text += cells.joined(separator: ",") + "\n"
        }
        var answer = Answer(status: 200, contentType: "text/csv; charset=utf-8; header=present", body: Array(text.utf8))
        answer.headers["content-disposition"] =
            "attachment; filename=\"statement-\(advertiser.code)-\(statement.from)-\(statement.to).csv\""
        return answer
    }
}
