/// Exact decimals of feeds, statements and seed files.
public enum ExactDecimal {
    /// Micro-units of a plain decimal: digits, at most `places` (0...6) after the point, at most 12 before it, an
    /// optional minus when `signed`. Anything else (exponent, spaces, thousands separators, `.5`) is nil, so that
    /// money never passes through floating point.
    public static func micros(_ text: some StringProtocol, places: Int = 6, signed: Bool = false) -> Int64? {
        var bytes = Substring(text).utf8
        var negative = false
        if signed, bytes.first == 0x2D {
            negative = true
            bytes.removeFirst()
        }
        var whole: Int64 = 0
        var fraction: Int64 = 0
        var wholeDigits = 0
        var fractionDigits = -1
        for byte in bytes {
            if byte == 0x2E {
                guard fractionDigits < 0, wholeDigits > 0 else { return nil }
                fractionDigits = 0
                continue
            }
            guard (0x30...0x39).contains(byte) else { return nil }
            let digit = Int64(byte - 0x30)
            if fractionDigits < 0 {
                wholeDigits += 1
                guard wholeDigits <= 12 else { return nil }
                whole = whole * 10 + digit
            } else {
                fractionDigits += 1
                guard fractionDigits <= places else { return nil }
                fraction = fraction * 10 + digit
            }
        }
        guard wholeDigits > 0, fractionDigits != 0 else { return nil }
        for _ in max(fractionDigits, 0)..<6 { fraction *= 10 }
        let value = whole * 1_000_000 + fraction
        return negative ? -value : value
    }
}
