/// What a line item promotes, as written: the SKUs by name, and the products that satisfy everything else that is
/// given (categories with their subtrees, brands, words of the name, price).
public struct PromotedRule: Sendable, Equatable {
    /// Named SKUs, categories or brands of one rule.
    public static let listLimit = 5_000
    /// Words of the name.
    public static let wordLimit = 20

    public var skus: [String] = []
    public var categories: [String] = []
    public var brands: [String] = []
    /// All of them must be in the product's name, in any case, `ё` as `е`.
    public var nameWords: [String] = []
    /// Shelf price (with VAT, as shown) in any location: at least, at most.
    public var priceFromMicros: Int64?
    public var priceToMicros: Int64?

    public init(skus: [String] = [], categories: [String] = [], brands: [String] = []) {
        self.skus = skus
        self.categories = categories
        self.brands = brands
    }

    /// Whether it says nothing beside the named SKUs.
    public var isListOnly: Bool {
        categories.isEmpty && brands.isEmpty && nameWords.isEmpty && priceFromMicros == nil && priceToMicros == nil
    }

    public var isEmpty: Bool { skus.isEmpty && isListOnly }

    /// As stored in `line_item.promoted`; what is not given beyond the three lists is left out.
    public var json: String {
        var text =
            "{\"skus\":\(JSONFragment.array(skus)),\"categories\":\(JSONFragment.array(categories)),"
            + "\"brands\":\(JSONFragment.array(brands))"
        if !nameWords.isEmpty { text += ",\"name_words\":\(JSONFragment.array(nameWords))" }
        if let priceFromMicros { text += ",\"price_from_micros\":\(priceFromMicros)" }
        if let priceToMicros { text += ",\"price_to_micros\":\(priceToMicros)" }
        return text + "}"
    }

    /// Columns of `line_item` that `read` wants.
    static let columns = """
        array(select jsonb_array_elements_text(coalesce(l.promoted->'skus', '[]'))) as promoted_skus,
        array(select jsonb_array_elements_text(coalesce(l.promoted->'categories', '[]'))) as promoted_categories,
        array(select jsonb_array_elements_text(coalesce(l.promoted->'brands', '[]'))) as promoted_brands,
        array(select jsonb_array_elements_text(coalesce(l.promoted->'name_words', '[]'))) as promoted_words,
        (l.promoted->>'price_from_micros')::bigint as promoted_price_from,
        (l.promoted->>'price_to_micros')::bigint as promoted_price_to
        """
}
