import AdModel

/// A campaign of one advertiser under one contract.
public struct Campaign: Equatable, Sendable {
    public var id: Int32
    /// Public id, immutable.
    public var code: String
    public var advertiserID: Int32
    public var advertiser: String
    public var contractID: Int32
    public var contract: String
    public var name: String
    /// Third-level code of goods and services; needed to leave draft.
    public var kktu: String?
    public var state: CampaignState
    /// Approved or in moderation, and told to wait: it does not begin by itself.
    public var held: Bool
    /// Attribution policy in force.
    public var policy: String
    /// Credited products in force.
    public var credited: CreditedProducts
    /// Its line items are shown on a page together or not at all.
    public var companions: Bool
    /// First begin and last end of its line items that are not archived.
    public var startsAt: Timestamp?
    public var endsAt: Timestamp?
    /// Line items that are not archived.
    public var lineItems: Int
    /// What the moderator wants changed, while the campaign is rejected.
    public var feedback: String?
    public var createdAt: Timestamp
    public var revision: Int64
}

/// A campaign that is to be made.
public struct CampaignDraft: Sendable {
    public var code: String
    public var advertiserID: Int32
    /// nil: the advertiser's only contract that is in force.
    public var contract: String?
    public var name: String
    public var kktu: String?
    public var policy = "default@1"
    public var credited = CreditedProducts()
    public var companions = false

    public init(code: String, advertiserID: Int32, name: String) {
        self.code = code
        self.advertiserID = advertiserID
        self.name = name
    }
}

/// What a list of campaigns is narrowed to.
public struct CampaignFilter: Sendable {
    public var states: [CampaignState] = []
    /// Code of an advertiser.
    public var advertiser: String?
    /// Part of the name, or the beginning of the id.
    public var text: String?

    public init() {}
}

/// A change of state as it was recorded.
public struct CampaignTransition: Equatable, Sendable {
    public var id: Int64
    public var at: Timestamp
    public var from: CampaignState?
    public var to: CampaignState
    public var actor: String
    /// On whose side the actor was; nil for a seed file.
    public var side: CampaignActor.Kind?
    public var reason: String
}

/// What an edit did beside the edit.
public struct CampaignEdit: Sendable {
    public var campaign: Campaign
    /// Serving has to look again.
    public var mattersToServing: Bool
}
