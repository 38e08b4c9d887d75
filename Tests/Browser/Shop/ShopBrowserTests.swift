import Foundation
import TestKit
import Testing

extension BrowserTests {
    @Suite("Demo shop") struct ShopTests {
        @Test("The home page shows a banner and a shelf, labelled, and every card can be bought in the region")
        func adsOnTheHomePage() async throws {
            let shop = try await ShopWindow.open()
            try await shop.consent()
            for slot in ["home.top", "home.shelf"] {
                let element = try await shop.go("/shop/", filled: slot)
                try await element.scrollIntoView()
                #expect(try await element.isDisplayed)
                let size = try await element.rect
                #expect(size.width > 700 && size.height > 200)
                let label = try await shop.label(of: slot)
                #expect(label.contains("Реклама"))
                #expect(label.contains(/ИНН \d{10,12}/))
                #expect(label.contains(/erid: \w{6,}/))
            }
            let cards = try await shop.cards(of: "home.shelf")
            #expect(cards.count >= 2)
            for card in cards.prefix(6) {
                let page = try await shop.text("/shop/product/\(card.sku)")
                #expect(page.contains("Есть в наличии: Москва"), "\(card.sku)")
                #expect(page.contains(card.price), "\(card.sku) costs on its page what the ad says: \(card.price)")
            }
        }

        @Test("Another region is another shelf: its prices, and only what can be bought there")
        func regions() async throws {
            let shop = try await ShopWindow.open()
            try await shop.consent()
            try await shop.go("/shop/", filled: "home.shelf")
            let moscow = try await shop.cards(of: "home.shelf").map { "\($0.sku) \($0.price)" }
            try await shop.choose(region: "ekb")
            try await shop.go("/shop/", filled: "home.shelf")
            let ural = try await shop.cards(of: "home.shelf")
            #expect(ural.map { "\($0.sku) \($0.price)" } != moscow)
            for card in ural.prefix(4) {
                let page = try await shop.text("/shop/product/\(card.sku)")
                #expect(page.contains("Есть в наличии: Екатеринбург"), "\(card.sku)")
                #expect(page.contains(card.price), "\(card.sku) \(card.price)")
            }
        }

        /// Advertisers whose shelves on the page of cleaning promote one brand and are credited for a second one.
        private static let advertisers: [(name: String, key: String, sister: String)] = [
            ("Чистогоров", "NIMB_KEY_DEMO_CHISTOGOR", "Белый берег"),
            ("Мылодея", "NIMB_KEY_DEMO_MYLODEYA", "Три росы"),
        ]

        @Test("What a clicked shelf sold is direct in the advertiser's report, its sister brand is halo, within 10 s")
        func purchase() async throws {
            let shop = try await ShopWindow.open()
            let browser = shop.browser
            try await shop.consent()
            try await shop.go("/shop/category/cleaning", filled: "category.shelf")
            let label = try await shop.label(of: "category.shelf")
            let advertiser = try #require(Self.advertisers.first { label.contains($0.name) }, "\(label)")
            let before = try await shop.reported(["direct_units", "halo_units"], key: advertiser.key)
            let sku = try #require(try await shop.cards(of: "category.shelf").first?.sku)
            let card = try await browser.find("[data-nimb-slot=\"category.shelf\"] [data-nimb-sku] a")
            try await card.scrollIntoView()
            try await card.click()
            try await browser.until("document.querySelector('.deal')")
            let address = try await browser.address
            #expect(address.contains("/shop/product/\(sku)"))
            #expect(address.ranges(of: "erid=").count == 1)
            try await browser.find(".deal [data-add] button").click()
            try await browser.until("document.querySelector('[data-cart-count]').textContent === '1'")

            let words = try #require(advertiser.sister.addingPercentEncoding(withAllowedCharacters: .alphanumerics))
            try await shop.go("/shop/search?q=\(words)")
            try await browser.find(".grid > li:not(.own) [data-add] button").click()
            try await browser.until("document.querySelector('[data-cart-count]').textContent === '2'")
            try await shop.go("/shop/cart")
            try await browser.find(".sum .primary").click()
            let order = try await browser.find("[data-order]").text
            #expect(order.hasPrefix("P-"))
            #expect(try await Axe.findings(browser).isEmpty)
            try await browser.screenshot("shop-order-1280", whole: true)
            var after: [Int64] = []
            try? await eventually(within: .seconds(10), "the order in the report of \(advertiser.key)") {
                after = try await shop.reported(["direct_units", "halo_units"], key: advertiser.key)
                return after == before.map { $0 + 1 }
            }
            #expect(after == before.map { $0 + 1 }, "direct and halo of \(advertiser.name)")
            #expect(try await browser.all("[data-cart-count]:not([hidden])").isEmpty, "the cart is empty again")
        }

