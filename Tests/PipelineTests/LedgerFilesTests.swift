import AdModel
import Foundation
import Postgres
import Store
import TestKit
import Testing

/// An advertiser's export against the ledger: from the files alone, the real program gives his credits.
@Suite(.database) struct LedgerFilesBehaviour {
    init() async throws { try await ShopFixture.load(TestDatabase.current.pool) }

    @Test(arguments: [UInt64](21...24))
    func theFilesReproduceTheCreditsByteForByteAndTellNothingOfOthers(seed: UInt64) async throws {
        let policies = ["default@1", "order-24h@1", "smart-placement@1", "sku-strict@1"]
        try await TestDatabase.current.pool.withConnection { db in
            // Two campaigns under one policy are rivals; every seed takes another.
            _ = try db.query(
                "update campaign_version set policy = $1 where campaign_id < 3",
                [.text(policies[Int(seed) % policies.count])])
        }
        var history = RandomHistory(random: SplitMix64(seed: seed))
        let log = LogFixture()
        try await log.append(history.records(600))
        try await log.ship(batch: 50)
        let folder = NSTemporaryDirectory() + "nimb-files-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var credits = 0
        var rivals = 0
        for advertiser in [Int32(1), 2] {
            let (files, summary) = try await export(advertiser)
            credits += summary.credits
            rivals += summary.rivals
            for policy in summary.policies {
                let place = "\(folder)/\(advertiser)/\(policy)"
                try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
                for (path, bytes) in files where path.hasPrefix(policy + "/") {
                    let name = path.dropFirst(policy.count + 1)
                    try Data(bytes).write(to: URL(fileURLWithPath: "\(place)/\(name)"))
                }
                let inputs = [
                    "touches", "lines", "products", "campaigns", "brands", "grants", "links", "adjustments", "rivals",
                ].flatMap { ["--\($0)", "\(place)/\($0).csv"] }
                let program = try ChildProcess.nimb(
                    ["attribute"] + inputs + ["--policy", policy, "--out", "\(place)/check.csv", "--quiet"])
                #expect(try await program.exit(within: .seconds(60)) == 0, "\(program.output)")
                let check = try String(contentsOfFile: "\(place)/check.csv", encoding: .utf8)
                let booked = try String(contentsOfFile: "\(place)/credits.csv", encoding: .utf8)
                #expect(check == booked, "seed \(seed), advertiser \(advertiser), \(policy)")
            }
            let text = files.map { String(decoding: $0.value, as: UTF8.self) }.joined(separator: "\n")
            for secret in ["v1", "v2", "v3", "c1", "c2"] {
                #expect(!text.contains(",\(secret),") && !text.contains("\n\(secret),"), "\(secret) is told")
            }
            #expect(!text.contains(advertiser == 1 ? "k2" : "k1"))
            #expect(!text.contains("\no1"), "orders are blinded")
            let foreign = try await foreignTouches(advertiser)
            #expect(!foreign.isEmpty)
            #expect(foreign.allSatisfy { !text.contains($0) }, "a rival's touch is told")
        }
        #expect(credits > 20, "seed \(seed) credits nothing and so proves nothing")
        if seed % 4 != 2 { #expect(rivals > 0, "seed \(seed) has no rivals") }
    }

    private func export(_ advertiser: Int32) async throws -> ([String: [UInt8]], LedgerFiles.Summary) {
        try await TestDatabase.current.pool.transaction(.repeatableRead) { db in
            let memory = LedgerFileMemory()
            let range = LedgerFixture.days
            let summary = try LedgerFiles.write(
                LedgerFiles.Request(advertiserID: advertiser, from: range.from, to: range.to), on: db, to: memory)
            return (memory.files, summary)
        }
    }

    private func foreignTouches(_ advertiser: Int32) async throws -> [String] {
        try await TestDatabase.current.pool.withConnection { db in
            try db.query("select touch_id from touch where advertiser_id <> $1", [.int4(advertiser)]).map {
                try $0.string(0)
            }
        }
    }
}
