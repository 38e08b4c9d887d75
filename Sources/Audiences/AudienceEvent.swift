import AdModel

/// Something a shopper did, in the terms that audiences filter by.
public struct AudienceEvent: Sendable {
    /// A product that the event was about.
    public struct Item: Sendable {
        /// `TextKey` of its SKU; 0 = none.
        public var sku: UInt64
        /// Database id; 0 = none.
        public var brandID: Int32
        /// Database ids, with all categories above.
        public var categoryIDs: [Int32]

        public init(sku: UInt64 = 0, brandID: Int32 = 0, categoryIDs: [Int32] = []) {
            self.sku = sku
            self.brandID = brandID
            self.categoryIDs = categoryIDs
        }
    }

    public var type: AudienceEventType
    public var items: [Item] = []
    /// `TextKey`s of the normalised words of a search.
    public var words: [UInt64] = []
    /// Of an ad; 0 = none.
    public var advertiserID: Int32 = 0
    public var campaignID: Int32 = 0
    /// `TextKey` of the creative's public id.
    public var creative: UInt64 = 0

    public init(type: AudienceEventType) { self.type = type }
}

/// Filters of counted events in ids of the database; nil = everything passes.
public struct EventFilter: Sendable {
    /// `TextKey`s.
    public var skus: Set<UInt64>?
    public var brandIDs: Set<Int32>?
    /// With all categories below.
    public var categoryIDs: Set<Int32>?
    /// `TextKey`s of the words of each phrase.
    public var phrases: [[UInt64]]?
    public var advertiserIDs: Set<Int32>?
    public var campaignIDs: Set<Int32>?
    public var creatives: Set<UInt64>?

    public init() {}

    public func passes(_ event: AudienceEvent) -> Bool {
        if let advertiserIDs, !advertiserIDs.contains(event.advertiserID) { return false }
        if let campaignIDs, !campaignIDs.contains(event.campaignID) { return false }
        if let creatives, !creatives.contains(event.creative) { return false }
        if let phrases, !phrases.contains(where: { $0.allSatisfy(event.words.contains) }) { return false }
        if skus == nil, brandIDs == nil, categoryIDs == nil { return true }
        return event.items.contains { item in
            if let skus, !skus.contains(item.sku) { return false }
            if let brandIDs, !brandIDs.contains(item.brandID) { return false }
            if let categoryIDs, !item.categoryIDs.contains(where: categoryIDs.contains) { return false }
            return true
        }
    }
}

/// What facts are made of. Keys are keyed hashes of the shop's ids; 0 = nobody.
public enum AudienceAction: Sendable {
    case event(AudienceEvent, visitor: UInt64, at: Timestamp)
    /// An order with all its products; a customer's when it names one, else the visitor's.
    case order(items: [AudienceEvent.Item], spend: Micros, visitor: UInt64, customer: UInt64, at: Timestamp)
    case link(visitor: UInt64, customer: UInt64, at: Timestamp)
}
