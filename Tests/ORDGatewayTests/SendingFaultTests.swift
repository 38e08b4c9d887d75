import AdModel
import ORDGateway
import Postgres
import Store
import Synchronization
import TestKit
import Testing

/// Counts calls from any task.
final class Counter: Sendable {
    private let count = Mutex(0)
    var value: Int { count.withLock { $0 } }
    @discardableResult func add() -> Int {
        count.withLock { count in
            count += 1
            return count
        }
    }
}

/// A small generator whose seed is printed with a failure.
struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

@Suite("Sending through faults", .database)
struct SendingFaultTests {
    /// Everything that a sending writes, in the operator's addresses.
    static let steps = [
        "PUT /v1/person/org-shop", "PUT /v1/person/org-brand", "PUT /v1/contract", "PUT /v1/pad/pad-web",
        "PUT /v1/media", "PUT /v3/creative/cr-one-v1", "PUT /v3/creative/cr-own-v1", "POST /v3/statistics",
        "PUT /v4/invoice", "GET /v1", "GET /v3",
    ]
    static let faults: [StubFault] = [
        .treatThenHang, .cutOff, .treatThenCutOff, .status(500), .status(429),
    ]

    /// What the operator has after a sending without faults.
    private func undisturbed() async throws -> [String] {
        let contents = Mutex<[String]>([])
        try await SendingWorld.run { world in
            _ = try await world.start(try await world.export())
            try await world.sender().run()
            let all = await world.book.contents
            contents.withLock { $0 = all }
        }
        try await TestDatabase.current.pool.withConnection { try $0.script(Self.clearing) }
        return contents.withLock { $0 }
    }

    private static let clearing = """
        truncate ord_push_item, ord_push, ord_call, ord_object, ord_export_line, ord_export cascade;
        alter table creative_version disable trigger creative_version_keep;
        update creative_version set erid = null, erid_status = null;
        alter table creative_version enable trigger creative_version_keep
        """

    /// Runs until the sending ends or nothing helps; each run is a process of its own, hours after the one before.
    private func finish(_ world: SendingWorld, _ code: String, killAt: [Int]) async throws {
        let requests = Counter()
        let kills = Set(killAt)
        for _ in 0..<60 {
            let sender = world.sender()
            let box = Box()
            await world.book.watch { _ in
                if kills.contains(requests.add()) { box.cancel() }
            }
            let task = Task { try await sender.run() }
            box.set(task)
            _ = try? await task.value
            await world.book.watch(nil)
            world.clock.advance(.hours(7))
            let state = try await world.push(code).state
            if state == .verified || state == .refused || state == .rejected { return }
        }
    }

    private final class Box: Sendable {
        private let task = Mutex<Task<Void, any Error>?>(nil)
        private let isCancelled = Mutex(false)
        func set(_ new: Task<Void, any Error>) {
            task.withLock { $0 = new }
            if isCancelled.withLock({ $0 }) { new.cancel() }
        }
        func cancel() {
            isCancelled.withLock { $0 = true }
            task.withLock { $0?.cancel() }
        }
    }

    private func expectOnce(_ world: SendingWorld, _ wanted: [String], _ comment: String) async {
        #expect(await world.book.contents == wanted, "\(comment)")
        for path in await Set(world.book.log.filter { $0.hasPrefix("PUT ") }) {
            let times = await world.book.log.count { $0 == path }
            #expect(times == 1, "\(path) \(times) times, \(comment)")
        }
    }

    @Test func eachFaultAtEachStepEndsInTheSameState() async throws {
        let wanted = try await undisturbed()
        #expect(wanted.count == 15)
        for step in Self.steps {
            for fault in Self.faults {
                try await SendingWorld.run(timeout: .milliseconds(60), looks: 0) { world in
                    let push = try await world.start(try await world.export())
                    await world.book.plan(fault, on: step)
                    try await finish(world, push.code, killAt: [])
                    #expect(try await world.push(push.code).state == .verified, "\(step) \(fault)")
                    await expectOnce(world, wanted, "\(step) \(fault)")
                }
                try await TestDatabase.current.pool.withConnection { try $0.script(Self.clearing) }
            }
        }
    }

    @Test func deathAtAnyRequestEndsInTheSameState() async throws {
        let wanted = try await undisturbed()
        for request in stride(from: 1, through: 27, by: 2) {
            try await SendingWorld.run(timeout: .seconds(5), looks: 0) { world in
                let push = try await world.start(try await world.export())
                try await finish(world, push.code, killAt: [request])
                #expect(try await world.push(push.code).state == .verified, "death at request \(request)")
                await expectOnce(world, wanted, "death at request \(request)")
            }
            try await TestDatabase.current.pool.withConnection { try $0.script(Self.clearing) }
        }
    }

    @Test func anySeriesOfFaultsAndDeathsEndsInTheSameState() async throws {
        let wanted = try await undisturbed()
        for seed in UInt64(1)...10 {
            var random = SplitMix64(state: seed)
            let plan = (0..<Int.random(in: 2...7, using: &random)).map { _ in
                (
                    Self.faults.randomElement(using: &random) ?? .hang,
                    Self.steps.randomElement(using: &random) ?? "PUT",
                    Int.random(in: 1...3, using: &random)
                )
            }
            let kills = (0..<Int.random(in: 0...5, using: &random)).map { _ in Int.random(in: 1...60, using: &random) }
            let rowsPerCall = Int.random(in: 1...4, using: &random)
            try await SendingWorld.run(timeout: .milliseconds(60), looks: 0) { given in
                var world = given
                world.rowsPerCall = rowsPerCall
                let push = try await world.start(try await world.export())
                for (fault, step, times) in plan { await world.book.plan(fault, on: step, times: times) }
                try await finish(world, push.code, killAt: kills)
                #expect(try await world.push(push.code).state == .verified, "seed \(seed)")
                await expectOnce(world, wanted, "seed \(seed)")
            }
            try await TestDatabase.current.pool.withConnection { try $0.script(Self.clearing) }
        }
    }
}
