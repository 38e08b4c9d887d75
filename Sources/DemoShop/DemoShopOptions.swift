/// Where the demo shop listens, whom it calls and what it sells.
public struct DemoShopOptions: Sendable {
    /// A region that a shopper can choose: a stock location of the retailer.
    public struct Location: Sendable, Equatable {
        /// Code of the stock location, `msk`.
        public var code: String
        /// As a shopper reads it, `Москва`.
        public var name: String
        /// ISO 3166-2 code of where its shoppers are, `RU-MOW`: told to the ad server for targeting by region.
        public var region: String?

        public init(code: String, name: String, region: String? = nil) {
            self.code = code
            self.name = name
            self.region = region
        }
    }

    public var host: String
    /// 0 = any free port, told to the shop's `onRunning`.
    public var port: Int
    /// Name over the door.
    public var name: String
    /// Delivery listener as the browser sees it, `http://localhost:8080`: tag and ads. Orders are sent there, too.
    public var deliveryURL: String
    /// Media listener as the browser sees it: pictures of creatives.
    public var mediaURL: String
    /// Management listener as the shop's server sees it: the catalogue.
    public var managementURL: String
    /// Code of the storefront.
    public var storefront: String
    /// Reads the catalogue.
    public var retailerKey: String
    /// Sends orders.
    public var shopKey: String
    /// Regions to choose from, the default one first; empty = every stock location of the retailer.
    public var locations: [Location]
    /// Seconds between two readings of the catalogue.
    public var refreshSeconds: Int
    /// Folder of the YML feeds that the shop publishes under `/shop/feeds/`; nil = none.
    public var feeds: String?

    public init(
        host: String = "127.0.0.1", port: Int = 8083, name: String = "Полка", deliveryURL: String, mediaURL: String,
        managementURL: String, storefront: String = "shop", retailerKey: String, shopKey: String,
        locations: [Location] = [], refreshSeconds: Int = 60, feeds: String? = nil
    ) {
        self.host = host
        self.port = port
        self.name = name
        self.deliveryURL = deliveryURL
        self.mediaURL = mediaURL
        self.managementURL = managementURL
        self.storefront = storefront
        self.retailerKey = retailerKey
        self.shopKey = shopKey
        self.locations = locations
        self.refreshSeconds = refreshSeconds
        self.feeds = feeds
    }
}
