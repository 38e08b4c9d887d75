import AdFormats
import Store

/// `/v1/formats`: what creatives consist of, for people and programs.
enum FormatRoutes {
    static func add(to table: inout RouteTable) {
        table.get("/v1/formats", .campaigns, .everyone, list)
        table.get("/v1/formats/{name}", .campaigns, .everyone, find)
    }

    @Sendable private static func list(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let formats = (call.services.formats?.formats ?? [:]).values.sorted { $0.name < $1.name }
        return .json { json in
            json.member("items", array: formats) { json, format in json.object { render(&$0, format) } }
            json.member("next_cursor", raw: nil)
        }
    }

    @Sendable private static func find(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        guard let format = call.services.formats?[call.path("name")] else { throw Refusal.notFound }
        return .json { render(&$0, format) }
    }

    private static func render(_ json: inout JSONText, _ format: AdFormat) {
        json.member("name", format.name)
        json.member("title", format.title)
        json.member("ord_form", format.ordForm)
        json.member("cards") {
            $0.member("minimum", format.minimumCards)
            $0.member("maximum", format.maximumCards)
        }
        json.member("media") { json in
            json.member("minimum", format.media.minimum)
            json.member("maximum", format.media.maximum)
            json.member("maximum_bytes", format.media.maximumBytes)
            json.member("content_types", format.media.contentTypes)
            json.member("sizes", array: format.media.sizes) { json, size in
                json.object {
                    $0.member("width", size.width)
                    $0.member("height", size.height)
                }
            }
        }
        json.member("fields", array: format.fieldDescriptions) { json, field in
            json.object {
                $0.member("name", field.name)
                $0.member("type", field.type)
                $0.member("title", field.title)
                $0.member("note", field.note)
                $0.member("required", field.isRequired)
                $0.member("maximum_length", field.maximumLength.map(Int64.init))
                if let allowed = field.allowed {
                    $0.member("allowed", allowed)
                } else {
                    $0.member("allowed", raw: nil)
                }
            }
        }
        json.member("fields_schema", raw: format.schemaJSON)
    }
}
