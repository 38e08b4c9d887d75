import Synchronization
import TestKit
import Testing

extension BrowserTests {
    /// The tag on the pages of a shop that lies on another origin and forbids everything that it need not allow.
    @Suite("Tag") struct TagTests {
        /// A clean browser on a page of the test shop, when the tag has settled all slots of it.
        static func open(_ path: String, width: Int = 1280, height: Int = 900) async throws -> (Browser, TagWorld) {
            let world = try await TagWorld.shared()
            let browser = try await BrowserRig.shared.browser()
            try await browser.viewport(width, height, phone: width < 500)
            try await browser.open(world.origin + path)
            try await browser.until(Self.settled)
            return (browser, world)
        }

        static let settled = """
            window.nimb && ![...document.querySelectorAll('[data-nimb-slot]')].some(
              (slot) => !slot.dataset.nimbState || slot.dataset.nimbState === 'asked')
            """

        /// The page's newest decision.
        static func decision(_ browser: Browser) async throws -> String {
            try await browser.script("return nimb.debug().answers.at(-1).decision_id").string ?? ""
        }

        static func expectClean(_ browser: Browser) async throws {
            let broken = try await browser.script("return window.broken")
            #expect(broken == .array([]))
            #expect(try await browser.script("return window.shift").number == 0, "nothing on the page may move")
        }

        @Test(arguments: [1280, 390])
        func bannerAndShelfAreShownLabelledInReservedSpaceAndCountedOnce(width: Int) async throws {
            let (browser, world) = try await Self.open("/", width: width, height: 1400)
            let banner = try await browser.find(".nimb-banner .nimb-picture")
            #expect(try await banner.isDisplayed)
            #expect(try await banner.label == "Чашка кофе Norda")
            let label = try await browser.find(".nimb-banner summary").text
            #expect(label.hasPrefix("Реклама") && label.hasSuffix("ООО \"Норд\""), "\(label)")
            #expect(try await browser.all(".nimb-shelf .nimb-card").count == 8)
            let price = try await browser.find(".nimb-shelf [data-nimb-sku=p1] .nimb-price").text
            #expect(price == "1\u{202F}290 ₽ 1\u{202F}490 ₽" || price == "1\u{202F}290\u{A0}₽ 1\u{202F}490\u{A0}₽")
            // The shop's own content stays where nothing was sold.
            #expect(try await browser.all("[data-nimb-slot='home.empty'] .own").count == 1)
            #expect(try await browser.all(".own").count == 1)
            let debug = try await browser.script("return nimb.debug()")
            let slots = debug["answers"][0]["slots"]
            #expect(slots["home.top"]["ads"][0]["label"]["inn"].string == "7736207543", "\(debug)")
            #expect(slots["home.empty"]["no_fill"].string == "no_candidate", "\(debug)")
            #expect(debug["answers"][0]["decision_id"].string?.count == 32)
            #expect(debug["answers"].array.count == 1, "one call per page")

            let decision = try await Self.decision(browser)
            let cards = width == 1280 ? 7 : 2
            try await eventually("the viewables") { try await world.count(1, of: decision) == cards + 1 }
            #expect(try await world.count(0, of: decision, erid: "2VtzqNordBanner") == 1)
            #expect(try await world.count(0, of: decision, erid: "2VtzqNordShelf") == 1)
            try await browser.until("nimb.debug().waiting === 0")
            try await Self.expectClean(browser)
            try await browser.screenshot("tag-\(width)")
        }

        @Test func theLabelSaysWhoAdvertisesAndLetsTheEridBeCopiedWithTheKeyboardAlone() async throws {
            let (browser, _) = try await Self.open("/")
            try await browser.script("document.querySelector('.nimb-banner a').focus()")
            try await browser.press(.tab, .enter)
            let about = try await browser.find(".nimb-banner .nimb-about")
            #expect(try await about.isDisplayed)
            for part in ["ООО \"Норд\"", "ИНН 7736207543", "erid: 2VtzqNordBanner", "Копировать erid"] {
                #expect(try await about.text.contains(part), "\(part)")
            }
            try await browser.screenshot("tag-label")
            try await browser.press(.tab, .enter)
            try await browser.until("document.activeElement.textContent === 'Скопировано'")
            try await browser.press(.escape)
            #expect(try await !about.isDisplayed)
            try await Self.expectClean(browser)
        }

        @Test func anEnglishPageSpeaksEnglishAndKeepsTheWordOfTheLaw() async throws {
            let (browser, _) = try await Self.open("/english")
            let summary = try await browser.find(".nimb-shelf summary")
            #expect(try await summary.text.hasPrefix("Реклама · Ad"))
            try await summary.click()
            let about = try await browser.find(".nimb-shelf .nimb-about").text
            #expect(about.contains("INN 7736207543") && about.contains("Copy erid"), "\(about)")
        }

        @Test func belowTheFoldIsAnImpressionAndBecomesViewableWhenScrolledTo() async throws {
            let (browser, world) = try await Self.open("/below")
            let decision = try await Self.decision(browser)
            try await eventually("the impression") {
                try await world.count(0, of: decision, erid: "2VtzqNordShelf") == 1
            }
            // More than a second on the page, as the page itself counts it.
            try await browser.until("performance.now() > 2500")
            try await browser.until("nimb.debug().waiting === 0")
            #expect(try await world.count(1, of: decision) == 0, "what nobody saw is not viewable")
            try await browser.find(".nimb-shelf").scrollIntoView()
            try await eventually("the viewables") { try await world.viewableCards(of: decision) != 0 }
        }

