import Foundation
import TestKit

/// One browser window, driven by W3C WebDriver and, where that has no word for it, by Chromium's own commands.
///
/// Everything that waits does so with a bound and says what it waited for.
final class Browser: Sendable {
    private let driver: ChromeDriver
    private let path: String
    /// Screenshots go here: `NIMB_SCREENSHOTS`, else a folder of the temporary directory.
    static let screenshots: URL = {
        if let folder = ProcessInfo.processInfo.environment["NIMB_SCREENSHOTS"], !folder.isEmpty {
            return URL(fileURLWithPath: folder)
        }
        return FileManager.default.temporaryDirectory.appendingPathComponent("nimb-screenshots")
    }()

    /// What the browser says it is: headless Chromium's own name is a robot's, whose events are never billed.
    static let agent =
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"

    /// Starts a browser with a profile of its own in `profile`.
    init(_ driver: ChromeDriver, profile: URL) async throws {
        self.driver = driver
        let arguments = [
            "--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--remote-debugging-pipe",
            "--no-first-run", "--disable-extensions", "--disable-background-networking", "--disable-sync",
            "--force-device-scale-factor=1", "--lang=ru-RU", "--window-size=1280,900", "--user-agent=\(Self.agent)",
            "--user-data-dir=\(profile.path)",
        ]
        let answer = try await driver.command(
            "POST", "/session",
            .object([
                "capabilities": .object([
                    "alwaysMatch": .object([
                        "browserName": .string("chrome"),
                        "pageLoadStrategy": .string("normal"),
                        "unhandledPromptBehavior": .string("ignore"),
                        "goog:chromeOptions": .object([
                            "binary": .string("/usr/bin/chromium"), "args": .array(arguments.map { .string($0) }),
                        ]),
                        "goog:loggingPrefs": .object(["browser": .string("ALL")]),
                    ])
                ])
            ]))
        guard let id = answer["sessionId"].string else {
            throw ChromeDriver.Failure(code: "no session", message: answer.text)
        }
        path = "/session/\(id)"
    }

    /// As a new visitor on a desktop: online, no cookies, nothing stored, an empty page of 1280 x 900.
    func reset() async throws {
        try await online()
        // A dialog of the last test would refuse every other command.
        _ = try? await post("/alert/dismiss")
        try await open("about:blank")
        try await devTools("Network.clearBrowserCookies")
        try await devTools("Network.clearBrowserCache")
        try await devTools("Storage.clearDataForOrigin", ["origin": .string("*"), "storageTypes": .string("all")])
        try await viewport(1280, 900)
        _ = try await console()
    }

    // MARK: Commands

    func get(_ command: String) async throws -> JSONNode { try await driver.command("GET", path + command) }

    @discardableResult
    func post(_ command: String, _ body: [String: JSONNode] = [:]) async throws -> JSONNode {
        try await driver.command("POST", path + command, .object(body))
    }

    /// A command of the Chrome DevTools protocol.
    @discardableResult
    func devTools(_ command: String, _ parameters: [String: JSONNode] = [:]) async throws -> JSONNode {
        try await post("/goog/cdp/execute", ["cmd": .string(command), "params": .object(parameters)])
    }

    // MARK: Pages

    /// Goes to an address and waits for its `load`.
    func open(_ address: String) async throws { try await post("/url", ["url": .string(address)]) }

    var address: String { get async throws { try await get("/url").string ?? "" } }

    func back() async throws { try await post("/back") }

    /// Runs the body of a function in the page; `arguments[0]` and so on are the arguments. A promise is waited for.
    @discardableResult
    func script(_ body: String, _ arguments: JSONNode...) async throws -> JSONNode {
        try await post("/execute/sync", ["script": .string(body), "args": .array(arguments)])
    }

    /// Waits until an expression of the page is true.
    func until(_ expression: String, within limit: Duration = .seconds(10)) async throws {
        do {
            try await eventually(within: limit, every: .milliseconds(50), expression) {
                try await script("return !!(\(expression))").bool == true
            }
        } catch let error as DeadlineError {
            throw DeadlineError(description: "\(error); at \(try await address), console: \(try await console())")
        }
    }

