import Foundation

/// The word lists of the demo catalogue, as `Data/demo/catalogue-*.yaml` says them.
struct DemoWords {
    /// One word or phrase and how much dearer its products are, in hundredths.
    struct Kind {
        var text: String
        var factor: Int
    }

    /// A package and its price with an average brand, roubles. The text is empty when there is only one.
    struct Size {
        var text: String
        var roubles: Int
    }

    /// A category of the third level and what is sold there.
    struct Leaf {
        var id: String
        var name: String
        var kktu: String
        /// Word before the brand; nil when the kinds themselves are those words.
        var what: String?
        var brands: [String]
        var kinds: [Kind]
        var sizes: [Size]
        /// Variants of one product differ in the kind, not in the package.
        var groupsKinds: Bool
    }

    struct Second {
        var id: String
        var name: String
        var kktu: String
        var leaves: [Leaf]
    }

    struct Top {
        var id: String
        var name: String
        var seconds: [Second]
    }

    struct Brand {
        var id: String
        var name: String
        /// Other spellings, as real feeds have them.
        var aliases: [String]
        /// Hundredths of an average brand's prices.
        var level: Int
    }

    var tops: [Top] = []
    var brands: [String: Brand] = [:]

    var leaves: [Leaf] { tops.flatMap { $0.seconds.flatMap(\.leaves) } }

    /// Reads the lists that travel with the binary: the brands of `demo-shop.yaml`, their price levels and the tree.
    static func shipped() throws -> DemoWords {
        var words = DemoWords()
        let levels = try SeedRunner.read(DataFiles.url("demo/brand-levels.yaml"))
        for brand in try SeedRunner.read(DataFiles.url("demo-shop.yaml"))["brands"]?.items ?? [] {
            let id = brand["id"]?.text ?? ""
            words.brands[id] = Brand(
                id: id, name: brand["name"]?.text ?? id,
                aliases: (brand["aliases"]?.items ?? []).compactMap { $0.text ?? $0["alias"]?.text },
                level: try hundredths(levels[id]?.text ?? "1", in: "brand-levels.yaml"))
        }
        for part in ["food", "care", "home"] {
            let name = "catalogue-\(part).yaml"
            let tree = try SeedRunner.read(DataFiles.url("demo/\(name)"))
            words.tops += try (tree["categories"]?.items ?? []).map { try top($0, name) }
        }
        return words
    }

    private static func top(_ value: SeedValue, _ file: String) throws -> Top {
        Top(
            id: try text(value, "id", file), name: try text(value, "name", file),
            seconds: try (value["children"]?.items ?? []).map { try second($0, file) })
    }

    private static func second(_ value: SeedValue, _ file: String) throws -> Second {
        let kktu = try text(value, "kktu", file)
        return Second(
            id: try text(value, "id", file), name: try text(value, "name", file), kktu: kktu,
            leaves: try (value["children"]?.items ?? []).map { try leaf($0, kktu, file) })
    }

    private static func leaf(_ value: SeedValue, _ kktu: String, _ file: String) throws -> Leaf {
        guard let kinds = value["kinds"] ?? value["goods"], case .map(let sizes)? = value["sizes"]?.content else {
            throw SeedError(file: file, line: value.line, "needs kinds or goods, and sizes")
        }
        let name = try text(value, "name", file)
        return Leaf(
            id: try text(value, "id", file), name: name, kktu: value["kktu"]?.text ?? kktu,
            what: value["goods"] == nil ? value["what"]?.text ?? name : nil,
            brands: (value["brands"]?.items ?? []).compactMap(\.text),
            kinds: try kinds.items.map { try kind($0.text ?? "", file) },
            sizes: try sizes.map { size in
                guard let roubles = size.value.text.flatMap({ Int($0) }) else {
                    throw SeedError(file: file, line: size.value.line, "a size has no price in whole roubles")
                }
                return Size(text: size.key, roubles: roubles)
            },
            groupsKinds: value["group"]?.text == "kind")
    }

    private static func kind(_ text: String, _ file: String) throws -> Kind {
        guard let star = text.lastIndex(of: "*") else { return Kind(text: text, factor: 100) }
        return Kind(
            text: String(text[..<star]), factor: try hundredths(String(text[text.index(after: star)...]), in: file))
    }

    /// `1.25` is 125.
    private static func hundredths(_ text: String, in file: String) throws -> Int {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        let fraction = parts.count > 1 ? String(parts[1]) : ""
        guard parts.count <= 2, fraction.count <= 2, let whole = Int(parts[0]),
            let rest = Int(fraction + String(repeating: "0", count: 2 - fraction.count))
        else { throw SeedError(file: file, "“\(text)” is no factor like 1.25") }
        return whole * 100 + rest
    }

    private static func text(_ value: SeedValue, _ key: String, _ file: String) throws -> String {
        guard let text = value[key]?.text, !text.isEmpty else {
            throw SeedError(file: file, line: value.line, "needs \(key)")
        }
        return text
    }
}
