import AdModel

/// What a served ad carries through the browser and back, opened. The wire form is authenticated and its price
/// is sealed (`AdTokenCodec`); nobody outside can build or read one without the key.
public struct AdToken: Equatable, Sendable {
    /// Most products that a token can bind.
    public static let productLimit = 16

    public var decisionID: DecisionID
    public var storefrontID: Int32
    public var placementID: Int32
    public var lineItemID: Int32
    public var campaignID: Int32
    public var advertiserID: Int32
    public var creativeVersionID: Int32
    /// Index of the ad in the decision, unique over its slots.
    public var ad: UInt8
    /// Position of the ad inside its slot, from 0.
    public var position: UInt8
    public var pricing: Pricing
    /// What one impression (cpm) or one click (cpc) costs; sealed on the wire.
    public var price: Micros
    /// Keyed 64-bit hash of the visitor id the decision was made for; 0 without consent or id.
    public var shopperHash: UInt64
    /// Products shown, in card order; empty for an ad without products.
    public var productIDs: [Int32]

    public init(
        decisionID: DecisionID, storefrontID: Int32, placementID: Int32, lineItemID: Int32, campaignID: Int32,
        advertiserID: Int32, creativeVersionID: Int32, ad: UInt8, position: UInt8, pricing: Pricing,
        price: Micros, shopperHash: UInt64, productIDs: [Int32]
    ) {
        self.decisionID = decisionID
        self.storefrontID = storefrontID
        self.placementID = placementID
        self.lineItemID = lineItemID
        self.campaignID = campaignID
        self.advertiserID = advertiserID
        self.creativeVersionID = creativeVersionID
        self.ad = ad
        self.position = position
        self.pricing = pricing
        self.price = price
        self.shopperHash = shopperHash
        self.productIDs = productIDs
    }
}
