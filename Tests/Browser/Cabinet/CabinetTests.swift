import TestKit
import Testing

/// The cabinet as its people use it.
extension BrowserTests {
    @Suite("Cabinet") struct CabinetTests {
        @Test func aWrongPasswordIsToldAndTheRightOneLeadsBackToTheAskedPage() async throws {
            let visit = try await CabinetVisit.begin()
            try await visit.open("/campaigns?period=7d")
            try await visit.signIn("admin@demo.example", "not this one either")
            try await visit.browser.until("document.querySelector('.form-problem')?.textContent", within: .seconds(20))
            #expect(try await visit.text(of: ".form-problem") == "Неверная почта или пароль.")
            try await visit.signIn("admin@demo.example", visit.dev.value("NIMB_PASSWORD_ADMIN"))
            try await visit.browser.until("document.querySelector('main.page tbody tr')", within: .seconds(20))
            #expect(try await visit.browser.address.hasSuffix("/admin/campaigns?period=7d"))
            #expect(try await visit.text(of: "h1") == "Кампании")
            // The console is clean but for the answers that were meant to refuse.
            for line in try await visit.browser.console() { #expect(line.contains("/v1/session"), "\(line)") }
        }

        @Test func theFilterLivesInTheAddressAndSearchesAsOneTypes() async throws {
            let visit = try await CabinetVisit.begin(as: "ADMIN")
            let browser = visit.browser
            try await browser.find("input[type=search]").type("ничего такого нет")
            try await browser.until("document.querySelector('.empty')")
            #expect(try await browser.address.contains("q=%D0%BD%D0%B8"))
            try await browser.find(".empty button").click()
            try await browser.until("document.querySelector('main.page tbody tr')")
            try await visit.open("/campaigns?state=active&advertiser=zernosvet")
            try await browser.until("document.querySelectorAll('tbody tr .chip[data-state=active]').length > 0")
            let others = try await browser.all("tbody tr .chip:not([data-state=active])")
            #expect(others.isEmpty)
            // Every number says what it is.
            #expect(try await browser.all(".tile .tip").count == 8)
            #expect(try await visit.text(of: "[data-role=freshness]").contains("предварительные"))
        }

        @Test func aCampaignShowsItsMoneyAsACurveAndAsATable() async throws {
            let visit = try await CabinetVisit.begin(as: "ADMIN")
            let browser = visit.browser
            try await browser.find("tbody a.row-link").click()
            try await browser.until("document.querySelector('[data-block=line-items] tbody tr')")
            let name = try await visit.text(of: "h1")
            #expect(!name.isEmpty)
            #expect(try await browser.find("[data-block=creatives] iframe").attribute("sandbox") == "")
            // A young installation has delivered nothing; then a sentence stands in the place of the curve.
            try await browser.until("document.querySelector('.numbers .chart canvas[data-drawn], .numbers .notice')")
            if let toggle = try await browser.all(".chart button[aria-expanded]").first {
                try await toggle.click()
                #expect(try await browser.find(".chart-twin tbody tr th[scope=row]").isDisplayed)
                let aligned = try await browser.script(
                    "return getComputedStyle(document.querySelector('.chart-twin td.number')).textAlign")
                #expect(aligned.string == "right")
            }
            try await browser.back()
            try await browser.until("document.querySelector('tbody a.row-link')")
        }

        @Test func aCampaignIsPausedAndThatIsUndone() async throws {
            let visit = try await CabinetVisit.begin(as: "ZERNOSVET")
            let browser = visit.browser
            try await visit.open("/campaigns?state=active")
            try await browser.find("tbody a.row-link").click()
            try await browser.find("[data-action=pause]").click()
            try await browser.until("document.querySelector('.campaign-head .chip[data-state=paused]')")
            try await browser.find(".toast button.plain").click()
            try await browser.until("document.querySelector('.campaign-head .chip[data-state=active]')")
        }

        @Test func aCampaignIsApprovedByKeyboardAlone() async throws {
            let visit = try await CabinetVisit.begin(as: "ADMIN")
            let id = try await visit.pendingCampaign("Кофе к заказу")
            let browser = visit.browser
            try await visit.open("/campaigns")
            _ = try await browser.find("h1")
            try await visit.press("g")
            try await visit.press("m")
            try await browser.until("location.pathname === '/admin/moderation'")
            try await visit.open("/moderation?item=campaign.\(id)")
            try await browser.until("document.querySelector('.decision')?.dataset.shown === 'campaign.\(id)'")
            try await visit.press("a")
            try await browser.until("document.querySelector('dialog[open]')")
            try await browser.press(.enter)
            try await browser.until("document.querySelector('.toast')")
            let state = try await visit.campaign(id)["state"] as? String
            #expect(["approved", "active"].contains(state))
            try await browser.until("!document.querySelector(`[data-id='campaign.\(id)']`)")
        }

        @Test func aRejectionNeedsWordsAndTheyReachTheAdvertiser() async throws {
            let visit = try await CabinetVisit.begin(as: "ADMIN")
            let id = try await visit.pendingCampaign("Зимняя обжарка")
            let browser = visit.browser
            try await visit.open("/moderation?item=campaign.\(id)")
            try await browser.until("document.querySelector('.decision')?.dataset.shown === 'campaign.\(id)'")
            try await visit.press("r")
            try await browser.find("dialog button[type=submit]").click()
            #expect(try await visit.text(of: "dialog .field-problem") == "Напишите словами, что поправить.")
            try await browser.find("dialog textarea").type("Укажите вес упаковки.")
            try await browser.find("dialog button[type=submit]").click()
            try await browser.until("!document.querySelector('dialog') && document.querySelector('.toast')")
            #expect(try await visit.campaign(id)["feedback"] as? String == "Укажите вес упаковки.")
            try await visit.open("/campaigns/\(id)")
            try await browser.until("document.querySelector('.campaign-head .notice.bad')")
            #expect(try await visit.text(of: ".campaign-head .notice.bad").contains("Укажите вес упаковки."))
        }

        @Test func languageAndThemeAreSwitchedAndRemembered() async throws {
            let visit = try await CabinetVisit.begin(as: "ADMIN")
            let browser = visit.browser
            try await browser.find(".account summary").click()
            try await choose("language", "en", browser)
            try await browser.until("document.documentElement.lang === 'en'")
            try await browser.until("document.querySelector('h1')?.textContent === 'Campaigns'")
            try await visit.open("/wallet")
            try await browser.until("document.querySelector('h1')?.textContent === 'Wallet'")
            let paper = "return getComputedStyle(document.body).backgroundColor"
            let light = try await browser.script(paper).string
            try await browser.find(".account summary").click()
            try await choose("theme", "dark", browser)
            try await visit.open("/campaigns")
            _ = try await browser.find("tbody tr")
            #expect(try await browser.script(paper).string != light)
            try await choose("language", "ru", browser)
        }

        @Test func anAdvertisersPersonSeesHisOwnOnly() async throws {
            let visit = try await CabinetVisit.begin(as: "ZERNOSVET")
            let browser = visit.browser
            let theirs = try await browser.script(
                "return fetch('/v1/campaigns?limit=500').then((a) => a.json())"
                    + ".then((a) => a.items.every((one) => one.advertiser === 'zernosvet'))")
            #expect(theirs.bool == true)
            #expect(try await browser.all("select[name=advertiser]").isEmpty)
            #expect(try await browser.all(".menu a[href$='/moderation']").isEmpty)
            try await visit.open("/moderation")
            try await browser.until("document.querySelector('.failure')")
            #expect(try await visit.text(of: ".failure").contains("Ваша роль этого не позволяет"))
        }

        @Test func anAgencySwitchesBetweenItsAdvertisers() async throws {
            let visit = try await CabinetVisit.begin(as: "AGENCY")
            let browser = visit.browser
            let options = try await browser.all("select[name=advertiser] option")
            #expect(options.count == 3, "all, and two advertisers")
            let chosen = try await options[1].attribute("value") ?? ""
            try await choose("advertiser", chosen, browser)
            try await browser.until("location.search.includes('advertiser=\(chosen)')")
            try await browser.until("document.querySelector('main.page tbody tr')")
        }

        @Test func aSessionThatEndsLeadsToTheDoorAndBack() async throws {
            let visit = try await CabinetVisit.begin(as: "ADMIN")
            let browser = visit.browser
            try await browser.devTools("Network.clearBrowserCookies")
            try await browser.find("[data-period='30d']").click()
            try await browser.until("location.pathname === '/admin/sign-in'")
            try await visit.signIn("admin@demo.example", visit.dev.value("NIMB_PASSWORD_ADMIN"))
            try await browser.until("location.search === '?period=30d'", within: .seconds(20))
            _ = try await browser.find("main.page tbody tr")
        }

        @Test func aServerThatIsGoneIsToldWithAWayOut() async throws {
            let visit = try await CabinetVisit.begin(as: "ADMIN")
            let browser = visit.browser
            try await browser.offline()
            try await browser.find("[data-period='7d']").click()
            try await browser.until("document.querySelector('.failure')")
            #expect(try await visit.text(of: ".failure h2") == "Сервер не отвечает")
            try await browser.online()
            try await browser.find(".failure button").click()
            try await browser.until("document.querySelector('main.page tbody tr')")
        }

        @Test func aPhoneShowsEverythingWithoutScrollingSideways() async throws {
            let visit = try await CabinetVisit.begin(as: "ADMIN")
            let id = try await visit.pendingCampaign("Кофе с очень длинным названием для узкого экрана телефона")
            let browser = visit.browser
            for width in [390, 360] {
                try await browser.viewport(width, 844, phone: true)
                let pages = [
                    "/campaigns", "/campaigns/\(id)", "/moderation", "/moderation?item=campaign.\(id)", "/wallet",
                ]
                for page in pages {
                    try await visit.open(page)
                    try await browser.until(
                        "document.querySelector('main.page h1') && !document.querySelector('.skeleton, [aria-busy]')")
                    #expect(try await !visit.scrollsSideways(), "\(page) at \(width)")
                }
            }
        }

        @Test func axeFindsNothingSeriousInEitherLight() async throws {
            let visit = try await CabinetVisit.begin(as: "ADMIN")
            let id = try await visit.pendingCampaign("Кофе для проверки доступности")
            let browser = visit.browser
            for scheme in ["light", "dark"] {
                try await browser.colourScheme(scheme)
                for page in ["/campaigns", "/campaigns/\(id)", "/moderation?item=campaign.\(id)", "/wallet"] {
                    try await visit.open(page)
                    try await browser.until(
                        "document.querySelector('main.page h1') && !document.querySelector('.skeleton, [aria-busy]')")
                    let findings = try await Axe.findings(browser)
                    #expect(findings.isEmpty, "\(page), \(scheme): \(findings)")
                }
            }
            try await browser.colourScheme("light")
        }

        @Test func whatIsNotThereSaysSo() async throws {
            let visit = try await CabinetVisit.begin(as: "ADMIN")
            try await visit.open("/campaigns/nowhere")
            try await visit.browser.until("document.querySelector('.failure')")
            #expect(try await visit.text(of: ".failure h1") == "Не найдено")
            try await visit.open("/no/such/page")
            #expect(try await visit.text(of: "h1") == "Такой страницы нет")
        }

        private func choose(_ name: String, _ value: String, _ browser: Browser) async throws {
            try await browser.script(
                "const list = document.querySelector(`select[name=${arguments[0]}]`); list.value = arguments[1];"
                    + "list.dispatchEvent(new Event('change'))", .string(name), .string(value))
        }
    }
}
