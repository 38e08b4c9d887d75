import Foundation
import TestKit

/// A visit to the demo shop in the browser.
struct ShopWindow {
    let dev: DevInstallation
    let browser: Browser

    /// Times that a page is asked for until the ads came in time: a shop does not wait for them longer than 300 ms, and
    /// a test machine is sometimes busier than that.
    private static let tries = 20

    static func open() async throws -> ShopWindow {
        let dev = try await BrowserRig.shared.dev()
        let window = ShopWindow(dev: dev, browser: try await BrowserRig.shared.browser())
        // The shop reads its catalogue after it has begun to listen.
        try await eventually(within: .seconds(30), "the shop's catalogue") {
            try await window.browser.open(dev.shop + "/shop/")
            return try await !window.browser.all(".grid .card").isEmpty
        }
        return window
    }

    /// Opens a page of the shop.
    func go(_ path: String) async throws { try await browser.open(dev.shop + path) }

    /// Opens a page and waits until a slot of it has been filled by an ad.
    @discardableResult
    func go(_ path: String, filled slot: String) async throws -> BrowserElement {
        for _ in 0..<Self.tries {
            try await go(path)
            let selector = "[data-nimb-slot=\"\(slot)\"]"
            try await browser.until(
                "/filled|empty|error/.test((document.querySelector('\(selector)') || document.body).dataset.nimbState)")
            if try await browser.all(selector + "[data-nimb-state=filled]").first != nil {
                return try await browser.find(selector)
            }
        }
        throw DeadlineError(
            description: "no ad in \(slot) at \(path): \(try await browser.script("return nimb.debug()").text)")
    }

    /// Agrees to personalisation, as the banner asks.
    func consent() async throws {
        try await browser.find(".consent button[value=yes]").click()
        try await browser.until("!document.querySelector('.consent')")
    }

    func choose(region: String) async throws {
        try await browser.find(".region summary").click()
        try await browser.find(".region button[value=\(region)]").click()
        try await browser.until("document.querySelector('[data-region=\(region)]')")
    }

    /// SKU and shown price of each card of an ad, in order.
    func cards(of slot: String) async throws -> [(sku: String, price: String)] {
        let list = try await browser.script(
            """
            return [...document.querySelectorAll('[data-nimb-slot="' + arguments[0] + '"] [data-nimb-sku]')].map(
                (card) => [card.dataset.nimbSku, card.querySelector('.nimb-price').firstChild.textContent.trim()]);
            """, .string(slot))
        return list.array.map { ($0.array.first?.string ?? "", $0.array.last?.string ?? "") }
    }

    /// Text of the label of an ad, its menu included.
    func label(of slot: String) async throws -> String {
        try await browser.script(
            """
            return document.querySelector('[data-nimb-slot="' + arguments[0] + '"] .nimb-label').textContent;
            """, .string(slot)
        ).string ?? ""
    }

    /// The text of a page of the shop, fetched with the shopper's cookies.
    func text(_ path: String) async throws -> String {
        try await browser.script("return fetch(arguments[0]).then((answer) => answer.text())", .string(path)).string
            ?? ""
    }

    /// Totals of an advertiser's report of his campaigns.
    func reported(_ metrics: [String], key: String) async throws -> [Int64] {
        let answer = try await WebClient().send(
            "GET", dev.management + "/v1/reports/performance?by=campaign",
            headers: ["Authorization": "Bearer \(dev.value(key))"])
        return metrics.map { answer.json["totals"][$0].integer ?? 0 }
    }
}

/// axe-core, which `.ci/setup test` installs: the rules of accessibility that a program can check.
enum Axe {
    /// Serious and critical findings of the page that is open, one line each.
    static func findings(_ browser: Browser) async throws -> [String] {
        let libraries = Repository.root.appendingPathComponent(".nimb-tools/lib")
        let pythons = try FileManager.default.contentsOfDirectory(at: libraries, includingPropertiesForKeys: nil)
        guard let python = pythons.first(where: { $0.lastPathComponent.hasPrefix("python3") }) else {
            throw DeadlineError(description: "axe is not installed: run .ci/setup test")
        }
        let file = python.appendingPathComponent("site-packages/axe_core_python/axe.min.js")
        let source = try String(contentsOf: file, encoding: .utf8)
        try await browser.script(source)
        let found = try await browser.script(
            """
            return axe.run(document, {resultTypes: ['violations']}).then((result) => result.violations
                .filter((rule) => rule.impact === 'serious' || rule.impact === 'critical')
                .flatMap((rule) => rule.nodes.map((node) => rule.id + ': ' + node.target.join(' ') + ' '
                    + node.failureSummary.replace(/\\s+/g, ' '))));
            """)
        return found.array.compactMap(\.string)
    }
}
