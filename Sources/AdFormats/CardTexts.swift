/// What cards show beside their raw values: prices as people write them.
enum CardTexts {
    /// The ad with `card`, `price_text`, `old_price_text` and `discount_text` in each of its products.
    static func added(to ad: FieldValue) -> FieldValue {
        guard var members = ad.object, let products = members["products"]?.array else { return ad }
        members["products"] = .array(
            products.enumerated().map { index, product in
                guard var card = product.object else { return product }
                card["card"] = .integer(Int64(index))
                let price = kopecks(card["price_micros"], card["price"])
                if let price { card["price_text"] = .string(roubles(price)) }
                if let price, let old = kopecks(card["old_price_micros"], card["old_price"]), old > price {
                    card["old_price_text"] = .string(roubles(old))
                    // Rounded down: a discount is never announced higher than it is.
                    let percent = (old - price) * 100 / old
                    if percent > 0 { card["discount_text"] = .string("\u{2212}\(percent)\u{A0}%") }
                }
                return .object(card)
            })
        return .object(members)
    }

    /// `1 234,56 ₽`, and `1 234 ₽` for whole roubles; groups by a narrow space, never broken across lines.
    static func roubles(_ kopecks: Int64) -> String {
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

    /// From micro-roubles, else from a decimal text such as `1290.00`; nil when neither is a price above zero.
    private static func kopecks(_ micros: FieldValue?, _ decimal: FieldValue?) -> Int64? {
        if let micros = micros?.int { return micros > 0 ? (Int64(micros) + 5_000) / 10_000 : nil }
        guard let text = decimal?.string else { return nil }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count <= 2, let roubles = Int64(parts[0]), (0...1_000_000_000).contains(roubles) else { return nil }
        let fraction = parts.count == 2 ? (String(parts[1]) + "00").prefix(2) : "00"
        guard let rest = Int64(fraction), rest >= 0 else { return nil }
        let price = roubles * 100 + rest
        return price > 0 ? price : nil
    }
}
