import AdModel
import Foundation

/// The `date` of a feed in the spellings that shops use.
enum FeedDate {
    /// `2026-11-21T19:00+03:00`, `2026-11-21 19:00:05`, `2026-11-21T19:00:05.5Z`, `2026-11-21`; without a zone it is
    /// meant in `zone`.
    static func parse(_ text: String, zone: TimeZone) -> Timestamp? {
        let bytes = Array(text.utf8)
        guard bytes.count >= 10, bytes.count <= 40, let day = Day(text.prefix(10)) else { return nil }
        if bytes.count == 10 { return local(day, 0, 0, 0, zone) }
        guard bytes.count >= 16, bytes[10] == 0x54 || bytes[10] == 0x20, bytes[13] == 0x3A,
            let hour = number(bytes[11..<13]), let minute = number(bytes[14..<16]), hour < 24, minute < 60
        else { return nil }
        var rest = bytes[16...]
        var second: Int64 = 0
        if rest.first == 0x3A, rest.count >= 3, let value = number(rest.dropFirst().prefix(2)), value < 60 {
            second = value
            rest = rest.dropFirst(3)
            if rest.first == 0x2E { rest = rest.dropFirst().drop { (0x30...0x39).contains($0) } }
        }
        while rest.first == 0x20 { rest = rest.dropFirst() }
        if rest.isEmpty { return local(day, hour, minute, second, zone) }
        let seconds = Int64(day.number) * 86_400 + hour * 3_600 + minute * 60 + second
        if rest.elementsEqual([0x5A]) || rest.elementsEqual([0x7A]) { return Timestamp(micros: seconds * 1_000_000) }
        guard let sign = rest.first, sign == 0x2B || sign == 0x2D else { return nil }
        let digits = rest.dropFirst().filter { $0 != 0x3A }
        guard digits.count == 4 || digits.count == 2, let h = number(digits.prefix(2)), h < 24 else { return nil }
        let m = digits.count == 4 ? number(digits.suffix(2)) : 0
        guard let m, m < 60 else { return nil }
        let offset = (h * 3_600 + m * 60) * (sign == 0x2B ? 1 : -1)
        return Timestamp(micros: (seconds - offset) * 1_000_000)
    }

    private static func number(_ digits: some Collection<UInt8>) -> Int64? {
        var value: Int64 = 0
        for digit in digits {
            guard (0x30...0x39).contains(digit) else { return nil }
            value = value * 10 + Int64(digit - 0x30)
        }
        return digits.isEmpty ? nil : value
    }

    private static func local(_ day: Day, _ hour: Int64, _ minute: Int64, _ second: Int64, _ zone: TimeZone)
        -> Timestamp?
    {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = zone
        let (year, month, dayOfMonth) = day.civil
        let parts = DateComponents(
            year: year, month: month, day: dayOfMonth, hour: Int(hour), minute: Int(minute), second: Int(second))
        return calendar.date(from: parts).map {
            Timestamp(micros: Int64($0.timeIntervalSince1970.rounded()) * 1_000_000)
        }
    }
}
