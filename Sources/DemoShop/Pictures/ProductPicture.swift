import Foundation

/// Pictures of products that nobody has photographed: drawn from the name, the same every time, as SVG.
public enum ProductPicture {
    /// An illustration of 400 x 400 units: the package that such a product usually has, in the brand's colours, with
    /// the brand and the name on its label. All text is escaped.
    /// - Parameters:
    ///   - name: the product's name, `Кофе в зёрнах «Зерносвет» Бразилия, 250 г`.
    ///   - brand: what stands large on the label; empty = the first words of the name do.
    ///   - category: name of the category; it decides where the name alone does not.
    ///   - hue: colour of the brand, 0..<360 degrees; other numbers wrap around.
    public static func svg(name: String, brand: String, category: String, hue: Int) -> String {
        let words = PictureWords(name: name, brand: brand)
        let seed = hash(name)
        var canvas = PictureCanvas(words: words, colours: PictureColours(hue: hue, seed: seed), seed: seed)
        PictureKind.of(title: words.title, category: category).draw(on: &canvas)
        return canvas.svg(title: name)
    }

    /// A colour that a brand keeps, 0..<360 degrees.
    public static func hue(of brand: String) -> Int { Int(hash(brand.lowercased()) % 360) }

    /// FNV-1a, the same on every machine and in every run.
    static func hash(_ text: String) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        // The low bits of neighbours differ little; callers take remainders.
        hash ^= hash >> 29
        hash = hash &* 0xBF58_476D_1CE4_E5B9
        return hash ^ (hash >> 32)
    }
}

/// What a label says: brand, what it is, how much of it.
struct PictureWords {
    let brand: String
    let title: String
    /// `250 г`; empty = the name tells none.
    let amount: String

    init(name: String, brand: String) {
        var rest = name
        var amount = ""
        // The part after the last comma is the amount when it begins with a digit.
        if let comma = rest.range(of: ", ", options: .backwards) {
            let tail = rest[comma.upperBound...].drop { $0 == " " }
            if tail.first?.isNumber == true, tail.count <= 12 {
                amount = String(tail)
                rest = String(rest[..<comma.lowerBound])
            }
        }
        if !brand.isEmpty {
            for spelling in ["«\(brand)»", "\"\(brand)\"", brand] {
                if let range = rest.range(of: spelling, options: .caseInsensitive) {
                    rest.removeSubrange(range)
                    break
                }
            }
        }
        let title = rest.split { $0 == " " || $0 == "\u{A0}" }.joined(separator: " ")
        self.amount = amount
        self.brand = brand.isEmpty ? title.split(separator: " ").prefix(2).joined(separator: " ") : brand
        self.title = title
    }

    /// The title in lines of about `width` characters.
    func lines(width: Int, limit: Int) -> [String] {
        var lines: [String] = []
        for word in title.split(separator: " ") {
            if let last = lines.last, last.count + 1 + word.count <= width {
                lines[lines.count - 1] = last + " " + word
            } else if lines.count == limit {
                lines[limit - 1] = String(lines[limit - 1].prefix(max(1, width - 1))) + "…"
                break
            } else {
                lines.append(word.count > width + 3 ? String(word.prefix(width + 1)) + "…" : String(word))
            }
        }
        return lines
    }
}
