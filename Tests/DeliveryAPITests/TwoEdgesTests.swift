import AdModel
import Decisioning
import DeliveryAPI
import Foundation
import Measurement
import Postgres
import Profiles
import Store
import Telemetry
import TestKit
import Testing

/// Nodes over one database, without listeners: snapshot, leases, profiles and the keepers that a node runs.
@Suite("Several edges", .database, .blocking) struct TwoEdgesTests {
    static let hash = ShopperHash(key: Array(repeating: 7, count: 32))

    final class Node {
        let serving: ServingHolder
        let refresher: ServingRefresher
        let leases: LeaseKeeper
        let caps: CapKeeper
        let holder = CapHolder()
        let profiles = ProfileStore(maximumProfiles: 10_000)
        private let scratch = Scratch()
        private let clock: TestClock

        init(_ id: Int16, clock: TestClock) throws {
            let pool = TestDatabase.current.pool
            let metrics = MetricsRegistry()
            self.clock = clock
            serving = ServingHolder()
            refresher = ServingRefresher(
                serving: serving,
                loader: SnapshotLoader(
                    pool: pool, formats: try ServiceTests.formats(), mediaBaseURL: "http://media.test"),
                listening: nil, metrics: metrics, logger: ServiceTests.quiet, clock: { clock.now })
            leases = LeaseKeeper(
                serving: serving, store: LeaseStore(pool: pool, nodeID: id), nodeCode: "node-\(id)", metrics: metrics,
                logger: ServiceTests.quiet, clock: { clock.now })
            caps = CapKeeper(
                holder: holder, serving: serving, profiles: profiles,
                membership: CapMembership(pool: pool, nodeID: id), hash: TwoEdgesTests.hash, nodeID: id,
                metrics: metrics, logger: ServiceTests.quiet, clock: { clock.now })
        }

        func start() async {
            await refresher.refresh()
            await leases.round()
            await caps.round()
        }

        func rounds(_ count: Int = 1) async {
            for _ in 0..<count {
                await leases.round()
                await caps.round()
            }
        }

        /// A page of a shopper; tells what the ads may cost, and how many there are.
        func ask(_ visitor: String, seed: UInt64) throws -> (ads: Int, reserved: Int64, noFill: NoFillReason) {
            let state = try #require(serving.state)
            let shopper = TwoEdgesTests.hash(visitor)
            var request = DecisionRequest()
            request.pageType = .home
            request.location = 0
            request.shopper = shopper
            request.countsCaps = holder.counts(shopper, now: clock.now)
            request.slots = [.init(placement: 0)]
            Decider.decide(
                request, snapshot: state.snapshot, stock: state.stock, profiles: profiles, budget: serving.leases,
                now: clock.now, seed: seed, scratch: scratch)
            let result = scratch.result
            return (result.ads.count, result.ads.reduce(0) { $0 + $1.reserved }, result.slots[0].noFill)
        }
    }

    static func prepare(budget: Int64, caps: String) async throws {
        try await TestDatabase.current.pool.withConnection {
            try $0.script(ServiceTests.sql)
            // Alone in its auction it pays the floor.
            try $0.script("update placement set floor_micros = 200000000")
            try $0.script(
                "update line_item set total_budget_micros = \(budget), caps = '\(caps)', pacing = 'asap'")
        }
    }

    @Test func theBudgetIsOneWhoeverPromisesIt() async throws {
        try await Self.prepare(budget: 300_000_000, caps: "[]")
        let clock = TestClock(ServiceTests.now)
        let nodes = [try Node(1, clock: clock), try Node(2, clock: clock)]
        for node in nodes { await node.start() }
        var promised: Int64 = 0
        var byNode = [0, 0]
        var reasons: [String: Int] = [:]
        for step in 0..<2_400 {
            let index = step % 2
            let answer = try nodes[index].ask("v\(step % 40)", seed: UInt64(step))
            promised += answer.reserved
            byNode[index] += answer.ads
            reasons[answer.noFill.name, default: 0] += 1
            if step % 40 == 39 {
                clock.advance(.seconds(6))
                for node in nodes { await node.rounds() }
            }
        }
        #expect(promised <= 300_000_000, "more was promised than the budget has")
        #expect(promised >= 290_000_000, "only \(promised) was promised: \(reasons)")
        #expect(byNode.allSatisfy { $0 > 0 })
    }

