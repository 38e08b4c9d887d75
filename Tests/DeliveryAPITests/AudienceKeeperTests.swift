import AdModel
import Audiences
import Decisioning
import DeliveryAPI
import EventLog
import Foundation
import Logging
import Measurement
import Postgres
import Profiles
import Store
import TestKit
import Testing

/// Facts of shoppers after a start: from the database, and from the log beyond what is shipped.
@Suite("Audiences and profiles after a start", .database, .blocking) struct AudienceKeeperTests {
    private static let quiet: Logger = {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return logger
    }()

    /// Whoever looked at a product exactly `count` times in a week.
    private static func definition(count: Int32) -> AudienceDefinition {
        var condition = EventCondition(events: CountedEvents(type: .productView))
        condition.from = count
        condition.to = count
        condition.period = .daysAgo(from: 7, to: 0)
        return AudienceDefinition(id: 5, condition: .event(condition))
    }

    private func world(_ log: TestLog, count: Int32) throws -> (world: EdgeWorld, keeper: AudienceKeeper) {
        let world = try EdgeWorld(log: log.log) { data in
            data.input.audiences = [.init(id: 5, code: "viewers")]
            data.audiences = [Self.definition(count: count)]
            data.input.lineItems[0].targeting.wanted.audiences = ["viewers"]
        }
        let id = log.log.logID
        let keeper = AudienceKeeper(
            environment: world.environment,
            loader: AudienceLoader(
                pool: TestDatabase.current.pool, keys: world.environment.keys,
                log: LogIdentity(nodeID: 1, high: id.high, low: id.low)),
            logDirectory: log.folder.path, logger: Self.quiet)
        return (world, keeper)
    }

    private func isMember(_ world: EdgeWorld) -> Bool? {
        guard let live = world.environment.audiences.installed else { return nil }
        var scratch = AudienceScratch()
        var list: ContiguousArray<Int32> = []
        live.facts.members(
            of: world.environment.shopperHash("v1"), today: live.day(EdgeWorld.start).number, scratch: &scratch,
            into: &list)
        return list == [0]
    }

    @Test("What is shipped is counted from the database, what is not from the log, each once; later it is counted live")
    func onceEach() async throws {
        let file = try TestLog()
        let pool = TestDatabase.current.pool
        let yesterday = (EdgeWorld.start - .days(1)).rfc3339
        try await pool.withConnection {
            try $0.script(
                """
                create table signal_rest partition of signal default;
                insert into signal (received_day, storefront_id, kind, visitor_id, product_sku, occurred_at)
                values ('2020-01-01', 1, 'product_view', 'v1', 'p1', '\(yesterday)');
                """)
        }
        let view = EventTests.batch(#"{"type":"product_view","visitor_id":"v1","consent":true,"sku":"p2"}"#)
        let (first, firstKeeper) = try world(file, count: 2)
        try await first.serving { port in
            let connection = try RawConnection(port: port)
            #expect(isMember(first) == nil)
            _ = try connection.post("/v1/events", view)
            _ = try file.records()
            await firstKeeper.look()
            #expect(isMember(first) == true, "one from the database, one from the log")
            _ = try connection.post("/v1/events", view)
            #expect(isMember(first) == false, "three by now")
        }
        // Another start: the first of the two is shipped, the second is not.
        _ = try file.records()
        let reader = try EventLogReader(directory: file.folder.path)
        let shipped = try reader.read(from: 0, maximumRecords: 1).next
        let id = reader.logID
        try await pool.withConnection {
            try $0.script(
                """
                insert into node (id, code) values (1, 'n1');
                insert into signal (received_day, storefront_id, kind, visitor_id, product_sku, occurred_at)
                values ('2020-01-01', 1, 'product_view', 'v1', 'p2', '\(EdgeWorld.start.rfc3339)');
                """)
            try $0.query(
                "insert into log_checkpoint (node_id, log_id, position) values (1, $1, $2)",
                [.uuid(high: id.high, low: id.low), .int8(Int64(shipped))])
        }
        let (second, secondKeeper) = try world(file, count: 3)
        await secondKeeper.look()
        #expect(isMember(second) == true)
        // Who is erased is forgotten at once, and what the log says of the time before is not believed.
        let key = second.environment.shopperHash("v1")
        var data = try #require(second.serving.state).data
        data.erasures = [ServingErasure(key: key, at: EdgeWorld.start + .seconds(1), isOpen: true)]
        // Has everything read again, and would find three views.
        data.rfm.activeDays = 5
        second.serving.swap(try ServingState(data: data, stock: (3, EdgeWorld.stock)))
        await secondKeeper.look()
        #expect(isMember(second) == false)
    }

    @Test("A node without a log of its own has profiles from the database")
    func profilesFromTheDatabase() async throws {
        let pool = TestDatabase.current.pool
        let yesterday = (EdgeWorld.start - .days(1)).rfc3339
        let longAgo = (EdgeWorld.start - .days(40)).rfc3339
        try await pool.withConnection {
            try $0.script(
                """
                create table signal_rest partition of signal default;
                insert into counterparty (code, kind, name, inn, roles)
                    values ('shop', 'juridical', 'S', '7700000016', '{publisher}');
                insert into storefront (code, name, url) values ('shop', 'Shop', 'https://shop.test/');
                insert into signal (received_day, storefront_id, kind, visitor_id, product_sku, phrase, occurred_at) values
                    ('2020-01-01', 1, 'product_view', 'v1', 'p1', null, '\(yesterday)'),
                    ('2020-01-01', 1, 'search', 'v1', null, 'чай', '\(yesterday)'),
                    ('2020-01-01', 1, 'product_view', 'v1', 'p2', null, '\(longAgo)');
                insert into customer_order values (1, 'o1', 'v1', null, 'online', '\(longAgo)', '\(longAgo)');
                insert into order_line values (1, 'o1', 1, 'p2', 1, 100, 80);
                """)
        }
        let world = try EdgeWorld()
        let applied = await ProfileRebuild.run(
            nil, history: ProfileHistory(pool: pool), into: world.profiles,
            state: try #require(world.serving.state), hash: world.environment.shopperHash, now: EdgeWorld.start,
            logger: Self.quiet)
        #expect(applied == 3, "two signals of the last 30 days, and an order of the year")
        let profile = try #require(world.profiles.read(world.environment.shopperHash("v1")))
        #expect(profile.recentProduct(0) == 1 && profile.recentProduct(1) == 0)
        #expect(profile.boughtProduct(0) == 2 && profile.orders.count == 1)
        #expect(profile.search(0) != 0)
    }
}
