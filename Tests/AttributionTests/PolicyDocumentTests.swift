import AdModel
import Attribution
import Testing

@Suite struct PolicyDocumentTests {
    private func problems(_ json: String) -> [String] {
        do {
            _ = try AttributionPolicy.parse(json: Array(json.utf8))
            return []
        } catch {
            return error.problems.map { "\($0.field) \($0.code)" }
        }
    }

    @Test("presets are what attribution.md states")
    func presets() {
        let table: [(AttributionPolicy, String, Timestamp.Span?, Timestamp.Span?)] = [
            (.default, "default@1", .days(14), .days(1)), (.item24h, "item-24h@1", .hours(24), nil),
            (.order24h, "order-24h@1", .hours(24), nil), (.smartPlacement, "smart-placement@1", .days(30), .days(30)),
            (.skuStrict, "sku-strict@1", .days(14), nil),
        ]
        for (policy, name, click, view) in table {
            #expect(policy.name == name)
            #expect(policy.clickWindow == click, "\(name)")
            #expect(policy.viewWindow == view, "\(name)")
            let isSmart = name == "smart-placement@1"
            #expect(policy.viewCounting == (isSmart ? .rendered : .viewable), "\(name)")
            #expect(policy.scope == (isSmart ? .campaign : .line), "\(name)")
            #expect(policy.basis == (isSmart ? .gross : .net), "\(name)")
            #expect(policy.separatesInteractions == isSmart, "\(name)")
            #expect(
                policy.precedence
                    == (isSmart || name == "order-24h@1" ? [.recency] : [.match, .interaction, .recency]),
                "\(name)")
        }
        #expect(AttributionPolicy.default.levels == [.sku, .variant, .listed, .brand])
        #expect(AttributionPolicy.item24h.levels == [.sku, .variant])
        #expect(AttributionPolicy.order24h.levels == [.order])
        #expect(AttributionPolicy.smartPlacement.levels == [.sku, .variant, .listed, .brand])
        #expect(AttributionPolicy.skuStrict.levels == [.sku])
    }

    @Test("a policy written as a document and read again is the same policy")
    func roundTrip() throws {
        for policy in AttributionPolicy.presets {
            #expect(try AttributionPolicy.parse(json: Array(policy.json.utf8)) == policy)
        }
        for seed in 0..<500 {
            var random = SplitMix64(UInt64(seed))
            let policy = try World.policy(&random)
            #expect(try AttributionPolicy.parse(json: Array(policy.json.utf8)) == policy, "seed \(seed)")
        }
    }

    @Test("what a document does not state is as in default@1")
    func defaults() throws {
        let policy = try AttributionPolicy.parse(
            json: Array(
                #"{"name":"week","version":12,"click_window_seconds":604800,"view_window_seconds":null}"#.utf8))
        #expect(policy.name == "week@12")
        #expect(policy.clickWindow == .days(7))
        #expect(policy.viewWindow == nil)
        #expect(policy.levels == AttributionPolicy.default.levels)
        #expect(policy.precedence == AttributionPolicy.default.precedence)
        #expect(policy.scope == .line && policy.basis == .net && !policy.separatesInteractions)
    }

    @Test("every problem of a document is told, with the member at fault")
    func refusals() {
        for text in ["", "[", "{", "nul", "{\"a\":1,\"a\":2}", "1 2", "\"\\x\"", "01"] {
            #expect(problems(text) == [" not_json"], "\(text)")
        }
        #expect(problems("[]") == [" wrong_type"])
        #expect(
            problems("{}") == [
                "name required", "version required", "click_window_seconds required", "view_window_seconds required",
            ])
        let whole = #""name":"x","version":1,"click_window_seconds":60,"view_window_seconds":null"#
        #expect(problems("{\(whole)}") == [])
        #expect(problems("{\(whole),\"precedence\":[]}") == [])
        for (member, expected) in [
            (#""levels":["sku","brand"]"#, ["levels required"]),
            (#""levels":["variant","sku"]"#, ["levels[1] wrong_order"]),
            (#""levels":["sku","sku"]"#, ["levels[1] repeated"]), (#""levels":[]"#, ["levels required"]),
            (#""levels":["sku","shoe"]"#, ["levels[1] unknown_word"]), (#""levels":"sku""#, ["levels wrong_type"]),
            (#""precedence":["match","match"]"#, ["precedence[1] repeated"]),
            (#""scope":"order""#, ["scope unknown_word"]), (#""basis":7"#, ["basis wrong_type"]),
            (#""separate_interactions":"no""#, ["separate_interactions wrong_type"]),
            (#""counted_view":"seen""#, ["counted_view unknown_word"]), (#""colour":1"#, ["colour unknown_field"]),
        ] {
            #expect(problems("{\(whole),\(member)}") == expected, "\(member)")
        }
        func head(_ name: String, _ version: String, _ click: String, _ view: String) -> [String] {
            problems(
                #"{"name":\#(name),"version":\#(version),"click_window_seconds":\#(click),"view_window_seconds":\#(view)}"#
            )
        }
        #expect(head(#""X""#, "1", "1", "1") == ["name out_of_range"])
        #expect(head(#""x""#, "0", "1", "1") == ["version out_of_range"])
        #expect(head(#""x""#, "1.5", "1", "1") == ["version wrong_type"])
        #expect(
            head(#""x""#, "1", "-1", "31622401") == [
                "click_window_seconds out_of_range", "view_window_seconds out_of_range",
            ])
        #expect(head(#""x""#, "1", "null", "null") == ["click_window_seconds required"])
    }
}