    // MARK: Elements

    /// The first element that a CSS selector finds, waited for.
    func find(_ selector: String, within limit: Duration = .seconds(10)) async throws -> BrowserElement {
        do {
            return try await eventualValue(within: limit, every: .milliseconds(50), selector) {
                try await all(selector).first
            }
        } catch let error as DeadlineError {
            let text = try await script("return document.body ? document.body.innerText.slice(0, 400) : ''")
            throw DeadlineError(
                description:
                    "\(error); at \(try await address): \(text.string ?? ""); console: \(try await console())")
        }
    }

    /// All that a CSS selector finds now.
    func all(_ selector: String) async throws -> [BrowserElement] {
        let found = try await post("/elements", ["using": .string("css selector"), "value": .string(selector)])
        return found.array.compactMap { BrowserElement(self, $0) }
    }

    /// The element that has the focus.
    var focused: BrowserElement? { get async throws { BrowserElement(self, try await get("/element/active")) } }

    /// Presses and releases keys, one after the other; see `Key`.
    func press(_ keys: Key...) async throws {
        let actions = keys.flatMap { key -> [JSONNode] in
            ["keyDown", "keyUp"].map { .object(["type": .string($0), "value": .string(key.rawValue)]) }
        }
        try await post(
            "/actions",
            ["actions": .array([.object(["type": .string("key"), "id": .string("keys"), "actions": .array(actions)])])])
    }

    enum Key: String {
        case tab = "\u{E004}"
        case enter = "\u{E007}"
        case escape = "\u{E00C}"
        case space = " "
        case left = "\u{E012}"
        case up = "\u{E013}"
        case right = "\u{E014}"
        case down = "\u{E015}"
    }

    // MARK: Window and network

    /// Size of the page's view in CSS pixels; `phone` with touch and a phone's rules for the viewport.
    func viewport(_ width: Int, _ height: Int, phone: Bool = false) async throws {
        try await devTools(
            "Emulation.setDeviceMetricsOverride",
            [
                "width": .integer(Int64(width)), "height": .integer(Int64(height)), "deviceScaleFactor": .integer(1),
                "mobile": .bool(phone),
            ])
        try await devTools("Emulation.setTouchEmulationEnabled", ["enabled": .bool(phone)])
    }

    /// `light` or `dark`.
    func colourScheme(_ scheme: String) async throws {
        try await devTools(
            "Emulation.setEmulatedMedia",
            [
                "features": .array([
                    .object(["name": .string("prefers-color-scheme"), "value": .string(scheme)])
                ])
            ])
    }

    /// Cuts the page off from the network.
    func offline() async throws { try await network(offline: true) }
    func online() async throws { try await network(offline: false) }

    private func network(offline: Bool) async throws {
        try await post(
            "/chromium/network_conditions",
            [
                "network_conditions": .object([
                    "offline": .bool(offline), "latency": .integer(0), "download_throughput": .integer(-1),
                    "upload_throughput": .integer(-1),
                ])
            ])
    }

    // MARK: Looking

    /// Lines of the browser's console since the last call, refused resources and policy violations among them.
    func console() async throws -> [String] {
        try await post("/se/log", ["type": .string("browser")]).array.compactMap {
            "\($0["level"].string ?? "") \($0["message"].string ?? "")"
        }
    }

    /// Saves a picture of the page as `name.png` in `Browser.screenshots`; `whole` = also what must be scrolled to.
    @discardableResult
    func screenshot(_ name: String, whole: Bool = false) async throws -> URL {
        let answer = try await devTools(
            "Page.captureScreenshot", ["format": .string("png"), "captureBeyondViewport": .bool(whole)])
        guard let data = Data(base64Encoded: answer["data"].string ?? "") else {
            throw ChromeDriver.Failure(code: "no picture", message: answer.text)
        }
        try FileManager.default.createDirectory(at: Self.screenshots, withIntermediateDirectories: true)
        let file = Self.screenshots.appendingPathComponent("\(name).png")
        try data.write(to: file)
        return file
    }
}
