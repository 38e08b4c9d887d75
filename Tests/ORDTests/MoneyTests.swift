import AdModel
import ORD
import Testing

/// Bounds of VAT as the operator publishes them.
struct BoundsCase: Decodable, Sendable {
    var excluding: String
    var rate: String
    var lower: String
    var upper: String
}

/// SplitMix64: a test prints the seed, and the seed repeats the test.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

@Suite struct MoneyTests {
    @Test(arguments: Files.cases("vat-bounds", as: BoundsCase.self))
    func `the operator's VAT bounds are met to the last digit`(test: BoundsCase) throws {
        let bounds = VAT.bounds(
            of: try #require(Decimal5(test.excluding)), at: try #require(VATRate(rawValue: test.rate)))
        #expect(bounds.lowerBound.description == test.lower)
        #expect(bounds.upperBound.description == test.upper)
    }

    @Test(arguments: [
        (0, "0.00"), (4_999, "0.00"), (5_000, "0.01"), (14_999, "0.01"), (15_000, "0.02"), (9_999_000_000, "9999.00"),
        (-5_000, "0.00"), (-5_001, "-0.01"),
    ])
    func `micro-roubles are rounded half up to kopecks`(micros: Int64, text: String) {
        #expect(KopeckAmount(roundingHalfUp: Micros(micros)).description == text)
    }

    @Test(arguments: ["", ".5", "5.", "1.234", "-1", "+1", "1e3", "1 000", "１", "12345678901"])
    func `money in another spelling is not money`(text: String) { #expect(KopeckAmount(text) == nil) }

    @Test func `money is written with all its decimals and without an exponent`() {
        #expect(KopeckAmount("9999999999.99")?.description == "9999999999.99")
        #expect(KopeckAmount("7")?.description == "7.00")
        #expect(Decimal5("0.4")?.description == "0.40000")
        #expect(Decimal5(units: -1).description == "-0.00001")
        #expect(UnitPrice(Decimal5(units: 1), perEventOf: 1_000_000_000, decimals: 8).description == "0.00000001")
        #expect(UnitPrice(Decimal5(units: 96_000_000), perEventOf: 1_000, decimals: 8).description == "0.96000000")
    }

    @Test func `thirds of an act of 9999 add up, which they do not at two decimals`() {
        let shares = ["a", "b", "c"].map { Allocation.Share(weight: $0 == "c" ? 3_333_066_660 : 3_332_966_670, id: $0) }
        let parts = Allocation.largestRemainder(999_900_000, among: shares).map { Decimal5(units: $0) }
        #expect(parts.map(\.description) == ["3332.96667", "3332.96667", "3333.06666"])
        #expect(parts.reduce(Decimal5.zero, +).description == "9999.00000")
        let vat = Allocation.vat(
            VAT.amount(of: KopeckAmount(kopecks: 999_900), at: .twentyTwo), at: .twentyTwo,
            among: zip(parts, ["a", "b", "c"]).map { ($0, $1) })
        #expect(vat.parts.map(\.description) == ["733.25267", "733.25267", "733.27466"])
        #expect(vat.parts.reduce(Decimal5.zero, +).description == "2199.78000")
        #expect(vat.rest == .zero)
    }

    /// 33 rows of an act of 10.02: each row's VAT has a floor of its own, and the floors exceed the act's 2.20.
    @Test func `VAT that the bounds leave no room for stays as a rest below a kopeck`() {
        let shares = (0..<33).map { Allocation.Share(weight: 1, id: "r\($0)") }
        let parts = Allocation.largestRemainder(1_002_000, among: shares).map { Decimal5(units: $0) }
        #expect(parts.reduce(Decimal5.zero, +).description == "10.02000")
        let vat = Allocation.vat(
            KopeckAmount(kopecks: 220), at: .twentyTwo, among: zip(parts, shares).map { ($0, $1.id) })
        #expect(vat.rest.units < 0 && vat.rest.units > -1_000)
        #expect(vat.parts.reduce(vat.rest, +).description == "2.20000")
        for (part, amount) in zip(vat.parts, parts) {
            #expect(VAT.bounds(of: amount, at: .twentyTwo).contains(part))
        }
    }

    @Test func `ties go to the larger weight, then to the smaller id`() {
        let equal = ["b", "a", "c"].map { Allocation.Share(weight: 1, id: $0) }
        #expect(Allocation.largestRemainder(4, among: equal) == [1, 2, 1])
        // 5 * 3/10 and 5 * 7/10 both leave one half.
        let unequal = [Allocation.Share(weight: 3, id: "a"), Allocation.Share(weight: 7, id: "b")]
        #expect(Allocation.largestRemainder(5, among: unequal) == [1, 4])
    }

    @Test(arguments: 0..<300)
    func `random ledgers divide exactly, in any order, inside the bounds`(seed: UInt64) {
        var random = SeededGenerator(state: seed)
        let rates = VATRate.allCases
        let rate = rates[Int.random(in: 0..<rates.count, using: &random)]
        let scale = [10, 10_000, 10_000_000, 100_000_000_000][Int.random(in: 0..<4, using: &random)]
        let shares = (0..<Int.random(in: 1...60, using: &random)).map {
            Allocation.Share(weight: Int64.random(in: 0...Int64(scale), using: &random), id: "cr-\($0)")
        }
        let act = KopeckAmount(roundingHalfUp: Micros(shares.reduce(0) { $0 + $1.weight }))
        let parts = Allocation.largestRemainder(act.decimal5.units, among: shares)
        #expect(parts.reduce(0, +) == (shares.contains { $0.weight > 0 } ? act.decimal5.units : 0), "seed \(seed)")
        for (part, share) in zip(parts, shares) {
            let exact = Double(share.weight) / 10
            let drift = abs(Double(act.decimal5.units) - shares.reduce(0.0) { $0 + Double($1.weight) } / 10)
            #expect(part >= 0 && abs(Double(part) - exact) <= drift + 1.001, "seed \(seed)")
        }

        let shuffled = shares.shuffled(using: &random)
        let again = Dictionary(
            uniqueKeysWithValues: zip(
                shuffled.map(\.id), Allocation.largestRemainder(act.decimal5.units, among: shuffled)))
        #expect(zip(shares, parts).allSatisfy { again[$0.id] == $1 }, "seed \(seed)")

        let rows = zip(parts, shares).filter { $0.0 > 0 }.map { (amount: Decimal5(units: $0.0), id: $0.1.id) }
        let vat = VAT.amount(of: act, at: rate)
        #expect(VAT.bounds(of: act, at: rate).contains(vat), "seed \(seed)")
        let split = Allocation.vat(vat, at: rate, among: rows)
        #expect(split.parts.reduce(split.rest, +) == (rows.isEmpty ? vat.decimal5 : vat.decimal5), "seed \(seed)")
        #expect(split.rest.units.magnitude < 1_000 || rows.isEmpty, "seed \(seed)")
        for (part, row) in zip(split.parts, rows) {
            #expect(VAT.bounds(of: row.amount, at: rate).contains(part), "seed \(seed)")
            let amount = TaxedAmount(excludingVAT: row.amount, rate: rate, vat: part)
            #expect(amount.includingVAT == row.amount + part, "seed \(seed)")
        }
    }

    @Test func `the rate of 22 percent replaced 20 at the turn of 2026`() throws {
        let before = try #require(Day("2025-12-31"))
        let after = try #require(Day("2026-01-01"))
        #expect(VATRate.twenty.isAllowed(on: before) && !VATRate.twenty.isAllowed(on: after))
        #expect(!VATRate.twentyTwo.isAllowed(on: before) && VATRate.twentyTwo.isAllowed(on: after))
        #expect(VATRate.withoutVAT.isAllowed(on: before) && VATRate.seven.isAllowed(on: after))
    }
}
