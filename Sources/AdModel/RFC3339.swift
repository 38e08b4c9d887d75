extension Timestamp {
    /// Parses an RFC 3339 instant (`2026-11-21T10:00:00.5+03:00`). A zone is required, a bare date is refused,
    /// digits after the sixth are cut. A leap second (`:60`) is refused.
    public init?(rfc3339 text: some StringProtocol) {
        var copy = String(text)
        let parsed = copy.withUTF8 { Timestamp(rfc3339: $0) }
        guard let parsed else { return nil }
        self = parsed
    }

    /// The same for raw bytes, without allocation.
    public init?(rfc3339 bytes: UnsafeBufferPointer<UInt8>) {
        guard bytes.count >= 20, bytes.count <= 64 else { return nil }
        func digits(_ start: Int, _ count: Int) -> Int? {
            var n = 0
            for i in start..<(start + count) {
                let digit = bytes[i] &- 0x30
                guard digit <= 9 else { return nil }
                n = n * 10 + Int(digit)
            }
            return n
        }
        guard let year = digits(0, 4), bytes[4] == 0x2D, let month = digits(5, 2), bytes[7] == 0x2D,
            let dayOfMonth = digits(8, 2), bytes[10] == 0x54 || bytes[10] == 0x74 || bytes[10] == 0x20,
            let hour = digits(11, 2), bytes[13] == 0x3A, let minute = digits(14, 2), bytes[16] == 0x3A,
            let second = digits(17, 2), hour < 24, minute < 60, second < 60,
            let day = Day(year: year, month: month, day: dayOfMonth)
        else { return nil }
        var i = 19
        var fraction: Int64 = 0
        if bytes[i] == 0x2E {
            i += 1
            let first = i
            var scale: Int64 = 100_000
            while i < bytes.count, bytes[i] &- 0x30 <= 9 {
                fraction += Int64(bytes[i] - 0x30) * scale
                scale /= 10
                i += 1
            }
            guard i > first else { return nil }
        }
        guard i < bytes.count else { return nil }
        var offsetMinutes: Int64 = 0
        switch bytes[i] {
        case 0x5A, 0x7A:
            guard i + 1 == bytes.count else { return nil }
        case 0x2B, 0x2D:
            guard i + 6 == bytes.count, let h = digits(i + 1, 2), bytes[i + 3] == 0x3A,
                let m = digits(i + 4, 2), h < 24, m < 60
            else { return nil }
            offsetMinutes = Int64(h * 60 + m) * (bytes[i] == 0x2B ? 1 : -1)
        default: return nil
        }
        let seconds = Int64(day.number) * 86_400 + Int64(hour * 3_600 + minute * 60 + second) - offsetMinutes * 60
        self.init(micros: seconds * 1_000_000 + fraction)
    }

    /// RFC 3339 in UTC; the fraction is left out when zero, else written with six digits.
    public var rfc3339: String {
        let day = utcDay
        let inDay = micros - day.utcStart.micros
        let second = inDay / 1_000_000
        let fraction = inDay % 1_000_000
        func two(_ n: Int64) -> String { n < 10 ? "0\(n)" : "\(n)" }
        var text = "\(day)T\(two(second / 3_600)):\(two(second / 60 % 60)):\(two(second % 60))"
        if fraction != 0 {
            let digits = String(fraction)
            text += "." + String(repeating: "0", count: 6 - digits.count) + digits
        }
        return text + "Z"
    }
}

extension Timestamp: CustomStringConvertible {
    /// RFC 3339, or PostgreSQL's words for the two ends of time, which have no date.
    public var description: String {
        micros == .min ? "-infinity" : micros == .max ? "infinity" : rfc3339
    }
}
