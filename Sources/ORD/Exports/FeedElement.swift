/// A product card of a shelf. For VK it is a text and a picture of one creative; for operators with feeds it is an
/// element of the container that carries the erid (R11).
public struct FeedElement: Hashable, Codable, Sendable {
    public var sku: String
    /// Name of the product.
    public var name: String
    public var url: String?
    /// External ids of media, `md-<32 hex>`.
    public var mediaIDs: [String]

    public init(sku: String, name: String, url: String? = nil, mediaIDs: [String] = []) {
        self.sku = sku
        self.name = name
        self.url = url
        self.mediaIDs = mediaIDs
    }
}
