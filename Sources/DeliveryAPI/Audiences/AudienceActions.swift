import AdModel
import Audiences
import Decisioning
import Measurement
import Profiles
import Store

/// Log records in the terms of audiences. What the catalogue does not know has no brand and no category.
enum AudienceActions {
    /// nil for what no audience counts.
    static func of(_ record: LogRecord, _ state: ServingState, _ keys: ShopperKeys) -> AudienceAction? {
        switch record {
        case .signal(let signal): of(signal, state.snapshot, keys)
        case .adEvent(let event): of(event, state)
        case .order(let order): of(order, state.snapshot, keys)
        case .link(let link):
            .link(
                visitor: keys.visitor(link.visitorID), customer: keys.customer(link.customerID), at: link.linkedAt)
        case .decision, .adjustment, .refused: nil
        }
    }

    static func of(_ record: SignalRecord, _ snapshot: Snapshot, _ keys: ShopperKeys) -> AudienceAction? {
        guard let visitor = record.visitorID, let type = AudienceEventType(record.kind) else { return nil }
        var event = AudienceEvent(type: type)
        if record.sku != nil || record.categoryCode != nil {
            var found = record.sku.map { item($0, snapshot) } ?? AudienceEvent.Item()
            if let code = record.categoryCode {
                found.categoryIDs += snapshot.categoryPath(snapshot.lookup.categories.find(code))
            }
            event.items = [found]
        }
        if let phrase = record.phrase { event.words = AudiencePhrase.words(phrase) }
        return .event(event, visitor: keys.visitor(visitor), at: record.occurredAt)
    }

    /// The shopper of an ad event is the one that its token was made for.
    static func of(_ record: AdEventRecord, _ state: ServingState) -> AudienceAction? {
        let token = record.token
        guard record.invalid == nil, token.shopperHash != 0 else { return nil }
        var event = AudienceEvent(type: AudienceEventType(record.kind))
        let snapshot = state.snapshot
        for (place, id) in token.productIDs.enumerated() where record.card < 0 || Int(record.card) == place {
            let product = snapshot.lookup.productByID.find(id)
            guard product >= 0 else { continue }
            event.items.append(
                item(product, sku: state.data.products[id].map { TextKey.of($0.sku) } ?? 0, snapshot))
        }
        event.advertiserID = token.advertiserID
        event.campaignID = token.campaignID
        if let version = state.data.creatives[token.creativeVersionID]?.publicID,
            let dash = version.lastIndex(of: "-")
        {
            event.creative = TextKey.of(version[..<dash].utf8)
        }
        return .event(event, visitor: token.shopperHash, at: record.eventTime)
    }

    static func of(_ record: OrderRecord, _ snapshot: Snapshot, _ keys: ShopperKeys) -> AudienceAction? {
        let visitor = keys.visitor(ifPresent: record.visitorID)
        let customer = keys.customer(ifPresent: record.customerID)
        guard visitor != 0 || customer != 0 else { return nil }
        return .order(
            items: record.lines.map { item($0.sku, snapshot) }, spend: spend(record), visitor: visitor,
            customer: customer, at: record.orderedAt)
    }

    static func spend(_ order: OrderRecord) -> Micros {
        Micros(
            order.lines.reduce(Int64(0)) { sum, line in
                let (next, isTooMuch) = sum.addingReportingOverflow(line.net.value)
                return isTooMuch ? .max : next
            })
    }

    private static func item(_ sku: String, _ snapshot: Snapshot) -> AudienceEvent.Item {
        let key = TextKey.of(sku)
        let product = snapshot.lookup.products.find(sku)
        return product >= 0 ? item(product, sku: key, snapshot) : AudienceEvent.Item(sku: key)
    }

    private static func item(_ product: Int32, sku: UInt64, _ snapshot: Snapshot) -> AudienceEvent.Item {
        let brand = snapshot.products[Int(product)].brand
        return AudienceEvent.Item(
            sku: sku, brandID: brand >= 0 ? snapshot.brandIDs[Int(brand)] : 0,
            categoryIDs: snapshot.categoryPaths(ofProduct: product))
    }

    /// An order as profiles take it.
    static func profileOrder(_ order: OrderRecord, _ snapshot: Snapshot) -> ProfileOrder {
        ProfileOrder(
            lines: order.lines.map {
                ProfileSignals.resolve(.order, sku: $0.sku, category: nil, phrase: nil, at: order.orderedAt, snapshot)
            }, spend: spend(order), at: order.orderedAt)
    }
}
