import AdFormatFiles
import AdFormats
import Testing

/// What each folder of `adformats/` is to ORD and how many products it holds.
@Suite("The formats beside banner and product shelf") struct ShippedFormatFolders {
    struct Expectation: Sendable, CustomTestStringConvertible {
        var name: String
        var ordForm: String
        var cards: ClosedRange<Int>
        var pictures: ClosedRange<Int>
        var testDescription: String { name }
    }

    static let all = [
        Expectation(name: "brand-shelf", ordForm: "text_graphic_block", cards: 2...8, pictures: 1...2),
        Expectation(name: "sponsored-product", ordForm: "text_graphic_block", cards: 1...1, pictures: 0...1),
        Expectation(name: "text", ordForm: "text_block", cards: 0...0, pictures: 0...0),
    ]

    @Test("Each says its ORD form, its products and its pictures", arguments: all)
    func facts(expected: Expectation) throws {
        let format = try #require(try AdFormatSet(folders: AdFormatFiles.read())[expected.name])
        #expect(format.ordForm == expected.ordForm)
        #expect(format.minimumCards == expected.cards.lowerBound && format.maximumCards == expected.cards.upperBound)
        #expect(format.media.minimum == expected.pictures.lowerBound)
        #expect(format.media.maximum == expected.pictures.upperBound)
    }

    @Test(
        "Each preview is labelled in full, counts by its token and carries as many cards as it has products",
        arguments: all)
    func preview(expected: Expectation) throws {
        let html = try #require(try AdFormatSet(folders: AdFormatFiles.read())[expected.name]).renderPreview()
        for part in ["<b>Реклама</b>", "ООО «Зерносвет»", "ИНН 7700000000", "erid: 2VtzqPreview", "data-nimb-copy"] {
            #expect(html.contains(part), "\(expected.name) lacks \(part)")
        }
        #expect(html.contains("data-nimb-ad="))
        #expect(html.ranges(of: "data-nimb-card=").count == min(2, expected.cards.upperBound))
        #expect(!html.contains("{{") && !html.contains("<style") && !html.contains(" style="))
    }

    @Test("Hostile values stay text in each of them", arguments: all)
    func hostile(expected: Expectation) throws {
        let evil = "\"><script>alert(1)</script>'{{token}}"
        let format = try #require(try AdFormatSet(folders: AdFormatFiles.read())[expected.name])
        let names = ["title", "text", "alt", "note", "headline"]
        let html = format.renderHTML(
            .object([
                "fields": .object(Dictionary(uniqueKeysWithValues: names.map { ($0, FieldValue.string(evil)) })),
                "pictures": .array([.object(["url": .string(evil), "width": .integer(1), "height": .integer(1)])]),
                "products": .array([
                    .object([
                        "sku": .string(evil), "name": .string(evil), "url": .string(evil), "picture_url": .string(evil),
                        "price": .string("1.00"), "price_micros": .integer(1_000_000),
                    ])
                ]),
                "label": .object([
                    "text": .string(evil), "advertiser": .string(evil), "inn": .string(evil), "erid": .string(evil),
                ]),
                "tracking": .object(["impression": .string(evil), "click": .string(evil)]), "token": .string(evil),
            ]))
        #expect(!html.contains("<script>") && !html.contains("\"><script") && !html.contains("'{{"))
    }
}
