/// What report rows are grouped by. Raw values are the words of the API.
public enum ReportDimension: String, CaseIterable, Sendable {
    /// Accounting day: of the event for delivery and spend, of the order or of the touch for attribution.
    case day
    case campaign
    case lineItem = "line_item"
    /// Attribution policy. Delivery and spend belong to no policy: they stand on the row of each.
    case policy
    /// Where the order was made. Delivery and spend stand on the row of each channel.
    case channel
    /// Whether a click or a view earned the credit. Delivery and spend stand on both rows.
    case interaction

    /// True for what tells sales apart and leaves delivery whole.
    public var isOfSales: Bool {
        switch self {
        case .day, .campaign, .lineItem: false
        case .policy, .channel, .interaction: true
        }
    }
}

/// Which date a credited sale is reported under.
public enum SalesDate: String, CaseIterable, Sendable {
    case orderDate = "order_date"
    case touchDate = "touch_date"
}

/// What a report counts. Raw values are the names in API answers and CSV headers.
public enum Metric: String, CaseIterable, Sendable {
    case impressions, viewable, clicks, ctr
    case spend, overDelivery = "over_delivery"
    case cpm, cpc
    case directOrders = "direct_orders"
    case directUnits = "direct_units"
    case directSales = "direct_sales"
    case haloOrders = "halo_orders"
    case haloUnits = "halo_units"
    case haloSales = "halo_sales"
    case basketOrders = "basket_orders"
    case basketUnits = "basket_units"
    case basketSales = "basket_sales"
    case clickOrders = "click_orders"
    case clickUnits = "click_units"
    case clickSales = "click_sales"
    case viewOrders = "view_orders"
    case viewUnits = "view_units"
    case viewSales = "view_sales"
    case orders, units, sales, returned
    case netSales = "net_sales"
    case roas
    case costShare = "cost_share"
}

/// Text in the two languages of the product.
public struct Bilingual: Equatable, Sendable {
    public var ru: String
    public var en: String

    public init(ru: String, en: String) {
        self.ru = ru
        self.en = en
    }
}