        @Test("The panel tells the decision and what became of every slot, by keyboard, too")
        func why() async throws {
            let shop = try await ShopWindow.open()
            try await shop.go("/shop/", filled: "home.shelf")
            try await shop.browser.script("document.querySelector('footer [data-why]').focus()")
            try await shop.browser.press(.enter)
            try await shop.browser.until("document.getElementById('why').open")
            let text = try await shop.browser.find("#why").text
            #expect(text.contains(/Решение [0-9a-f]{32}, \d+ мс/))
            #expect(text.contains("home.shelf") && text.contains("Реклама (товарная полка)"))
            try await shop.browser.press(.escape)
            try await shop.browser.until("!document.getElementById('why').open")
        }

        @Test("Ads come into reserved space: nothing on the page moves")
        func noShift() async throws {
            let shop = try await ShopWindow.open()
            for width in [1280, 390] {
                try await shop.browser.viewport(width, 844, phone: width < 500)
                try await shop.go("/shop/", filled: "home.shelf")
                let shift = try await shop.browser.script(
                    """
                    return new Promise((done) => {
                        new PerformanceObserver((list) => done(list.getEntries().reduce((sum, entry) => sum + entry.value, 0)))
                            .observe({type: 'layout-shift', buffered: true});
                        requestAnimationFrame(() => requestAnimationFrame(() => done(0)));
                    })
                    """
                ).number
                #expect((shift ?? 1) < 0.02, "\(width): \(shift ?? 1)")
            }
        }

        @Test("axe finds nothing serious on any page, on a desktop and on a phone, and nothing sticks out")
        func accessible() async throws {
            let shop = try await ShopWindow.open()
            let browser = shop.browser
            try await shop.go("/shop/product/" + (try await firstSKU(shop)))
            try await browser.find(".deal [data-add] button").click()
            try await browser.until("!document.querySelector('[data-cart-count]').hidden")
            let pages = [
                ("home", "/shop/"), ("category", "/shop/category/coffee"),
                ("product", "/shop/product/" + (try await firstSKU(shop))),
                ("search", "/shop/search?q=%D1%88%D0%BE%D0%BA%D0%BE%D0%BB%D0%B0%D0%B4"), ("cart", "/shop/cart"),
                ("not-found", "/shop/nowhere"), ("forgotten-order", "/shop/thanks/P-000000000000"),
            ]
            for (name, path) in pages {
                for width in [1280, 390] {
                    try await browser.viewport(width, width < 500 ? 844 : 900, phone: width < 500)
                    try await shop.go(path)
                    try await browser.until(
                        "[...document.querySelectorAll('[data-nimb-slot]')].every((slot) => "
                            + "/filled|empty|error/.test(slot.dataset.nimbState))")
                    let findings = try await Axe.findings(browser)
                    #expect(findings.isEmpty, "\(name) at \(width): \(findings.joined(separator: "\n"))")
                    let overhang = try await browser.script(
                        "return document.documentElement.scrollWidth - document.documentElement.clientWidth")
                    #expect(overhang.number == 0, "\(name) at \(width) scrolls sideways")
                    try await browser.screenshot("shop-\(name)-\(width)", whole: true)
                }
            }
        }

        private func firstSKU(_ shop: ShopWindow) async throws -> String {
            let page = try await shop.text("/shop/category/coffee-beans")
            let mark = try #require(page.range(of: "name=\"sku\" value=\""))
            return String(page[mark.upperBound...].prefix { $0 != "\"" })
        }
    }
}
