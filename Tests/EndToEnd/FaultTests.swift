import AdModel
import Foundation
import Glibc
import Measurement
import Postgres
import Synchronization
import TestKit
import Testing

/// Server and worker are killed with SIGKILL in the middle of their work, again and again. The truth is what the
/// client was told: every acknowledged event is compared one by one, and the money is recomputed from it.
@Suite(.serialized, .database) struct FaultTests {
    struct Event: Hashable, Sendable {
        var token: String
        var kind: String

        var json: String { #"{"type":"\#(kind)","token":"\#(token)"}"# }
    }

    /// What the client was told, gathered from many tasks.
    final class Ledger: Sendable {
        private let acknowledged = Mutex(Set<Event>())
        private let attempted = Mutex(Set<Event>())

        func attempt(_ event: Event) { attempted.withLock { _ = $0.insert(event) } }
        func acknowledge(_ event: Event) { acknowledged.withLock { _ = $0.insert(event) } }
        var all: Set<Event> { acknowledged.withLock { $0 } }
        var tried: Set<Event> { attempted.withLock { $0 } }
    }

    @Test func nothingAcknowledgedIsLostOrCountedTwiceWhenProcessesAreKilled() async throws {
        let shop = try await Installation()
        let ledger = Ledger()
        var generator = SplitMix64(seed: 20_261_121)
        var server = try await shop.startServer()
        var worker = try await shop.startWorker()
        for round in 0..<8 {
            let target = ledger.all.count + 20 + Int(generator.next() % 60)
            let victim = server
            try await withThrowingTaskGroup(of: Void.self) { group in
                for client in 0..<6 {
                    group.addTask { await Self.shopAndReport(shop, "v\(round)-\(client)", ledger) }
                }
                group.addTask {
                    try await eventually(within: .seconds(30), "\(target) acknowledgements") {
                        ledger.all.count >= target
                    }
                    victim.send(SIGKILL)
                }
                try await group.waitForAll()
            }
            #expect(try await server.exit() == 128 + SIGKILL)
            if generator.next() % 2 == 0 {
                worker.send(SIGKILL)
                _ = try await worker.exit()
                server = try await shop.startServer()
                worker = try await shop.startWorker()
            } else {
                server = try await shop.startServer()
            }
        }
        // A client that did not hear an answer tries again, also across a restart: it is counted once.
        for event in ledger.tried.sorted(by: { $0.token < $1.token }) {
            let answer = try await shop.delivery.post("/v1/events", #"{"storefront":"shop","events":[\#(event.json)]}"#)
            let status = answer.json["results"][0]["status"].string
            #expect(status == "accepted" || status == "duplicate", "\(answer.text)")
            ledger.acknowledge(event)
        }
        try await compare(shop, ledger.all)
        #expect(try await server.stop() == 0)
        #expect(try await worker.stop() == 0)
    }

    /// One shopper after another asks for ads and reports what he saw, until the server is gone.
    private static func shopAndReport(_ shop: Installation, _ name: String, _ ledger: Ledger) async {
        for visit in 0..<1_000 {
            do {
                let page = try await shop.delivery.post("/v1/placements", StoryTests.page(visitor: "\(name)-\(visit)"))
                for slot in ["top", "shelf"] {
                    guard let token = page.json["slots"][slot]["ads"][0]["token"].string else { continue }
                    for kind in ["impression", "viewable", "click"] {
                        let event = Event(token: token, kind: kind)
                        ledger.attempt(event)
                        let answer = try await shop.delivery.post(
                            "/v1/events", #"{"storefront":"shop","events":[\#(event.json)]}"#)
                        if answer.json["results"][0]["status"].string == "accepted" { ledger.acknowledge(event) }
                    }
                }
            } catch {
                return
            }
        }
    }

    private func compare(_ shop: Installation, _ truth: Set<Event>) async throws {
        let codec = AdTokenCodec(try Self.keys(shop))
        var expected: Set<String> = []
        var money: Int64 = 0
        for event in truth {
            let token = try codec.open(event.token)
            let kind = try #require(AdEventKind.allCases.first { $0.name == event.kind })
            expected.insert("\(token.decisionID.hex)/\(token.ad)/\(kind.rawValue)")
            if token.pricing == .cpm, kind == .impression { money += token.price.value }
            if token.pricing == .cpc, kind == .click { money += token.price.value }
        }
        #expect(expected.count > 200, "too few events to mean anything: \(expected.count)")
        try await eventually(within: .seconds(60), "shipping of \(expected.count) events") {
            try await shop.number("select count(*) from ad_event") >= expected.count
        }
        let stored = try await shop.database.pool.withConnection { connection in
            try connection.query(
                "select replace(decision_id::text, '-', '') || '/' || ad || '/' || kind from ad_event"
            ).map { try $0.string(0) }
        }
        #expect(stored.count == Set(stored).count)
        #expect(
            Set(stored) == expected,
            "lost: \(expected.subtracting(stored)), invented: \(Set(stored).subtracting(expected))")
        #expect(try await shop.number("select coalesce(sum(amount_micros), 0)::bigint from charge") == money)
        #expect(
            try await shop.number("select count(*) from charge where kind in ('impression', 'click')")
                == shop.number(
                    "select count(distinct (decision_id, ad, kind, card)) from charge where decision_id is not null"))
        #expect(
            try await shop.number("select coalesce(sum(impressions), 0)::bigint from performance_day")
                == shop.number("select count(*) from ad_event where kind = 0"))
    }

    static func keys(_ shop: Installation) throws -> AdTokenKeys {
        let text = try String(contentsOf: shop.folder.appendingPathComponent("secrets"), encoding: .utf8)
        let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("token.1") })
        let hex = Array(line.split(separator: " ").last ?? "")
        let key = stride(from: 0, to: hex.count, by: 2).compactMap { UInt8(String(hex[$0...($0 + 1)]), radix: 16) }
        return try AdTokenKeys(id: 1, key: key)
    }
}

/// Repeatable pseudo-random numbers (Steele, Lea, Flood: "Fast splittable pseudorandom number generators").
struct SplitMix64 {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
