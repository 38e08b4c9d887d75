import AdModel
import Store

/// Gathers the texts of one offer and judges them when the element ends.
struct OfferBuilder {
    enum Field: Int, CaseIterable {
        case name, price, oldPrice, purchasePrice, url, picture, vendor, model, typePrefix, currency, count, category,
            param
    }

    private var texts = [String?](repeating: nil, count: Field.allCases.count)
    private var categories: [String] = []
    private var params: [(String, String)] = []
    private var id = ""
    private var groupID: String?
    private var available = true
    private var tooLong = false

    /// Elements of an offer that matter; the first of each counts, except categories and params.
    static let fields: [String: Field] = [
        "name": .name, "price": .price, "oldprice": .oldPrice,
        "purchase_price": .purchasePrice, "url": .url, "picture": .picture, "vendor": .vendor,
        "model": .model, "typePrefix": .typePrefix, "currencyId": .currency, "count": .count, "categoryId": .category,
        "param": .param,
    ]

    init(attributes: [String: String]) {
        id = OfferBuilder.trimmed(attributes["id"] ?? "")
        groupID = attributes["group_id"].map(OfferBuilder.trimmed).flatMap { $0.isEmpty ? nil : $0 }
        available = attributes["available"].map { OfferBuilder.trimmed($0).lowercased() != "false" } ?? true
        if id.utf8.count > FeedLimits.id || (groupID?.utf8.count ?? 0) > FeedLimits.id { tooLong = true }
    }

    static func trimmed(_ text: String) -> String {
        let bytes = text.utf8
        func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
        guard let first = bytes.firstIndex(where: { !isSpace($0) }), let last = bytes.lastIndex(where: { !isSpace($0) })
        else { return "" }
        return String(text[first...last])
    }

    mutating func add(_ field: Field, _ raw: String, name: String, overflow: Bool, _ tally: inout FeedTally) {
        if overflow {
            if field == .param { tally.remark(.paramsLeftOut) } else { tooLong = true }
            return
        }
        let text = OfferBuilder.trimmed(raw)
        guard !text.isEmpty else { return }
        switch field {
        case .category:
            if categories.count < FeedLimits.offerCategories { categories.append(text) }
        case .param:
            let key = OfferBuilder.trimmed(name)
            if params.count < FeedLimits.params, !key.isEmpty, key.utf8.count <= FeedLimits.id,
                !params.contains(where: { $0.0 == key })
            {
                params.append((key, text))
            } else {
                tally.remark(.paramsLeftOut)
            }
        default:
            if texts[field.rawValue] == nil { texts[field.rawValue] = text }
        }
    }

    private func text(_ field: Field) -> String? { texts[field.rawValue] }

    /// The offer, or the reason why there is none. Remarks are counted for offers that are taken only.
    func finish(_ tally: inout FeedTally) -> Result<CatalogueOffer, BadOfferError> {
        guard !id.isEmpty else { return .failure(.init(.missingID)) }
        guard !tooLong else { return .failure(.init(.tooLong)) }
        var name = text(.name)
        if name == nil {
            let parts = [text(.typePrefix), text(.vendor), text(.model)].compactMap { $0 }
            if text(.model) != nil { name = parts.joined(separator: " ") }
        }
        guard let name else { return .failure(.init(.missingName)) }
        guard let priceText = text(.price) else { return .failure(.init(.missingPrice)) }
        guard let price = OfferBuilder.price(priceText) else { return .failure(.init(.badNumber)) }
        var quantity: Int32 = available ? 1 : 0
        if let countText = text(.count) {
            guard let count = Int32(countText), (0...Int32(FeedLimits.count)).contains(count) else {
                return .failure(.init(.badNumber))
            }
            quantity = available ? count : 0
        } else {
            tally.remark(.countAbsent)
        }
        if price == 0, quantity > 0 {
            quantity = 0
            tally.remark(.zeroPriceAvailable)
        }
        var oldPrice: Int64?
        if let oldText = text(.oldPrice) {
            if let old = OfferBuilder.price(oldText), old > price {
                oldPrice = old
            } else {
                tally.remark(.badOldPrice)
            }
        }
        var purchasePrice: Int64?
        if let paidText = text(.purchasePrice) {
            purchasePrice = OfferBuilder.price(paidText)
            if purchasePrice == nil { tally.remark(.badPurchasePrice) }
        }
        if let currency = text(.currency), currency != "RUB", currency != "RUR" { tally.remark(.currencyNotConverted) }
        if text(.vendor) == nil { tally.remark(.vendorAbsent) }
        return .success(
            CatalogueOffer(
                sku: id, groupID: groupID, name: name, brand: text(.vendor), url: address(.url, &tally),
                pictureURL: address(.picture, &tally), categoryCodes: categories, attributesJSON: attributesJSON,
                quantity: quantity, priceMicros: price, oldPriceMicros: oldPrice, purchasePriceMicros: purchasePrice))
    }

    /// Exact decimal; a comma is a point, as in shops that write numbers the Russian way.
    private static func price(_ text: String) -> Int64? {
        let plain = text.utf8.contains(0x2C) ? text.replacing(",", with: ".") : text
        guard let micros = ExactDecimal.micros(plain), micros <= FeedLimits.priceMicros else { return nil }
        return micros
    }

    /// Only http and https: the address ends up in a link on the shop's page.
    private func address(_ field: Field, _ tally: inout FeedTally) -> String? {
        guard let text = text(field) else { return nil }
        let start = text.prefix(8).lowercased()
        guard start.hasPrefix("https://") || start.hasPrefix("http://"),
            !text.utf8.contains(where: { $0 <= 0x20 || $0 == 0x22 || $0 == 0x3C || $0 == 0x3E || $0 == 0x5C })
        else {
            tally.remark(.badURL)
            return nil
        }
        return text
    }

    private var attributesJSON: String {
        guard !params.isEmpty else { return "{}" }
        return "{" + params.map { "\(JSONText.quoted($0.0)):\(JSONText.quoted($0.1))" }.joined(separator: ",") + "}"
    }
}

/// Wraps the reason so that it can travel in a `Result`.
struct BadOfferError: Error {
    let reason: BadOffer
    init(_ reason: BadOffer) { self.reason = reason }
}

/// Counts of one feed.
public struct FeedTally: Sendable, Equatable {
    /// Offers seen, good and bad.
    public internal(set) var offers = 0
    public internal(set) var bad: [String: Int] = [:]
    public internal(set) var remarks: [String: Int] = [:]

    mutating func skip(_ reason: BadOffer) { bad[reason.rawValue, default: 0] += 1 }
    mutating func remark(_ remark: FeedRemark) { remarks[remark.rawValue, default: 0] += 1 }
}

/// JSON strings for the attributes of a product.
enum JSONText {
    static func quoted(_ text: String) -> String {
        var out = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\u{0}"..<"\u{20}": out += " "
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out + "\""
    }
}
