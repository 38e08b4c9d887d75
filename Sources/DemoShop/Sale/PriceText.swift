/// Money as a shopper reads it.
public enum PriceText {
    /// `1 234,56 ₽`, and `1 234 ₽` for whole roubles; rounded half up to kopecks, never broken across lines.
    public static func roubles(_ micros: Int64) -> String {
        let kopecks = (micros + 5_000) / 10_000
        let whole = String(kopecks / 100)
        var text = ""
        for (index, digit) in whole.enumerated() {
            if index > 0, (whole.count - index) % 3 == 0 { text.append("\u{202F}") }
            text.append(digit)
        }
        let rest = kopecks % 100
        if rest > 0 { text += (rest < 10 ? ",0" : ",") + String(rest) }
        return text + "\u{A0}\u{20BD}"
    }

    /// `1 товар`, `2 товара`, `5 товаров`.
    public static func count(_ number: Int, _ one: String, _ few: String, _ many: String) -> String {
        let form: String
        switch (number % 10, number % 100) {
        case (_, 11...14): form = many
        case (1, _): form = one
        case (2...4, _): form = few
        default: form = many
        }
        return "\(number)\u{A0}\(form)"
    }
}
