import Foundation
import TestKit
import Testing

/// The whole of Nimb over HTTP, as a shop, an advertiser and finance meet it.
@Suite(.serialized, .database) struct StoryTests {
    static let home = """
        {"storefront":"shop","page":{"type":"home"},"slots":[{"name":"top","placement":"home.top"},{"name":"shelf","placement":"home.shelf"}],
         "shopper":{"visitor_id":"VISITOR","consent":true,"device":"desktop"},"location":"LOCATION"}
        """

    static func page(visitor: String, location: String = "msk") -> String {
        home.replacingOccurrences(of: "VISITOR", with: visitor).replacingOccurrences(of: "LOCATION", with: location)
    }

    @Test func aPurchaseIsCreditedReportedAndExported() async throws {
        let shop = try await Installation()
        let server = try await shop.startServer()
        let worker = try await shop.startWorker()
        let key = ["Authorization": "Bearer \(shop.shopKey)"]

        // The page: a labelled banner, and a shelf with the prices of the shopper's region.
        let page = try await shop.delivery.post("/v1/placements", Self.page(visitor: "v1"))
        #expect(page.status == 200, "\(page.text)")
        let banner = page.json["slots"]["top"]["ads"][0]
        #expect(banner["format"].string == "banner", "\(page.text)")
        #expect(banner["label"]["text"].string == "Реклама")
        #expect(banner["label"]["advertiser"].string == "ООО \"Норд\"")
        #expect(banner["label"]["inn"].string == "7736207543")
        #expect(banner["label"]["erid"].string == "2VtzqNordBanner", "a creative without erid must not win")
        #expect(banner["pictures"][0]["width"].integer == 960)
        let shelf = page.json["slots"]["shelf"]["ads"][0]
        let prices = shelf["products"].array.map { ($0["sku"].string ?? "", $0["price_micros"].integer ?? 0) }
        #expect(prices.contains { $0 == ("p1", 900_000_000) }, "\(shelf)")
        #expect(prices.contains { $0.0 == "p4" })

        // In the other region p4 is sold out, and the prices are others.
        let north = try await shop.delivery.post("/v1/placements", Self.page(visitor: "v2", location: "spb"))
        let elsewhere = north.json["slots"]["shelf"]["ads"][0]["products"].array
        #expect(!elsewhere.isEmpty)
        #expect(!elsewhere.contains { $0["sku"].string == "p4" }, "p4 cannot be bought in spb")
        #expect(elsewhere.contains { $0["price_micros"].integer == 950_000_000 })

        // Events, with an answer for each; a repeated one is a duplicate; a token of one's own making is refused.
        let token = try #require(banner["token"].string)
        let shelfToken = try #require(shelf["token"].string)
        let events = try await shop.delivery.post(
            "/v1/events",
            """
            {"storefront":"shop","events":[
             {"type":"impression","token":"\(token)"},
             {"type":"impression","token":"\(shelfToken)"},
             {"type":"viewable","token":"\(shelfToken)","card":0},
             {"type":"impression","token":"\(token)"},
             {"type":"click","token":"\(token.dropLast(4))AAAA"},
             {"type":"product_view","id":"s1","visitor_id":"v1","sku":"p1"}]}
            """)
        #expect(events.status == 200)
        let statuses = events.json["results"].array.map { $0["status"].string }
        #expect(statuses == ["accepted", "accepted", "accepted", "duplicate", "refused", "accepted"], "\(events.text)")

        // The click lands where the creative says, with its erid exactly once, before the fragment.
        let click = try await shop.delivery.get("/v1/click/\(token)")
        #expect(click.status == 302, "\(click.text)")
        #expect(click.headers["location"] == "https://shop.test/brands/norda?from=ad&erid=2VtzqNordBanner#top")

        // The text has whole seconds: one more, or the order would lie before the click it follows.
        // p1 bought directly, p3 through the halo of the brand, x1 is nobody's.
        let order = """
            {"order_id":"o1","visitor_id":"v1","channel":"online","ordered_at":"\((Date.now + 1).formatted(.iso8601))","lines":[
             {"line_no":1,"sku":"p1","units":2,"gross_amount_micros":1800000000,"net_amount_micros":1500000000},
             {"line_no":2,"sku":"p3","units":1,"gross_amount_micros":200000000,"net_amount_micros":166666667},
             {"line_no":3,"sku":"x1","units":1,"gross_amount_micros":150000000,"net_amount_micros":125000000}]}
            """
        let bought = try await shop.delivery.post("/v1/orders", order, headers: key)
        #expect(bought.json["status"].string == "accepted", "\(bought.text)")
        let again = try await shop.delivery.post("/v1/orders", order, headers: key)
        #expect(again.json["status"].string == "duplicate", "\(again.text)")
        let changed = try await shop.delivery.post(
            "/v1/orders", order.replacingOccurrences(of: "\"units\":2", with: "\"units\":3"), headers: key)
        #expect(changed.status == 409)
        #expect(changed.json["code"].string == "order_conflict")

        // The advertiser reads it.
        let report = try await eventualReport(shop) { $0["direct_units"].integer == 2 && $0["halo_units"].integer == 1 }
        #expect(report["impressions"].integer == 2)
        #expect(report["viewable"].integer == 1)
        #expect(report["clicks"].integer == 1)
        #expect(report["direct_orders"].integer == 1)
        #expect(report["halo_orders"].integer == 1)
        #expect(report["direct_sales_micros"].integer == 1_500_000_000)
        #expect(report["halo_sales_micros"].integer == 166_666_667)
        let spent = try await shop.number("select sum(amount_micros)::bigint from charge")
        #expect(report["spend_micros"].integer == spent)
        #expect(spent > 0 && spent <= 200_000, "one cpm impression at no more than 200 roubles a thousand: \(spent)")

        // One unit comes back.
        let returned = try await shop.delivery.post(
            "/v1/orders/o1/adjustments",
            """
            {"adjustment_id":"r1","line_no":1,"kind":"return","units":1,"occurred_at":"\(Date.now.formatted(.iso8601))"}
            """, headers: key)
        #expect(returned.json["status"].string == "accepted", "\(returned.text)")
        let net = try await eventualReport(shop) { $0["returned_micros"].integer == 750_000_000 }
        let kept: Int64 = 1_500_000_000 + 166_666_667 - 750_000_000
        #expect(net["net_sales_micros"].integer == kept)

        try await soldOutIsSeenWithinASecond(shop, key)
        let health = try await shop.management.get("/v1/health")
        #expect(health.status == 200, "\(health.text)")
        for check in ["event_log", "snapshot", "worker"] {
            #expect(health.text.contains("\"\(check)\""), "\(health.text)")
        }
        try await rivalSeesNothing(shop)
        try await exportReconciles(shop, spent: spent)
        #expect(try await server.stop() == 0)
        #expect(try await worker.stop() == 0)
    }

