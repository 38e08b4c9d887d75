import AdModel

/// What the tables are computed from, in database ids.
public struct ShelfFacts: Sendable {
    /// What the catalogue says of a product.
    public struct Product: Sendable {
        public var id: Int32
        /// Products of one number are variants of one product; 0 = it has none.
        public var group: Int32
        /// 0 = unknown.
        public var brandID: Int32
        /// Its own category, the most special one; 0 = none.
        public var categoryID: Int32
        /// The category above that; 0 = none.
        public var parentCategoryID: Int32
        /// Shelf price, micro-roubles; 0 = unknown.
        public var price: Int64
        /// Hashes of the words of its name.
        public var words: Set<UInt32>

        public init(
            id: Int32, group: Int32 = 0, brandID: Int32 = 0, categoryID: Int32 = 0, parentCategoryID: Int32 = 0,
            price: Int64 = 0, words: Set<UInt32> = []
        ) {
            self.id = id
            self.group = group
            self.brandID = brandID
            self.categoryID = categoryID
            self.parentCategoryID = parentCategoryID
            self.price = price
            self.words = words
        }
    }

    /// What one shopper bought together, or looked at one after the other.
    public struct Basket: Sendable {
        public var at: Timestamp
        /// Without repetition.
        public var productIDs: [Int32]

        public init(at: Timestamp, productIDs: [Int32]) {
            self.at = at
            self.productIDs = productIDs
        }
    }

    public var products: [Product] = []
    /// Orders, oldest first.
    public var orders: [Basket] = []
    /// Products that one visitor viewed within one day, oldest first.
    public var views: [Basket] = []

    public init() {}

    /// Hashes of the words of a name that say what it is: letters only, small, `ё` as `е`, no more than the first five
    /// letters, so that forms of one word meet.
    public static func words(of name: String) -> Set<UInt32> {
        var found: Set<UInt32> = []
        for word in name.lowercased().split(whereSeparator: { !$0.isLetter }) where word.count > 2 {
            var hash: UInt32 = 0x811C_9DC5
            for letter in word.prefix(5) {
                let folded: Character = letter == "ё" ? "е" : letter
                for byte in String(folded).utf8 { hash = (hash ^ UInt32(byte)) &* 0x0100_0193 }
            }
            found.insert(hash)
        }
        return found
    }
}
