import Foundation

extension DemoCatalogue {
    /// The feed of one region, as the shop publishes it.
    /// - Parameter shop: address of the shop's pages, without a slash at the end.
    func feed(of region: DemoRegion, shop: String) -> Data {
        var text = """
            <?xml version="1.0" encoding="UTF-8"?>
            <yml_catalog date="\(Self.date)">
            <shop>
            <name>Полка</name>
            <company>ООО «Полка»</company>
            <url>\(DemoText.escaped(shop))/</url>
            <currencies><currency id="RUB" rate="1"/></currencies>
            <categories>

            """
        for category in categories {
            let parent = category.parent.map { " parentId=\"\($0)\"" } ?? ""
            text += "<category id=\"\(category.id)\"\(parent)>\(DemoText.escaped(category.name))</category>\n"
        }
        text += "</categories>\n<offers>\n"
        for product in products {
            guard let offer = product.offers[region] else { continue }
            text += Self.line(product, offer, shop)
        }
        return Data((text + "</offers>\n</shop>\n</yml_catalog>\n").utf8)
    }

    /// Fixed, and so early that every later change of the stock is newer.
    static let date = "2026-06-01T06:00+03:00"

    /// The tree, parents first.
    var categories: [(id: String, name: String, parent: String?)] {
        words.tops.flatMap { top in
            [(id: top.id, name: top.name, parent: String?.none)]
                + top.seconds.flatMap { second in
                    [(id: second.id, name: second.name, parent: String?.some(top.id))]
                        + second.leaves.map { (id: $0.id, name: $0.name, parent: String?.some(second.id)) }
                }
        }
    }

    private static func line(_ product: DemoProduct, _ offer: DemoOffer, _ shop: String) -> String {
        let address = DemoText.escaped(shop)
        let old = offer.oldPrice.map { "<oldprice>\(DemoText.roubles($0))</oldprice>" } ?? ""
        let params = product.attributes.map {
            "<param name=\"\(DemoText.escaped($0.name))\">\(DemoText.escaped($0.value))</param>"
        }.joined()
        return """
            <offer id="\(product.sku)" available="\(offer.quantity > 0)" group_id="\(product.group)">
            <url>\(address)/product/\(product.sku)</url><price>\(DemoText.roubles(offer.price))</price>\(old)\
            <currencyId>RUB</currencyId><categoryId>\(product.category)</categoryId>\
            <picture>\(address)/pictures/\(product.sku).svg</picture>
            <name>\(DemoText.escaped(product.name))</name><vendor>\(DemoText.escaped(product.vendor))</vendor>\
            <count>\(offer.quantity)</count>\(params)</offer>

            """
    }
}
