/// Home, category, product and search.
extension ShopView {
    /// Products on one page of a list.
    static let pageSize = 24

    func home() -> String {
        guard let catalogue else { return closed() }
        let all = ready(catalogue.list(location: location.code))
        let discounts = ready(catalogue.list(location: location.code, order: .discount))
            .filter { ($0.offers[location.code]?.discountPercent ?? 0) > 0 }
        let tiles = catalogue.top.prefix(12).map { category -> [String: Any] in
            let face = ready(catalogue.list(in: category.code, location: location.code)).first
            return [
                "name": category.name, "url": Self.url(category),
                "picture": face.map(Self.picture) ?? "/shop/assets/icon.svg",
            ]
        }
        let sections = catalogue.top.prefix(4).map { category in
            shelf(
                category.name,
                catalogue.diverse(ready(catalogue.list(in: category.code, location: location.code)), limit: 12),
                more: Self.url(category))
        }
        let popular = catalogue.diverse(all, limit: 12)
        return page(
            "home", title: "Товары для дома и семьи", PageContext(type: "home"),
            [
                "promo": promo(
                    "Всё нужное на одной полке", "\(all.count) товаров в регионе \(location.name), привезём завтра",
                    "/shop/search?sort=discount", catalogue.diverse(all, limit: 4)),
                "popular": shelf("Часто берут", popular),
                "discounts": cards(catalogue.diverse(discounts, limit: 10)), "tiles": tiles,
                "brandShelf": shelf("Стоит попробовать", catalogue.diverse(Array(all.dropFirst(40)), limit: 10)),
                "sections": sections.filter { $0 is [String: Any] },
            ])
    }

    /// Nil when there is no such category.
    ///
    /// - Parameter brand: code of the only brand to be shown; one that has nothing here changes nothing.
    func category(_ code: String, brand: String?, sort: String?, pageNumber: Int) -> String? {
        guard let catalogue else { return closed() }
        guard let category = catalogue.categories[code] else { return nil }
        let order = ShopCatalogue.Order(rawValue: sort ?? "") ?? .popular
        let whole = catalogue.list(in: code, location: location.code, order: order)
        let own = brand.map { brand in whole.filter { $0.brandCode == brand } } ?? []
        let list = own.isEmpty ? whole : own
        let base = Self.url(category) + (own.isEmpty ? "" : "?brand=\(CatalogueReader.escaped(brand ?? ""))")
        let path = catalogue.path(to: code)
        let favourites = catalogue.diverse(ready(catalogue.list(in: code, location: location.code)), limit: 12)
        let children = catalogue.children(of: code)
        var values = listing(list, order: order, number: pageNumber, base: base)
        values["crumbs"] = crumbs(path, isPage: true)
        values["heading"] = category.name + (own.first.map { " «\($0.brand)»" } ?? "")
        values["children"] =
            children.isEmpty
            ? false
            : ["list": children.map { ["name": $0.name, "url": Self.url($0)] as [String: Any] }] as [String: Any]
        values["promo"] = promo(
            category.name, "Свежие поступления и добрые цены", Self.url(category) + "?sort=discount", favourites)
        values["shelf"] = shelf("Выбор покупателей", favourites)
        return page(
            "category", title: category.name,
            PageContext(type: "category", category: code, brand: own.first?.brand, signal: "category_view"), values)
    }

    /// Nil when there is no such product.
    func product(_ sku: String) -> String? {
        guard let catalogue else { return closed() }
        guard let product = catalogue.products[sku] else { return nil }
        let home = catalogue.home(of: product)
        let neighbours = catalogue.list(in: home?.code, location: location.code)
        let similar = catalogue.diverse(
            ready(neighbours), limit: 12, except: [sku, product.group ?? sku])
        let wider = catalogue.list(in: home?.parent, location: location.code)
        let seen = Set(similar.map(\.sku)).union([sku])
        let together = catalogue.diverse(ready(wider), limit: 6, except: seen)
        let variants = catalogue.variants(of: product)
        var values = card(product)
        values["brandName"] = product.brand.isEmpty ? false : product.brand
        values["brandURL"] = "/shop/search?q=\(CatalogueReader.escaped(product.brand))"
        values["crumbs"] = crumbs(home.map { catalogue.path(to: $0.code) } ?? [], isPage: false)
        values["variants"] = variants.count < 2 ? false : ["list": variantChips(variants, sku)] as [String: Any]
        values["regionsTable"] = catalogue.locations.map { place -> [String: Any] in
            let offer = product.offers[place.code]
            return [
                "name": place.name, "current": place.code == location.code,
                "stock": offer?.isBuyable == true ? "в наличии" : "нет",
                "price": offer.map { PriceText.roubles($0.priceMicros) } ?? "—",
            ]
        }
        values["similar"] = shelf("Похожие товары", similar)
        values["sponsored"] = cards(Array(together.prefix(1)))
        values["together"] = cards(Array(together.dropFirst()))
        return page(
            "product", title: product.name,
            PageContext(
                type: "product", category: home?.code, brand: product.brand.isEmpty ? nil : product.brand,
                product: sku, signal: "product_view"), values)
    }