    @Test func noCapIsBrokenWhileNodesComeAndGo() async throws {
        try await Self.prepare(budget: 900_000_000, caps: #"[{"count": 2, "per": "day"}]"#)
        let clock = TestClock(ServiceTests.now)
        let first = try Node(1, clock: clock)
        let second = try Node(2, clock: clock)
        await first.start()
        var seen: [String: Int] = [:]
        var random = LCG(5)
        /// Any page may reach any node: nothing in front of the nodes knows shoppers.
        func pages(_ count: Int, _ nodes: [Node], shoppers: Range<Int>) throws -> Int {
            var served = 0
            for _ in 0..<count {
                let visitor = "v\(shoppers.lowerBound + Int(random.next() % UInt64(shoppers.count)))"
                let node = nodes[Int(random.next() % UInt64(nodes.count))]
                let answer = try node.ask(visitor, seed: random.next())
                seen[visitor, default: 0] += answer.ads
                served += answer.ads
            }
            return served
        }
        #expect(try pages(30, [first], shoppers: 0..<40) > 0)
        // The second node joins; while shoppers move, nobody serves them what is capped.
        await second.start()
        _ = try pages(60, [first, second], shoppers: 0..<40)
        clock.advance(.seconds(1))
        for _ in 0..<5 {
            await first.rounds()
            _ = try pages(20, [first, second], shoppers: 0..<60)
            await second.rounds()
            clock.advance(.seconds(1))
        }
        let both = try pages(400, [first, second], shoppers: 0..<100)
        #expect(both > 20, "two settled nodes serve")
        #expect(seen.values.allSatisfy { $0 <= 2 })
        // The first leaves in good order and hands its shoppers over.
        await first.caps.leave()
        for _ in 0..<5 {
            clock.advance(.seconds(15))
            await second.rounds()
            _ = try pages(20, [first, second], shoppers: 0..<100)
        }
        _ = try pages(400, [second], shoppers: 0..<130)
        #expect(seen.values.allSatisfy { $0 <= 2 }, "\(seen.filter { $0.value > 2 })")
        #expect(seen.filter { $0.value == 2 }.count > 90, "everybody may see his two in the end")
    }

    @Test func aShopperIsServedByHisHomeAloneAndAnImpressionElsewhereCounts() async throws {
        try await Self.prepare(budget: 900_000_000, caps: #"[{"count": 1, "per": "day"}]"#)
        let clock = TestClock(ServiceTests.now)
        let nodes = [try Node(1, clock: clock), try Node(2, clock: clock)]
        for node in nodes { await node.start() }
        for _ in 0..<4 { for node in nodes { await node.rounds() } }
        let visitor = try #require(
            (0..<50).map { "w\($0)" }.first { nodes[0].holder.counts(Self.hash($0), now: clock.now) })
        #expect(!nodes[1].holder.counts(Self.hash(visitor), now: clock.now))
        #expect(try nodes[1].ask(visitor, seed: 1).noFill == .capsElsewhere)
        #expect(try nodes[0].ask(visitor, seed: 2).ads == 1)
        let decidedAt = clock.now
        // His browser tells the other node, which passes it on; or the contact would lapse after ten minutes.
        let isForwarded = nodes[1].holder.forward(
            shopper: Self.hash(visitor), lineItemID: 1, advertiserID: 1, decidedAt: decidedAt, now: clock.now)
        #expect(isForwarded)
        await nodes[1].rounds()
        await nodes[0].rounds()
        clock.advance(.minutes(11))
        for _ in 0..<3 { for node in nodes { await node.rounds() } }
        #expect(try nodes[0].ask(visitor, seed: 3).noFill == .frequencyCapped)
    }

    @Test func aLostNodesShoppersWaitUntilItsLogIsShipped() async throws {
        try await Self.prepare(budget: 900_000_000, caps: #"[{"count": 1, "per": "day"}]"#)
        let clock = TestClock(ServiceTests.now)
        let nodes = [try Node(1, clock: clock), try Node(2, clock: clock)]
        for node in nodes { await node.start() }
        for _ in 0..<4 { for node in nodes { await node.rounds() } }
        let visitor = try #require(
            (0..<50).map { "w\($0)" }.first { nodes[1].holder.counts(Self.hash($0), now: clock.now) })
        // The second node is not heard of again.
        for _ in 0..<4 {
            clock.advance(.seconds(15))
            await nodes[0].rounds()
        }
        #expect(try nodes[0].ask(visitor, seed: 1).noFill == .capsElsewhere, "nobody knows what he has seen")
        #expect(try nodes[1].ask(visitor, seed: 1).noFill == .capsElsewhere, "its membership has lapsed")
        try await TestDatabase.current.pool.withConnection {
            try $0.script(
                """
                insert into log_checkpoint (node_id, log_id, position, shipped_through)
                values (2, gen_random_uuid(), 1, 'infinity')
                """)
        }
        await nodes[0].rounds(2)
        #expect(try nodes[0].ask(visitor, seed: 1).ads == 1)
    }
}

/// Small seeded generator.
private struct LCG {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state &>> 33
    }
}
