import AdModel

/// What a shopper did with an ad: the candidates of attribution.
public struct TouchRow: Hashable, Sendable {
    public var touchID: AttributionID
    /// Visitor or customer; links turn it into a person.
    public var shopperID: AttributionID
    /// The event's `event_time`.
    public var occurredAt: Timestamp
    public var kind: Interaction
    /// Of a view: which kind of evidence it is; nil = a view that the policy counts, whichever it is (files).
    public var view: AttributionPolicy.ViewCounting?
    /// Found invalid: competes for nothing, but `explain` names it.
    public var isInvalid: Bool
    public var advertiserID: AttributionID
    public var campaignID: AttributionID
    public var lineItemID: AttributionID
    public var promotedSKUs: [AttributionID]

    public init(
        touchID: AttributionID, shopperID: AttributionID, occurredAt: Timestamp, kind: Interaction,
        view: AttributionPolicy.ViewCounting? = nil, isInvalid: Bool = false, advertiserID: AttributionID,
        campaignID: AttributionID, lineItemID: AttributionID, promotedSKUs: [AttributionID]
    ) {
        self.touchID = touchID
        self.shopperID = shopperID
        self.occurredAt = occurredAt
        self.kind = kind
        self.view = view
        self.isInvalid = isInvalid
        self.advertiserID = advertiserID
        self.campaignID = campaignID
        self.lineItemID = lineItemID
        self.promotedSKUs = promotedSKUs
    }
}

/// One line of an order. Lines of one order share shopper, instant and channel.
public struct OrderLineRow: Hashable, Sendable {
    public var orderID: AttributionID
    public var lineNumber: Int64
    public var shopperID: AttributionID
    public var orderedAt: Timestamp
    public var channel: OrderChannel
    public var sku: AttributionID
    public var units: Int64
    /// The whole line after discounts, without VAT, before adjustments.
    public var netAmountMicros: Int64

    public init(
        orderID: AttributionID, lineNumber: Int64, shopperID: AttributionID, orderedAt: Timestamp,
        channel: OrderChannel, sku: AttributionID, units: Int64, netAmountMicros: Int64
    ) {
        self.orderID = orderID
        self.lineNumber = lineNumber
        self.shopperID = shopperID
        self.orderedAt = orderedAt
        self.channel = channel
        self.sku = sku
        self.units = units
        self.netAmountMicros = netAmountMicros
    }
}

/// What the catalogue says of a SKU.
public struct ProductRow: Hashable, Sendable {
    public var sku: AttributionID
    /// Variants of one product share it; absent = no variants.
    public var groupID: AttributionID
    /// Absent = no halo.
    public var brandID: AttributionID
    /// Every category of the product and all their ancestors.
    public var categoryIDs: [AttributionID]

    public init(
        sku: AttributionID, groupID: AttributionID = .absent, brandID: AttributionID = .absent,
        categoryIDs: [AttributionID] = []
    ) {
        self.sku = sku
        self.groupID = groupID
        self.brandID = brandID
        self.categoryIDs = categoryIDs
    }
}

/// What a campaign credits, from `validFrom` until before `validTo` (by touch time).
public struct CampaignVersionRow: Hashable, Sendable {
    public var campaignID: AttributionID
    public var advertiserID: AttributionID
    public var brandIDs: [AttributionID]
    public var listedSKUs: [AttributionID]
    public var listedCategoryIDs: [AttributionID]
    /// nil = open.
    public var validFrom: Timestamp?
    public var validTo: Timestamp?

    public init(
        campaignID: AttributionID, advertiserID: AttributionID, brandIDs: [AttributionID] = [],
        listedSKUs: [AttributionID] = [], listedCategoryIDs: [AttributionID] = [], validFrom: Timestamp? = nil,
        validTo: Timestamp? = nil
    ) {
        self.campaignID = campaignID
        self.advertiserID = advertiserID
        self.brandIDs = brandIDs
        self.listedSKUs = listedSKUs
        self.listedCategoryIDs = listedCategoryIDs
        self.validFrom = validFrom
        self.validTo = validTo
    }
}

/// A spelling of a brand, half-open in time (by order time).
public struct BrandAliasRow: Hashable, Sendable {
    public var alias: AttributionID
    public var brandID: AttributionID
    public var validFrom: Timestamp?
    public var validTo: Timestamp?

    public init(
        alias: AttributionID, brandID: AttributionID, validFrom: Timestamp? = nil, validTo: Timestamp? = nil
    ) {
        self.alias = alias
        self.brandID = brandID
        self.validFrom = validFrom
        self.validTo = validTo
    }
}

/// The advertiser may earn halo credit for the brand, half-open in time (by order time).
public struct BrandGrantRow: Hashable, Sendable {
    public var advertiserID: AttributionID
    public var brandID: AttributionID
    public var validFrom: Timestamp?
    public var validTo: Timestamp?

    public init(
        advertiserID: AttributionID, brandID: AttributionID, validFrom: Timestamp? = nil, validTo: Timestamp? = nil
    ) {
        self.advertiserID = advertiserID
        self.brandID = brandID
        self.validFrom = validFrom
        self.validTo = validTo
    }
}

/// A visitor was seen to be a customer. An order that carries both ids is itself a link at `orderedAt`.
public struct IdentityLinkRow: Hashable, Sendable {
    public var visitorID: AttributionID
    public var customerID: AttributionID
    public var linkedAt: Timestamp

    public init(visitorID: AttributionID, customerID: AttributionID, linkedAt: Timestamp) {
        self.visitorID = visitorID
        self.customerID = customerID
        self.linkedAt = linkedAt
    }
}

/// A cancel, return or price correction of an order.
public struct AdjustmentRow: Hashable, Sendable {
    public var adjustmentID: AttributionID
    public var orderID: AttributionID
    /// nil only for a cancel of the whole order.
    public var lineNumber: Int64?
    public var occurredAt: Timestamp
    public var kind: AdjustmentKind
    public var units: Int64?
    public var amountMicros: Int64?

    public init(
        adjustmentID: AttributionID, orderID: AttributionID, lineNumber: Int64?, occurredAt: Timestamp,
        kind: AdjustmentKind, units: Int64? = nil, amountMicros: Int64? = nil
    ) {
        self.adjustmentID = adjustmentID
        self.orderID = orderID
        self.lineNumber = lineNumber
        self.occurredAt = occurredAt
        self.kind = kind
        self.units = units
        self.amountMicros = amountMicros
    }
}

/// Another advertiser's candidate for a line, blinded: competes by rule 14 and earns no row.
public struct RivalRow: Hashable, Sendable {
    public var orderID: AttributionID
    public var lineNumber: Int64
    public var touchID: AttributionID
    public var kind: Interaction
    public var occurredAt: Timestamp
    public var level: MatchLevel

    public init(
        orderID: AttributionID, lineNumber: Int64, touchID: AttributionID, kind: Interaction, occurredAt: Timestamp,
        level: MatchLevel
    ) {
        self.orderID = orderID
        self.lineNumber = lineNumber
        self.touchID = touchID
        self.kind = kind
        self.occurredAt = occurredAt
        self.level = level
    }
}
