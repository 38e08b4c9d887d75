import AdFormats
import Testing

@Suite struct CardTextTests {
    private func card(_ json: String) throws -> String {
        let files = [
            "format.json": #"{"title": "T", "ord_form": "text_block", "prior_ctr": 0.01}"#,
            "schema.json": #"{"type": "object"}"#, "preview.json": "{}",
            "template.mustache":
                "{{#products}}{{card}}|{{price_text}}|{{old_price_text}}|{{discount_text}};{{/products}}",
        ].mapValues { Array($0.utf8) }
        let format = try AdFormat(name: "test", files: files)
        return format.renderHTML(try FieldValue(json: Array(#"{"products": [\#(json)]}"#.utf8)))
            .replacing("\u{202F}", with: " ").replacing("\u{A0}", with: "_")
    }

    @Test("Prices are shown as people write them, with kopecks only where there are some")
    func prices() throws {
        #expect(try card(#"{"price_micros": 1234560000}"#) == "0|1 234,56_₽||;")
        #expect(try card(#"{"price_micros": 1234567000000}"#) == "0|1 234 567_₽||;")
        #expect(try card(#"{"price_micros": 99050000}"#) == "0|99,05_₽||;")
        #expect(try card(#"{"price": "99.90"}"#) == "0|99,90_₽||;")
        #expect(try card(#"{"price": "1290.00"}, {"price": "100"}"#) == "0|1 290_₽||;1|100_₽||;")
    }

    @Test("An old price is shown only when it is higher, its discount rounded down")
    func discounts() throws {
        let micros = #"{"price_micros": 1290000000, "old_price_micros": 1490000000}"#
        #expect(try card(micros) == "0|1 290_₽|1 490_₽|\u{2212}13_%;")
        #expect(try card(#"{"price": "10.00", "old_price": "10.00"}"#) == "0|10_₽||;")
        #expect(try card(#"{"price": "999.00", "old_price": "1000.00"}"#) == "0|999_₽|1 000_₽|;")
    }

    @Test(
        "What is no price is left out", arguments: [#"{"price": "x"}"#, #"{"price": "-5.00"}"#, #"{"price": "0.00"}"#])
    func noPrice(json: String) throws { #expect(try card(json) == "0|||;") }
}
