import Foundation
import TestKit
import Testing

@Suite("The shop's pages", .serialized) struct ShopPageTests {
    /// Two products; the first one costs more in Petersburg, the second one is sold out there.
    @Sendable private static func two(_ location: String) -> [[String: Any]] {
        let isMoscow = location == "msk"
        return [
            ShopWorld.product(
                "c-1", "Кофе «Зерносвет» Бразилия, 250 г", price: isMoscow ? 449_000_000 : 479_500_000,
                old: 529_000_000, location: location),
            ShopWorld.product(
                "c-2", "Кофе «Зерносвет» Эфиопия, 250 г", price: 519_000_000, buyable: isMoscow,
                location: location),
        ]
    }

    @Test("Every page answers, under a policy that lets nothing inline run")
    func pages() async throws {
        try await ShopWorld.with(products: Self.two) { shop in
            for path in [
                "/shop/", "/shop/category/food", "/shop/category/coffee?sort=cheap", "/shop/product/c-1",
                "/shop/search?q=%D0%BA%D0%BE%D1%84%D0%B5", "/shop/search", "/shop/cart", "/shop/thanks/P-123456789012",
            ] {
                let page = try await shop.get(path)
                #expect(page.status == 200, "\(path)")
                #expect(page.text.contains("<!doctype html>"), "\(path)")
                #expect(!page.text.contains("{{"), "\(path)")
                let policy = try #require(page.all("content-security-policy").first)
                #expect(policy.contains("script-src 'self' \(shop.delivery.url);"))
                #expect(!policy.contains("unsafe"))
                #expect(!page.text.contains(" style="))
                #expect(page.text.contains("data-nimb-storefront=\"shop\""), "\(path)")
            }
            #expect(try await shop.get("/").all("location") == ["/shop/"])
        }
    }

    @Test(
        "What is not there answers 404 with a page that leads on",
        arguments: [
            "/shop/product/none", "/shop/category/empty", "/shop/nowhere", "/elsewhere", "/shop/thanks/guess",
        ])
    func notFound(path: String) async throws {
        try await ShopWorld.with(products: Self.two) { shop in
            let page = try await shop.get(path)
            #expect(page.status == 404)
            #expect(page.text.contains("На главную"))
            #expect(page.text.contains("data-nimb-page=\"not_found\""))
        }
    }

    @Test("Names of products, brands and phrases stay text, wherever they stand")
    func hostile() async throws {
        let evil = "\"><script>alert(1)</script><img src=x onerror=alert(2)> '{{title}}"
        let products: @Sendable (String) -> [[String: Any]] = { location in
            [
                ShopWorld.product("a\"b<c>", evil, brand: evil, price: 1_000_000, location: location),
                ShopWorld.product("c-2", evil + " 2", brand: evil, price: 2_000_000, location: location),
                ShopWorld.product("c-3", evil + " 3", brand: evil, price: 2_000_000, location: location),
            ]
        }
        try await ShopWorld.with(products: products) { shop in
            let phrase = "%22%3E%3Cscript%3Ealert(3)%3C%2Fscript%3E"
            for path in [
                "/shop/", "/shop/category/coffee", "/shop/product/a%22b%3Cc%3E", "/shop/search?q=\(phrase)",
                "/shop/pictures/c-2.svg",
            ] {
                let page = try await shop.get(path)
                #expect(page.status == 200, "\(path)")
                #expect(!page.text.contains("<script>alert"), "\(path)")
                #expect(!page.text.contains("<img src=x"), "\(path)")
            }
            let cart = try await shop.get("/shop/cart", cookies: ["shop-cart=a%22b%3Cc%3E*2"])
            #expect(cart.text.contains("2\u{A0}₽"))
            #expect(!cart.text.contains("<script>alert"))
        }
    }

    @Test("The chosen region decides price and stock, and is told to the ads")
    func regions() async throws {
        try await ShopWorld.with(products: Self.two) { shop in
            let moscow = try await shop.get("/shop/product/c-1")
            #expect(moscow.text.contains("449\u{A0}₽"))
            #expect(moscow.text.contains("data-nimb-location=\"msk\""))
            let choice = try await shop.post("/shop/region", "location=spb&back=%2Fshop%2Fproduct%2Fc-1")
            #expect(choice.status == 303)
            #expect(choice.all("location") == ["/shop/product/c-1"])
            #expect(choice.cookies == ["shop-region=spb"])
            let there = try await shop.get("/shop/product/c-1", cookies: choice.cookies)
            #expect(there.text.contains("479,50\u{A0}₽"))
            #expect(there.text.contains("data-nimb-location=\"spb\""))
            let soldOut = try await shop.get("/shop/product/c-2", cookies: choice.cookies)
            #expect(soldOut.text.contains("Нет в наличии: Петербург"))
            #expect(try await shop.post("/shop/region", "location=nowhere").cookies.isEmpty)
        }
    }

