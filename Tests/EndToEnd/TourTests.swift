import Foundation
import Glibc
import TestKit
import Testing

/// `nimb dev` as a newcomer meets it, and the README's tour, executed as it is printed.
@Suite(.serialized) struct TourTests {
    /// A development installation in a folder of its own.
    struct Dev: Sendable {
        let folder: URL
        let ports: [Int]

        init() throws {
            folder = FileManager.default.temporaryDirectory.appendingPathComponent(
                "nimb-dev-\(UUID().uuidString.prefix(8))")
            ports = try (0..<4).map { _ in try FreePort.find() }
        }

        func start() throws -> ChildProcess {
            var environment = ProcessInfo.processInfo.environment
            // Days of history have a test of their own.
            environment["NIMB_DEMO_DAYS"] = "0"
            return try ChildProcess.nimb(
                [
                    "dev", "--directory", folder.path, "--port", "\(ports[0])", "--management-port", "\(ports[1])",
                    "--media-port", "\(ports[2])", "--shop-port", "\(ports[3])",
                ], environment: environment)
        }

        func remove() { try? FileManager.default.removeItem(at: folder) }
    }

    @Test func theReadmeTourRunsAsPrinted() async throws {
        let dev = try Dev()
        defer { dev.remove() }
        let nimb = try dev.start()
        _ = try await nimb.line(within: .seconds(60)) { $0.contains("Ctrl-C ends everything") }

        let blocks = try Self.tour()
        #expect(blocks.count == 9)
        let script =
            "set -euo pipefail\n"
            + blocks.joined(separator: "\n")
            .replacingOccurrences(
                of: ".build/release/nimb", with: Repository.products.appendingPathComponent("nimb").path
            )
            .replacingOccurrences(of: ".nimb/", with: dev.folder.path + "/")
        let file = dev.folder.appendingPathComponent("tour.sh")
        try script.write(to: file, atomically: true, encoding: .utf8)
        let shell = try ChildProcess(
            URL(fileURLWithPath: "/bin/bash"), [file.path], workingDirectory: Checkout.root)
        let code = try await shell.exit(within: .seconds(90))
        let output = shell.output.joined(separator: "\n")
        #expect(code == 0, "\(output)\n\(nimb.output.suffix(20).joined(separator: "\n"))")
        #expect(output.contains("Реклама"))
        #expect(output.firstMatch(of: /302 https?:\/\/[^ ]*[?&]erid=[A-Za-z0-9_-]+/) != nil, "\(output)")
        #expect(output.contains(#""direct_units": 2"#), "\(output)")
        #expect(output.contains("manifest.json"))
        #expect(output.contains("Кофе к заказу"), "\(output)")
        #expect(output.contains("campaign.approved"), "\(output)")

        nimb.send(SIGINT)
        #expect(try await nimb.exit(within: .seconds(20)) == 0)
        try await expectNothingLeft(of: dev)
    }

    @Test func aSecondStartTakesUnderFiveSecondsAndABusyPortIsRefused() async throws {
        let dev = try Dev()
        defer { dev.remove() }
        let first = try dev.start()
        _ = try await first.line(within: .seconds(60)) { $0.contains("Ctrl-C ends everything") }

        let busy = try ChildProcess.nimb([
            "dev", "--directory", dev.folder.path + "-other", "--port", "\(dev.ports[0])",
        ])
        #expect(try await busy.exit(within: .seconds(20)) != 0)
        let refusal = busy.output.joined(separator: "\n")
        #expect(refusal.contains("port \(dev.ports[0]) is in use"), "\(refusal)")
        #expect(refusal.contains("--port"), "\(refusal)")

        first.send(SIGINT)
        #expect(try await first.exit(within: .seconds(20)) == 0)

        let started = ContinuousClock.now
        let second = try dev.start()
        _ = try await second.line(within: .seconds(20)) { $0.contains("Ctrl-C ends everything") }
        #expect(ContinuousClock.now - started < .seconds(5))
        // Even a kill takes the database with it.
        second.send(SIGKILL)
        _ = try await second.exit(within: .seconds(5))
        try await expectNothingLeft(of: dev)
    }

    /// No process that names the installation's folder is left.
    private func expectNothingLeft(of dev: Dev) async throws {
        try await eventually(within: .seconds(15), "the end of every process of \(dev.folder.path)") {
            let processes = try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { Int32($0) }
            return !processes.contains { process in
                let line = (try? String(contentsOfFile: "/proc/\(process)/cmdline", encoding: .utf8)) ?? ""
                return line.contains(dev.folder.lastPathComponent) && process != getpid()
            }
        }
    }

    /// The blocks of the README that are marked ```` ```sh tour ````.
    private static func tour() throws -> [String] {
        let text = try String(contentsOf: Checkout.root.appendingPathComponent("README.md"), encoding: .utf8)
        return text.components(separatedBy: "```sh tour\n").dropFirst().compactMap {
            $0.components(separatedBy: "\n```").first
        }
    }
}
