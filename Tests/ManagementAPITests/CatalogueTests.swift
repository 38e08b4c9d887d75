import AdModel
import Foundation
import Logging
import ManagementAPI
import Outbound
import Postgres
import Store
import TestKit
import Testing
import Yams

private let now = Timestamp(rfc3339: "2026-11-22T10:00:00Z") ?? Timestamp(micros: 0)

private let world = """
    insert into counterparty (code, kind, name, inn, roles)
        values ('cp', 'juridical', 'ООО Опыт', '7707083893', '{ors,rr}');
    insert into retailer (code, name, counterparty_id) values ('retailer', 'Магазин', 1);
    insert into advertiser (code, name, counterparty_id) values ('a1', 'A1', 1), ('a2', 'A2', 1);
    insert into api_key (prefix, hash, kind, role) values ('nk_ret_o', sha256('adops'), 'retailer', 'adops'),
        ('nk_ret_n', sha256('analyst'), 'retailer', 'analyst');
    insert into api_key (prefix, hash, kind, advertiser_id) values ('nk_adv_a1', sha256('one'), 'advertiser', 1),
        ('nk_adv_a2', sha256('two'), 'advertiser', 2);
    """

/// What the document says an answer of a schema looks like.
private struct Shapes {
    private let schemas: [String: [String: Any]]

    init() throws {
        let root = try Yams.load(yaml: OpenAPIBundle.text()) as? [String: Any] ?? [:]
        schemas = (root["components"] as? [String: Any])?["schemas"] as? [String: [String: Any]] ?? [:]
    }

    /// Members that are missing from or unknown to the schema.
    func differences(_ object: [String: Any], _ name: String) -> [String] {
        let schema = schemas[name] ?? [:]
        let known = Set((schema["properties"] as? [String: Any] ?? [:]).keys)
        let required = Set(schema["required"] as? [String] ?? [])
        let given = Set(object.keys)
        return required.subtracting(given).sorted() + given.subtracting(known).sorted()
    }
}

/// The catalogue over the API, as the retailer runs it and advertisers read it.
@Suite(.database) struct CatalogueBehaviour {
    init() async throws { try await TestDatabase.current.pool.withConnection { try $0.script(world) } }

