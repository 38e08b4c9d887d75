/// Cart, thanks, and the pages that say that something is not there.
extension ShopView {
    /// - Parameters:
    ///   - orderID: the id that the order will have, so that sending the form twice is one order.
    ///   - problem: why the last try to buy went wrong.
    func cart(orderID: String, problem: String? = nil) -> String {
        guard let catalogue else { return closed() }
        let popular = catalogue.diverse(ready(catalogue.list(location: location.code)), limit: 12)
        let (lines, missing) = visit.cart.priced(catalogue, location: location.code)
        guard !(lines.isEmpty && missing.isEmpty) else {
            return page(
                "empty", title: "Корзина", PageContext(type: "empty_cart"),
                [
                    "heading": "В корзине пока пусто", "text": "Добавьте что-нибудь с полки: мы сохраним ваш выбор.",
                    "action": "За покупками", "actionURL": "/shop/", "shelf": shelf("Часто берут", popular),
                ])
        }
        let rows = lines.map { line -> [String: Any] in
            card(line.product).merging([
                "units": line.units, "less": line.units - 1, "more": line.units + 1,
                "full": line.units >= Cart.unitLimit, "total": PriceText.roubles(line.totalMicros),
            ]) { _, own in own }
        }
        let units = lines.reduce(0) { $0 + $1.units }
        return page(
            "cart", title: "Корзина", PageContext(type: "cart"),
            [
                "lines": rows, "missing": cards(missing), "orderID": orderID, "problem": problem ?? false,
                "countText": PriceText.count(units, "товар", "товара", "товаров"),
                "sum": PriceText.roubles(lines.reduce(0) { $0 + $1.totalMicros }), "canBuy": !lines.isEmpty,
                "shelf": shelf("Не забыли?", popular),
            ])
    }

    /// - Parameter order: nil when it is too long ago to be remembered.
    func thanks(_ id: String, _ order: ShopOrder?) -> String {
        guard let catalogue else { return closed() }
        let popular = catalogue.diverse(ready(catalogue.list(location: location.code)), limit: 12)
        let lines = (order?.lines ?? []).map { line -> [String: Any] in
            ["name": line.name, "units": line.units, "total": PriceText.roubles(line.grossMicros)]
        }
        return page(
            "thanks", title: "Спасибо", PageContext(type: "checkout_success"),
            [
                "order": id, "lines": lines, "hasLines": !lines.isEmpty,
                "sum": PriceText.roubles(order?.totalMicros ?? 0),
                "shelf": shelf("Пригодится в следующий раз", popular),
            ])
    }

    func notFound() -> String {
        guard let catalogue else { return closed() }
        return page(
            "empty", title: "Нет такой страницы", PageContext(type: "not_found"),
            [
                "heading": "Такой страницы нет", "text": "Товар могли снять с полки, или в адресе опечатка.",
                "action": "На главную", "actionURL": "/shop/",
                "shelf": shelf(
                    "Часто берут", catalogue.diverse(ready(catalogue.list(location: location.code)), limit: 12)),
            ])
    }

    /// While the catalogue has never been read.
    func closed() -> String {
        page(
            "empty", title: "Скоро откроемся", PageContext(),
            [
                "heading": "Раскладываем товары по полкам",
                "text": "Каталог ещё не отвечает. Обновите страницу через несколько секунд.", "action": "Обновить",
                "actionURL": here, "shelf": false,
            ])
    }
}