    /// The only row of the advertiser's campaign once it satisfies the condition.
    private func eventualReport(_ shop: Installation, _ condition: (JSONNode) -> Bool) async throws -> JSONNode {
        var last = "nothing"
        do {
            return try await eventualValue(within: .seconds(20), "the report") {
                let answer = try await shop.management.get(
                    "/v1/reports/performance?by=campaign",
                    headers: ["Authorization": "Bearer \(shop.advertiserKey)"])
                last = answer.text
                let rows = answer.json["rows"].array
                guard rows.count == 1, condition(rows[0]) else { return nil }
                return rows[0]
            }
        } catch {
            throw DeadlineFailure("\(error); the last report was \(last)")
        }
    }

    /// A stock delta reaches decisions within a second of its answer; an older version of it changes nothing.
    private func soldOutIsSeenWithinASecond(_ shop: Installation, _ key: [String: String]) async throws {
        func shelf() async throws -> [String] {
            let page = try await shop.delivery.post("/v1/placements", Self.page(visitor: "v3"))
            return page.json["slots"]["shelf"]["ads"][0]["products"].array.compactMap { $0["sku"].string }
        }
        #expect(try await shelf().contains("p4"))
        func delta(_ quantity: Int, version: Int) -> String {
            """
            {"location":"msk","items":[{"sku":"p4","quantity":\(quantity),"price_micros":400000000,"version":\(version)}]}
            """
        }
        let sold = try await shop.delivery.post("/v1/stock", delta(0, version: 20), headers: key)
        #expect(sold.status == 200, "\(sold.text)")
        try await eventually(within: .seconds(1), "the end of p4 on the shelf") { try await !shelf().contains("p4") }
        let late = try await shop.delivery.post("/v1/stock", delta(9, version: 19), headers: key)
        #expect(late.text.contains("stale"), "\(late.text)")
        #expect(try await !shelf().contains("p4"))
    }

