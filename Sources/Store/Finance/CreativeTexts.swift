import Foundation

/// What a creative says, for the operator (R11): its title, its other words, and in a shelf the names of its products.
enum CreativeTexts {
    /// - Parameters:
    ///   - fieldsJSON: the creative's fields.
    ///   - showsProducts: whether the format has cards.
    ///   - products: names of the promoted products, in the order of the operator's texts.
    static func texts(fieldsJSON: String, showsProducts: Bool, products: [String]) -> [String] {
        var texts: [String] = []
        let parsed = try? JSONSerialization.jsonObject(with: Data(fieldsJSON.utf8))
        if let fields = parsed as? [String: Any] {
            let keys = fields.keys.sorted { a, b in
                (a == "title") != (b == "title") ? a == "title" : a.utf8.lexicographicallyPrecedes(b.utf8)
            }
            for key in keys {
                guard let text = fields[key] as? String, isWording(key, text) else { continue }
                texts.append(text)
            }
        }
        if showsProducts { texts += products }
        return unique(texts)
    }

    /// Do creatives of the format show the promoted products?
    /// - Parameter cards: most cards of the format, noted with the version; nil for versions from before that was noted,
    ///   when the formats that ship with the program were the only ones, and their names told.
    static func showsProducts(cards: Int16?, format: String) -> Bool {
        cards.map { $0 > 0 } ?? (format.contains("shelf") || format.contains("product"))
    }

    /// Without repetitions; the first one stays.
    static func unique(_ values: [String]) -> [String] {
        var seen: Set<String> = []
        return values.filter { seen.insert($0).inserted }
    }

    /// Addresses, colours and names of pictures are not words that a shopper reads.
    private static func isWording(_ key: String, _ text: String) -> Bool {
        let trimmed = text.trimmingCharacters(in: .whitespacesAndNewlines)
        if trimmed.isEmpty || trimmed.contains("://") || trimmed.hasPrefix("#") || trimmed.hasPrefix("/") {
            return false
        }
        return !["picture", "image", "color", "colour", "url", "layout", "align", "theme", "algorithm"].contains {
            key.lowercased().contains($0)
        }
    }
}
