import Foundation
import TestKit

/// A whole installation of its own: a database, a folder, free ports, and the real binary as server and worker; with
/// clients that hold every answer against the documents.
final class Installation: Sendable {
    let database: TestDatabase
    private let nimb: NimbInstallation
    let delivery: HTTPClient
    let management: HTTPClient

    /// Event log, secrets and fixtures.
    var folder: URL { nimb.folder }
    var ports: NimbInstallation.Ports { nimb.ports }
    var environment: [String: String] { nimb.environment }
    var shopKey: String { nimb.key("shop-key") }
    var advertiserKey: String { nimb.key("north-key") }
    var rivalKey: String { nimb.key("rival-key") }
    /// Of an admin of the retailer.
    var retailerKey: String { nimb.key("ops-key") }

    /// Seeds the database of the running test (trait `.database`) and imports the feeds.
    init(database: TestDatabase = .current) async throws {
        self.database = database
        nimb = try await NimbInstallation(databaseURL: database.url)
        delivery = HTTPClient(
            base: try Self.address(nimb.delivery), document: try OpenAPIDocument(named: "delivery"))
        management = HTTPClient(
            base: try Self.address(nimb.management), document: try OpenAPIDocument(named: "management"))
        let fixtures = Checkout.root.appendingPathComponent("Tests/EndToEnd/Fixtures")
        try await nimb.seed(fixtures.appendingPathComponent("shop.yaml"))
        for location in ["msk", "spb"] {
            try await nimb.importFeed(
                fixtures.appendingPathComponent("feed-\(location).xml"), storefront: "shop", location: location)
        }
        // After the catalogue: campaigns speak of its products.
        try await nimb.seed(fixtures.appendingPathComponent("campaigns.yaml"))
    }

    private static func address(_ text: String) throws -> URL {
        guard let url = URL(string: text) else { throw URLError(.badURL) }
        return url
    }

    /// Runs a command to its end and returns what it printed; throws when it fails.
    @discardableResult
    func run(_ arguments: [String]) async throws -> [String] { try await nimb.run(arguments) }

    /// Starts the server and waits until it answers.
    func startServer(_ extra: [String] = []) async throws -> ChildProcess { try await nimb.startServer(extra) }

    func startWorker() async throws -> ChildProcess { try await nimb.startWorker() }

    /// One number from the database.
    func number(_ sql: String) async throws -> Int64 { try await database.number(sql) }
}

struct DeadlineFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
