import TestKit
import Testing

extension BrowserTests {
    /// What the tag does when something else fails, and what it keeps of whom.
    @Suite("Tag when things fail") struct TagFaultTests {
        @Test func aDeadServerLeavesTheShopAsItIs() async throws {
            let (_, world) = try await TagTests.open("/")
            // The tag lies in the browser's cache; everything after it fails.
            let browser = try await BrowserRig.shared.browser()
            try await browser.open(world.origin + "/bare")
            try await world.killServer()
            try await browser.open(world.origin + "/")
            try await browser.until("document.querySelector('#below')")
            #expect(try await browser.all(".own").count == 3)
            #expect(try await browser.all(".nimb-ad").isEmpty)
            #expect(try await browser.script("return window.shift").number == 0)
            try await world.restartServer()
            try await browser.open(world.origin + "/")
            _ = try await browser.find(".nimb-banner")
        }

        @Test func aServerThatDoesNotAnswerIsWaitedForNoLongerThanSaid() async throws {
            let world = try await TagWorld.shared()
            try await LocalServer.with({ _ in .silence }) { stalled in
                let browser = try await BrowserRig.shared.browser()
                try await browser.open(world.origin + "/?timeout=300&server=\(stalled.url)")
                try await browser.until(TagTests.settled)
                let answer = try await browser.script("return nimb.debug().answers[0]")
                #expect(answer["slots"]["home.top"]["no_fill"].string == "timeout", "\(answer)")
                let waited = answer["milliseconds"].number ?? 0
                #expect(waited >= 290 && waited < 2_000, "\(waited)")
                #expect(try await browser.all(".own").count == 3)
                #expect(stalled.requests.filter { $0.uri == "/v1/placements" }.count == 1)
                try await TagTests.expectClean(browser)
            }
        }

        @Test func whatHappensOfflineIsDeliveredOnceWhenTheNetworkIsBackAlsoAfterAReload() async throws {
            let (browser, world) = try await TagTests.open("/")
            let decision = try await TagTests.decision(browser)
            let visitor = try await browser.script("return nimb.visitor()").string ?? ""
            try await browser.until("nimb.debug().waiting === 0")
            try await browser.script("document.addEventListener('nimb:click', (event) => event.preventDefault())")
            try await browser.offline()
            try await browser.find(".nimb-shelf [data-nimb-sku=p1] a").click()
            try await browser.script("nimb.track('product_view', {sku: 'p1'})")
            try await browser.until("nimb.debug().waiting >= 2")
            #expect(
                try await browser.script("return Object.keys(localStorage).filter((key) => /event/.test(key)).length")
                    .integer ?? 0 >= 2)
            // A reload takes up what lies in storage; a second tab would send it too, and it would count once.
            try await browser.online()
            let kept = try await browser.script("return JSON.stringify(localStorage)").string ?? "{}"
            try await browser.open(world.origin + "/bare")
            try await browser.until("window.nimb && nimb.debug().waiting === 0")
            try await browser.script(
                "const kept = JSON.parse(arguments[0]); for (const key in kept) localStorage[key] = kept[key]",
                .string(kept))
            try await browser.open(world.origin + "/bare")
            try await browser.until("window.nimb && nimb.debug().waiting === 0")
            try await eventually("the signal") { try await world.signals(of: visitor) == 1 }
            try await eventually("the click") { try await world.count(2, of: decision) == 1 }
            #expect(
                try await browser.script("return Object.keys(localStorage).filter((key) => /event/.test(key)).length")
                    .integer == 0)
        }

        @Test func withoutConsentAdsAreShownAndNothingIsKeptOrSentOfTheShopper() async throws {
            let (browser, _) = try await TagTests.open("/?consent=no")
            #expect(try await browser.all(".nimb-banner").count == 1)
            try await browser.script("nimb.track('product_view', {sku: 'p1'})")
            try await browser.until("nimb.debug().waiting === 0")
            try await browser.until("performance.now() > 1500")
            #expect(try await browser.script("return localStorage.length").integer == 0)
            let cookies = try await browser.devTools("Network.getAllCookies")
            #expect(cookies["cookies"].array.isEmpty, "\(cookies)")

            // Given later, it is used from then on; withdrawn, nothing is left of it.
            try await browser.script("nimb.consent(true); nimb.refresh()")
            try await browser.until("nimb.visitor() && localStorage['nimb.visitor'] === nimb.visitor()")
            try await browser.until(TagTests.settled)
            try await browser.script("nimb.consent(false)")
            #expect(try await browser.script("return localStorage.length").integer == 0)
            #expect(try await browser.script("return nimb.visitor() || ''").string == "")
        }

        @Test func aSinglePageShopAsksAgainAndSlotsThatComeLaterAreFilled() async throws {
            let (browser, _) = try await TagTests.open("/bare")
            try await browser.script(
                """
                const slot = document.createElement('div');
                slot.dataset.nimbSlot = 'home.top';
                slot.dataset.nimbReserve = 'banner';
                document.querySelector('main').append(slot);
                """)
            _ = try await browser.find(".nimb-banner[data-nimb-seen]")
            let first = try await browser.find(".nimb-banner").attribute("data-nimb-ad")
            try await browser.script("return nimb.refresh({page: 'home', query: null})")
            let second = try await browser.find(".nimb-banner").attribute("data-nimb-ad")
            #expect(first != second, "a new decision")
            // A page without ads for the slot gets its own content back.
            try await browser.script(
                "document.documentElement.dataset.nimbSpa = ''; nimb.set({page: 'article'}); history.pushState({}, '', '/a')"
            )
            try await browser.until("nimb.debug().answers.length === 3")
            try await browser.until(TagTests.settled)
            try await TagTests.expectClean(browser)
        }

        @Test func theModuleFormIsTheSameTag() async throws {
            let (browser, _) = try await TagTests.open("/module")
            #expect(try await browser.all(".nimb-banner").count == 1)
            #expect(try await browser.script("return window.imported === window.nimb").bool == true)
            try await TagTests.expectClean(browser)
        }
    }
}
