import AdModel
import Billing
import Testing

/// SplitMix64: small, seeded, good enough to vary cases.
struct SplitMix64: RandomNumberGenerator {
    var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

@Suite struct BudgetBookBehaviour {
    let day = Day(number: 20_000)

    func book(total: Int64? = nil, daily: Int64? = nil, wallet: Int64 = 1_000) -> BudgetBook {
        BudgetBook(
            lines: [
                1: LineBudget(
                    advertiserID: 9, total: total.map(Micros.init), daily: daily.map(Micros.init), spent: .zero)
            ],
            days: [:], advertisers: [9: AdvertiserFunds(available: Micros(wallet), spent: .zero)])
    }

    @Test func aChargeThatFitsIsBilledInFullAndExhaustsExactly() {
        var book = book(total: 200)
        #expect(book.charge(line: 1, on: day, price: Micros(100)) == (Micros(100), .billed))
        #expect(book.charge(line: 1, on: day, price: Micros(100)) == (Micros(100), .billed))
        #expect(book.charge(line: 1, on: day, price: Micros(1)) == (.zero, .overBudget))
    }

    @Test func theFirstLimitWithoutRoomNamesTheReason() {
        var daily = book(total: 1_000, daily: 150)
        _ = daily.charge(line: 1, on: day, price: Micros(100))
        #expect(daily.charge(line: 1, on: day, price: Micros(100)) == (.zero, .overDailyBudget))
        #expect(daily.charge(line: 1, on: day + 1, price: Micros(100)) == (Micros(100), .billed))
        var wallet = book(wallet: 50)
        #expect(wallet.charge(line: 1, on: day, price: Micros(51)) == (.zero, .overWallet))
        #expect(wallet.charge(line: 1, on: day, price: Micros(50)) == (Micros(50), .billed))
    }

    @Test func aSmallerChargeMayStillFitAfterALargerDidNot() {
        var book = book(total: 150)
        _ = book.charge(line: 1, on: day, price: Micros(100))
        #expect(book.charge(line: 1, on: day, price: Micros(100)).reason == .overBudget)
        #expect(book.charge(line: 1, on: day, price: Micros(50)).reason == .billed)
    }

    @Test func unknownLinesAndAdvertisersHaveNoRoom() {
        var book = book()
        #expect(book.charge(line: 2, on: day, price: Micros(1)).reason == .overBudget)
        var orphan = BudgetBook(
            lines: [1: LineBudget(advertiserID: 3, total: nil, daily: nil, spent: .zero)], days: [:], advertisers: [:])
        #expect(orphan.charge(line: 1, on: day, price: Micros(1)).reason == .overWallet)
    }

    @Test func anAbsurdPriceIsRefusedWithoutOverflow() {
        var book = book(total: 10)
        #expect(book.charge(line: 1, on: day, price: Micros(.max)).reason == .overBudget)
    }

