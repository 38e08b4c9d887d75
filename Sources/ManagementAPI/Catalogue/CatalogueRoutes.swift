import AdModel
import Store

/// The catalogue as the retailer runs it and advertisers read it: storefronts, placements, stock locations, brands,
/// grants, categories, products and scheduled feeds.
enum CatalogueRoutes {
    static func add(to table: inout RouteTable) {
        StorefrontRoutes.add(to: &table)
        PlacementRoutes.add(to: &table)
        StockLocationRoutes.add(to: &table)
        BrandRoutes.add(to: &table)
        AliasRoutes.add(to: &table)
        GrantRoutes.add(to: &table)
        SearchRoutes.add(to: &table)
        FeedRoutes.add(to: &table)
    }

    /// A record as the audit log keeps it: what a caller would have read.
    static func text<Record>(_ record: Record, _ render: (inout JSONText, Record) -> Void) -> String {
        var json = JSONText()
        json.object { render(&$0, record) }
        return json.text
    }
}

extension Change {
    /// Audits a change of one of the retailer's own resources.
    mutating func audit<Record>(
        _ action: String, _ object: String, _ id: String, _ render: (inout JSONText, Record) -> Void,
        before: Record? = nil, after: Record? = nil, advertiser: Int32? = nil
    ) {
        audit(
            "\(object).\(action)", object: object, id: id, advertiser: advertiser,
            before: before.map { CatalogueRoutes.text($0, render) },
            after: after.map { CatalogueRoutes.text($0, render) })
    }
}

extension JSONText {
    /// When something begins and ends to hold; null = always.
    mutating func validity(_ span: ValiditySpan) {
        member("valid_from", span.from?.rfc3339)
        member("valid_to", span.to?.rfc3339)
    }
}
