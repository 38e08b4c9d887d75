import Synchronization
import TestKit

/// The pages of the test shop.
final class TagPages: Sendable {
    let delivery: String
    let media: String
    /// What the page `/rendered` has in its slot, as a shop's server would have put it there.
    let rendered = Mutex("")

    init(delivery: String, media: String) {
        self.delivery = delivery
        self.media = media
    }

    /// A banner and a shelf with space reserved, the shop's own content in both, and something below.
    private static let slots = """
        <main><h1>Магазин</h1>
        <div data-nimb-slot="home.top" data-nimb-reserve="banner"><p class="own">Своя подборка</p></div>
        <h2>Новинки</h2>
        <section data-nimb-slot="home.shelf" data-nimb-reserve="product-shelf"><p class="own">Свои товары</p></section>
        <div data-nimb-slot="home.empty" data-nimb-reserve="banner"><p class="own">Свой баннер</p></div>
        <p id="below">Ниже</p></main>
        """

    func answer(_ request: LocalServer.Request) -> LocalServer.Reply {
        let parts = request.uri.split(separator: "?", maxSplits: 1).map(String.init)
        let query = parts.count > 1 ? parts[1] : ""
        // `?timeout=300&server=…&consent=no`: attributes of the tag.
        var attributes = ["storefront": "shop", "page": "home", "consent": "yes", "timeout": "8000"]
        for pair in query.split(separator: "&") {
            let words = pair.split(separator: "=", maxSplits: 1).map(String.init)
            if words.count == 2 {
                attributes[words[0]] = words[1].replacing("%3A", with: ":").replacing("%2F", with: "/")
            }
        }
        switch parts[0] {
        case "/": return page(Self.slots, attributes)
        case "/english": return page(Self.slots, attributes, language: "en")
        case "/below":
            return page("<div class=\"tall\"></div>" + Self.slots, attributes)
        case "/article":
            attributes["page"] = "article"
            return page(
                """
                <div data-nimb-slot="article.top" data-nimb-reserve="banner"></div>
                <div data-nimb-slot="article.shelf" data-nimb-reserve="product-shelf"></div>
                """, attributes)
        case "/typo":
            return page(
                """
                <div data-nimb-slot="home.tpo"><p class="own">Своё</p></div>
                <div data-nimb-slot="home.top" data-nimb-reserve="banner"></div>
                """, attributes)
        case "/module":
            return page(Self.slots, attributes, script: "<script type=\"module\" src=\"/module.js\"></script>")
        case "/rendered":
            let ads = rendered.withLock { $0 }
            return page("<div data-nimb-slot=\"home.top\" data-nimb-reserve=\"banner\">\(ads)</div>", attributes)
        case "/bare": return page("<main></main>", attributes)
        case "/module.js":
            return text("import nimb from '\(delivery)/tag/nimb.mjs';\nwindow.imported = nimb;\n", "text/javascript")
        case "/probe.js": return text(Self.probe, "text/javascript")
        case "/shop.css":
            return text("body { margin: 16px; font-family: sans-serif } .tall { height: 3000px }", "text/css")
        case _ where parts[0].hasPrefix("/i/"): return text(Self.picture(parts[0]), "image/svg+xml")
        default: return text("<!doctype html><title>Страница</title><h1>\(parts[0])</h1>", "text/html; charset=utf-8")
        }
    }

    /// What a page notes about itself from its very beginning.
    private static let probe = """
        window.shift = 0;
        new PerformanceObserver((list) => {
          for (const entry of list.getEntries()) window.shift += entry.value;
        }).observe({ type: 'layout-shift', buffered: true });
        window.broken = [];
        addEventListener('error', (event) => { if (event.message) window.broken.push(event.message); });
        addEventListener('unhandledrejection', (event) => window.broken.push(String(event.reason)));
        document.addEventListener('securitypolicyviolation', (event) => window.broken.push(event.violatedDirective + ' ' + event.blockedURI));
        """

    private func page(
        _ body: String, _ attributes: [String: String], language: String = "ru", script: String? = nil
    ) -> LocalServer.Reply {
        let said = attributes.sorted { $0.key < $1.key }.map { "data-nimb-\($0.key)=\"\($0.value)\"" }
            .joined(separator: " ")
        let tag = script ?? "<script async src=\"\(delivery)/tag/nimb.js\"></script>"
        let other = attributes["server"].map { " " + $0 } ?? ""
        let html = """
            <!doctype html><html lang="\(language)" \(said)><head><meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1"><title>Магазин</title>
            <script src="/probe.js"></script><link rel="stylesheet" href="/shop.css">
            <link rel="stylesheet" href="\(delivery)/tag/nimb.css">\(tag)</head><body>\(body)</body></html>
            """
        return .response(
            200,
            headers: [
                ("Content-Type", "text/html; charset=utf-8"),
                (
                    "Content-Security-Policy",
                    """
                    default-src 'none'; script-src 'self' \(delivery); style-src 'self' \(delivery); \
                    img-src 'self' \(media); connect-src \(delivery)\(other); \
                    require-trusted-types-for 'script'; trusted-types nimb
                    """
                ),
            ], body: Array(html.utf8))
    }

    private func text(_ text: String, _ type: String) -> LocalServer.Reply {
        .response(200, headers: [("Content-Type", type)], body: Array(text.utf8))
    }

    private static func picture(_ path: String) -> String {
        let hue = (path.utf8.reduce(0) { $0 + Int($1) } * 47) % 360
        return """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 160 160"><rect width="160" height="160" fill="hsl(\(hue) 60% 94%)"/>
            <rect x="48" y="30" width="64" height="100" rx="12" fill="hsl(\(hue) 45% 45%)"/>
            <rect x="58" y="60" width="44" height="36" rx="6" fill="hsl(\(hue) 60% 92%)"/></svg>
            """
    }
}