    @Test(
        "A form leads only to pages of the shop",
        arguments: [
            "https://evil.test/", "//evil.test", "/shop/%0d%0aSet-Cookie:x", "/shop/\\evil", "javascript:alert(1)", "",
        ])
    func noOpenRedirect(back: String) async throws {
        try await ShopWorld.with(products: Self.two) { shop in
            let escaped = try #require(back.addingPercentEncoding(withAllowedCharacters: .alphanumerics))
            let answer = try await shop.post("/shop/consent", "answer=no&back=\(escaped)")
            let target = try #require(answer.all("location").first)
            #expect(target.hasPrefix("/shop/") && !target.contains("\r") && !target.contains("evil.test"))
        }
    }

    @Test("Without consent there is no visitor; with it there is one, and it goes again with the consent")
    func consent() async throws {
        try await ShopWorld.with(products: Self.two) { shop in
            let first = try await shop.get("/shop/")
            #expect(first.cookies.isEmpty)
            #expect(first.text.contains("data-nimb-consent=\"no\"") && !first.text.contains("data-nimb-visitor"))
            #expect(first.text.contains("action=\"/shop/consent\""))
            let given = try await shop.post("/shop/consent", "answer=yes&back=%2Fshop%2F").cookies
            #expect(given.contains("shop-consent=yes") && given.contains { $0.hasPrefix("shop-visitor=v-") })
            let known = try await shop.get("/shop/", cookies: given)
            #expect(known.text.contains("data-nimb-consent=\"yes\"") && known.text.contains("data-nimb-visitor=\"v-"))
            #expect(!known.text.contains("action=\"/shop/consent\""))
            let taken = try await shop.post("/shop/consent", "answer=no", cookies: given).cookies
            #expect(taken.contains("shop-visitor=") && taken.contains("shop-consent=no"))
        }
    }

    @Test("Only placements of the storefront are asked for; elsewhere the shop shows its own")
    func placements() async throws {
        try await ShopWorld.with(products: Self.two) { shop in
            let home = try await shop.get("/shop/").text
            #expect(home.contains("data-nimb-slot=\"home.top\""))
            #expect(!home.contains("data-nimb-slot=\"home.brand\"") && !home.contains("data-nimb-slot=\"home.shelf\""))
        }
    }

    @Test("While the catalogue has never been read, the shop says so and asks to come again")
    func closed() async throws {
        try await ShopWorld.with(management: false) { shop in
            let page = try await shop.get("/shop/product/c-1")
            #expect(page.status == 503)
            #expect(page.all("retry-after") == ["3"])
            #expect(page.text.contains("Раскладываем товары по полкам"))
            #expect(!page.text.contains("nimb.js"))
        }
    }

    @Test("No template writes anything unescaped")
    func templates() throws {
        let folder = Repository.root.appendingPathComponent("Sources/DemoShop/Pages")
        let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        #expect(files.count > 10)
        for file in files where file.pathExtension == "mustache" {
            let text = try String(contentsOf: file, encoding: .utf8)
            #expect(!text.contains("{{{") && !text.contains("{{&"), "\(file.lastPathComponent)")
        }
    }

    @Test func thePanelIsToldWhyWithoutWhatAShopperMustNotRead() async throws {
        try await ShopWorld.with { world in
            let told = try await world.get("/shop/why/\(ShopWorld.decision)")
            #expect(told.status == 200)
            #expect(
                told.text == """
                    {"slots":[{"others":{"outbid":1,"paced":3},"placement":"home.top",\
                    "won":[{"campaign":"camp","interests":true,"products":1}]}]}
                    """)
            for nothing in [String(repeating: "0", count: 32), "nonsense"] {
                #expect(try await world.get("/shop/why/\(nothing)").text == "{\"slots\":[]}")
            }
        }
    }
}
