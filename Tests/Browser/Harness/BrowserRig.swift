import Foundation
import Glibc
import Synchronization
import TestKit

/// What the browser tests of this process share: one chromedriver, one browser, one `nimb dev`. Each is started by
/// the first test that asks for it and ends with the process.
///
/// How to write a test: put a suite inside `BrowserTests` (which is serialized, because there is one window), take a
/// clean browser, open a page, look.
/// ```swift
/// extension BrowserTests {
///     @Suite struct CabinetTests {
///         @Test func signInShowsCampaigns() async throws {
///             let dev = try await BrowserRig.shared.dev()          // `nimb dev` with the demo shop, without history
///             let browser = try await BrowserRig.shared.browser()  // a new visitor: no cookies, 1280 x 900, online
///             try await browser.open(dev.management + "/admin/")
///             try await browser.find("input[type=email]").type("admin@demo.example")
///             try await browser.find("button[type=submit]").click()
///             try await browser.until("document.querySelectorAll('tbody tr').length > 0")
///             try await browser.viewport(390, 844, phone: true)
///             try await browser.screenshot("cabinet-campaigns-phone")
///         }
///     }
/// }
/// ```
/// Never wait by the clock: `find`, `until` and TestKit's `eventually` wait for what should come, with a bound.
actor BrowserRig {
    static let shared = BrowserRig()

    private var opening: Task<Browser, any Error>?
    private var developing: Task<DevInstallation, any Error>?
    private let folder: Task<URL, any Error> = Task { try RigFolder.make() }

    /// The window, as a new visitor finds it.
    func browser() async throws -> Browser {
        let folder = folder
        let task =
            opening
            ?? Task {
                try await Browser(try await ChromeDriver(), profile: folder.value.appendingPathComponent("profile"))
            }
        opening = task
        let browser = try await task.value
        try await browser.reset()
        return browser
    }

    /// The running development installation: demo retailer, shop, cabinet. Its history is left out.
    func dev() async throws -> DevInstallation {
        let folder = folder
        let task =
            developing
            ?? Task { try await DevInstallation(folder: try await folder.value.appendingPathComponent("dev")) }
        developing = task
        return try await task.value
    }
}

/// The folder of one test process; those of processes that are gone are removed.
private enum RigFolder {
    private static let prefix = "nimb-browser-"
    private static let made = Mutex<String?>(nil)

    static func make() throws -> URL {
        let manager = FileManager.default
        let temporary = manager.temporaryDirectory
        for name in (try? manager.contentsOfDirectory(atPath: temporary.path)) ?? [] where name.hasPrefix(prefix) {
            guard let owner = pid_t(name.dropFirst(prefix.count)), kill(owner, 0) != 0, errno == ESRCH else { continue }
            try? manager.removeItem(at: temporary.appendingPathComponent(name))
        }
        let folder = temporary.appendingPathComponent("\(prefix)\(getpid())")
        try manager.createDirectory(at: folder, withIntermediateDirectories: true)
        made.withLock { $0 = folder.path }
        atexit { RigFolder.remove() }
        return folder
    }

    private static func remove() {
        if let path = made.withLock({ $0 }) { try? FileManager.default.removeItem(atPath: path) }
    }
}
