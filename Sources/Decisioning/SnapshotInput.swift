import AdModel
import ClickModel
import Profiles
import Shelves

/// What a snapshot is built from: plain values that mirror the tables. Ids are database ids (> 0).
public struct SnapshotInput: Equatable, Sendable {
    /// Control version that the values were read at.
    public var version: Int64
    /// Stock older than this does not prove that something can be bought.
    public var stockMaxAge: Timestamp.Span = .hours(24)
    public var storefronts: [Storefront] = []
    public var locations: [Location] = []
    public var placements: [Placement] = []
    public var categories: [Category] = []
    public var brands: [Brand] = []
    /// Products known to serving: at least every promoted one; the others give a page's product its category and
    /// brand and may be left out.
    public var products: PieceArray<Product> = []
    public var formats: [Format] = []
    /// Audiences that line items may be aimed at; their indices are what `DecisionRequest.audiences` names.
    public var audiences: [Audience] = []
    public var advertisers: [Advertiser] = []
    public var lineItems: PieceArray<LineItem> = []
    /// Expects clicks; nil = by the priors of formats and creatives alone.
    public var clickWeights: ClickWeights?

    public init(version: Int64) { self.version = version }

    public struct Storefront: Equatable, Sendable {
        public var id: Int32
        public var code: String
        public var defaultLocationID: Int32?

        public init(id: Int32, code: String, defaultLocationID: Int32? = nil) {
            self.id = id
            self.code = code
            self.defaultLocationID = defaultLocationID
        }
    }

    public struct Location: Equatable, Sendable {
        public var id: Int32
        public var code: String
        /// Regions whose shoppers are served from here.
        public var regionCodes: [String]

        public init(id: Int32, code: String, regionCodes: [String] = []) {
            self.id = id
            self.code = code
            self.regionCodes = regionCodes
        }
    }

    public struct Placement: Equatable, Sendable {
        public var id: Int32
        public var storefrontID: Int32
        public var code: String
        public var pageType: PageType
        /// Names of the formats it accepts.
        public var formats: [String]
        /// 1...16.
        public var maxAds: Int
        public var rank: Int32
        /// Per 1,000 impressions.
        public var floor: Micros
        public var repeatAdvertiser: Bool
        public var repeatBrand: Bool
        /// What rivals of the page's brand may show here.
        public var competitorBlock: CompetitorBlock
        /// How its shelves are filled where the line item does not say.
        public var shelf: ShelfPlan?
        /// How much the shop's own margin counts here, 0...1: a score is multiplied by 1 + weight x margin.
        public var marginWeight: Double = 0

        public init(
            id: Int32, storefrontID: Int32, code: String, pageType: PageType, formats: [String], maxAds: Int = 1,
            rank: Int32 = 100, floor: Micros = .zero, repeatAdvertiser: Bool = true, repeatBrand: Bool = true,
            competitorBlock: CompetitorBlock = .none, shelf: ShelfPlan? = nil
        ) {
            self.id = id
            self.storefrontID = storefrontID
            self.code = code
            self.pageType = pageType
            self.formats = formats
            self.maxAds = maxAds
            self.rank = rank
            self.floor = floor
            self.repeatAdvertiser = repeatAdvertiser
            self.repeatBrand = repeatBrand
            self.competitorBlock = competitorBlock
            self.shelf = shelf
        }
    }

    public struct Category: Equatable, Sendable {
        public var id: Int32
        public var code: String
        public var parentID: Int32?

        public init(id: Int32, code: String, parentID: Int32? = nil) {
            self.id = id
            self.code = code
            self.parentID = parentID
        }
    }

    public struct Brand: Equatable, Sendable {
        public var id: Int32
        public var code: String
        /// What rivals may show on the pages of the brand's products.
        public var competitorBlock: CompetitorBlock

        public init(id: Int32, code: String, competitorBlock: CompetitorBlock = .none) {
            self.id = id
            self.code = code
            self.competitorBlock = competitorBlock
        }
    }

    /// A group of shoppers.
    public struct Audience: Equatable, Sendable {
        public var id: Int32
        public var code: String

        public init(id: Int32, code: String) {
            self.id = id
            self.code = code
        }
    }

