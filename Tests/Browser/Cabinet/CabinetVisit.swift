import Foundation
import TestKit
import Testing

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// Somebody in front of the cabinet of the development installation.
struct CabinetVisit {
    let dev: DevInstallation
    let browser: Browser

    /// A new visitor who reads Russian; nobody is signed in.
    static func begin() async throws -> CabinetVisit {
        let visit = CabinetVisit(
            dev: try await BrowserRig.shared.dev(), browser: try await BrowserRig.shared.browser())
        try await visit.open("/sign-in")
        try await visit.browser.script("localStorage.setItem('nimb.language', 'ru')")
        return visit
    }

    /// The same, signed in: `ADMIN`, `AGENCY` or `ZERNOSVET`.
    static func begin(as person: String) async throws -> CabinetVisit {
        let visit = try await begin()
        try await visit.open("/campaigns")
        try await visit.signIn("\(person.lowercased())@demo.example", visit.dev.value("NIMB_PASSWORD_\(person)"))
        try await visit.browser.until("document.querySelector('main.page tbody tr')", within: .seconds(20))
        return visit
    }

    func open(_ path: String) async throws { try await browser.open(dev.management + "/admin" + path) }

    func signIn(_ email: String, _ password: String) async throws {
        try await browser.find("input[name=email]").clear()
        try await browser.find("input[name=email]").type(email)
        try await browser.find("input[name=password]").clear()
        try await browser.find("input[name=password]").type(password)
        try await browser.find("button[type=submit]").click()
    }

    /// Presses a key of the keyboard by the character it makes.
    func press(_ character: String) async throws {
        let actions = ["keyDown", "keyUp"].map { JSONNode.object(["type": .string($0), "value": .string(character)]) }
        try await browser.post(
            "/actions",
            ["actions": .array([.object(["type": .string("key"), "id": .string("keys"), "actions": .array(actions)])])])
    }

    /// Whether the page is wider than the window.
    func scrollsSideways() async throws -> Bool {
        try await browser.script("return document.documentElement.scrollWidth > innerWidth").bool ?? true
    }

    func text(of selector: String) async throws -> String { try await browser.find(selector).text }

    // MARK: What tests decide about

    /// Makes a campaign of the advertiser Зерносвет that waits for moderation, and returns its id.
    func pendingCampaign(_ name: String) async throws -> String {
        let key = dev.value("NIMB_KEY_DEMO_ZERNOSVET")
        let campaign = try await send(
            "/v1/campaigns", key,
            #"{"name": "\#(name)", "contract": "ctr-zernosvet-1", "kktu": "17.3.1", "credited": {"brands": ["zernosvet"]}}"#
        )
        let line = try await send(
            "/v1/campaigns/\(campaign)/line-items", key,
            """
            {"name": "Баннер в поиске", "pricing": "cpm", "bid_micros": 900000000, "total_budget_micros": 5000000000,
            "flight": {"from": "2026-01-01T00:00:00Z", "to": "2028-01-01T00:00:00Z"},
            "targeting": {"placements": ["search.top"]}, "promoted": {"brands": ["zernosvet"]}}
            """)
        let picture = try await send(
            "/v1/media", key, try Data(contentsOf: Repository.root.appendingPathComponent(Self.picture)),
            type: "image/png")
        _ = try await send(
            "/v1/creatives", key,
            """
            {"line_item": "\(line)", "format": "banner", "landing_url": "https://localhost/shop/",
            "fields": {"headline": "\(name)", "alt": "Зёрна кофе"}, "media": ["\(picture)"]}
            """)
        _ = try await send("/v1/campaigns/\(campaign)/submit", key, "{}")
        return campaign
    }

    private static let picture = "Sources/nimb/Data/banner-coffee.png"

    /// A field of a campaign, as the retailer reads it.
    func campaign(_ id: String) async throws -> [String: Any] {
        try await call("GET", "/v1/campaigns/\(id)", dev.value("NIMB_KEY_RETAILER"), nil, "application/json")
    }

    private func send(_ path: String, _ key: String, _ body: String) async throws -> String {
        try await send(path, key, Data(body.utf8), type: "application/json")
    }

    private func send(_ path: String, _ key: String, _ body: Data, type: String) async throws -> String {
        try await call("POST", path, key, body, type)["id"] as? String ?? ""
    }

    private func call(
        _ method: String, _ path: String, _ key: String, _ body: Data?, _ type: String
    ) async throws -> [String: Any] {
        guard let url = URL(string: dev.management + path) else { throw URLError(.badURL) }
        var request = URLRequest(url: url)
        request.httpMethod = method
        request.httpBody = body
        request.setValue("Bearer \(key)", forHTTPHeaderField: "Authorization")
        request.setValue(type, forHTTPHeaderField: "Content-Type")
        let (data, response) = try await URLSession.shared.data(for: request)
        let status = (response as? HTTPURLResponse)?.statusCode ?? 0
        #expect((200...299).contains(status), "\(method) \(path): \(String(decoding: data, as: UTF8.self))")
        return (try? JSONSerialization.jsonObject(with: data) as? [String: Any]) ?? [:]
    }
}
