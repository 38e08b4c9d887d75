import DemoShop
import Foundation
import FoundationXML
import Testing

@Suite("Product pictures") struct ProductPictureTests {
    static let names = [
        "Кофе в зёрнах «Зерносвет» Бразилия, 250 г", "Шампунь «Мылодея» с крапивой, 300 мл", "Чайник «Вольта» 1,7 л",
        "Сыр «Сырогорск» гауда, 200 г", "Носки «Лён», 3 пары", "Яйца, 10 шт.", "Подгузники «Пухлыш» 4–9 кг, 24 шт.",
        "", " ", ",", "«»", "🧴🧴🧴", "a & b <script>alert(1)</script> \"c\" 'd'", "\u{0}\u{1}\u{FFFF}x",
        String(repeating: "Очень длинное название ", count: 40),
    ]

    @Test("A picture is well-formed XML with the name as its text, whatever the name is", arguments: names)
    func wellFormed(name: String) {
        for hue in [-720, 0, 60, 359, 10_000] {
            let svg = ProductPicture.svg(name: name, brand: name, category: "Прочее", hue: hue)
            #expect(XMLParser(data: Data(svg.utf8)).parse())
            #expect(!svg.contains("<script"))
        }
    }

    @Test("The same product always has the same picture; another package, another brand another one")
    func stable() {
        let picture = { (name: String, hue: Int) in
            ProductPicture.svg(name: name, brand: "Зерносвет", category: "Кофе", hue: hue)
        }
        #expect(picture(Self.names[0], 20) == picture(Self.names[0], 20))
        #expect(picture(Self.names[0], 20) != picture(Self.names[0], 90))
        #expect(picture("Кофе в зёрнах, 250 г", 20) != picture("Кофе растворимый, 95 г", 20))
        #expect(ProductPicture.hue(of: "ЗЕРНОСВЕТ") == ProductPicture.hue(of: "Зерносвет"))
    }

    @Test("The brand's own name does not decide what the package looks like")
    func brandIsNoKind() {
        // «Мылодея» sounds like soap, which would be drawn as a bar on its wrapper.
        let one = ProductPicture.svg(name: "Шампунь «Мылодея», 300 мл", brand: "Мылодея", category: "Уход", hue: 9)
        let two = ProductPicture.svg(name: "Шампунь «Чистота», 300 мл", brand: "Чистота", category: "Уход", hue: 9)
        #expect(one.contains("M134 104") == two.contains("M134 104"))
        #expect(one.contains("M134 104"))
    }
}
