import AdFormatFiles
import AdFormats
import Testing

@Suite struct ShippedFormatTests {
    let formats: AdFormatSet

    init() throws { formats = try AdFormatSet(folders: AdFormatFiles.read()) }

    @Test("The shipped formats load and say what ORD calls them")
    func load() throws {
        #expect(formats.formats.keys.contains("banner"))
        #expect(formats["banner"]?.ordForm == "banner")
        let shelf = try #require(formats["product-shelf"])
        #expect(shelf.ordForm == "text_graphic_block")
        #expect(shelf.minimumCards == 2 && shelf.maximumCards == 12)
    }

    @Test(
        "Every preview shows its label in full: the word, the advertiser, INN and erid",
        arguments: ["banner", "product-shelf"])
    func previewIsLabelled(name: String) throws {
        let html = try #require(formats[name]).renderPreview()
        for part in ["<b>Реклама</b>", "ООО «Зерносвет»", "ИНН 7700000000", "erid: 2VtzqPreview"] {
            #expect(html.contains(part), "\(name) lacks \(part)")
        }
        #expect(html.contains("aria-label=\"Реклама"))
        let style = try #require(formats[name]).stylesheet
        #expect(style.contains("var(--nimb-"))
        #expect(style.contains("[data-nimb-reserve=\"\(name)\"]"), "\(name) says how much space to reserve")
        #expect(!html.contains("{{"))
    }

    @Test("The banner shows its picture with its description, and the click address once")
    func banner() throws {
        let html = try #require(formats["banner"]).renderPreview()
        #expect(html.contains("width=\"960\" height=\"240\" alt=\"Чашка кофе на деревянном столе\""))
        #expect(html.contains("Свежая обжарка к утру"))
        #expect(html.ranges(of: "https://ads.example/v1/click/preview").count == 1)
    }

    @Test("The shelf shows one card per product, and an old price only where there is one")
    func shelf() throws {
        let html = try #require(formats["product-shelf"]).renderPreview()
        #expect(html.ranges(of: "<li class=\"nimb-card\"").count == 2)
        #expect(html.contains("data-nimb-card=\"0\" data-nimb-sku=\"c-1\""))
        #expect(html.contains("data-nimb-card=\"1\" data-nimb-sku=\"c-2\""))
        #expect(html.ranges(of: "<s class=\"nimb-old\">").count == 1)
        #expect(html.contains("1\u{202F}290\u{A0}₽ <s class=\"nimb-old\">1\u{202F}490\u{A0}₽</s>"))
        #expect(html.contains("\u{2212}13\u{A0}%"))
        #expect(html.contains("https://ads.example/v1/click/preview/1"))
    }

    @Test(
        "Hostile values stay text, wherever they stand",
        arguments: [
            "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "' onmouseover='alert(1)", "{{{fields}}}",
            "{{& label.erid}}", "</style><svg onload=alert(1)>", "&lt;b&gt;", "<!-- ", "]]>",
        ])
    func hostile(text: String) throws {
        for format in formats.formats.values {
            let value = FieldValue.string(text)
            let fields: FieldValue = .object([
                "headline": value, "text": value, "alt": value, "title": value, "subtitle": value,
            ])
            let ad: FieldValue = .object([
                "fields": fields,
                "pictures": .array([.object(["url": value, "width": .integer(1), "height": .integer(1)])]),
                "products": .array([
                    .object(["name": value, "url": value, "picture_url": value, "price": value, "old_price": value])
                ]),
                "label": .object(["text": value, "advertiser": value, "inn": value, "erid": value]),
                "tracking": .object(["click": value, "impression": value, "viewable": value]),
            ])
            let plain = format.renderHTML(.object(try replacing(ad, with: "x")))
            let html = format.renderHTML(ad)
            // Whatever was put in, the markup is that of a harmless value: the same tags, quotes and nothing more.
            for mark in ["<", ">", "\"", "'"] {
                #expect(
                    html.ranges(of: mark).count == plain.ranges(of: mark).count, "\(format.name): \(mark) of \(text)")
            }
        }
    }

    private func replacing(_ value: FieldValue, with text: String) throws -> [String: FieldValue] {
        func replaced(_ value: FieldValue) -> FieldValue {
            switch value {
            case .string: .string(text)
            case .array(let list): .array(list.map(replaced))
            case .object(let members): .object(members.mapValues(replaced))
            default: value
            }
        }
        return try #require(replaced(value).object)
    }
}

@Suite struct FieldValidationTests {
    let banner: AdFormat

    init() throws { banner = try #require(try AdFormatSet(folders: AdFormatFiles.read())["banner"]) }

    private func codes(_ json: String) throws -> [String] {
        banner.validate(try FieldValue(json: Array(json.utf8))).map { "\($0.path):\($0.code)" }
    }

    @Test("Fields are checked by the schema, each problem with its path and code")
    func fields() throws {
        #expect(try codes(#"{"alt":"Чай"}"#) == [])
        #expect(try codes(#"{}"#) == ["alt:required"])
        #expect(try codes(#"{"alt":"a","colour":"red"}"#) == ["colour:unknown_field"])
        #expect(try codes(#"{"alt":5}"#) == ["alt:wrong_type"])
        #expect(try codes(#"{"alt":true}"#) == ["alt:wrong_type"])
        #expect(try codes(#"{"alt":""}"#) == ["alt:too_short"])
        let long = String(repeating: "ы", count: 61)
        #expect(try codes(#"{"alt":"a","headline":"\#(long)"}"#) == ["headline:too_long"])
        #expect(try codes("[]") == [":wrong_type"])
    }

    @Test("Pictures are checked for count, weight, type and size")
    func pictures() {
        func codes(_ pictures: [AdFormat.Picture]) -> [String] { banner.validate(pictures: pictures).map(\.code) }
        let good = AdFormat.Picture(contentType: "image/png", width: 960, height: 240, bytes: 1_000)
        #expect(codes([good]) == [])
        #expect(codes([]) == ["wrong_count"])
        var bad = good
        bad.bytes = 600_000
        #expect(codes([bad]) == ["too_heavy"])
        bad = good
        bad.contentType = "image/svg+xml"
        #expect(codes([bad]) == ["not_allowed"])
        bad = good
        bad.width = 961
        #expect(codes([bad]) == ["wrong_size"])
    }
}

@Suite struct FormatLoadingTests {
    private let about = """
        {"title": "T", "ord_form": "text_block", "prior_ctr": 0.01, "cards": {"minimum": 0, "maximum": 0}}
        """
    private let schema = #"{"type": "object", "properties": {"a": {"type": "string"}}}"#

