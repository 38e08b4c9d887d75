import Foundation
import TestKit

/// A small shop on an origin of its own (http://localhost, while ads come from http://127.0.0.1), with strict content
/// security, and an installation of the real binary that serves it. Started once per process.
actor TagWorld {
    private static let gate = Gate()

    private actor Gate {
        private var task: Task<TagWorld, any Error>?
        func world() async throws -> TagWorld {
            let task = task ?? Task { try await TagWorld() }
            self.task = task
            return try await task.value
        }
    }

    static func shared() async throws -> TagWorld { try await gate.world() }

    nonisolated let pages: LocalServer
    nonisolated let database: TestDatabase
    nonisolated let nimb: NimbInstallation
    nonisolated let site: TagPages
    private var server: ChildProcess
    private let worker: ChildProcess
    private let options: [String]

    /// The origin of the shop.
    nonisolated var origin: String { "http://localhost:\(pages.port)" }

    private init() async throws {
        pages = try await LocalServer.forProcess { _ in .response(503) }
        database = try await TestDatabase.forProcess()
        nimb = try await NimbInstallation(databaseURL: database.url)
        let fixtures = Repository.root.appendingPathComponent("Tests/Browser/Fixtures")
        let words = ["PAGES": "http://localhost:\(pages.port)"]
        try await nimb.seed(fixtures.appendingPathComponent("shop.yaml"), replacing: words)
        try await nimb.importFeed(
            fixtures.appendingPathComponent("feed.xml"), storefront: "shop", location: "msk", replacing: words)
        try await nimb.seed(fixtures.appendingPathComponent("campaigns.yaml"), replacing: words)
        // No operator takes such a name, and the API knows; should one ever come in, it stays a text.
        try await database.run(
            """
            update counterparty set name = '<img src=x onerror=window.xss=1>"&<b>' where code = 'evil'
            """)
        // Pages of the very host that serves the ads may call, too: there the cookie is first-party.
        options = ["--cors-origins", "http://127.0.0.1:\(pages.port)"]
        server = try await nimb.startServer(options)
        worker = try await nimb.startWorker()
        site = TagPages(delivery: nimb.delivery, media: "http://127.0.0.1:\(nimb.ports.media)")
        let site = site
        pages.answer { site.answer($0) }
    }

    /// Ends the server at once, as a power failure does.
    func killServer() async throws {
        server.send(SIGKILL)
        _ = try await server.exit()
    }

    func restartServer() async throws { server = try await nimb.startServer(options) }

    // MARK: What was counted

    /// Events of a kind (0 impression, 1 viewable, 2 click) that the ledger has of a decision.
    nonisolated func count(_ kind: Int, of decision: String, erid: String? = nil) async throws -> Int64 {
        let creative = erid.map { " and v.erid = '\($0)'" } ?? ""
        return try await database.number(
            """
            select count(*) from ad_event e join creative_version v on v.id = e.creative_version_id
            where e.decision_id = '\(decision)' and e.kind = \(kind)\(creative)
            """)
    }

    /// Cards whose viewable is in the ledger, as bits: 1 the first, 2 the second, …
    nonisolated func viewableCards(of decision: String) async throws -> Int64 {
        try await database.number(
            """
            select coalesce(bit_or(1 << e.card), 0)::bigint from ad_event e
            where e.decision_id = '\(decision)' and e.kind = 1 and e.card >= 0
            """)
    }

    nonisolated func signals(of visitor: String) async throws -> Int64 {
        try await database.number("select count(*) from signal where visitor_id = '\(visitor)'")
    }
}
