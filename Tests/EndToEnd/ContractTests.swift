import Foundation
import TestKit
import Testing

/// Schemathesis reads the documents that the server itself serves and tries to make it break them: what it sends is
/// made from the schemas, both as they allow and as they forbid. Its rules are in schemathesis.toml beside this file.
@Suite(.serialized, .database) struct ContractTests {
    @Test func bothDocumentsAreKept() async throws {
        let tool = try Self.tool()
        let shop = try await Installation()
        // Thousands of requests a minute come from one key and one address here.
        let server = try await shop.startServer([
            "--requests-per-minute", "10000000", "--anonymous-requests-per-minute", "10000000",
        ])
        try await check(tool, shop, "delivery", at: shop.ports.delivery, key: shop.shopKey, title: "delivery")
        for (who, key) in [("an advertiser", shop.advertiserKey), ("the retailer's admin", shop.retailerKey)] {
            try await check(tool, shop, "management", at: shop.ports.management, key: key, title: who)
        }
        // The server has to survive it all in order.
        #expect(try await server.stop(within: .seconds(30)) == 0)
    }

    /// One run of the tool; its whole story is the message of a failure.
    private func check(
        _ tool: URL, _ shop: Installation, _ document: String, at port: Int, key: String, title: String
    ) async throws {
        #expect(!key.isEmpty, "there is a key for \(title)")
        let rules = Checkout.root.appendingPathComponent("Tests/EndToEnd/schemathesis.toml")
        var environment = shop.environment
        environment["NIMB_CONTRACT_KEY"] = key
        let run = try ChildProcess(
            tool,
            [
                "--config-file", rules.path, "run",
                "http://127.0.0.1:\(shop.ports.management)/openapi/\(document).yaml",
                "--url", "http://127.0.0.1:\(port)",
            ], environment: environment, workingDirectory: shop.folder)
        let code = try await run.exit(within: .seconds(300))
        #expect(
            code == 0, "schemathesis on \(document) as \(title):\n\(run.output.suffix(400).joined(separator: "\n"))")
        // A run that tried nothing would be green as well.
        let cases = run.output.compactMap { line -> Int? in
            let words = line.split(separator: " ")
            guard words.count > 1, words[1] == "generated," else { return nil }
            return Int(words[0])
        }
        #expect((cases.first ?? 0) > 500, "the tool tried \(cases) cases on \(document) as \(title)")
    }

    /// The tool of this checkout, else the one on the PATH.
    private static func tool() throws -> URL {
        let own = Checkout.root.appendingPathComponent(".nimb-tools/bin/schemathesis")
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        let candidates = [own] + folders.map { URL(fileURLWithPath: "\($0)/schemathesis") }
        guard let found = candidates.first(where: { FileManager.default.isExecutableFile(atPath: $0.path) }) else {
            throw DeadlineFailure("schemathesis is not installed: run .ci/setup, which puts it into .nimb-tools.")
        }
        return found
    }
}
