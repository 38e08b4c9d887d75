import Foundation
import TestKit
import Testing

/// A format is a folder: one that Nimb has never seen is sold, moderated by its own schema and served.
@Suite(.serialized, .database) struct FormatTests {
    private static let files = [
        "format.json": """
        {"title": "Цитата", "ord_form": "text_graphic_block", "prior_ctr": 0.01, "cards": {"minimum": 1, "maximum": 3}}
        """,
        "schema.json": """
        {"type": "object", "required": ["quote"], "properties": {
          "quote": {"type": "string", "title": "Цитата", "minLength": 1, "maxLength": 80}}}
        """,
        "template.mustache": """
        <aside class="nimb-ad" data-nimb-ad="{{token}}"><q>{{fields.quote}}</q>{{#products}}<a href="{{url}}">{{name}}</a>{{/products}}
        <p class="nimb-label"><b>{{label.text}}</b> {{label.advertiser}}, {{label.inn}}, {{label.erid}}</p></aside>
        """,
        "preview.json": #"{"fields": {"quote": "…"}, "products": [], "label": {"text": "Реклама"}}"#,
        "style.css": ".nimb-ad q { font-style: italic; }",
    ]

    private static let seed = """
        storefronts:
          - id: shop
            name: Тестовая витрина
            url: https://shop.test
            default_location: msk
            placements:
              - {id: article.quote, page_type: article, formats: [quote], rank: 1}
        campaigns:
          - id: north-quotes
            name: Цитаты
            advertiser: north
            contract: north-1
            kktu: 17.3.1
            state: active
            credited: {brands: [norda]}
            line_items:
              - id: north-quote
                name: Цитата
                flight: {from: 2026-01-01, to: 2028-12-01}
                pricing: cpm
                bid_rub: "100.00"
                targeting: {placements: [article.quote]}
                promoted: {skus: [p1, p4]}
                creatives:
                  - id: north-quote-1
                    format: quote
                    landing_url: https://shop.test/brands/norda
                    erid: 2VtzqNordQuote
                    fields: {quote: "Кофе <b>начинает</b> день"}
        """

    @Test func aFormatFolderAddedAtRunTimeIsSoldAndServed() async throws {
        let shop = try await Installation()
        let formats = shop.folder.appendingPathComponent("formats/quote")
        try FileManager.default.createDirectory(at: formats, withIntermediateDirectories: true)
        for (name, text) in Self.files {
            try text.write(to: formats.appendingPathComponent(name), atomically: true, encoding: .utf8)
        }
        let server = try await shop.startServer(["--adformats", shop.folder.appendingPathComponent("formats").path])
        // It is what puts an approved creative into service.
        let worker = try await shop.startWorker()
        let file = shop.folder.appendingPathComponent("quote.yaml")
        try Self.seed.write(to: file, atomically: true, encoding: .utf8)
        let seeding = try ChildProcess.nimb(
            ["seed", file.path, "--url", "http://127.0.0.1:\(shop.ports.management)"],
            environment: shop.environment.merging(["NIMB_KEY": shop.retailerKey]) { _, mine in mine })
        let code = try await seeding.exit(within: .seconds(60))
        #expect(code == 0, "\(seeding.output)")

        let request = """
            {"storefront":"shop","page":{"type":"article"},"slots":[{"name":"article.quote"}],"html":true,"location":"msk"}
            """
        var last = ""
        do {
            try await eventually(within: .seconds(30), "an ad of the new format") {
                let answer = try await shop.delivery.post("/v1/placements", request)
                last = answer.text
                return answer.json["slots"]["article.quote"]["ads"][0]["format"].string == "quote"
            }
        } catch let error as DeadlineError {
            throw DeadlineError(description: "\(error): \(last); seeded: \(seeding.output)")
        }
        let ad = try await shop.delivery.post("/v1/placements", request).json["slots"]["article.quote"]["ads"][0]
        #expect(ad["products"].array.count == 2)
        let html = try #require(ad["html"].string)
        #expect(html.contains("<q>Кофе &lt;b&gt;начинает&lt;/b&gt; день</q>"))
        #expect(html.contains("<b>Реклама</b> ООО &quot;Норд&quot;, 7736207543, 2VtzqNordQuote"))
        let style = try await shop.delivery.get("/tag/nimb.css")
        #expect(style.text.contains(".nimb-ad q"))
        #expect(try await server.stop() == 0)
        #expect(try await worker.stop() == 0)
    }
}
