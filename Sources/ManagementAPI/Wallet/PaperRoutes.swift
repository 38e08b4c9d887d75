import AdModel
import FinanceDocuments
import ORD
import Postgres
import Store

/// Papers between the retailer and an advertiser: invoices for top-ups, and the reconciliation of both sides' books.
enum PaperRoutes {
    private static let invoices = "/v1/advertisers/{id}/invoices"
    private static let invoice = "/v1/advertisers/{id}/invoices/{invoice}"

    static func add(to table: inout RouteTable) {
        table.get(invoices, .wallet, .everyone) { call in
            let query = try call.query()
            let page = try query.page()
            try query.finish()
            return try await call.read { db in
                let advertiser = try AdvertiserStore.get(call.path("id"), on: db)
                let rows = try TopUpInvoices.list(
                    advertiser: advertiser.id, after: page.after, limit: page.fetchLimit, on: db)
                return .list(rows, call, page, id: { $0.id }) { render(&$0, $1, call) }
            }
        }
        table.post(invoices, .wallet, .treasurers.union([.advertiserManager]), create)
        table.get(invoice, .wallet, .everyone) { call in
            try call.requireNoQuery()
            return try await call.read { db in
                let found = try find(call, on: db)
                return .json { render(&$0, found, call) }
            }
        }
        table.get("\(invoice)/document", .wallet, .everyone, document)
        table.get("/v1/advertisers/{id}/reconciliation", .wallet, .everyone, reconciliation)
    }

    private static func find(_ call: Call, on db: isolated PostgresConnection) throws -> TopUpInvoiceRecord {
        let advertiser = try AdvertiserStore.get(call.path("id"), on: db)
        return try TopUpInvoices.find(call.path("invoice"), advertiser: advertiser.id, on: db)
    }

    @Sendable private static func create(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let body = try await call.body()
        let amount = body.micros("amount_micros")
        if let amount, amount <= 0 || amount % 10_000 != 0 {
            body.problem("amount_micros", "Whole kopecks above zero: a multiple of 10000.", code: "out_of_range")
        }
        let contract = body.textIfPresent("contract", limit: 80)
        let payBy = body.dayIfPresent("pay_by")
        try body.finish()
        return try await call.write { db, change in
            let advertiser = try AdvertiserStore.get(call.path("id"), on: db)
            let made = try TopUpInvoices.create(
                advertiser: advertiser.id, contract: contract, net: KopeckAmount(kopecks: (amount ?? 0) / 10_000),
                payBy: payBy, actor: call.actor.name, now: call.now, on: db)
            change.audit(
                "invoice.created", object: "invoice", id: made.code, advertiser: advertiser.id,
                after: JSONText.object { render(&$0, made, call) })
            return .json(
                status: 201, location: "/v1/advertisers/\(advertiser.code)/invoices/\(made.code)"
            ) { render(&$0, made, call) }
        }
    }

    @Sendable private static func document(_ call: Call) async throws -> Answer {
        let query = try call.query()
        let isPDF = try query.word("format", ["html", "pdf"]) == "pdf"
        try query.finish()
        let found = try await call.read { db in try find(call, on: db) }
        let paper = TopUpInvoice(
            number: found.serial, date: found.date, seller: Party(found.parties.seller, found.parties.sellerDetails),
            buyer: Party(found.parties.buyer, found.parties.buyerDetails), contract: found.parties.contract,
            net: found.amount.excludingVAT, rate: found.amount.rate, payBy: found.payBy)
        return try await FinanceCalls.paper("invoice-\(found.code)", paper.html, isPDF: isPDF)
    }

    /// The акт сверки of whole accounting days, from the year's first to today unless said otherwise.
    @Sendable private static func reconciliation(_ call: Call) async throws -> Answer {
        let query = try call.query()
        let first = try query.day("from")
        let last = try query.day("to")
        let isPDF = try query.word("format", ["html", "pdf"]) == "pdf"
        try query.finish()
        let paper = try await call.read { db -> (stem: String, html: [UInt8]) in
            let advertiser = try AdvertiserStore.get(call.path("id"), on: db)
            let zone = try RetailerStore.zone(on: db)
            let to = try last ?? RetailerStore.today(call.now, on: db)
            guard let from = first ?? Day(year: to.civil.year, month: 1, day: 1) else { throw Refusal.notFound }
            // The caller may see this advertiser; acts lie among the frozen months, of which nothing else is read.
            try TenantScope.retailer.enter(on: db)
            let account = try CounterpartyAccount.read(
                advertiser: advertiser.id, from: from, to: to, zone: zone, on: db)
            let sides = try CounterpartyAccount.sides(advertiser: advertiser.id, on: to, db: db)
            let statement = SettlementStatement(
                from: from, to: to, seller: Party(sides.seller.person, sides.seller.details),
                buyer: Party(sides.buyer.person, sides.buyer.details), opening: account.opening,
                entries: account.entries)
            return ("reconciliation-\(advertiser.code)-\(from)-\(to)", statement.html)
        }
        return try await FinanceCalls.paper(paper.stem, paper.html, isPDF: isPDF)
    }

    private static func render(_ json: inout JSONText, _ invoice: TopUpInvoiceRecord, _ call: Call) {
        json.member("id", invoice.code)
        json.member("advertiser", invoice.advertiser)
        json.member("contract", invoice.contract)
        json.member("serial", invoice.serial)
        json.member("date", invoice.date.description)
        json.member("pay_by", invoice.payBy?.description)
        json.member("amount_micros", invoice.amount.excludingVAT.micros.value)
        json.member("vat_rate", invoice.amount.rate.rawValue)
        json.member("vat_micros", invoice.amount.vat.micros.value)
        json.member("amount_with_vat_micros", invoice.amount.includingVAT.micros.value)
        json.member("actor", WalletJSON.actor(invoice.actor, call))
        json.member("recorded_at", invoice.recordedAt.rfc3339)
    }
}
