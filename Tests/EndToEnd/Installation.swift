import Foundation
import Postgres
import Synchronization
import TestKit

/// A whole installation of its own: a database, a folder, free ports, and the real binary as server and worker.
final class Installation: Sendable {
    let database: TestDatabase
    /// Event log, secrets and fixtures.
    let folder: URL
    let delivery: HTTPClient
    let management: HTTPClient
    let ports: (delivery: Int, management: Int, media: Int)

    /// Keys by the id that the seed file gives them; the command shows each once.
    private let keys = Mutex<[String: String]>([:])

    var shopKey: String { keys.withLock { $0["shop-key"] ?? "" } }
    var advertiserKey: String { keys.withLock { $0["north-key"] ?? "" } }
    var rivalKey: String { keys.withLock { $0["rival-key"] ?? "" } }
    /// Of an admin of the retailer.
    var retailerKey: String { keys.withLock { $0["ops-key"] ?? "" } }

    /// Seeds the database of the running test (trait `.database`) and imports the feeds.
    init(database: TestDatabase = .current) async throws {
        self.database = database
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("nimb-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        ports = (try FreePort.find(), try FreePort.find(), try FreePort.find())
        delivery = HTTPClient(
            base: try Self.address(ports.delivery), document: try OpenAPIDocument(named: "delivery"))
        management = HTTPClient(
            base: try Self.address(ports.management), document: try OpenAPIDocument(named: "management"))
        try await run(["secrets", folder.appendingPathComponent("secrets").path])
        let fixtures = Checkout.root.appendingPathComponent("Tests/EndToEnd/Fixtures")
        let shown = try await run(["seed", fixtures.appendingPathComponent("shop.yaml").path])
        for line in shown where line.hasPrefix("key ") {
            let words = line.split(separator: " ").map(String.init)
            keys.withLock { $0[words[1]] = words.last }
        }
        for location in ["msk", "spb"] {
            let feed = try freshFeed(fixtures.appendingPathComponent("feed-\(location).xml"))
            try await run(["import", "feed", feed.path, "--storefront", "shop", "--location", location])
        }
        // After the catalogue: campaigns speak of its products.
        try await run(["seed", fixtures.appendingPathComponent("campaigns.yaml").path])
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    /// A copy of a feed dated now: stock older than a day is not sold.
    private func freshFeed(_ feed: URL) throws -> URL {
        let text = try String(contentsOf: feed, encoding: .utf8)
        let now = Date.now.formatted(.iso8601)
        let copy = folder.appendingPathComponent(feed.lastPathComponent)
        try text.replacingOccurrences(of: "DATE", with: now).write(to: copy, atomically: true, encoding: .utf8)
        return copy
    }

    private static func address(_ port: Int) throws -> URL {
        guard let url = URL(string: "http://127.0.0.1:\(port)") else { throw URLError(.badURL) }
        return url
    }

    var environment: [String: String] {
        var environment = ProcessInfo.processInfo.environment
        environment["NIMB_DATABASE_URL"] = database.url
        return environment
    }

    /// Runs a command to its end and returns what it printed; throws when it fails.
    @discardableResult
    func run(_ arguments: [String]) async throws -> [String] {
        let process = try ChildProcess.nimb(arguments, environment: environment)
        let code = try await process.exit(within: .seconds(60))
        guard code == 0 else {
            throw DeadlineFailure("nimb \(arguments.joined(separator: " ")) ended with \(code):\n\(process.output)")
        }
        return process.output
    }

    /// Starts the server and waits until it answers.
    func startServer(_ extra: [String] = []) async throws -> ChildProcess {
        let process = try ChildProcess.nimb(
            [
                "serve", "--data", folder.path, "--secrets", folder.appendingPathComponent("secrets").path,
                "--port", "\(ports.delivery)", "--management-port", "\(ports.management)", "--media-port",
                "\(ports.media)",
            ] + extra, environment: environment)
        _ = try await process.line { $0.contains("nimb serve: ready") }
        return process
    }

    func startWorker() async throws -> ChildProcess {
        let process = try ChildProcess.nimb(["worker", "--data", folder.path], environment: environment)
        _ = try await process.line { $0.contains("nimb worker: ready") }
        return process
    }

    /// One number from the database.
    func number(_ sql: String) async throws -> Int64 {
        try await database.pool.withConnection { try $0.query(sql).first?.int64(0) ?? 0 }
    }
}

struct DeadlineFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
