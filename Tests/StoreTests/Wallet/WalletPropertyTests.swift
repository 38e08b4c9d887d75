import AdModel
import Postgres
import Store
import TestKit
import Testing

/// Random numbers that can be had again.
struct WalletRandom: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// Whatever happens to a wallet, and whatever happens at the same time: its balance is entries less charges, and
/// spend never exceeds balance and credit.
@Suite("Wallet under random load", .database) struct WalletPropertyTests {
    /// One step that may be refused; a refusal changes nothing.
    private static func step(_ number: Int, _ seed: UInt64, _ pool: PostgresPool) async throws {
        var random = WalletRandom(state: seed &+ UInt64(number) &* 7_919)
        let advertiser: Int32 = Bool.random(using: &random) ? 1 : 2
        let amount = Int64.random(in: 1...400_000, using: &random)
        do {
            switch Int.random(in: 0..<10, using: &random) {
            case 0, 1: try await WalletWorld.topUp(amount, "pay-\(number)", advertiser: advertiser, pool)
            case 2, 3:
                _ = try await pool.transaction { db in
                    try WalletStore.record(
                        WalletMovement(
                            kind: .withdrawal, amount: Micros(amount), reference: "out-\(number)", reason: "r",
                            actor: "user:usr-1"), advertiser: advertiser, now: WalletWorld.noon, on: db)
                }
            case 4:
                _ = try await pool.transaction { db in
                    try WalletStore.record(
                        WalletMovement(
                            kind: .refund, amount: Micros(amount / 8 + 1), reference: "back-\(number)", reason: "r",
                            actor: "user:usr-1", campaignID: advertiser), advertiser: advertiser,
                        now: WalletWorld.noon, on: db)
                }
            case 5:
                _ = try await pool.transaction { db in
                    guard
                        let charge = try db.query(
                            """
                            select id from charge where advertiser_id = $1 and amount_micros > 0
                            order by md5(id::text || $2) limit 1
                            """, [.int4(advertiser), .text(String(number))]
                        ).first
                    else { return }
                    _ = try ChargeRefund.book(
                        charge: try charge.int64("id"), amount: Micros(amount / 10 + 1), reference: "cr-\(number)",
                        reason: "r", advertiser: advertiser, zone: try RetailerStore.zone(on: db),
                        now: WalletWorld.noon, on: db)
                }
            default:
                let events = (0..<Int.random(in: 1...6, using: &random)).map { index in
                    WalletWorld.event(
                        number * 10 + index, price: Int64.random(in: 0...90_000, using: &random),
                        line: advertiser == 1 ? 2 : 3)
                }
                try await WalletWorld.charge(events, pool)
            }
        } catch is Refusal {}
    }

    private static func check(_ pool: PostgresPool, _ seed: UInt64) async throws {
        for advertiser: Int32 in [1, 2] {
            let summary = try await WalletWorld.summary(pool, advertiser: advertiser)
            let twin = try await pool.withConnection { db in
                try db.query(
                    """
                    select (select coalesce(sum(amount_micros), 0)::bigint from wallet_entry where advertiser_id = $1)
                            as entries,
                        (select coalesce(sum(amount_micros), 0)::bigint from charge where advertiser_id = $1) as charges,
                        (select coalesce(sum(price_micros), 0)::bigint from charge
                            where advertiser_id = $1 and amount_micros = 0 and reason like 'over%') as over,
                        (select coalesce(sum(s.spent_micros), 0)::bigint from line_item_spend s
                            join line_item l on l.id = s.line_item_id where l.advertiser_id = $1) as lines,
                        credit_limit_micros as credit
                    from advertiser where id = $1
                    """, [.int4(advertiser)]
                ).single()
            }
            let (entries, charges) = (try twin.int64("entries"), try twin.int64("charges"))
            #expect(summary.balance.value == entries - charges, "seed \(seed)")
            #expect(summary.spent.value == charges, "seed \(seed)")
            #expect(try twin.int64("lines") == charges, "seed \(seed)")
            #expect(summary.overDelivery.value == (try twin.int64("over")), "seed \(seed)")
            #expect(charges <= entries + (try twin.int64("credit")), "overspent, seed \(seed)")
            #expect(charges >= 0, "seed \(seed)")
            let day = WalletWorld.noon.utcDay
            let statement = try await pool.withConnection { db in
                try WalletStatement.read(
                    advertiser: advertiser, from: day + -1, to: day, zone: try RetailerStore.zone(on: db), on: db)
            }
            #expect(statement.closing == summary.balance, "seed \(seed)")
            #expect(statement.opening == .zero, "seed \(seed)")
            let total = statement.lines.reduce(Micros.zero) { $0 + $1.amount }
            #expect(total == summary.balance, "seed \(seed)")
        }
    }

    @Test(arguments: [11, 23, 58] as [UInt64])
    func balanceIsEntriesLessChargesAfterEveryStep(seed: UInt64) async throws {
        let pool = try await WalletWorld.make()
        for number in 0..<120 {
            try await Self.step(number, seed, pool)
            if number % 8 == 0 { try await Self.check(pool, seed) }
        }
        try await Self.check(pool, seed)
        let kinds = try await pool.withConnection { db in
            try db.query("select distinct kind from wallet_entry union select reason from charge order by 1").map {
                try $0.string(0)
            }
        }
        #expect(
            kinds == ["billed", "over_wallet", "refund", "top_up", "withdrawal"], "seed \(seed) left something out")
    }

    @Test(arguments: [5, 77] as [UInt64])
    func atTheSameTimeNoRoubleIsSpentTwice(seed: UInt64) async throws {
        let pool = try await WalletWorld.make()
        try await pool.withConnection {
            try $0.script("update advertiser set credit_limit_micros = 30000 where id = 2")
        }
        for round in 0..<6 {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<24 {
                    group.addTask { try await Self.step(round * 100 + number, seed, pool) }
                }
                try await group.waitForAll()
            }
            try await Self.check(pool, seed)
        }
    }

    /// The race itself: a charge waits for a withdrawal of everything and must find nothing left.
    @Test func aChargeThatWaitedForAWithdrawalSeesIt() async throws {
        let pool = try await WalletWorld.make()
        for round in 0..<20 {
            try await WalletWorld.topUp(100_000, "pay-\(round)", pool)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    _ = try? await pool.transaction { db in
                        try WalletStore.record(
                            WalletMovement(
                                kind: .withdrawal, amount: Micros(100_000), reference: "out-\(round)", reason: "r",
                                actor: "user:usr-1"), advertiser: 1, now: WalletWorld.noon, on: db)
                    }
                }
                group.addTask { try await WalletWorld.charge([WalletWorld.event(round, price: 100_000)], pool) }
                try await group.waitForAll()
            }
            let summary = try await WalletWorld.summary(pool)
            #expect(summary.balance == .zero, "round \(round)")
        }
    }
}