        @Test func ofAHalfVisibleShelfTheVisibleCardsCount() async throws {
            let (browser, world) = try await Self.open("/below", width: 390, height: 844)
            // 148 px cards with gaps of 12 px after 16 px: at 16...358 the first two and less than half of the third.
            let decision = try await Self.decision(browser)
            try await browser.find(".nimb-shelf").scrollIntoView()
            try await eventually("two cards") { try await world.viewableCards(of: decision) == 0b11 }
            // Scrolled to the end, the last two are seen; the ones between were passed by.
            try await browser.script(
                "const row = document.querySelector('.nimb-cards'); row.scrollTo({left: row.scrollWidth, behavior: 'instant'})"
            )
            try await eventually("four cards") {
                try await world.viewableCards(of: decision) == 0b1100_0011
            }
        }

        @Test func aClickLeadsToTheProductWithTheEridOnceAndIsCounted() async throws {
            let (browser, world) = try await Self.open("/")
            let first = try await Self.decision(browser)
            try await browser.find(".nimb-shelf [data-nimb-sku=p3] a").click()
            try await browser.until("location.pathname === '/p/p3'")
            let address = try await browser.address
            #expect(address == world.origin + "/p/p3?erid=2VtzqNordShelf")
            try await browser.open(world.origin + "/")
            try await browser.until(Self.settled)
            let second = try await Self.decision(browser)
            try await browser.find(".nimb-banner a").click()
            try await browser.until("location.pathname === '/brands/norda'")
            #expect(try await browser.address == world.origin + "/brands/norda?from=ad&erid=2VtzqNordBanner#top")
            try await eventually("the first click") { try await world.count(2, of: first) == 1 }
            try await eventually("the second click") { try await world.count(2, of: second) == 1 }
        }

        @Test func aShopThatChangesPagesItselfTakesTheClick() async throws {
            let (browser, world) = try await Self.open("/")
            let decision = try await Self.decision(browser)
            try await browser.script(
                """
                document.addEventListener('nimb:click', (event) => {
                  event.preventDefault();
                  window.went = event.detail.sku + ' ' + event.detail.erid;
                });
                """)
            try await browser.find(".nimb-shelf [data-nimb-sku=p2] a").click()
            #expect(try await browser.script("return window.went").string == "p2 2VtzqNordShelf")
            #expect(try await browser.address == world.origin + "/")
            try await eventually("the click") { try await world.count(2, of: decision) == 1 }
        }

        @Test func textsOfCreativesCannotInjectMarkup() async throws {
            let (browser, _) = try await Self.open("/article")
            #expect(try await browser.script("return window.xss || 0").integer == 0)
            #expect(try await browser.find(".nimb-headline").text == "\"><img src=x onerror=window.xss=1>")
            #expect(try await browser.find(".nimb-title").text == "<svg onload=window.xss=1>")
            #expect(try await browser.find(".nimb-name").text.hasPrefix("<script>window.xss=1</script>"))
            let advertiser = try await browser.script("return document.querySelector('.nimb-advertiser').textContent")
            #expect(advertiser.string == "<img src=x onerror=window.xss=1>\"&<b>")
            let foreign = try await browser.script(
                """
                return [...document.querySelectorAll('.nimb-ad *')].filter((node) =>
                  ['script', 'svg'].includes(node.localName) ||
                  [...node.attributes].some((attribute) => /^on/.test(attribute.name))).length
                """)
            #expect(foreign.integer == 0)
            try await browser.screenshot("tag-hostile")
            try await Self.expectClean(browser)
        }

        @Test func adsThatTheShopsServerHasRenderedAreCountedAndNotAskedForAgain() async throws {
            let world = try await TagWorld.shared()
            let answer = try await WebClient().send(
                "POST", world.nimb.delivery + "/v1/placements",
                json: """
                    {"storefront": "shop", "page": {"type": "home"}, "slots": [{"name": "home.top"}], "html": true}
                    """)
            let html = try #require(answer.json["slots"]["home.top"]["ads"][0]["html"].string, "\(answer.text)")
            let decision = try #require(answer.json["decision_id"].string)
            world.site.rendered.withLock { $0 = html }
            let (browser, _) = try await Self.open("/rendered")
            #expect(try await browser.find(".nimb-banner .nimb-picture").isDisplayed)
            #expect(try await browser.script("return nimb.debug().answers.length").integer == 0)
            try await eventually("the viewable") { try await world.count(1, of: decision) == 1 }
            #expect(try await world.count(0, of: decision) == 1)
            try await Self.expectClean(browser)
        }

        @Test func underTheShopsOwnHostTheCookieKnowsTheVisitor() async throws {
            let world = try await TagWorld.shared()
            let browser = try await BrowserRig.shared.browser()
            var cookies: [String] = []
            for _ in 0..<2 {
                try await browser.open("http://127.0.0.1:\(world.pages.port)/")
                try await browser.until(Self.settled)
                #expect(try await browser.all(".nimb-banner").count == 1)
                let all = try await browser.devTools("Network.getAllCookies")["cookies"].array
                cookies.append(all.first { $0["name"].string == "nimb_vid" }?["value"].string ?? "none")
            }
            #expect(cookies[0].hasPrefix("nv-") && cookies[0] == cookies[1], "\(cookies)")
            #expect(
                try await browser.script("return nimb.visitor() || localStorage['nimb.visitor'] || ''").string == "")
            try await browser.script("nimb.track('product_view', {sku: 'p1'})")
            try await eventually("the signal") { try await world.signals(of: cookies[0]) == 1 }
        }

        @Test func oneWrongSlotNameDoesNotEmptyThePage() async throws {
            let (browser, _) = try await Self.open("/typo")
            #expect(try await browser.all(".nimb-banner").count == 1)
            #expect(try await browser.find(".own").isDisplayed)
        }
    }
}
