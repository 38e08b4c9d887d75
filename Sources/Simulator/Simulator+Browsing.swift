import AdModel

/// How people walk through the shop.
extension Simulator {
    // MARK: The first page

    mutating func enter(_ session: inout Session) {
        let entry = random.unit()
        if entry < 0.46 {
            session.page = .home
        } else if entry < 0.66 {
            search(&session)
        } else if entry < 0.86 {
            openCategory(&session)
        } else {
            openProduct(&session)
        }
    }

    mutating func search(_ session: inout Session) {
        session.page = .search
        session.product = -1
        session.category = -1
        if random.chance(0.7), let category = category(of: session) {
            session.query = shop.categories[Int(category)].name.lowercased()
        } else if !shop.brands.isEmpty {
            session.query = shop.brands[random.below(shop.brands.count)].name.lowercased()
        } else {
            session.query = nil
        }
    }

    mutating func openCategory(_ session: inout Session) {
        guard let category = category(of: session) else {
            session.page = .home
            return
        }
        session.page = .category
        session.product = -1
        session.query = nil
        session.category = category
    }

    mutating func openProduct(_ session: inout Session, _ product: Int32? = nil) {
        guard let product = product ?? wanted(by: session.shopper, in: session.category) else {
            session.page = .home
            return
        }
        session.page = .product
        session.product = product
        session.category = shop.products[Int(product)].category
        session.query = nil
    }

    private mutating func category(of session: Session) -> Int32? {
        let favourites = session.shopper.favourites
        if !favourites.isEmpty, random.chance(0.75) { return favourites[random.below(favourites.count)] }
        return index.shelves.isEmpty ? nil : index.shelves[random.below(index.shelves.count)]
    }

    // MARK: Products

    func isBuyable(_ product: Int32, at location: Int32) -> Bool {
        let place = shop.locations[Int(location)]
        return place.prices[Int(product)] > .zero && place.quantities[Int(product)] > 0
    }

    /// A product that the shopper could like and buy, of a category or of those he returns to.
    mutating func wanted(by shopper: Shopper, in category: Int32) -> Int32? {
        var best: Int32?
        var bestScore = -1.0
        for _ in 0..<4 {
            let shelf: Int32
            if category >= 0, !index.byCategory[Int(category)].isEmpty, random.chance(0.8) {
                shelf = category
            } else if !shopper.favourites.isEmpty, random.chance(0.7) {
                shelf = shopper.favourites[random.below(shopper.favourites.count)]
            } else if !index.shelves.isEmpty {
                shelf = index.shelves[random.below(index.shelves.count)]
            } else {
                return nil
            }
            let products = index.byCategory[Int(shelf)]
            // Some products of a shelf sell much better than others.
            let skew = random.unit()
            let product = products[Int(skew * skew * Double(products.count))]
            guard isBuyable(product, at: shopper.location) else { continue }
            let price = Double(shop.locations[Int(shopper.location)].prices[Int(product)].value) / 1_000_000
            let score =
                shopper.affinity(shop.products[Int(product)]) + shopper.thrift * 100 / (100 + price)
                + random.unit()
            if score > bestScore {
                bestScore = score
                best = product
            }
        }
        return best
    }

    /// Another product of the same brand, or the product itself where there is none.
    mutating func sister(of product: Int32, at location: Int32) -> Int32 {
        let brand = shop.products[Int(product)].brand
        guard brand >= 0 else { return product }
        let family = index.byBrand[Int(brand)]
        for _ in 0..<6 {
            let other = family[random.below(family.count)]
            if other != product, isBuyable(other, at: location) { return other }
        }
        return product
    }

    // MARK: From page to page

    /// What the page itself says of the shopper.
    mutating func signals(_ session: inout Session, at: Timestamp) -> [Report.Item] {
        func signal(_ kind: SignalKind, sku: String? = nil, category: String? = nil, query: String? = nil)
            -> Report.Item
        { .signal(kind, sku: sku, category: category, query: query, at: at) }
        switch session.page {
        case .category where session.category >= 0:
            return [signal(.categoryView, category: shop.categories[Int(session.category)].code)]
        case .search where session.query != nil: return [signal(.search, query: session.query)]
        case .product where session.product >= 0:
            let product = shop.products[Int(session.product)]
            var items = [signal(.productView, sku: product.sku)]
            if putsIntoCart(&session) { items.append(signal(.addToCart, sku: product.sku)) }
            return items
        default: return [signal(.pageView)]
        }
    }

    private mutating func putsIntoCart(_ session: inout Session) -> Bool {
        if let wish = session.wishes.firstIndex(where: { $0.product == session.product }) {
            session.cart.append(session.wishes.remove(at: wish))
            return true
        }
        guard isBuyable(session.product, at: session.shopper.location),
            !session.cart.contains(where: { $0.product == session.product })
        else { return false }
        let product = shop.products[Int(session.product)]
        guard random.chance(0.15 * session.shopper.affinity(product)) else { return false }
        session.cart.append(
            Purchase(product: session.product, units: random.chance(0.82) ? 1 : 2 + Int32(random.below(2))))
        return true
    }

    /// Decides where the shopper goes from here; the session ends when nowhere.
    mutating func goOn(_ session: Session, _ id: Int, clicked: Int32?, at: Timestamp) {
        var session = session
        let isSure = session.cart.contains { $0.cause != nil }
        session.pagesLeft -= 1
        if let clicked {
            openProduct(&session, clicked)
        } else if let wish = session.wishes.first, session.pagesLeft <= 0 || random.chance(0.4) {
            openProduct(&session, wish.product)
        } else if session.page == .cart, !session.cart.isEmpty, isSure || random.chance(0.74) {
            sessions[id] = session
            agenda.plan(.buy(session: id), at: at)
            return
        } else if session.pagesLeft > 0, session.page != .cart {
            stroll(&session)
        } else if !session.cart.isEmpty, session.page != .cart, isSure || random.chance(0.8) {
            session.page = .cart
            session.category = -1
            session.product = -1
            session.query = nil
        } else {
            sessions[id] = nil
            return
        }
        sessions[id] = session
        agenda.plan(.visit(session: id), at: at)
    }

    private mutating func stroll(_ session: inout Session) {
        let way = random.unit()
        switch session.page {
        case .home:
            if way < 0.5 {
                openCategory(&session)
            } else if way < 0.8 {
                search(&session)
            } else {
                openProduct(&session)
            }
        case .category, .search:
            if way < 0.66 {
                openProduct(&session)
            } else if way < 0.86 {
                openCategory(&session)
            } else {
                search(&session)
            }
        default:
            if way < 0.46 {
                openProduct(&session)
            } else if way < 0.8 {
                openCategory(&session)
            } else if way < 0.9 {
                search(&session)
            } else {
                session.page = .home
                session.category = -1
                session.product = -1
            }
        }
    }
}
