import AdModel

// The typed tree of a seed file. `path` and `line` say where each part stands, for problems that only the
// database can show. The meaning of every key is documented in the seed manual (`nimb seed --help`).

/// Where a part of the file stands.
public struct SeedPlace: Sendable {
    public var path: String
    public var line: Int?
}

/// A whole seed file.
public struct SeedFile: Sendable {
    public var retailer: SeedRetailer
    public var counterparties: [SeedCounterparty] = []
    public var locations: [SeedLocation] = []
    public var storefronts: [SeedStorefront] = []
    public var brands: [SeedBrand] = []
    public var advertisers: [SeedAdvertiser] = []
    public var contracts: [SeedContract] = []
    public var campaigns: [SeedCampaign] = []
    public var keys: [SeedKey] = []
}

public struct SeedRetailer: Sendable {
    public var place: SeedPlace
    public var code: String
    public var name: String
    public var counterparty: String
    public var zone: String
    public var impressionDeadlineSeconds: Int64
    public var clickDeadlineSeconds: Int64
    public var stockMaxAgeSeconds: Int64
}

/// A legal person of the advertising market. `inn` and `kpp` are checked by `SeedRules.counterparty`.
public struct SeedCounterparty: Sendable {
    public var place: SeedPlace
    public var code: String
    public var kind: String
    public var name: String
    public var inn: String?
    public var kpp: String?
    public var phone: String?
    public var foreignINN: String?
    public var foreignRegistrationNumber: String?
    public var foreignPaymentMethod: String?
    public var foreignCountryCode: String?
    public var roles: [String]
    public var rsURL: String?
}

public struct SeedLocation: Sendable {
    public var place: SeedPlace
    public var code: String
    public var name: String
    public var regions: [String]
}

public struct SeedStorefront: Sendable {
    public var place: SeedPlace
    public var code: String
    public var name: String
    public var url: String
    public var kind: String
    public var zone: String
    public var defaultLocation: String?
    public var landingHosts: [String]
    public var placements: [SeedPlacement]
}

public struct SeedPlacement: Sendable {
    public var place: SeedPlace
    public var code: String
    public var pageType: String
    public var formats: [String]
    public var maxAds: Int
    public var rank: Int
    public var floorMicros: Int64
    public var repeatAdvertiser: Bool
    public var repeatBrand: Bool
}

/// A span of validity; nil = open.
public struct SeedValidity: Sendable, Hashable {
    public var from: Timestamp?
    public var to: Timestamp?
}

public struct SeedBrand: Sendable {
    public struct Alias: Sendable {
        public var place: SeedPlace
        public var alias: String
        public var validity: SeedValidity
    }
    public var place: SeedPlace
    public var code: String
    public var name: String
    public var aliases: [Alias]
}

public struct SeedAdvertiser: Sendable {
    public struct TopUp: Sendable {
        public var place: SeedPlace
        public var reference: String
        public var amountMicros: Int64
    }
    public struct Grant: Sendable {
        public var place: SeedPlace
        public var brand: String
        public var validity: SeedValidity
    }
    public var place: SeedPlace
    public var code: String
    public var name: String
    public var counterparty: String
    public var creditLimitMicros: Int64
    public var topUps: [TopUp]
    public var grants: [Grant]
}

public struct SeedContract: Sendable {
    public var place: SeedPlace
    public var code: String
    public var advertiser: String
    public var serial: String?
    public var signedOn: Day
    public var endsOn: Day?
    public var subjectType: String
    public var amountKopecks: Int64?
    public var flags: [String]
    public var vatRate: String
    /// nil: the advertiser's own counterparty.
    public var client: String?
    /// nil: the retailer's counterparty.
    public var contractor: String?
}

public struct SeedCampaign: Sendable {
    public var place: SeedPlace
    public var code: String
    public var name: String
    public var advertiser: String
    public var contract: String
    public var kktu: String?
    public var state: String
    public var policy: String
    public var brands: [String]
    public var listedSKUs: [String]
    public var listedCategories: [String]
    public var lineItems: [SeedLineItem]
}

public struct SeedLineItem: Sendable {
    public var place: SeedPlace
    public var code: String
    public var name: String
    public var paused: Bool
    public var startsAt: Timestamp
    public var endsAt: Timestamp
    public var tier: String
    public var pricing: String
    public var bidMicros: Int64
    public var totalBudgetMicros: Int64?
    public var dailyBudgetMicros: Int64?
    public var pacing: String
    public var capsJSON: String
    public var targeting: SeedTargeting
    public var promoted: PromotedRule
    public var creatives: [SeedCreative]
}

/// A picture of a creative, decoded as far as its header.
public struct SeedPicture: Sendable {
    public var image: ImageHeader
    public var bytes: [UInt8]
    public var sha256: [UInt8]
}

public struct SeedCreative: Sendable {
    public var place: SeedPlace
    public var code: String
    public var format: String
    public var ordForm: String
    public var fieldsJSON: String
    public var landingURL: String
    public var pictures: [SeedPicture]
    public var approved: Bool
    public var erid: String?
    public var eridStatus: String?
}

public struct SeedKey: Sendable {
    public enum Owner: Sendable {
        case storefront(String)
        case advertiser(String)
        case retailer
    }
    public var place: SeedPlace
    public var code: String
    public var owner: Owner
    public var expiresAt: Timestamp?
    /// The secret, when the file takes it from the environment; nil = generated.
    public var secret: String?
}