    private func load(
        about: String? = nil, schema: String? = nil, template: String = "<b>{{fields.a}}</b>",
        preview: String = #"{"fields": {"a": "x"}}"#
    ) -> Result<AdFormat, AdFormatError> {
        let files = [
            "format.json": Array((about ?? self.about).utf8), "schema.json": Array((schema ?? self.schema).utf8),
            "template.mustache": Array(template.utf8), "preview.json": Array(preview.utf8),
        ]
        do { return .success(try AdFormat(name: "test", files: files)) } catch { return .failure(error) }
    }

    private func code(_ result: Result<AdFormat, AdFormatError>) -> String? {
        if case .failure(let error) = result { error.code } else { nil }
    }

    @Test("A folder of four files is a format")
    func loads() throws { #expect(try load().get().renderPreview() == "<b>x</b>") }

    @Test(
        "An unknown schema keyword fails at load, at any depth",
        arguments: [
            #"{"type": "object", "properties": {}, "patternProperties": {}}"#,
            #"{"type": "object", "properties": {"a": {"type": "string", "pattern": "x"}}}"#,
            #"{"type": "object", "properties": {"a": {"type": "string", "minimum": 1}}}"#,
            #"{"type": "object", "properties": {"a": {"type": "string", "format": "email"}}}"#,
            #"{"type": "object", "properties": {"a": {"type": "array", "items": {"type": "string", "oneOf": []}}}}"#,
        ])
    func unknownKeyword(schema: String) { #expect(code(load(schema: schema)) == "unknown_keyword") }

    @Test(
        "A schema that says nothing checkable fails at load",
        arguments: [
            #"{"properties": {}}"#, #"{"type": "string"}"#, #"{"type": "object", "additionalProperties": true}"#,
            #"{"type": "object", "required": ["b"]}"#,
            #"{"type": "object", "properties": {"a": {"type": "array"}}}"#,
            #"{"type": "object", "properties": {"a": {"type": "string", "maxLength": -1}}}"#,
        ])
    func badSchema(schema: String) { #expect(code(load(schema: schema)) == "bad_schema") }

    @Test(
        "A template that could print or run something unescaped fails at load",
        arguments: [
            "{{{fields.a}}}", "{{&fields.a}}", "{{ & fields.a}}", "{{ {fields.a}}}", "{{=<% %>=}}<%& fields.a %>",
            "{{% CONTENT_TYPE:TEXT}}{{fields.a}}", "{{>other}}", "{{<other}}{{/other}}", "{{$block}}{{/block}}",
            "<script>{{fields.a}}</script>", "<a href={{fields.a}}>x</a>", "<a onclick=\"{{fields.a}}\">x</a>",
            "<a onclick=\"go()\">x</a>", "<style>p{color:{{fields.a}}}</style>",
            "<p style=\"color:{{fields.a}}\">x</p>",
            "<a href=\"javascript:alert(1)\">x</a>", "{{#fields}}", "<iframe src=\"x\"></iframe>",
        ])
    func badTemplate(template: String) { #expect(code(load(template: template)) == "bad_template") }

    @Test("A preview that breaks its own schema fails at load")
    func badPreview() { #expect(code(load(preview: #"{"fields": {"b": "x"}}"#)) == "bad_format") }

    @Test("An unknown form, an impossible rate or an unknown key of format.json fails at load")
    func badAbout() {
        #expect(code(load(about: about.replacingOccurrences("text_block", "poster"))) == "bad_format")
        #expect(code(load(about: about.replacingOccurrences("0.01", "1.5"))) == "bad_format")
        #expect(code(load(about: about.replacingOccurrences("\"title\"", "\"name\""))) == "unknown_keyword")
    }

    @Test("A missing file is named")
    func missingFile() {
        do {
            _ = try AdFormat(name: "half", files: ["format.json": Array(about.utf8)])
            Issue.record("loaded without a schema")
        } catch {
            #expect(error.code == "missing_file" && error.message.contains("half/schema.json"))
        }
    }

    @Test(
        "A style sheet that could leave its place or call another host fails at load",
        arguments: ["</style><script>", "@import 'x'", "a{background:URL(https://x)}"])
    func badStyle(style: String) {
        let files = [
            "format.json": Array(about.utf8), "schema.json": Array(schema.utf8),
            "template.mustache": Array("<b>x</b>".utf8), "preview.json": Array("{\"fields\":{}}".utf8),
            "style.css": Array(style.utf8),
        ]
        #expect(throws: AdFormatError.self) { try AdFormat(name: "test", files: files) }
    }

    @Test("A folder whose name starts with an underscore is not a format")
    func underscore() throws {
        #expect(try AdFormatSet(folders: ["_draft": [:]]).formats.isEmpty)
    }
}

extension String {
    fileprivate func replacingOccurrences(_ old: String, _ new: String) -> String { replacing(old, with: new) }
}
