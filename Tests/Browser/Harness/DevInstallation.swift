import Foundation
import TestKit

/// A running `nimb dev` on free ports.
final class DevInstallation: Sendable {
    /// Where `dev.env` lies.
    let folder: URL
    /// Values of `dev.env`: keys, passwords, addresses.
    let values: [String: String]
    private let process: ChildProcess
    private let ports: (delivery: Int, management: Int, media: Int, shop: Int)

    /// Addresses as the browser sees them, without a trailing slash.
    var delivery: String { "http://localhost:\(ports.delivery)" }
    var management: String { "http://localhost:\(ports.management)" }
    var shop: String { "http://localhost:\(ports.shop)" }
    /// What the program printed so far, for messages.
    var output: [String] { process.output }

    /// Starts it and waits until everything listens.
    init(folder: URL) async throws {
        self.folder = folder
        ports = (try FreePort.find(), try FreePort.find(), try FreePort.find(), try FreePort.find())
        var environment = ProcessInfo.processInfo.environment
        environment["NIMB_DEMO_DAYS"] = "0"
        process = try ChildProcess.nimb(
            [
                "dev", "--directory", folder.path, "--port", "\(ports.delivery)", "--management-port",
                "\(ports.management)", "--media-port", "\(ports.media)", "--shop-port", "\(ports.shop)",
            ], environment: environment)
        _ = try await process.line(within: .seconds(180)) { $0.contains("Ctrl-C ends everything") }
        let text = try String(contentsOf: folder.appendingPathComponent("dev.env"), encoding: .utf8)
        var values: [String: String] = [:]
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2, !line.hasPrefix("#") else { continue }
            let name = parts[0].hasPrefix("export ") ? String(parts[0].dropFirst(7)) : parts[0]
            values[name] = parts[1].trimmingCharacters(in: CharacterSet(charactersIn: "'\""))
        }
        self.values = values
    }

    /// A value of `dev.env`; empty when there is none.
    func value(_ name: String) -> String { values[name] ?? "" }
}
