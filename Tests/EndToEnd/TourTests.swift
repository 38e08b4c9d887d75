import Foundation
import FoundationNetworking
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

        /// What `dev.env` says.
        func environment() throws -> [String: String] {
            let text = try String(contentsOf: folder.appendingPathComponent("dev.env"), encoding: .utf8)
            let pairs = text.split(separator: "\n").compactMap { line -> (String, String)? in
                let parts = line.split(separator: "=", maxSplits: 1).map(String.init)
                guard parts.count == 2, parts[0].hasPrefix("NIMB_") else { return nil }
                return (parts[0], parts[1].trimmingCharacters(in: CharacterSet(charactersIn: "'")))
            }
            return Dictionary(pairs) { _, last in last }
        }

        func remove() { try? FileManager.default.removeItem(at: folder) }
    }

    @Test func theReadmeTourRunsAsPrinted() async throws {
        let dev = try Dev()
        defer { dev.remove() }
        let nimb = try dev.start()
        _ = try await nimb.line(within: .seconds(60)) { $0.contains("Ctrl-C ends everything") }

        let blocks = try Self.blocks("tour")
        #expect(blocks.count == 10)
        let (code, output) = try await Self.run(blocks, in: dev)
        #expect(code == 0, "\(output)\n\(nimb.output.suffix(20).joined(separator: "\n"))")
        #expect(output.contains("Реклама"))
        #expect(output.firstMatch(of: /302 https?:\/\/[^ ]*[?&]erid=[A-Za-z0-9_-]+/) != nil, "\(output)")
        #expect(output.contains(#""direct_units": 2"#), "\(output)")
        #expect(output.contains("slot home.shelf"), "the page explained")
        #expect(output.contains("manifest.json"))
        #expect(output.contains("Кофе к заказу"), "\(output)")
        #expect(output.contains("campaign.approved"), "\(output)")

        try await theWorldShopSells(dev)
        nimb.send(SIGINT)
        #expect(try await nimb.exit(within: .seconds(20)) == 0)
        try await expectNothingLeft(of: dev)
    }

    /// The README's second storefront: set up, asked for ads, and open for people.
    private func theWorldShopSells(_ dev: Dev) async throws {
        let (code, output) = try await Self.run(try Self.blocks("world"), in: dev)
        #expect(code == 0, "\(output)")
        #expect(output.contains("accepted 194 offers"), "\(output)")
        #expect(output.contains("World Brands Ltd."), "the label names the advertiser: \(output)")
        #expect(output.contains("Essence Mascara"), "\(output)")

        let secrets = try dev.environment()
        let port = try FreePort.find()
        var environment = ProcessInfo.processInfo.environment
        environment["NIMB_KEY"] = secrets["NIMB_KEY_RETAILER"]
        environment["NIMB_SHOP_KEY"] = secrets["NIMB_KEY_DEMO_SHOP"]
        let shop = try ChildProcess.nimb(
            [
                "shop", "--storefront", "world", "--location", "world", "--port", "\(port)", "--management-url",
                "http://127.0.0.1:\(dev.ports[1])",
            ], environment: environment)
        _ = try await shop.line(within: .seconds(20)) { $0.contains("is open") }
        let page = try #require(URL(string: "http://127.0.0.1:\(port)/shop/category/100"))
        try await eventually(within: .seconds(20), "the products of the second storefront") {
            let (body, _) = try await URLSession.shared.data(from: page)
            return String(decoding: body, as: UTF8.self).contains("Essence Mascara Lash Princess")
        }
        shop.send(SIGINT)
        #expect(try await shop.exit(within: .seconds(20)) == 0)
    }

    /// Runs blocks of the README as one script against a development installation.
    private static func run(_ blocks: [String], in dev: Dev) async throws -> (code: Int32, output: String) {
        let script =
            "set -euo pipefail\n"
            + blocks.joined(separator: "\n")
            .replacingOccurrences(
                of: ".build/release/nimb", with: Repository.products.appendingPathComponent("nimb").path
            )
            .replacingOccurrences(of: ".nimb/", with: dev.folder.path + "/")
        let file = dev.folder.appendingPathComponent("readme.sh")
        try script.write(to: file, atomically: true, encoding: .utf8)
        let shell = try ChildProcess(URL(fileURLWithPath: "/bin/bash"), [file.path], workingDirectory: Checkout.root)
        return (try await shell.exit(within: .seconds(90)), shell.output.joined(separator: "\n"))
    }

    @Test func aSecondStartMakesNothingAnewAndABusyPortIsRefused() async throws {
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

        #expect(first.output.contains { $0.contains("nimb dev: catalogue") })

        let second = try dev.start()
        _ = try await second.line(within: .seconds(20)) { $0.contains("Ctrl-C ends everything") }
        #expect(!second.output.contains { $0.contains("nimb dev: catalogue") })
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

    /// The blocks of the README that are marked, as ```` ```sh tour ````.
    private static func blocks(_ mark: String) throws -> [String] {
        let text = try String(contentsOf: Checkout.root.appendingPathComponent("README.md"), encoding: .utf8)
        return text.components(separatedBy: "```sh \(mark)\n").dropFirst().compactMap {
            $0.components(separatedBy: "\n```").first
        }
    }
}
