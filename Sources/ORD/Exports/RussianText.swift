import AdModel

/// Numbers, dates and sums as Russian papers write them.
public enum RussianText {
    /// `31 марта 2026 г.`
    public static func date(_ day: Day) -> String {
        let (year, month, number) = day.civil
        return "\(number) \(genitive[month - 1]) \(year) г."
    }

    /// `31.03.2026`
    public static func shortDate(_ day: Day) -> String {
        let parts = day.description.split(separator: "-")
        return parts.reversed().joined(separator: ".")
    }

    /// `март 2026 г.`
    public static func month(_ month: AccountingMonth) -> String { "\(nominative[month.month - 1]) \(month.year) г." }

    /// `1 234 567,80`: groups of three, a comma before the decimals. The spaces do not break.
    public static func amount(_ amount: KopeckAmount) -> String { grouped(amount.description) }

    /// The same with five decimals.
    public static func amount(_ amount: Decimal5) -> String { grouped(amount.description) }

    /// The same, exact to the micro-rouble.
    public static func amount(_ amount: Micros) -> String { grouped(DecimalText.format(amount.value, decimals: 6)) }

    /// The price without zeros at its end, but with two decimals at least.
    public static func price(_ price: UnitPrice) -> String { grouped(DecimalText.trimmed(price.description)) }

    /// `1 234 567`
    public static func count(_ count: Int64) -> String { grouped(String(count)) }

    /// `22 %`, `без НДС`.
    public static func rate(_ rate: VATRate) -> String { rate == .withoutVAT ? "без НДС" : "\(rate.percent) %" }

    /// One of three forms by number: 1 рубль, 2 рубля, 5 рублей.
    public static func plural(_ count: Int64, _ one: String, _ few: String, _ many: String) -> String {
        let last = count.magnitude % 100
        if (11...14).contains(last) { return many }
        switch last % 10 {
        case 1: return one
        case 2, 3, 4: return few
        default: return many
        }
    }

    /// A sum in words: `Двенадцать тысяч сто девяносто восемь рублей 78 копеек`.
    /// - Parameters:
    ///   - amount: not negative.
    ///   - kopecksInWords: `семьдесят восемь копеек` instead of digits.
    public static func words(_ amount: KopeckAmount, kopecksInWords: Bool = false) -> String {
        let roubles = amount.kopecks / 100
        let kopecks = amount.kopecks % 100
        let whole = words(roubles, feminine: false)
        let text =
            whole.prefix(1).uppercased() + whole.dropFirst() + " " + plural(roubles, "рубль", "рубля", "рублей") + " "
            + (kopecksInWords ? words(kopecks, feminine: true) : (kopecks < 10 ? "0\(kopecks)" : "\(kopecks)")) + " "
            + plural(kopecks, "копейка", "копейки", "копеек")
        return text
    }

    /// A number in words, in lower case: `двадцать одна тысяча триста два`.
    /// - Parameters:
    ///   - number: not negative.
    ///   - feminine: for things like `копейка`: одна, две.
    public static func words(_ number: Int64, feminine: Bool) -> String {
        guard number > 0 else { return "ноль" }
        var parts: [String] = []
        var rest = number
        var power = 0
        while rest > 0 {
            let triple = Int(rest % 1_000)
            rest /= 1_000
            defer { power += 1 }
            guard triple > 0 else { continue }
            var words = under1000(triple, feminine: power == 0 ? feminine : power == 1)
            if power > 0 {
                let (one, few, many) = powers[power - 1]
                words.append(plural(Int64(triple), one, few, many))
            }
            parts.insert(words.joined(separator: " "), at: 0)
        }
        return parts.joined(separator: " ")
    }

    private static func under1000(_ number: Int, feminine: Bool) -> [String] {
        var words: [String] = []
        if number >= 100 { words.append(hundreds[number / 100 - 1]) }
        let rest = number % 100
        if (10...19).contains(rest) {
            words.append(teens[rest - 10])
            return words
        }
        if rest >= 20 { words.append(tens[rest / 10 - 2]) }
        if rest % 10 > 0 { words.append((feminine ? unitsFeminine : units)[rest % 10 - 1]) }
        return words
    }

    private static func grouped(_ text: String) -> String {
        let isNegative = text.hasPrefix("-")
        let parts = text.drop { $0 == "-" }.split(separator: ".")
        var whole = ""
        for (place, digit) in (parts.first ?? "0").reversed().enumerated() {
            if place > 0, place % 3 == 0 { whole.insert("\u{A0}", at: whole.startIndex) }
            whole.insert(digit, at: whole.startIndex)
        }
        return (isNegative ? "−" : "") + whole + (parts.count > 1 ? ",\(parts[1])" : "")
    }

    private static let nominative = [
        "январь", "февраль", "март", "апрель", "май", "июнь", "июль", "август", "сентябрь", "октябрь", "ноябрь",
        "декабрь",
    ]
    private static let genitive = [
        "января", "февраля", "марта", "апреля", "мая", "июня", "июля", "августа", "сентября", "октября", "ноября",
        "декабря",
    ]
    private static let units = ["один", "два", "три", "четыре", "пять", "шесть", "семь", "восемь", "девять"]
    private static let unitsFeminine = ["одна", "две"] + units.dropFirst(2)
    private static let teens = [
        "десять", "одиннадцать", "двенадцать", "тринадцать", "четырнадцать", "пятнадцать", "шестнадцать", "семнадцать",
        "восемнадцать", "девятнадцать",
    ]
    private static let tens = [
        "двадцать", "тридцать", "сорок", "пятьдесят", "шестьдесят", "семьдесят", "восемьдесят", "девяносто",
    ]
    private static let hundreds = [
        "сто", "двести", "триста", "четыреста", "пятьсот", "шестьсот", "семьсот", "восемьсот", "девятьсот",
    ]
    private static let powers = [
        ("тысяча", "тысячи", "тысяч"), ("миллион", "миллиона", "миллионов"), ("миллиард", "миллиарда", "миллиардов"),
        ("триллион", "триллиона", "триллионов"), ("квадриллион", "квадриллиона", "квадриллионов"),
        ("квинтиллион", "квинтиллиона", "квинтиллионов"),
    ]
}
