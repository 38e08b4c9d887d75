import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore

/// The addresses of the shop. Pages are rendered whole on the server; forms answer with a redirect.
struct ShopRoutes: Sendable {
    let options: DemoShopOptions
    let pages: ShopPages
    let holder: CatalogueHolder
    let reader: CatalogueReader
    let desk: OrderDesk
    let logger: Logger

    /// Characters of a search phrase.
    static let phraseLimit = 100

    private var reply: ShopReply { ShopReply(options: options) }

    func router() -> Router<BasicRequestContext> {
        let router = Router(context: BasicRequestContext.self, options: .autoGenerateHeadEndpoints)
        router.get("/") { _, _ in reply.redirect("/shop/") }
        let shop = router.group("/shop")
        shop.get("/") { request, _ in
            // The router does not tell /shop from /shop/, but relative addresses do.
            request.uri.path == "/shop" ? reply.redirect("/shop/") : answer(view(request)) { $0.home() }
        }
        shop.get("/category/{code}") { request, context in
            let view = view(request)
            let query = ShopForm(request.uri.query ?? "")
            return answer(view) {
                $0.category(
                    Self.step(context, "code"), brand: query["brand"], sort: query["sort"],
                    pageNumber: Int(query["page"] ?? "") ?? 1)
            }
        }
        shop.get("/product/{sku}") { request, context in
            answer(view(request)) { $0.product(Self.step(context, "sku")) }
        }
        shop.get("/search") { request, _ in await search(request) }
        shop.get("/cart") { request, _ in answer(view(request)) { $0.cart(orderID: Self.newOrderID()) } }
        shop.post("/cart/add") { request, _ in try await addToCart(request) }
        shop.post("/cart/change") { request, _ in try await changeCart(request) }
        shop.post("/checkout") { request, _ in try await checkOut(request) }
        shop.get("/thanks/{order}") { request, context in
            let id = Self.step(context, "order")
            return answer(view(request)) { Self.isOrderID(id) ? $0.thanks(id, desk.order(id)) : nil }
        }
        shop.post("/region") { request, _ in try await chooseRegion(request) }
        shop.post("/consent") { request, _ in try await answerConsent(request) }
        shop.get("/why/{decision}") { _, context in await why(Self.step(context, "decision")) }
        shop.get("/pictures/{file}") { request, context in picture(Self.step(context, "file"), request) }
        shop.get("/feeds/{file}") { _, context in feed(Self.step(context, "file")) }
        shop.get("/assets/{file}") { _, context in asset(Self.step(context, "file")) }
        shop.get("/**") { request, _ in answer(view(request)) { _ in nil } }
        router.get("/**") { request, _ in answer(view(request)) { _ in nil } }
        return router
    }

    // MARK: Pages

    private func view(_ request: Request, cart: Cart? = nil) -> ShopView {
        var visit = visit(request)
        if let cart { visit.cart = cart }
        let path = request.uri.path + (request.uri.query.map { "?" + $0 } ?? "")
        return ShopView(
            options: options, pages: pages, catalogue: holder.catalogue, visit: visit,
            here: ShopForm.ownPath(path) ?? "/shop/")
    }

    private func visit(_ request: Request) -> ShopVisit {
        ShopVisit(
            cookieHeader: request.headers[values: .cookie].joined(separator: "; "), storefront: options.storefront)
    }

    private func answer(
        _ view: ShopView, status: HTTPResponse.Status = .ok, _ render: (ShopView) -> String?
    ) -> Response {
        let origins = view.catalogue?.pictureOrigins ?? []
        guard view.catalogue != nil else { return reply.page(view.closed(), status: .serviceUnavailable) }
        guard let html = render(view) else {
            return reply.page(view.notFound(), status: .notFound, pictures: origins)
        }
        return reply.page(html, status: status, pictures: origins)
    }

    private func search(_ request: Request) async -> Response {
        let query = ShopForm(request.uri.query ?? "")
        let phrase = String((query["q"] ?? "").prefix(Self.phraseLimit)).trimmingCharacters(in: .whitespacesAndNewlines)
        let found = phrase.isEmpty ? nil : await find(phrase)
        return answer(view(request)) {
            $0.search(phrase, found: found, sort: query["sort"], pageNumber: Int(query["page"] ?? "") ?? 1)
        }
    }

    /// By the ad server's catalogue search, which knows word forms; by plain comparison while it does not answer.
    private func find(_ phrase: String) async -> [String] {
        if let known = holder.found(phrase) { return known }
        let plain = phrase.lowercased()
        let brand = (holder.catalogue?.products.values.filter { $0.brand.lowercased() == plain } ?? []).map(\.sku)
        do {
            let named = try await reader.search(phrase)
            // «Шоколад» before «Печенье с шоколадом»: what a name begins with is what a thing is.
            let stem = plain.prefix(max(3, plain.count - 2))
            let products = holder.catalogue?.products
            let isIt = { (sku: String) in products?[sku]?.name.lowercased().hasPrefix(stem) ?? false }
            let skus = named.filter(isIt) + named.filter { !isIt($0) } + brand.filter { !named.contains($0) }.sorted()
            holder.keep(skus, for: phrase)
            return skus
        } catch {
            logger.debug("the search was not answered", metadata: ["error": "\(error)"])
            return (holder.catalogue?.list(location: "", order: .popular) ?? []).filter {
                $0.name.lowercased().contains(plain)
            }.map(\.sku)
        }
    }

    /// For the panel "why this ad". A decision is told of once it is in the ad server's tables, a moment after it.
    private func why(_ decision: String) async -> Response {
        do {
            if let told = try await reader.why(decision) { return reply.json(told) }
        } catch {
            logger.debug("a decision was not explained", metadata: ["error": "\(error)"])
        }
        return reply.json("{\"slots\":[]}")
    }

