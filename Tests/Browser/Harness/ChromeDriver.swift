import Foundation
import TestKit

/// A chromedriver of our own on a free port. It and its browser end with the test process, however that ends:
/// the driver is killed with its parent, and the browser listens on a pipe that breaks then.
struct ChromeDriver: Sendable {
    /// What a browser command answered instead of a value.
    struct Failure: Error, CustomStringConvertible {
        /// W3C error code such as `no such element`.
        var code: String
        var message: String
        var description: String { "\(code): \(message)" }
    }

    static let executable = URL(fileURLWithPath: "/usr/bin/chromedriver")

    private let process: ChildProcess
    private let port: Int

    init() async throws {
        port = try FreePort.find()
        process = try ChildProcess(Self.executable, ["--port=\(port)", "--log-level=WARNING"])
        _ = try await process.line { $0.contains("started successfully") }
    }

    /// Sends one W3C command and returns its value.
    func command(_ method: String, _ path: String, _ body: JSONNode? = nil) async throws -> JSONNode {
        let json = method == "POST" ? (body ?? .object([:])).text : nil
        let answer = try await DriverConnection.send(method, port: port, path: path, body: json)
        let parsed = try? JSONSerialization.jsonObject(with: Data(answer.body), options: [.fragmentsAllowed])
        let value = JSONNode(parsed)["value"]
        guard answer.status == 200 else {
            let message = value["message"].string ?? String(decoding: answer.body, as: UTF8.self)
            throw Failure(
                code: value["error"].string ?? "status \(answer.status)",
                message: message.components(separatedBy: "\nStacktrace").first ?? message)
        }
        return value
    }
}
