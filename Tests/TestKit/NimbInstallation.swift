import Foundation
import Synchronization

/// An installation of the real binary: a database, a folder, free ports; server and worker as they are needed.
public final class NimbInstallation: Sendable {
    public struct Ports: Sendable {
        public var delivery: Int
        public var management: Int
        public var media: Int
    }

    public let databaseURL: String
    /// Event log, secrets and copies of fixtures; removed with the installation.
    public let folder: URL
    public let ports: Ports
    /// Keys by the id that the seed file gives them; the command shows each once.
    private let keys = Mutex<[String: String]>([:])

    /// Makes the folder and the secrets. The database must be migrated.
    public init(databaseURL: String) async throws {
        self.databaseURL = databaseURL
        folder = try Repository.temporaryFolder("installation")
        ports = Ports(delivery: try FreePort.find(), management: try FreePort.find(), media: try FreePort.find())
        try await run(["secrets", secrets])
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    private var secrets: String { folder.appendingPathComponent("secrets").path }
    /// Addresses without a trailing slash.
    public var delivery: String { "http://127.0.0.1:\(ports.delivery)" }
    public var management: String { "http://127.0.0.1:\(ports.management)" }

    /// The secret of an API key of the seed file; empty when there is none of that id.
    public func key(_ id: String) -> String { keys.withLock { $0[id] ?? "" } }

    /// For commands of one's own.
    public var environment: [String: String] {
        var environment = ProcessInfo.processInfo.environment
        environment["NIMB_DATABASE_URL"] = databaseURL
        return environment
    }

    /// Runs a command to its end and returns what it printed; throws when it fails.
    @discardableResult
    public func run(_ arguments: [String]) async throws -> [String] {
        let process = try ChildProcess.nimb(arguments, environment: environment)
        let code = try await process.exit(within: .seconds(60))
        guard code == 0 else {
            throw DeadlineError(
                description: "nimb \(arguments.joined(separator: " ")) ended with \(code):\n\(process.output)")
        }
        return process.output
    }

    /// Seeds a file, and keeps the keys that it shows. Its pictures are found beside it.
    /// - Parameter replacing: words of the file and what stands for them in this installation.
    public func seed(_ file: URL, replacing: [String: String] = [:]) async throws {
        var file = file
        if !replacing.isEmpty { file = try copy(of: file, replacing: replacing, withFolder: true) }
        for line in try await run(["seed", file.path]) where line.hasPrefix("key ") {
            let words = line.split(separator: " ").map(String.init)
            keys.withLock { $0[words[1]] = words.last }
        }
    }

    /// Imports a feed. The word DATE in it becomes now: stock older than a day is not sold.
    public func importFeed(
        _ file: URL, storefront: String, location: String, replacing: [String: String] = [:]
    ) async throws {
        let words = replacing.merging(["DATE": Date.now.formatted(.iso8601)]) { mine, _ in mine }
        let copy = try copy(of: file, replacing: words, withFolder: false)
        try await run(["import", "feed", copy.path, "--storefront", storefront, "--location", location])
    }

    private func copy(of file: URL, replacing: [String: String], withFolder: Bool) throws -> URL {
        var text = try String(contentsOf: file, encoding: .utf8)
        for (word, value) in replacing { text = text.replacingOccurrences(of: word, with: value) }
        let place = folder.appendingPathComponent("fixtures")
        let manager = FileManager.default
        try manager.createDirectory(at: place, withIntermediateDirectories: true)
        if withFolder {
            for other in try manager.contentsOfDirectory(
                at: file.deletingLastPathComponent(), includingPropertiesForKeys: nil)
            where other.pathExtension == "png" {
                let target = place.appendingPathComponent(other.lastPathComponent)
                if !manager.fileExists(atPath: target.path) { try manager.copyItem(at: other, to: target) }
            }
        }
        let copy = place.appendingPathComponent(file.lastPathComponent)
        try text.write(to: copy, atomically: true, encoding: .utf8)
        return copy
    }

    /// Starts the server and waits until it answers.
    public func startServer(_ extra: [String] = []) async throws -> ChildProcess {
        let process = try ChildProcess.nimb(
            [
                "serve", "--data", folder.path, "--secrets", secrets, "--port", "\(ports.delivery)",
                "--management-port", "\(ports.management)", "--media-port", "\(ports.media)",
            ] + extra, environment: environment)
        _ = try await process.line { $0.contains("nimb serve: ready") }
        return process
    }

    public func startWorker() async throws -> ChildProcess {
        let process = try ChildProcess.nimb(["worker", "--data", folder.path], environment: environment)
        _ = try await process.line { $0.contains("nimb worker: ready") }
        return process
    }
}
