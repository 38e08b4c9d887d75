/// What a shopper wants to buy. It lives in his own cookie.
public struct Cart: Sendable, Equatable {
    /// Different products in one cart; more are not taken.
    public static let lineLimit = 30
    /// Pieces of one product.
    public static let unitLimit = 99

    public struct Line: Sendable, Equatable {
        public var sku: String
        public var units: Int
    }

    /// A line with what it costs in a region.
    public struct Priced: Sendable, Equatable {
        public var product: ShopProduct
        public var units: Int
        public var offer: ShopOffer
        /// With VAT, micro-roubles.
        public var totalMicros: Int64 { offer.priceMicros * Int64(units) }
    }

    public private(set) var lines: [Line] = []

    public init() {}

    /// Reads what `text` has written; anything else is an empty cart or lacks the broken lines.
    public init(text: String) {
        for part in text.split(separator: "!").prefix(Self.lineLimit) {
            guard let mark = part.lastIndex(of: "*"), let units = Int(part[part.index(after: mark)...]),
                let sku = Self.decoded(part[..<mark]), !sku.isEmpty, (1...Self.unitLimit).contains(units),
                !lines.contains(where: { $0.sku == sku })
            else { continue }
            lines.append(Line(sku: sku, units: units))
        }
    }

    /// In characters that a cookie may hold.
    public var text: String { lines.map { Self.encoded($0.sku) + "*\($0.units)" }.joined(separator: "!") }

    public var units: Int { lines.reduce(0) { $0 + $1.units } }

    /// More of a product, at most `unitLimit` in all.
    public mutating func add(_ sku: String, units: Int = 1) {
        set(sku, units: (lines.first { $0.sku == sku }?.units ?? 0) + max(1, min(units, Self.unitLimit)))
    }

    /// Exactly so many of a product; none takes it out.
    public mutating func set(_ sku: String, units: Int) {
        let units = min(max(units, 0), Self.unitLimit)
        if let index = lines.firstIndex(where: { $0.sku == sku }) {
            if units == 0 { lines.remove(at: index) } else { lines[index].units = units }
        } else if units > 0, lines.count < Self.lineLimit {
            lines.append(Line(sku: sku, units: units))
        }
    }

    /// What can be bought in a region, and the products that cannot.
    public func priced(_ catalogue: ShopCatalogue, location: String) -> (lines: [Priced], missing: [ShopProduct]) {
        var priced: [Priced] = []
        var missing: [ShopProduct] = []
        for line in lines {
            guard let product = catalogue.products[line.sku] else { continue }
            if let offer = product.offers[location], offer.isBuyable {
                priced.append(Priced(product: product, units: line.units, offer: offer))
            } else {
                missing.append(product)
            }
        }
        return (priced, missing)
    }

    private static let safe = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._".utf8)
    private static let digits = Array("0123456789ABCDEF")

    private static func encoded(_ sku: String) -> String {
        var text = ""
        for byte in sku.utf8 {
            if safe.contains(byte) {
                text.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                text.append("%")
                text.append(digits[Int(byte >> 4)])
                text.append(digits[Int(byte & 15)])
            }
        }
        return text
    }

    private static func decoded(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2, let code = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
                return nil
            }
            bytes.append(code)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