    private func serving(_ body: (CatalogueCaller) async throws -> Void) async throws {
        let database = PostgresOptions(url: TestDatabase.current.url)
        let shapes = try Shapes()
        try await HTTPProbe.with(
            { announce in
                var services = ManagementServices(database: database, clock: { now })
                services.outbound = OutboundPolicy(allowedHosts: ["127.0.0.1"])
                try await ManagementServer(
                    options: ListenerOptions(port: 0), services: services, metrics: { "" },
                    logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }), onRunning: announce
                ).run()
            }, { probe in try await body(CatalogueCaller(probe: probe, shapes: shapes)) })
    }

    /// Sends JSON as somebody and checks successful answers against a schema of the document.
    fileprivate struct CatalogueCaller {
        let probe: HTTPProbe
        let shapes: Shapes

        @discardableResult
        func send(
            _ method: String, _ path: String, _ json: String? = nil, as key: String = "adops", match: Int? = nil,
            expect status: Int, _ schema: String? = nil, sourceLocation: SourceLocation = #_sourceLocation
        ) async throws -> HTTPProbe.Answer {
            var headers: [String: String] = [:]
            if json != nil { headers["Content-Type"] = "application/json" }
            if let match { headers["If-Match"] = "\"r\(match)\"" }
            let answer = try await probe.send(
                method, path, key: key, body: json.map { Data($0.utf8) }, headers: headers)
            #expect(answer.status == status, "\(method) \(path): \(answer.text)", sourceLocation: sourceLocation)
            if status >= 400 {
                #expect(shapes.differences(answer.json, "Problem") == [], sourceLocation: sourceLocation)
            } else if let schema {
                let objects = answer.json["items"] as? [[String: Any]] ?? [answer.json]
                for object in objects {
                    #expect(shapes.differences(object, schema) == [], "\(path)", sourceLocation: sourceLocation)
                }
                if answer.json["items"] == nil, schema != "ProductDetail" {
                    #expect(answer.headers["etag"] == "\"r\(answer["revision"])\"", sourceLocation: sourceLocation)
                }
            }
            return answer
        }

        func items(_ path: String, _ member: String, as key: String = "adops", _ schema: String) async throws
            -> [String]
        {
            let answer = try await send("GET", path, as: key, expect: 200, schema)
            return (answer.json["items"] as? [[String: Any]] ?? []).map { "\($0[member] ?? "")" }
        }
    }

    private func control() async throws -> Int64 {
        try await TestDatabase.current.pool.withConnection { db in
            try db.query("select version from control_version where stream = 'control'").single().int64("version")
        }
    }

    private func audit() async throws -> [String] {
        try await TestDatabase.current.pool.withConnection { db in
            try db.query("select action || ' ' || object_id as line from audit_entry order by id").map {
                try $0.string("line")
            }
        }
    }

    @Test func theRetailerSetsUpWhereAdsAreShown() async throws {
        try await serving { api in
            let start = try await control()
            try await api.send(
                "POST", "/v1/stock-locations", #"{"id":"msk","name":"Москва","regions":["RU-MOW","RU-MOS"]}"#,
                expect: 201, "StockLocation")
            try await api.send(
                "POST", "/v1/storefronts",
                #"{"id":"shop","name":"Магазин","url":"https://shop.test/","default_location":"msk","landing_hosts":["m.shop.test"]}"#,
                expect: 201, "Storefront")
            let placement = try await api.send(
                "POST", "/v1/storefronts/shop/placements",
                #"{"id":"home.top","page_type":"home","formats":["banner"],"floor_micros":50000000}"#, expect: 201,
                "Placement")
            #expect(placement.headers["location"] == "/v1/storefronts/shop/placements/home.top")
            #expect(placement["rank"] == "100")
            #expect(try await control() == start + 3)
            // Each change needs the revision that it changes.
            let path = "/v1/storefronts/shop/placements/home.top"
            try await api.send("PATCH", path, #"{"max_ads":3}"#, expect: 428)
            let changed = try await api.send("PATCH", path, #"{"max_ads":3}"#, match: 1, expect: 200, "Placement")
            #expect(changed["max_ads"] == "3")
            #expect(changed["floor_micros"] == "50000000")
            try await api.send("PATCH", path, #"{"max_ads":4}"#, match: 1, expect: 412)
            #expect(changed["competitor_block"] == "none")
            try await api.send("PATCH", path, #"{"competitor_block":"some"}"#, match: 2, expect: 422)
            let closed = try await api.send(
                "PATCH", path, #"{"competitor_block":"category"}"#, match: 2, expect: 200, "Placement")
            #expect(closed["competitor_block"] == "category")
            let shop = try await api.send(
                "PATCH", "/v1/storefronts/shop", #"{"name":"Лавка","default_location":null}"#, match: 1, expect: 200,
                "Storefront")
            #expect(shop["name"] == "Лавка")
            #expect(shop.json["default_location"] is NSNull)
            #expect(shop.json["landing_hosts"] as? [String] == ["m.shop.test"])
            #expect(try await api.items("/v1/pads", "id", as: "analyst", "Pad") == ["pad-shop"])
            // Advertisers read what they aim at, and change nothing.
            #expect(try await api.items("/v1/storefronts", "id", as: "one", "Storefront") == ["shop"])
            #expect(
                try await api.items("/v1/storefronts/shop/placements", "id", as: "one", "Placement") == ["home.top"])
            #expect(try await api.items("/v1/stock-locations", "id", as: "one", "StockLocation") == ["msk"])
            try await api.send("GET", "/v1/pads", as: "one", expect: 403)
            try await api.send("PATCH", path, #"{"max_ads":4}"#, as: "one", match: 3, expect: 403)
            try await api.send("PATCH", path, #"{"max_ads":4}"#, as: "analyst", match: 3, expect: 403)
            // What is referred to stays; what is not may go.
            let refused = try await api.send("DELETE", "/v1/storefronts/shop", match: 2, expect: 409)
            #expect(refused["detail"].contains("placements"))
            try await api.send("DELETE", path, match: 3, expect: 204)
            try await api.send("GET", path, expect: 404)
            try await api.send("DELETE", "/v1/storefronts/shop", match: 2, expect: 204)
            try await api.send("DELETE", "/v1/stock-locations/msk", match: 1, expect: 204)
            #expect(
                try await audit() == [
                    "stock_location.created msk", "storefront.created shop", "placement.created shop/home.top",
                    "placement.updated shop/home.top", "placement.updated shop/home.top", "storefront.updated shop",
                    "placement.deleted shop/home.top", "storefront.deleted shop", "stock_location.deleted msk",
                ])
        }
    }

    @Test func whatIsWrongIsToldWithItsField() async throws {
        try await serving { api in
            try await api.send(
                "POST", "/v1/stock-locations", #"{"id":"msk","name":"Москва","regions":["RU-MOW"]}"#, expect: 201)
            for (path, body, status, field) in [
                ("/v1/storefronts", #"{"name":"x","url":"shop.test"}"#, 422, "url"),
                ("/v1/storefronts", #"{"name":"x","url":"https://shop.test/","zone":"Mars/Base"}"#, 422, "zone"),
                ("/v1/storefronts", #"{"name":"x","url":"https://shop.test/","kind":"tv"}"#, 422, "kind"),
                (
                    "/v1/storefronts", #"{"name":"x","url":"https://shop.test/","default_location":"spb"}"#, 422,
                    "default_location"
                ),
                (
                    "/v1/storefronts", #"{"name":"x","url":"https://shop.test/","landing_hosts":["https://a.test"]}"#,
                    422, "landing_hosts[0]"
                ),
                ("/v1/storefronts", #"{"name":"x","url":"https://shop.test/","colour":"red"}"#, 422, "colour"),
                ("/v1/storefronts", #"{"url":"https://shop.test/"}"#, 422, "name"),
                ("/v1/stock-locations", #"{"name":"x","regions":["Moscow"]}"#, 422, "regions[0]"),
                ("/v1/stock-locations", #"{"name":"x","regions":["RU-MOW"]}"#, 409, "regions"),
                ("/v1/stock-locations", #"{"id":"msk","name":"x"}"#, 409, "id"),
                ("/v1/brand-aliases", #"{"alias":"x","brand":"nobody"}"#, 422, "brand"),
                ("/v1/grants", #"{"advertiser":"nobody","brand":"b"}"#, 422, "advertiser"),
                ("/v1/feeds", #"{"storefront":"shop","location":"msk","url":"https://10.0.0.1/f.xml"}"#, 422, "url"),
                ("/v1/feeds", #"{"storefront":"shop","location":"msk","url":"http://feeds.test/f.xml"}"#, 422, "url"),
                ("/v1/feeds", #"{"storefront":"shop","location":"msk","url":"https://2130706433/"}"#, 422, "url"),
                (
                    "/v1/feeds",
                    #"{"storefront":"shop","location":"msk","url":"https://feeds.test/","interval_seconds":60}"#, 422,
                    "interval_seconds"
                ),
                (
                    "/v1/feeds", #"{"storefront":"shop","location":"msk","url":"https://feeds.test/"}"#, 422,
                    "storefront"
                ),
            ] {
                let answer = try await api.send("POST", path, body, expect: status)
                #expect(answer["field"] == field, "\(body): \(answer.text)")
            }
            for query in [
                "/v1/products?buyable=true", "/v1/products?brand=none", "/v1/products?colour=red",
                "/v1/categories?q=a&roots=true",
            ] {
                try await api.send("GET", query, expect: 400)
            }
        }
    }

    @Test func aSpellingIsProposedApprovedAndMeansOneBrandAtATime() async throws {
        try await TestDatabase.current.pool.withConnection { db in
            try db.script(
                """
                insert into product (sku, name, brand) values ('p1', 'Кофе', 'NESCAFE'), ('p2', 'Кофе', 'NESCAFE'),
                    ('p3', 'Кофе', 'Nescafé'), ('p4', 'Чай', 'Ahmad');
                """)
        }
        try await serving { api in
            try await api.send("POST", "/v1/brands", #"{"id":"nescafe","name":"Nescafé"}"#, expect: 201, "Brand")
            try await api.send("POST", "/v1/brands", #"{"id":"jardin","name":"Jardin"}"#, expect: 201, "Brand")
            let kept = try await api.send(
                "PATCH", "/v1/brands/jardin", #"{"competitor_block":"all"}"#, match: 1, expect: 200, "Brand")
            #expect(kept["competitor_block"] == "all" && kept["name"] == "Jardin")
            let proposals = try await api.send("GET", "/v1/brand-proposals", expect: 200, "BrandProposal")
            let items = try #require(proposals.json["items"] as? [[String: Any]])
            #expect(items.map { $0["alias"] as? String } == ["NESCAFE", "Ahmad"])
            #expect(items.map { $0["products"] as? Int } == [2, 1])
            #expect(items.first?["suggested_brand"] as? String == "nescafe")
            #expect(items.last?["suggested_brand"] is NSNull)
            #expect(try await api.items("/v1/brand-proposals?limit=1", "alias", "BrandProposal") == ["NESCAFE"])
            let before = try await control()
            let alias = try await api.send(
                "POST", "/v1/brand-aliases", #"{"alias":"NESCAFE","brand":"nescafe"}"#, expect: 201, "BrandAlias")
            #expect(alias["valid_from"] == "2026-11-22T10:00:00Z")
            #expect(try await control() == before + 1)
            #expect(try await api.items("/v1/brand-proposals", "alias", "BrandProposal") == ["Ahmad"])
            #expect(
                try await api.items("/v1/products?brand=nescafe", "sku", as: "one", "Product") == ["p1", "p2", "p3"])
            // The same spelling cannot mean another brand, nor the same one twice, in that time.
            for brand in ["jardin", "nescafe"] {
                let refused = try await api.send(
                    "POST", "/v1/brand-aliases",
                    "{\"alias\":\"NESCAFE\",\"brand\":\"\(brand)\",\"valid_from\":\"2027-01-01T00:00:00Z\"}",
                    expect: 409)
                #expect(refused["field"] == "alias")
                #expect(refused["detail"].contains(alias["id"]))
            }
            // Before it began nobody said anything.
            try await api.send(
                "POST", "/v1/brand-aliases",
                #"{"alias":"NESCAFE","brand":"jardin","valid_from":null,"valid_to":"2026-11-22T10:00:00Z"}"#,
                expect: 201)
            let path = "/v1/brand-aliases/\(alias["id"])"
            try await api.send("PATCH", path, #"{"valid_to":"2026-11-01T00:00:00Z"}"#, match: 1, expect: 422)
            try await api.send("PATCH", path, #"{"brand":"jardin"}"#, match: 1, expect: 422)
            try await api.send("DELETE", path, match: 1, expect: 409)
            try await api.send(
                "PATCH", path, #"{"valid_to":"2027-01-01T00:00:00Z"}"#, match: 1, expect: 200, "BrandAlias")
            let next = try await api.send(
                "POST", "/v1/brand-aliases",
                #"{"alias":"NESCAFE","brand":"jardin","valid_from":"2027-01-01T00:00:00Z"}"#,
                expect: 201)
            // What comes later stands in the way of going on, and may still be taken back.
            try await api.send("PATCH", path, #"{"valid_to":null}"#, match: 2, expect: 409)
            try await api.send("DELETE", "/v1/brand-aliases/\(next["id"])", match: 1, expect: 204)
            try await api.send("PATCH", path, #"{"valid_to":null}"#, match: 2, expect: 200)
            try await api.send("DELETE", "/v1/brands/nescafe", match: 1, expect: 409)
            try await api.send("GET", "/v1/brand-aliases", as: "one", expect: 403)
        }
    }

    @Test func advertisersSeeTheirOwnGrantsOnly() async throws {
        try await serving { api in
            try await api.send("POST", "/v1/brands", #"{"id":"b1","name":"Один"}"#, expect: 201)
            try await api.send("POST", "/v1/brands", #"{"id":"b2","name":"Два"}"#, expect: 201)
            let own = try await api.send(
                "POST", "/v1/grants", #"{"advertiser":"a1","brand":"b1"}"#, expect: 201, "Grant")
            let other = try await api.send(
                "POST", "/v1/grants",
                #"{"advertiser":"a2","brand":"b2","valid_from":null,"valid_to":"2027-01-01T00:00:00Z"}"#,
                expect: 201, "Grant")
            // A maker and his distributor may own one brand; one advertiser owns it once.
            try await api.send("POST", "/v1/grants", #"{"advertiser":"a2","brand":"b1"}"#, expect: 201)
            try await api.send("POST", "/v1/grants", #"{"advertiser":"a1","brand":"b1"}"#, expect: 409)
            #expect(try await api.items("/v1/grants", "brand", as: "one", "Grant") == ["b1"])
            #expect(try await api.items("/v1/grants", "brand", as: "two", "Grant") == ["b2", "b1"])
            #expect(try await api.items("/v1/grants?advertiser=a2", "id", as: "one", "Grant") == [])
            #expect(try await api.items("/v1/grants", "id", as: "analyst", "Grant").count == 3)
            #expect(try await api.items("/v1/brands", "id", as: "one", "Brand") == ["b1", "b2"])
            let foreign = try await api.send("GET", "/v1/grants/\(other["id"])", as: "one", expect: 404)
            let absent = try await api.send("GET", "/v1/grants/grt-nothing", as: "one", expect: 404)
            #expect(foreign["detail"] == absent["detail"])
            try await api.send("POST", "/v1/grants", #"{"advertiser":"a1","brand":"b2"}"#, as: "one", expect: 403)
            let path = "/v1/grants/\(own["id"])"
            try await api.send("DELETE", path, match: 1, expect: 409)
            let ended = try await api.send(
                "PATCH", path, #"{"valid_to":"2026-11-22T10:00:00Z"}"#, match: 1, expect: 422)
            #expect(ended["field"] == "valid_to")
            try await api.send("PATCH", path, #"{"valid_to":"2026-12-01T00:00:00Z"}"#, match: 1, expect: 200, "Grant")
            #expect(try await api.items("/v1/grants?at=2026-12-02T00:00:00Z", "brand", as: "one", "Grant") == [])
        }
    }

    @Test func feedsAreScheduledAndTheirHistoryIsRead() async throws {
        try await serving { api in
            try await api.send(
                "POST", "/v1/storefronts", #"{"id":"shop","name":"Магазин","url":"https://shop.test/"}"#, expect: 201)
            for code in ["msk", "spb"] {
                try await api.send(
                    "POST", "/v1/stock-locations", "{\"id\":\"\(code)\",\"name\":\"\(code)\"}", expect: 201)
            }
            let feed = try await api.send(
                "POST", "/v1/feeds",
                #"{"id":"f-msk","storefront":"shop","location":"msk","url":"http://127.0.0.1:1/f.xml"}"#,
                expect: 201, "Feed")
            #expect(feed["state"] == "waiting")
            #expect(feed["next_run_at"] == "2026-11-22T10:00:00Z")
            let second = try await api.send(
                "POST", "/v1/feeds", #"{"storefront":"shop","location":"msk","url":"https://feeds.test/f.xml"}"#,
                expect: 409)
            #expect(second["detail"].contains("f-msk"))
            try await api.send("PATCH", "/v1/feeds/f-msk", #"{"enabled":false}"#, match: 1, expect: 200, "Feed")
            let requested = try await api.send("POST", "/v1/feeds/f-msk/run", expect: 202, "Feed")
            #expect(requested["state"] == "requested")
            // A worker takes it and fails.
            try await TestDatabase.current.pool.transaction { db in
                let claimed = try #require(try FeedSchedule.claim(limit: 9, now: now, on: db).first)
                try FeedSchedule.finish(
                    claimed, .failed(code: "feed_http_status", detail: "no", isRetryable: true), httpStatus: 500,
                    now: now + .seconds(2), on: db)
            }
            let runs = try await api.send("GET", "/v1/feeds/f-msk/runs", as: "analyst", expect: 200, "FeedRun")
            let run = try #require((runs.json["items"] as? [[String: Any]])?.first)
            #expect(run["status"] as? String == "failed")
            #expect(run["requested"] as? Bool == true)
            #expect(run["duration_ms"] as? Int == 2_000)
            #expect(run["http_status"] as? Int == 500)
            // Addresses may hold a secret.
            try await api.send("GET", "/v1/feeds", as: "one", expect: 403)
            try await api.send("GET", "/v1/feeds/nothing/runs", expect: 404)
            #expect(try await api.items("/v1/feeds?late=false&storefront=shop", "id", "Feed") == ["f-msk"])
            try await api.send("DELETE", "/v1/feeds/f-msk", match: 2, expect: 204)
        }
    }

    @Test func categoriesAndProductsAreReadByEverybody() async throws {
        try await TestDatabase.current.pool.withConnection { db in
            try db.script(
                """
                insert into stock_location (code, name) values ('msk', 'Москва');
                insert into category (code, name) values ('food', 'Продукты');
                insert into category (code, name, parent_id) values ('coffee', 'Кофе', 1);
                insert into product (sku, name, brand, category_ids, url) values
                    ('a/1', 'Кофе молотый', 'X', '{2}', 'https://shop.test/1'), ('a2', 'Кофе в зёрнах', 'X', '{2}', null);
                insert into stock (location_id, product_id, quantity, price_micros, old_price_micros, version, as_of,
                    change_number) values (1, 1, 5, 990000000, 1200000000, 0, '2026-11-22T09:00Z', 1);
                """)
        }
        try await serving { api in
            let found = try await api.send(
                "GET",
                "/v1/products?q=%D0%BC%D0%BE%D0%BB%D0%BE%D1%82%D0%BE%D0%B3%D0%BE&category=food&location=msk&buyable=true",
                as: "one", expect: 200, "Product")
            let item = try #require((found.json["items"] as? [[String: Any]])?.first)
            #expect(item["sku"] as? String == "a/1")
            let offer = try #require(item["offer"] as? [String: Any])
            #expect(api.shapes.differences(offer, "Offer") == [])
            #expect(offer["price_micros"] as? Int == 990_000_000)
            #expect(offer["quantity"] == nil)
            let one = try await api.send("GET", "/v1/products/a%2F1", as: "one", expect: 200, "ProductDetail")
            #expect((one.json["offers"] as? [[String: Any]])?.count == 1)
            try await api.send("GET", "/v1/products/nothing", as: "one", expect: 404)
            #expect(try await api.items("/v1/categories?parent=food", "id", as: "one", "Category") == ["coffee"])
            #expect(
                try await api.items("/v1/categories?q=%D0%BA%D0%BE%D1%84%D0%B5", "id", as: "one", "Category") == [
                    "coffee"
                ])
            try await api.send("GET", "/v1/categories?parent=nothing", as: "one", expect: 404)
            // Page by page.
            let first = try await api.send("GET", "/v1/products?limit=1", as: "one", expect: 200, "Product")
            let cursor = first["next_cursor"].addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
            let rest = try await api.send(
                "GET", "/v1/products?limit=1&cursor=\(cursor)", as: "one", expect: 200, "Product")
            #expect((rest.json["items"] as? [[String: Any]])?.first?["sku"] as? String == "a2")
            #expect(rest.json["next_cursor"] is NSNull)
        }
    }
}
