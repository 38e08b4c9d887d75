import AdModel
import Attribution
import Testing

@Suite struct PolicyTests {
    @Test("presets are found by name, and another name says which there are")
    func presets() throws {
        for name in ["default@1", "item-24h@1", "order-24h@1", "smart-placement@1", "sku-strict@1"] {
            #expect(try AttributionPolicy.preset(name).name == name)
        }
        let error = #expect(throws: AttributionError.self) { try AttributionPolicy.preset("default") }
        #expect(error?.code == "unknown_policy")
        #expect(error?.message.contains("sku-strict@1") == true)
    }

    @Test("a preset could have been written as a custom policy")
    func presetsAreValid() throws {
        for preset in AttributionPolicy.presets {
            let custom = try AttributionPolicy(
                name: preset.name, clickWindow: preset.clickWindow, viewWindow: preset.viewWindow,
                viewCounting: preset.viewCounting, levels: preset.levels, precedence: preset.precedence,
                scope: preset.scope, separatesInteractions: preset.separatesInteractions, basis: preset.basis)
            #expect(custom == preset)
        }
    }

    @Test("a policy that contradicts the rules is refused")
    func refusals() {
        func refuses(
            name: String = "mine@1", click: Timestamp.Span? = .days(7), view: Timestamp.Span? = nil,
            levels: [MatchLevel] = [.sku], precedence: [AttributionPolicy.Comparator] = [.recency]
        ) {
            let error = #expect(throws: AttributionError.self) {
                try AttributionPolicy(
                    name: name, clickWindow: click, viewWindow: view, levels: levels, precedence: precedence)
            }
            #expect(error?.code == "invalid_policy")
        }
        for name in ["", "mine", "mine@", "@1", "mine@0", "mine@01", "Mine@1", "mine@1@2", "mi ne@1"] {
            refuses(name: name)
        }
        refuses(click: nil)
        refuses(click: Timestamp.Span(micros: -1))
        refuses(view: .days(367))
        refuses(levels: [])
        refuses(levels: [.sku, .sku])
        refuses(levels: [.variant, .sku])
        refuses(levels: [.sku, .brand])
        refuses(levels: [.variant, .listed])
        refuses(precedence: [.recency, .match, .recency])
    }

    @Test("what a custom policy does not state is as in default@1")
    func defaults() throws {
        let custom = try AttributionPolicy(name: "mine@1", clickWindow: .days(14), viewWindow: .days(1))
        let preset = AttributionPolicy.default
        #expect(custom.viewCounting == preset.viewCounting)
        #expect(custom.levels == preset.levels)
        #expect(custom.precedence == preset.precedence)
        #expect(custom.scope == preset.scope)
        #expect(custom.basis == preset.basis)
    }
}
