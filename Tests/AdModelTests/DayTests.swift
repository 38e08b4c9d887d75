import AdModel
import Foundation
import Testing

/// SplitMix64: small, seeded, good enough to choose test values.
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

/// A proleptic Gregorian calendar in UTC: Foundation's own turns Julian before 1582.
enum Reference {
    static let calendar: Calendar = {
        var calendar = Calendar(identifier: .iso8601)
        calendar.timeZone = TimeZone(secondsFromGMT: 0) ?? .gmt
        return calendar
    }()

    static func civil(dayNumber: Int) -> DateComponents {
        calendar.dateComponents([.year, .month, .day], from: Date(timeIntervalSince1970: Double(dayNumber) * 86_400))
    }
}

@Suite("days")
struct DayTests {
    @Test func agreeWithFoundationOverSixCenturies() {
        // 1600-01-01 ... 2199-12-31, every day.
        var wrong: [Int] = []
        for number in -135_140...84_005 {
            let expected = Reference.civil(dayNumber: number)
            let (year, month, day) = Day(number: Int32(number)).civil
            let back = Day(year: year, month: month, day: day)
            if year != expected.year || month != expected.month || day != expected.day
                || back != Day(number: Int32(number))
            {
                wrong.append(number)
            }
        }
        #expect(wrong == [])
    }

    @Test func theirTextIsTheirInverseOverAllOfTheRange() throws {
        let first = try #require(Day("0001-01-01"))
        let last = try #require(Day("9999-12-31"))
        #expect(last - first == 3_652_058)
        let seed = UInt64.random(in: 0...UInt64.max)
        var generator = SeededGenerator(state: seed)
        for _ in 0..<20_000 {
            let day = first + Int.random(in: 0...(last - first), using: &generator)
            #expect(Day(day.description) == day, "seed \(seed)")
            #expect(day.description.utf8.count == 10)
        }
    }

    @Test(arguments: [
        "2026-02-29", "2100-02-29", "2026-13-01", "2026-00-01", "2026-01-00", "2026-04-31", "0000-01-01", "2026-1-01",
        "2026-01-1", "2026/01/01", "20260101", "", "2026-01-01 ", " 2026-01-01", "2026-01-01T00:00:00Z", "-026-01-01",
        "２０２６-01-01", "+026-01-01",
    ])
    func refuseWhatIsNoDay(_ text: String) { #expect(Day(text) == nil) }

    @Test func leapDaysAreDays() throws {
        for text in ["2000-02-29", "2024-02-29", "2400-02-29"] { #expect(Day(text)?.description == text) }
    }

    @Test func orderAndArithmetic() throws {
        let day = try #require(Day("2024-02-28"))
        #expect((day + 1).description == "2024-02-29")
        #expect((day + 2).description == "2024-03-01")
        #expect((day + -59).description == "2023-12-31")
        #expect(day < day + 1)
        #expect((day + 366) - day == 366)
        #expect(day.utcStart.utcDay == day)
        #expect(Timestamp(micros: day.utcStart.micros - 1).utcDay == day + -1)
        #expect(Timestamp(micros: -1).utcDay.description == "1969-12-31")
    }
}
