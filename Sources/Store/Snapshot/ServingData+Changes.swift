import AdModel
import Decisioning

extension ServingData {
    /// Place of a product in `input.products`, which are in order of their ids.
    func place(ofProduct id: Int32) -> Int? { Self.place(id, input.products.count) { input.products[$0].id } }

    /// Place of a line item in `input.lineItems`, which are in order of their ids.
    public func place(ofLineItem id: Int32) -> Int? {
        Self.place(id, input.lineItems.count) { input.lineItems[$0].id }
    }

    private static func place(_ id: Int32, _ count: Int, _ idAt: (Int) -> Int32) -> Int? {
        let place = insertionPlace(id, count, idAt)
        return place < count && idAt(place) == id ? place : nil
    }

    private static func insertionPlace(_ id: Int32, _ count: Int, _ idAt: (Int) -> Int32) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if idAt(middle) < id { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Puts changes in place. What was promoted once counts as promoted until everything is read again.
    /// - Returns: what a snapshot of the old data has to be patched with; nil when it has to be built from scratch.
    public mutating func apply(_ changes: ServingChanges) -> SnapshotChange? {
        input.version = changes.version
        checkedAt = changes.checkedAt
        var isNumberedAlike = true
        var change = SnapshotChange()
        if let settings = changes.settings {
            if let additions = settings.additions(to: ServingSettings(self)) {
                change.categories = additions.categories
                change.brands = additions.brands
            } else {
                isNumberedAlike = false
            }
            settings.put(into: &self)
        }
        if let readAt = changes.settingsReadAt { settingsReadAt = readAt }
        change.advertisers = changes.advertisers
        for advertiser in changes.advertisers {
            let place = Self.insertionPlace(advertiser.id, input.advertisers.count) { input.advertisers[$0].id }
            if place < input.advertisers.count, input.advertisers[place].id == advertiser.id {
                input.advertisers[place] = advertiser
            } else {
                input.advertisers.insert(advertiser, at: place)
            }
        }
        change.lineItems = changes.lineItems
        put(changes.lineItems)
        put(changes.creatives, of: changes.lineItems)
        change.products = changes.products
        for id in changes.removedProducts {
            if let place = place(ofProduct: id) { change.removedProducts[id] = input.products[place].sku }
        }
        putProducts(changes)
        return isNumberedAlike ? change : nil
    }

    private mutating func put(_ lineItems: [Int32: SnapshotInput.LineItem?]) {
        var gone: Set<Int32> = []
        for (id, item) in lineItems.sorted(by: { $0.key < $1.key }) {
            let place = Self.insertionPlace(id, input.lineItems.count) { input.lineItems[$0].id }
            let isThere = place < input.lineItems.count && input.lineItems[place].id == id
            if let item {
                if isThere { input.lineItems[place] = item } else { input.lineItems.insert(item, at: place) }
            } else if isThere {
                gone.insert(id)
            }
        }
        for id in gone {
            if let place = place(ofLineItem: id) { input.lineItems.remove(at: place) }
        }
    }

    private mutating func put(_ new: [ServingCreative], of lineItems: [Int32: SnapshotInput.LineItem?]) {
        for id in lineItems.keys { creatives.remove(ofLineItem: id) }
        for creative in new { creatives[creative.versionID] = creative }
    }

    private mutating func putProducts(_ changes: ServingChanges) {
        for product in changes.products {
            let place = Self.insertionPlace(product.id, input.products.count) { input.products[$0].id }
            let isThere = place < input.products.count && input.products[place].id == product.id
            if isThere {
                input.products[place] = product
            } else {
                input.products.insert(product, at: place)
            }
            // One that is promoted from now on is no page's product any more.
            let wasContext = isThere && products[product.id] == nil
            let isContext = changes.shown[product.id] == nil
            if wasContext, !isContext { contextProducts -= 1 }
            if !isThere, isContext { contextProducts += 1 }
        }
        for (id, shown) in changes.shown { products[id] = shown }
        if !changes.removedProducts.isEmpty {
            for id in changes.removedProducts where products[id] == nil { contextProducts -= 1 }
            for id in changes.removedProducts {
                if let place = place(ofProduct: id) { input.products.remove(at: place) }
                products[id] = nil
            }
        }
        if !changes.newlyPromoted.isEmpty || !changes.removedProducts.isEmpty {
            promotedProductIDs = Set(promotedProductIDs).union(changes.newlyPromoted)
                .subtracting(changes.removedProducts).sorted()
        }
    }
}
