import AdModel
import Postgres
import Store
import TestKit
import Testing

@Suite struct GuessPolicyTests {
    private static let policies: [GuessPolicy] = [.account, .network, .reset]

    @Test(arguments: [
        (5, 0), (6, 1), (7, 2), (8, 4), (12, 64), (15, 512), (16, 900), (25, 900), (1_000_000, 900),
    ])
    func eachFurtherFailureDoublesTheDelayUpToTheLimit(failures: Int, seconds: Int64) {
        #expect(GuessPolicy.account.delay(after: failures) == .seconds(seconds))
    }

    @Test func whateverHappensTheDelayIsBoundedAndSilenceForgives() {
        let seed = UInt64.random(in: .min ... .max)
        var random = IdentityRandom(state: seed)
        for round in 0..<300 {
            let policy = Self.policies[round % Self.policies.count]
            var now = identityStart
            var count = GuessPolicy.Count(failures: 0, since: now, notBefore: now)
            var tried = 0
            for _ in 0..<200 {
                now = now + .seconds(Int64.random(in: 0...Int64.random(in: 1...2_000, using: &random), using: &random))
                if count.notBefore > now { continue }
                let before = count
                count = policy.adding(to: count, at: now)
                tried += 1
                #expect(count.notBefore - now <= policy.cap, "seed \(seed)")
                #expect(count.notBefore >= now, "seed \(seed)")
                #expect(count.failures <= before.failures + 1, "seed \(seed)")
                if Int.random(in: 0..<4, using: &random) == 0 {
                    let back = policy.taking(from: count, at: now)
                    #expect(back.failures == count.failures - 1, "seed \(seed)")
                    #expect(back.notBefore <= now, "an attempt that was right leaves no delay, seed \(seed)")
                    count = back
                }
            }
            #expect(tried > 0)
            // However it went, after the silence of all failures the free attempts are back.
            let later = now + policy.cap + Timestamp.Span(micros: policy.leak.micros * Int64(policy.free + 21))
            #expect(count.notBefore <= later)
            #expect(policy.adding(to: count, at: later).failures == 1, "seed \(seed)")
        }
    }

    @Test func aGuesserWhoNeverStopsGetsFewGuesses() {
        var now = identityStart
        var count = GuessPolicy.Count(failures: 0, since: now, notBefore: now)
        var guesses = 0
        let end = now + .days(1)
        while now < end {
            count = GuessPolicy.account.adding(to: count, at: now)
            guesses += 1
            now = max(now + .seconds(1), count.notBefore)
        }
        #expect((100...200).contains(guesses), "\(guesses) in a day")
    }
}

@Suite(.database) struct GuessThrottleTests {
    private let anna: GuessKey
    private let annasNetwork = GuessKey.network("192.0.2.0/24")

    init() async throws { anna = .account(try #require(EmailAddress("anna@people.test"))) }

    private func begin(_ keys: [GuessKey], at now: Timestamp) async throws -> Timestamp? {
        try await TestDatabase.current.pool.transaction { try GuessThrottle.begin(keys, now: now, on: $0) }
    }

    @Test func anAttemptThatComesTooEarlyIsNotCounted() async throws {
        for _ in 0..<6 { #expect(try await begin([anna, annasNetwork], at: identityStart) == nil) }
        for _ in 0..<50 {
            #expect(try await begin([anna, annasNetwork], at: identityStart) == identityStart + .seconds(1))
        }
        #expect(try await begin([anna, annasNetwork], at: identityStart + .seconds(1)) == nil)
        #expect(try await begin([anna], at: identityStart + .seconds(1)) == identityStart + .seconds(3))
    }

    @Test func aRightPasswordAfterTheDelayClearsTheAccount() async throws {
        for _ in 0..<6 { _ = try await begin([anna, annasNetwork], at: identityStart) }
        let later = identityStart + .seconds(1)
        #expect(try await begin([anna, annasNetwork], at: later) == nil)
        try await TestDatabase.current.pool.transaction { [anna, annasNetwork] db in
            try GuessThrottle.succeed(account: anna, others: [annasNetwork], now: later, on: db)
        }
        for _ in 0..<6 { #expect(try await begin([anna], at: later) == nil) }
    }

    @Test func oneNetworkIsSlowedOverManyAccounts() async throws {
        var refused = 0
        for n in 0..<30 {
            let key = GuessKey.account(try #require(EmailAddress("user\(n)@people.test")))
            if try await begin([key, annasNetwork], at: identityStart) != nil { refused += 1 }
        }
        #expect(refused == 9)
        #expect(try await begin([anna, .network("198.51.100.0/24")], at: identityStart) == nil)
    }

    @Test func attemptsAtTheSameTimeCountEachOther() async throws {
        let admitted = try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<40 {
                group.addTask { [anna, annasNetwork] in
                    try await begin([anna, annasNetwork], at: identityStart) == nil
                }
            }
            return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(admitted == 6, "five free ones and the one that starts the delay")
    }

    @Test func nothingOfTheAddressIsKept() async throws {
        _ = try await begin([anna, annasNetwork], at: identityStart)
        let rows = try await TestDatabase.current.pool.withConnection { db in
            try db.query("select key from login_guess").map { try $0.bytes("key") }
        }
        #expect(rows.count == 2)
        #expect(rows.allSatisfy { $0.count == 32 })
        let gone = try await TestDatabase.current.pool.withConnection { db in
            try GuessThrottle.forget(now: identityStart + .days(3), on: db)
        }
        #expect(gone == 2)
    }
}