    // MARK: Cart and order

    private func form(_ request: Request) async throws -> ShopForm {
        let body = try await request.body.collect(upTo: ShopForm.limit)
        return ShopForm(String(buffer: body))
    }

    private func addToCart(_ request: Request) async throws -> Response {
        let form = try await form(request)
        var visit = visit(request)
        guard let sku = form["sku"], holder.catalogue?.products[sku] != nil else {
            return answer(view(request)) { _ in nil }
        }
        visit.cart.add(sku, units: Int(form["units"] ?? "") ?? 1)
        let cookies = [visit.cookie("cart", visit.cart.text)]
        if request.headers[.accept]?.contains("application/json") == true {
            return reply.json("{\"units\":\(visit.cart.units)}", cookies: cookies)
        }
        return reply.redirect("/shop/cart", cookies: cookies)
    }

    private func changeCart(_ request: Request) async throws -> Response {
        let form = try await form(request)
        var visit = visit(request)
        if let sku = form["sku"], let units = Int(form["units"] ?? "") { visit.cart.set(sku, units: units) }
        return reply.redirect("/shop/cart", cookies: [visit.cookie("cart", visit.cart.text)])
    }

    private func checkOut(_ request: Request) async throws -> Response {
        let form = try await form(request)
        let visit = visit(request)
        let view = view(request)
        guard let catalogue = holder.catalogue else { return reply.page(view.closed(), status: .serviceUnavailable) }
        guard let id = form["order"], Self.isOrderID(id) else { return reply.redirect("/shop/cart") }
        let lines = visit.cart.priced(catalogue, location: view.location.code).lines
        guard !lines.isEmpty else { return reply.redirect("/shop/cart") }
        switch await desk.send(ShopOrder(id: id, lines: lines), visitor: visit.visitor) {
        case .taken: return reply.redirect("/shop/thanks/\(id)", cookies: [visit.cookie("cart", "")])
        case .away:
            return answer(view, status: .serviceUnavailable) {
                $0.cart(orderID: id, problem: "Заказ не удалось передать, корзина сохранена. Попробуйте ещё раз.")
            }
        case .refused(let code):
            logger.warning("an order was refused", metadata: ["code": "\(code)"])
            return answer(view, status: .badGateway) {
                $0.cart(orderID: Self.newOrderID(), problem: "Заказ не принят (\(code)). Корзина сохранена.")
            }
        }
    }

    /// Twelve digits of chance: nobody guesses another's thank-you page.
    private static func newOrderID() -> String {
        let number = String(UInt64.random(in: 0..<1_000_000_000_000))
        return "P-" + String(repeating: "0", count: 12 - number.count) + number
    }

    private static func isOrderID(_ text: String) -> Bool {
        text.utf8.count == 14 && text.hasPrefix("P-")
            && text.utf8.dropFirst(2).allSatisfy { (0x30...0x39).contains($0) }
    }

    // MARK: Choices

    private func chooseRegion(_ request: Request) async throws -> Response {
        let form = try await form(request)
        let code = form["location"] ?? ""
        let isKnown = holder.catalogue?.locations.contains { $0.code == code } ?? false
        return reply.redirect(form.back, cookies: isKnown ? [visit(request).cookie("region", code)] : [])
    }

    private func answerConsent(_ request: Request) async throws -> Response {
        let form = try await form(request)
        let visit = visit(request)
        let given = form["answer"] == "yes"
        return reply.redirect(
            form.back,
            cookies: [
                visit.cookie("consent", given ? "yes" : "no"),
                visit.cookie("visitor", given ? visit.visitor ?? ShopVisit.newVisitor() : ""),
            ])
    }

    // MARK: Files

    private func picture(_ file: String, _ request: Request) -> Response {
        guard file.hasSuffix(".svg"), let catalogue = holder.catalogue,
            let product = catalogue.products[String(file.dropLast(4))]
        else { return Response(status: holder.catalogue == nil ? .serviceUnavailable : .notFound) }
        // Feeds spell a brand in several ways; its colour stays, and its label has the spelling of the name.
        let quoted = product.name.firstRange(of: /«[^«»]+»/).map { String(product.name[$0].dropFirst().dropLast()) }
        let colour = product.brandCode ?? product.brand
        let svg = ProductPicture.svg(
            name: product.name, brand: quoted ?? product.brand, category: catalogue.home(of: product)?.name ?? "",
            hue: ProductPicture.hue(of: colour.isEmpty ? product.sku : colour))
        return reply.file(Array(svg.utf8), type: "image/svg+xml", seconds: 3_600)
    }

    /// What the shop sells, for machines: the ad server fetches it from here.
    private func feed(_ name: String) -> Response {
        let isPlain = name.utf8.allSatisfy { (0x61...0x7A).contains($0) || $0 == 0x2D || $0 == 0x2E }
        guard let folder = options.feeds, isPlain, name.hasSuffix(".xml"),
            let bytes = try? Data(contentsOf: URL(fileURLWithPath: folder).appendingPathComponent(name))
        else { return Response(status: .notFound) }
        return reply.file(Array(bytes), type: "application/xml; charset=utf-8", seconds: 60)
    }

    private func asset(_ name: String) -> Response {
        guard let asset = pages.assets[name] else { return Response(status: .notFound) }
        return reply.file(asset.bytes, type: asset.type, seconds: 86_400)
    }

    /// One step of the path, with its escapes undone.
    private static func step(_ context: BasicRequestContext, _ name: String) -> String {
        let raw = context.parameters.get(name) ?? ""
        return raw.removingPercentEncoding ?? raw
    }
}
