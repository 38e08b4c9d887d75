import Foundation
import Postgres
import TestKit
import Testing

/// One rule per file `Cases/campaign-…` and `Cases/party-…`, played over HTTP.
@Suite(.database) struct CampaignCaseTests {
    struct Case: CustomTestStringConvertible, Sendable {
        var file: URL
        var testDescription: String { file.deletingPathExtension().lastPathComponent }
    }

    static let cases: [Case] = {
        let url = Repository.root.appendingPathComponent("Tests/ManagementAPITests/Cases")
        let files = (try? FileManager.default.contentsOfDirectory(at: url, includingPropertiesForKeys: nil)) ?? []
        return files.filter {
            $0.pathExtension == "json"
                && ($0.lastPathComponent.hasPrefix("campaign-") || $0.lastPathComponent.hasPrefix("party-"))
        }.sorted { $0.lastPathComponent < $1.lastPathComponent }.map(Case.init)
    }()

    @Test func thereAreCases() { #expect(Self.cases.count >= 20) }

    @Test(arguments: cases) func holds(_ example: Case) async throws {
        let text = try Data(contentsOf: example.file)
        let story = try #require(try JSONSerialization.jsonObject(with: text) as? [String: Any])
        let steps = try #require(story["steps"] as? [[String: Any]])
        #expect(story["rule"] is String)
        let sql = story["given"] as? String
        try await CampaignWorld.with { world in
            if let sql { try await TestDatabase.current.pool.withConnection { try $0.script(sql) } }
            var saved: [String: String] = [:]
            for (index, step) in steps.enumerated() {
                try await play(step, "\(example.testDescription) step \(index + 1)", world, &saved)
            }
        }
    }

    private func play(
        _ step: [String: Any], _ place: String, _ world: CampaignWorld, _ saved: inout [String: String]
    ) async throws {
        if let sql = step["sql"] as? String {
            try await TestDatabase.current.pool.withConnection { try $0.script(sql) }
            return
        }
        let request = try #require(step["request"] as? String).split(separator: " ", maxSplits: 1)
        let method = String(request[0])
        let path = Self.filled(String(request[1]), saved)
        let who = step["as"] as? String
        var body: String?
        if let value = step["body"] {
            body = Self.filled(
                String(
                    decoding: try JSONSerialization.data(withJSONObject: value, options: .sortedKeys), as: UTF8.self),
                saved)
        }
        var headers = (step["headers"] as? [String: String] ?? [:]).mapValues { Self.filled($0, saved) }
        if ["PATCH", "PUT", "DELETE"].contains(method), headers["If-Match"] == nil, step["blind"] == nil {
            headers["If-Match"] = try await world.send("GET", path, as: step["as"] as? String).etag
        }
        let answer = try await world.send(method, path, as: who, body: body, headers: headers)
        #expect(answer.findings == [], "\(place): \(answer.text)")
        let status = try #require(step["status"] as? Int)
        #expect(answer.status == status, "\(place): \(answer.text)")
        if let expected = step["answer"] {
            #expect(Self.missing(expected, in: answer.json, "") == [], "\(place): \(answer.text)")
        }
        if let errors = step["errors"] as? [String] {
            let told = answer.errors.map { "\($0["field"] ?? "") \($0["code"] ?? "")" }
            #expect(told == errors, "\(place): \(answer.text)")
        }
        for (name, member) in step["save"] as? [String: String] ?? [:] {
            saved[name] = member == "ETag" ? answer.etag : answer[member]
        }
    }

    private static func filled(_ text: String, _ saved: [String: String]) -> String {
        saved.reduce(text) { $0.replacingOccurrences(of: "<\($1.key)>", with: $1.value) }
    }

    /// Where `found` lacks what `expected` says; members that `expected` does not name are free.
    private static func missing(_ expected: Any, in found: Any?, _ path: String) -> [String] {
        if let members = expected as? [String: Any] {
            let there = found as? [String: Any]
            return members.flatMap { missing($0.value, in: there?[$0.key], "\(path).\($0.key)") }.sorted()
        }
        if let items = expected as? [Any] {
            let there = found as? [Any] ?? []
            guard items.count == there.count else { return ["\(path) has \(there.count) entries, not \(items.count)"] }
            return zip(items, there).enumerated().flatMap { missing($1.0, in: $1.1, "\(path)[\($0)]") }
        }
        let same = (expected as? NSObject) == (found as? NSObject)
        return same ? [] : ["\(path) is \(found ?? "absent"), not \(expected)"]
    }
}