    /// Variants differ at the end of their names: what they share is left out.
    private func variantChips(_ variants: [ShopProduct], _ sku: String) -> [[String: Any]] {
        var common = variants[0].name.split(separator: " ")
        for variant in variants {
            let words = variant.name.split(separator: " ")
            common = Array(zip(common, words).prefix { $0 == $1 }.map(\.0))
        }
        return variants.map { variant in
            let label = variant.name.split(separator: " ").dropFirst(common.count).joined(separator: " ")
            return [
                "label": label.isEmpty ? variant.name : label, "url": Self.url(variant),
                "current": variant.sku == sku, "buyable": buyable(variant),
            ]
        }
    }

    /// - Parameter found: SKUs; nil = everything, the list without a phrase.
    func search(_ query: String, found: [String]?, sort: String?, pageNumber: Int) -> String {
        guard let catalogue else { return closed() }
        let order = ShopCatalogue.Order(rawValue: sort ?? "") ?? .popular
        let list =
            found.map {
                catalogue.sorted($0.compactMap { catalogue.products[$0] }, location: location.code, order: order)
            } ?? catalogue.list(location: location.code, order: order)
        let base = query.isEmpty ? "/shop/search" : "/shop/search?q=\(CatalogueReader.escaped(query))"
        var values = listing(list, order: order, number: pageNumber, base: base)
        let popular = catalogue.diverse(ready(catalogue.list(location: location.code)), limit: 12)
        let other = catalogue.diverse(
            ready(catalogue.list(in: list.first.flatMap { catalogue.home(of: $0)?.parent }, location: location.code)),
            limit: 6, except: Set(list.map(\.sku)))
        values["heading"] =
            query.isEmpty ? (order == .discount ? "Скидки" : "Все товары") : "«\(query.prefix(60))»"
        values["found"] = list.isEmpty ? false : true
        values["promo"] = promo(
            "Полки полны", "Заберите сегодня или привезём завтра", "/shop/", popular)
        values["sponsored"] = cards(Array(other.prefix(2)))
        values["shelf"] = shelf("Часто берут", popular)
        return page(
            "search", title: query.isEmpty ? "Все товары" : "Поиск: \(query)",
            PageContext(type: "search", query: query.isEmpty ? nil : query, signal: query.isEmpty ? nil : "search"),
            values)
    }

    // MARK: Lists

    private func listing(
        _ list: [ShopProduct], order: ShopCatalogue.Order, number: Int, base: String
    ) -> [String: Any] {
        let pages = max(1, (list.count + Self.pageSize - 1) / Self.pageSize)
        let number = min(max(number, 1), pages)
        let joint = base.contains("?") ? "&" : "?"
        let address = { (order: ShopCatalogue.Order, number: Int) -> String in
            var parts: [String] = []
            if order != .popular { parts.append("sort=\(order.rawValue)") }
            if number > 1 { parts.append("page=\(number)") }
            return parts.isEmpty ? base : base + joint + parts.joined(separator: "&")
        }
        let names: [ShopCatalogue.Order: String] = [
            .popular: "Популярные", .cheap: "Дешевле", .dear: "Дороже", .discount: "Со скидкой",
        ]
        let shown = list.dropFirst((number - 1) * Self.pageSize).prefix(Self.pageSize)
        // Around the current page, and both ends.
        let near = (1...pages).filter { $0 == 1 || $0 == pages || abs($0 - number) <= 1 }
        var links: [[String: Any]] = []
        for (index, page) in near.enumerated() {
            if index > 0, page > near[index - 1] + 1 { links.append(["url": false, "number": "", "current": false]) }
            links.append(["url": address(order, page), "number": page, "current": page == number])
        }
        return [
            "products": cards(Array(shown)),
            "countText": PriceText.count(list.count, "товар", "товара", "товаров"),
            "sorting": list.count < 2
                ? false
                : [
                    "list": ShopCatalogue.Order.allCases.map {
                        ["name": names[$0] ?? "", "url": address($0, 1), "current": $0 == order] as [String: Any]
                    }
                ] as [String: Any],
            "paging": pages == 1
                ? false
                : [
                    "list": links, "previous": number > 1 ? address(order, number - 1) : false,
                    "next": number < pages ? address(order, number + 1) : false,
                ] as [String: Any],
        ]
    }
}