    private func rivalSeesNothing(_ shop: Installation) async throws {
        let rival = ["Authorization": "Bearer \(shop.rivalKey)"]
        let own = try await shop.management.get("/v1/reports/performance?by=campaign", headers: rival)
        #expect(own.status == 200)
        #expect(!own.text.contains("north-home"))
        let foreign = try await shop.management.get(
            "/v1/reports/performance?by=campaign&campaign=north-home", headers: rival)
        let absent = try await shop.management.get(
            "/v1/reports/performance?by=campaign&campaign=nowhere-to-be-found", headers: rival)
        #expect(foreign.status == 404)
        #expect(absent.status == 404)
        #expect(foreign.json["code"] == absent.json["code"])
        let nobody = try await shop.management.get("/v1/reports/performance")
        #expect(nobody.status == 401)
        let wrong = try await shop.management.get(
            "/v1/reports/performance", headers: ["Authorization": "Bearer \(shop.shopKey)"])
        #expect(wrong.status == 401 || wrong.status == 403)
    }

    private func exportReconciles(_ shop: Installation, spent: Int64) async throws {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = try #require(TimeZone(identifier: "Europe/Moscow"))
        let parts = calendar.dateComponents([.year, .month], from: .now)
        let month = String(format: "%04d-%02d", try #require(parts.year), try #require(parts.month))
        let first = shop.folder.appendingPathComponent("first.zip")
        let second = shop.folder.appendingPathComponent("second.zip")
        // Acts are dated the last day of the month, and a date in the future is refused: rehearse that day.
        let now = Date.now
        let days = try #require(calendar.range(of: .day, in: .month, for: now))
        let today = "\(month)-\(days.count)"
        for file in [first, second] {
            try await shop.run(["ord", "export", "--month", month, "--out", file.path, "--today", today])
        }
        #expect(try Data(contentsOf: first) == Data(contentsOf: second), "the bundle is not repeatable")

        let manifest = try await bundleEntry("manifest.json", of: first)
        #expect(manifest[0]["period"].string == month)
        let statistics = try await bundleEntry("statistics.ndjson", of: first)
        let rows = statistics.flatMap { $0["body"]["items"].array }
        // Two impressions were counted: the banner's is charged, the shelf sells by click.
        let shows: [Int64] = rows.map { $0["shows_count"].integer ?? 0 }
        #expect(shows.reduce(0, +) == 2, "\(rows)")
        let excluding = rows.compactMap { $0["amount"]["excluding_vat"].string }
        let acts = try await bundleEntry("invoices.ndjson", of: first)
        let act = try #require(acts.first)["body"]["amount"]["services"]["excluding_vat"].string ?? ""
        // Statistics have five decimals, the act two: both are the ledger, rounded half up once.
        let total = excluding.map(Self.hundredThousandths).reduce(0, +)
        #expect(total == Self.hundredThousandths(act))
        #expect(abs(total * 10 - spent) <= 5_000, "act \(act) is not the ledger \(spent) to the kopeck")
        let creatives = try await bundleEntry("creatives.ndjson", of: first)
        #expect(!creatives.contains { $0["path"].string?.contains("without-erid") == true })
        let erids = try await bundleEntry("erids.ndjson", of: first)
        #expect(erids.contains { "\($0)".contains("2VtzqNordBanner") })
    }

    private static func hundredThousandths(_ text: String) -> Int64 {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        let fraction = parts.count > 1 ? String(parts[1]) : ""
        return (Int64(parts[0]) ?? 0) * 100_000
            + (Int64(fraction + String(repeating: "0", count: 5 - fraction.count)) ?? 0)
    }

    /// The JSON lines of one file of a bundle.
    private func bundleEntry(_ name: String, of bundle: URL) async throws -> [JSONNode] {
        let unzip = try ChildProcess(URL(fileURLWithPath: "/usr/bin/unzip"), ["-p", bundle.path, name])
        #expect(try await unzip.exit() == 0)
        // A manifest may span lines; everything else is one object a line.
        let whole = unzip.output.joined(separator: "\n")
        if let object = try? JSONSerialization.jsonObject(with: Data(whole.utf8)) { return [JSONNode(object)] }
        return try unzip.output.filter { !$0.isEmpty }.map {
            JSONNode(try JSONSerialization.jsonObject(with: Data($0.utf8)))
        }
    }
}
