import TestKit

/// An element of the page that is open now; stale, and then an error, once the page is another one.
struct BrowserElement: Sendable {
    /// W3C's name for the reference.
    private static let key = "element-6066-11e4-a52e-4f735466cecf"

    private let browser: Browser
    private let id: String

    init?(_ browser: Browser, _ reference: JSONNode) {
        guard let id = reference[Self.key].string else { return nil }
        self.browser = browser
        self.id = id
    }

    /// As an argument of `Browser.script`.
    var reference: JSONNode { .object([Self.key: .string(id)]) }

    /// Scrolls it into view and clicks in its middle, as a person would; an error when something covers it.
    func click() async throws { try await browser.post("/element/\(id)/click") }

    /// Types into it.
    func type(_ text: String) async throws {
        try await browser.post("/element/\(id)/value", ["text": .string(text)])
    }

    func clear() async throws { try await browser.post("/element/\(id)/clear") }

    /// Text as it is shown.
    var text: String { get async throws { try await browser.get("/element/\(id)/text").string ?? "" } }

    var isDisplayed: Bool {
        get async throws { try await browser.get("/element/\(id)/displayed").bool ?? false }
    }

    /// Accessible name, as a screen reader says it.
    var label: String { get async throws { try await browser.get("/element/\(id)/computedlabel").string ?? "" } }

    func attribute(_ name: String) async throws -> String? {
        try await browser.get("/element/\(id)/attribute/\(name)").string
    }

    /// Place on the page and size, CSS pixels.
    var rect: (x: Double, y: Double, width: Double, height: Double) {
        get async throws {
            let rect = try await browser.get("/element/\(id)/rect")
            return (
                rect["x"].number ?? 0, rect["y"].number ?? 0, rect["width"].number ?? 0, rect["height"].number ?? 0
            )
        }
    }

    /// Scrolls it to the middle of the view.
    func scrollIntoView() async throws {
        try await browser.script("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", reference)
    }
}