    @Test(arguments: [UInt64](1...20))
    func noLimitIsEverPassedWhateverComes(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var lines: [Int32: LineBudget] = [:]
        var funds: [Int32: AdvertiserFunds] = [:]
        for advertiser in Int32(1)...3 {
            funds[advertiser] = AdvertiserFunds(
                available: Micros(Int64.random(in: -100...5_000, using: &random)), spent: .zero)
        }
        for line in Int32(1)...6 {
            lines[line] = LineBudget(
                advertiserID: line % 3 + 1,
                total: Bool.random(using: &random) ? Micros(Int64.random(in: 0...3_000, using: &random)) : nil,
                daily: Bool.random(using: &random) ? Micros(Int64.random(in: 0...900, using: &random)) : nil,
                spent: .zero)
        }
        var book = BudgetBook(lines: lines, days: [:], advertisers: funds)
        var sums: [Int32: Micros] = [:]
        for _ in 0..<500 {
            let line = Int32.random(in: 1...6, using: &random)
            let price = Micros(Int64.random(in: 0...120, using: &random))
            let result = book.charge(line: line, on: day + Int.random(in: 0..<3, using: &random), price: price)
            #expect(result.amount == price || result.amount == .zero)
            sums[line, default: .zero] += result.amount
        }
        for (id, line) in book.lines {
            #expect(line.spent == sums[id] ?? .zero, "seed \(seed)")
            if let total = line.total { #expect(line.spent <= total, "seed \(seed)") }
        }
        for (key, spent) in book.days {
            if let daily = book.lines[key.lineItemID]?.daily { #expect(spent <= daily, "seed \(seed)") }
        }
        for (id, advertiser) in book.advertisers where advertiser.spent > .zero {
            #expect(advertiser.spent <= advertiser.available, "seed \(seed)")
            let ofLines = book.lines.values.filter { $0.advertiserID == id }.reduce(Micros.zero) { $0 + $1.spent }
            #expect(advertiser.spent == ofLines, "seed \(seed)")
        }
    }
}

@Suite struct AccountingZoneBehaviour {
    @Test func moscowDaysBeginAtTwentyOneHoursUTC() throws {
        let zone = try #require(AccountingZone("Europe/Moscow"))
        let before = try #require(Timestamp(rfc3339: "2026-11-20T20:59:59.999999Z"))
        #expect(zone.day(of: before).description == "2026-11-20")
        #expect(zone.day(of: Timestamp(micros: before.micros + 1)).description == "2026-11-21")
        let day = try #require(Day("2026-11-21"))
        #expect(zone.start(of: day) == Timestamp(micros: before.micros + 1))
        #expect(zone.month(of: before).description == "2026-11-01")
    }

    @Test func daysOfAZoneWithSummerTimeStartAtLocalMidnight() throws {
        let zone = try #require(AccountingZone("Europe/Berlin"))
        for text in ["2026-03-28", "2026-03-29", "2026-03-30", "2026-10-25", "2026-10-26"] {
            let day = try #require(Day(text))
            let start = zone.start(of: day)
            #expect(zone.day(of: start) == day)
            #expect(zone.day(of: Timestamp(micros: start.micros - 1)) == day + -1)
        }
    }

    @Test func anUnknownZoneIsRefused() { #expect(AccountingZone("Mars/Olympus") == nil) }
}

@Suite struct FixedAccrualBehaviour {
    func accrual(_ total: Int64, _ starts: String, _ ends: String) throws -> FixedAccrual {
        FixedAccrual(
            total: Micros(total), starts: try #require(Timestamp(rfc3339: starts)),
            ends: try #require(Timestamp(rfc3339: ends)), zone: try #require(AccountingZone("Europe/Moscow")))
    }

    @Test func equalPartsAndTheRemainderOnTheLastDay() throws {
        let accrual = try accrual(100, "2026-11-01T00:00:00+03:00", "2026-11-04T00:00:00+03:00")
        #expect(accrual.days == 3)
        #expect((0..<3).map { accrual.amount(on: accrual.first + $0).value } == [33, 33, 34])
        #expect(accrual.amount(on: accrual.last + 1) == .zero)
        #expect(accrual.amount(on: accrual.first + -1) == .zero)
    }

    @Test(arguments: [UInt64](1...10))
    func thePartsAlwaysAddUpToThePrice(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let zone = try #require(AccountingZone("Europe/Moscow"))
        let starts = Timestamp(micros: Int64.random(in: 1_700_000_000_000_000...1_800_000_000_000_000, using: &random))
        let ends = Timestamp(micros: starts.micros + Int64.random(in: 1...5_000_000_000_000, using: &random))
        let accrual = FixedAccrual(
            total: Micros(Int64.random(in: 0...10_000_000, using: &random)), starts: starts, ends: ends, zone: zone)
        let sum = (0..<accrual.days).reduce(Micros.zero) { $0 + accrual.amount(on: accrual.first + $1) }
        #expect(sum == accrual.total, "seed \(seed)")
    }
}

@Suite struct BillabilityBehaviour {
    @Test func impressionsAreChargedByTheThousandAndClicksEach() {
        #expect(Pricing.cpm.chargeKind(of: .impression) == "impression")
        #expect(Pricing.cpc.chargeKind(of: .click) == "click")
        #expect(Pricing.cpm.chargeKind(of: .click) == nil)
        #expect(Pricing.cpc.chargeKind(of: .viewable) == nil)
        #expect(Pricing.fixed.chargeKind(of: .impression) == nil)
    }
}