    public struct Product: Equatable, Sendable {
        public var id: Int32
        public var sku: String
        public var brandID: Int32?
        public var categoryIDs: [Int32]
        /// What the answer says of the product, rendered by the loader; opaque here.
        public var fragment: [UInt8]
        /// Shelf price; nil = unknown. Only its level counts, as a feature of click prediction.
        public var price: Micros?
        /// Part of the price that the shop keeps, 0...1.
        public var margin: Double = 0

        public init(id: Int32, sku: String, brandID: Int32? = nil, categoryIDs: [Int32] = [], fragment: [UInt8] = []) {
            self.id = id
            self.sku = sku
            self.brandID = brandID
            self.categoryIDs = categoryIDs
            self.fragment = fragment
        }
    }

    /// An ad format as decisions see it.
    public struct Format: Equatable, Sendable {
        public var name: String
        /// Fewest and most product cards; 0 and 0 for a format without cards. At most 16.
        public var minimumCards: Int
        public var maximumCards: Int
        /// Click-through rate assumed of a creative that has none of its own, 0 < p < 1.
        public var priorCTR: Double

        public init(name: String, minimumCards: Int = 0, maximumCards: Int = 0, priorCTR: Double = 0.01) {
            self.name = name
            self.minimumCards = minimumCards
            self.maximumCards = maximumCards
            self.priorCTR = priorCTR
        }
    }

    public struct Advertiser: Hashable, Sendable {
        public var id: Int32
        /// Caps over all of the advertiser's line items.
        public var caps: CapLimits

        public init(id: Int32, caps: CapLimits = .none) {
            self.id = id
            self.caps = caps
        }
    }

    public struct LineItem: Equatable, Sendable {
        public var id: Int32
        public var campaignID: Int32
        public var advertiserID: Int32
        public var tier: Tier = .auction
        public var pricing: Pricing = .cpm
        /// cpm: per 1,000 impressions; cpc: per click; fixed: the whole flight.
        public var bid: Micros = .zero
        /// Impressions expected of a `fixed` line item: its bid divided by them is what one is worth.
        public var expectedImpressions: Int64 = 1_000_000
        /// Line item or campaign paused.
        public var isPaused = false
        /// Campaign approved by the retailer.
        public var isApproved = true
        public var hasKKTU = true
        public var startsAt = Timestamp(micros: .min)
        public var endsAt = Timestamp(micros: .max)
        /// False for what costs nothing per impression or click (`fixed`, house).
        public var needsLease = false
        public var isPacedEvenly = false
        public var caps: CapLimits = .none
        public var targeting = Targeting()
        /// Impressions after which it stops; nil = no goal.
        public var goalImpressions: Int64?
        /// Shown on a page together with the campaign's other line items, or not at all.
        public var isCompanion = false
        /// Shoppers who must not see the campaign; nil = everybody may.
        public var holdout: Holdout?
        /// Promoted products in order of preference; empty = the line item promotes none in particular.
        public var promotedProductIDs: [Int32] = []
        /// How its shelf is filled; nil = as the placement says, else in the order of the list.
        public var shelf: ShelfPlan?
        public var creatives: [Creative] = []

        public init(id: Int32, campaignID: Int32, advertiserID: Int32) {
            self.id = id
            self.campaignID = campaignID
            self.advertiserID = advertiserID
        }
    }

    /// One creative version.
    public struct Creative: Equatable, Sendable {
        public var versionID: Int32
        /// Name of its format.
        public var format: String
        /// Approved, and its erid is there.
        public var isServable: Bool
        /// Click-through rate of this creative, 0 < p < 1; nil = the format's.
        public var priorCTR: Double?
        /// What the answer says of the creative, rendered by the loader; opaque here.
        public var fragment: [UInt8]
        /// Anything that the loader wants back with a decision, such as an index into its own table.
        public var payload: Int32

        public init(
            versionID: Int32, format: String, isServable: Bool = true, priorCTR: Double? = nil,
            fragment: [UInt8] = [], payload: Int32 = 0
        ) {
            self.versionID = versionID
            self.format = format
            self.isServable = isServable
            self.priorCTR = priorCTR
            self.fragment = fragment
            self.payload = payload
        }
    }
}
