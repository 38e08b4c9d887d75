/// What one page is about, for the tag and the signals.
struct PageContext {
    /// Page type of the ad server's vocabulary; nil = no ads here.
    var type: String?
    var category: String?
    var brand: String?
    var product: String?
    var query: String?
    /// What the visit to this page tells beside `page_view`.
    var signal: String?
}

/// Turns the catalogue into what templates show. Every value that may be absent is there as `false`: a template would
/// otherwise find the one of the same name around it.
struct ShopView: Sendable {
    let options: DemoShopOptions
    let pages: ShopPages
    let catalogue: ShopCatalogue?
    let visit: ShopVisit
    /// Path and query of the page, for forms that lead back to it.
    let here: String

    /// The region that holds for this shopper.
    var location: DemoShopOptions.Location {
        let known = catalogue?.locations ?? options.locations
        return known.first { $0.code == visit.region } ?? known.first ?? .init(code: "", name: "")
    }

    /// The whole page.
    func page(_ template: String, title: String, _ context: PageContext, _ values: [String: Any] = [:]) -> String {
        pages.render(template, frame(title, context).merging(values) { _, own in own })
    }

    private func frame(_ title: String, _ context: PageContext) -> [String: Any] {
        let asset = { (name: String) in "/shop/assets/\(name)?v=\(pages.version)" }
        let isOpen = catalogue != nil
        var slots: [String: Any] = [:]
        for code in catalogue?.placements ?? [] { slots[code.split(separator: ".").joined(separator: "_")] = true }
        let consent = visit.consent == true ? "yes" : "no"
        return [
            "title": title, "shop": options.name, "storefront": options.storefront, "delivery": options.deliveryURL,
            "tag": isOpen && context.type != nil, "page": context.type ?? "other",
            "category": orFalse(context.category), "brand": orFalse(context.brand),
            "product": orFalse(context.product), "query": orFalse(context.query), "phrase": context.query ?? "",
            "signal": context.signal.map {
                [
                    "type": $0, "sku": orFalse(context.product), "category": orFalse(context.category),
                    "query": orFalse(context.query),
                ] as [String: Any]
            } ?? false,
            "location": location.code, "region": orFalse(location.region), "regionName": location.name,
            "consent": consent,
            "visitor": orFalse(visit.visitor), "askConsent": isOpen && visit.consent == nil, "back": here,
            "regions": isOpen
                ? [
                    "name": location.name,
                    "list": (catalogue?.locations ?? []).map {
                        ["code": $0.code, "name": $0.name, "current": $0.code == location.code] as [String: Any]
                    },
                ] as [String: Any] : false,
            "nav": isOpen
                ? [
                    "list": (catalogue?.top ?? []).prefix(14).map { category in
                        [
                            "name": category.name, "url": Self.url(category),
                            "current": context.category.map { code in
                                catalogue?.path(to: code).first?.code == category.code
                            } ?? false,
                        ] as [String: Any]
                    }
                ] as [String: Any] : false,
            "cartCount": visit.cart.units > 0 ? String(visit.cart.units) : false,
            "slots": slots,
            "assets": [
                "style": asset("shop.css"), "script": asset("shop.js"), "why": asset("why.js"),
                "icon": asset("icon.svg"),
            ],
        ]
    }

    // MARK: Parts

    /// One product as cards and shelves show it.
    func card(_ product: ShopProduct) -> [String: Any] {
        let offer = product.offers[location.code]
        return [
            "sku": product.sku, "name": product.name, "url": Self.url(product),
            "picture": Self.picture(product), "buyable": offer?.isBuyable ?? false,
            "price": offer.map { PriceText.roubles($0.priceMicros) } ?? "",
            "old": orFalse(offer?.oldPriceMicros.map(PriceText.roubles)),
            "discount": offer.flatMap { $0.discountPercent > 0 ? "−\($0.discountPercent)\u{A0}%" : nil } ?? false,
            "back": here,
        ]
    }

    func cards(_ products: [ShopProduct]) -> [[String: Any]] { products.map(card) }

    /// A row of products under a title; false when there is too little for a row.
    func shelf(_ title: String, _ products: [ShopProduct], more: String? = nil) -> Any {
        guard products.count >= 2 else { return false }
        return ["title": title, "products": cards(products), "more": orFalse(more)] as [String: Any]
    }

    /// The shop's own banner, where nobody has bought the place.
    func promo(_ title: String, _ text: String, _ url: String, _ products: [ShopProduct]) -> Any {
        ["title": title, "text": text, "url": url, "pictures": products.prefix(4).map(Self.picture)] as [String: Any]
    }

    func crumbs(_ path: [ShopCategory], isPage: Bool) -> [[String: Any]] {
        path.enumerated().map { index, category in
            [
                "name": category.name, "url": Self.url(category), "current": isPage && index == path.count - 1,
            ]
        }
    }

    func buyable(_ product: ShopProduct) -> Bool { product.offers[location.code]?.isBuyable ?? false }

    /// Only what can be bought in the shopper's region.
    func ready(_ products: [ShopProduct]) -> [ShopProduct] { products.filter(buyable) }

    private func orFalse(_ text: String?) -> Any { text ?? false }

    // MARK: Addresses

    static func url(_ product: ShopProduct) -> String { "/shop/product/\(CatalogueReader.escaped(product.sku))" }
    static func url(_ category: ShopCategory) -> String { "/shop/category/\(CatalogueReader.escaped(category.code))" }

    /// The shop draws its own pictures; others are shown from where they lie.
    static func picture(_ product: ShopProduct) -> String {
        if let url = product.pictureURL, ShopPictures.origin(of: url) != nil { return url }
        return "/shop/pictures/\(CatalogueReader.escaped(product.sku)).svg"
    }
}
