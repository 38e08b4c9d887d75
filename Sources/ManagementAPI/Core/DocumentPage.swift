import Yams

/// The OpenAPI document as a page for people: one section per area, every operation with who may call it, its
/// parameters and its bodies. No script; styles are inline.
public enum DocumentPage {
    private static let methods = ["get", "post", "put", "patch", "delete"]

    /// - Parameter text: an OpenAPI document as YAML.
    public static func html(of text: String) throws -> String {
        let root = try Yams.compose(yaml: text) ?? Node.mapping(Node.Mapping([]))
        let title = root["info"]?["title"]?.string ?? "API"
        var sections: [(name: String, operations: [String])] = []
        for (path, item) in mapping(root["paths"]) {
            for method in methods {
                guard let operation = item[Node(method)], let path = path.string else { continue }
                let name = area(of: path)
                if sections.last?.name != name { sections.append((name, [])) }
                sections[sections.count - 1].operations.append(
                    self.operation(method, path, operation, root))
            }
        }
        let contents = sections.map { "<li><a href=\"#\(escaped($0.name))\">\(escaped($0.name))</a></li>" }.joined()
        let body = sections.map { section in
            "<h2 id=\"\(escaped(section.name))\">\(escaped(section.name))</h2>\n"
                + section.operations.joined(separator: "\n")
        }.joined(separator: "\n")
        return """
            <!doctype html>
            <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
            <title>\(escaped(title))</title><style>\(style)</style></head>
            <body><header><h1>\(escaped(title))</h1><p>\(escaped(root["info"]?["description"]?.string ?? ""))</p></header>
            <nav aria-label="Areas"><ul>\(contents)</ul></nav><main>
            \(body)
            </main></body></html>

            """
    }

    private static func operation(_ method: String, _ path: String, _ node: Node, _ root: Node) -> String {
        let roles = node["x-roles"].map { $0.array().compactMap(\.string).joined(separator: ", ") }
        var rows = ""
        for parameter in node["parameters"]?.array() ?? [] {
            let parameter = resolved(parameter, root)
            let name = parameter["name"]?.string ?? ""
            let place = parameter["in"]?.string ?? ""
            let detail = parameter["description"]?.string ?? ""
            rows +=
                "<tr><td><code>\(escaped(name))</code></td><td>\(escaped(place))</td>"
                + "<td>\(escaped(shape(parameter["schema"], root)))</td><td>\(escaped(detail))</td></tr>"
        }
        var text =
            "<details><summary><span class=\"\(method)\">\(method.uppercased())</span> <code>\(escaped(path))</code> "
        text += "\(escaped(node["summary"]?.string ?? ""))</summary>"
        if let detail = node["description"]?.string { text += "<p>\(escaped(detail))</p>" }
        text += "<p class=\"roles\">\(escaped(roles.map { "Roles: \($0)" } ?? "No identity needed"))</p>"
        if !rows.isEmpty {
            text += "<table><thead><tr><th>Parameter</th><th>In</th><th>Type</th><th>Meaning</th></tr></thead>"
            text += "<tbody>\(rows)</tbody></table>"
        }
        for (type, content) in mapping(resolved(node["requestBody"], root)["content"]) {
            text += "<h4>Body (\(escaped(type.string ?? "")))</h4>" + fields(content["schema"], root)
        }
        for (status, response) in mapping(node["responses"]) {
            let response = resolved(response, root)
            text += "<h4>\(escaped(status.string ?? ""))</h4><p>\(escaped(response["description"]?.string ?? ""))</p>"
            guard (status.string ?? "").hasPrefix("2") else { continue }
            for (_, content) in mapping(response["content"]) { text += fields(content["schema"], root) }
        }
        return text + "</details>"
    }

    /// The members of an object schema, one row each.
    private static func fields(_ schema: Node?, _ root: Node) -> String {
        let schema = resolved(schema, root)
        let required = Set((schema["required"]?.array() ?? []).compactMap(\.string))
        let rows = mapping(schema["properties"]).map { name, property in
            let name = name.string ?? ""
            let full = resolved(property, root)
            return "<tr><td><code>\(escaped(name))</code>\(required.contains(name) ? "" : " <i>optional</i>")</td>"
                + "<td>\(escaped(shape(property, root)))</td>"
                + "<td>\(escaped(full["description"]?.string ?? ""))</td></tr>"
        }
        guard !rows.isEmpty else { return "<p>\(escaped(shape(schema, root)))</p>" }
        return "<table><thead><tr><th>Field</th><th>Type</th><th>Meaning</th></tr></thead><tbody>"
            + rows.joined() + "</tbody></table>"
    }

    /// The type of a schema in a few words.
    private static func shape(_ schema: Node?, _ root: Node) -> String {
        guard let schema else { return "" }
        if let reference = schema["$ref"]?.string { return reference.split(separator: "/").last.map(String.init) ?? "" }
        if let words = schema["enum"]?.array() { return words.compactMap(\.string).joined(separator: " | ") }
        let type =
            schema["type"]?.string ?? (schema["type"]?.array() ?? []).compactMap(\.string).joined(separator: " or ")
        if type == "array" { return "list of \(shape(schema["items"], root))" }
        return [type, schema["format"]?.string].compactMap { $0 }.joined(separator: ", ")
    }

    private static func mapping(_ node: Node?) -> [(Node, Node)] {
        guard let mapping = node?.mapping else { return [] }
        return mapping.map { ($0.key, $0.value) }
    }

    private static func resolved(_ node: Node?, _ root: Node) -> Node {
        guard let node else { return Node.mapping(Node.Mapping([])) }
        guard let reference = node["$ref"]?.string, reference.hasPrefix("#/") else { return node }
        var found: Node? = root
        for step in reference.dropFirst(2).split(separator: "/") { found = found?[String(step)] }
        return found ?? node
    }

    /// `/v1/campaigns/{id}/pause` belongs to `campaigns`.
    private static func area(of path: String) -> String {
        let steps = path.split(separator: "/").map(String.init)
        return steps.first == "v1" && steps.count > 1 ? steps[1] : steps.first ?? "/"
    }

    private static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
            .replacing("\"", with: "&quot;")
    }

    private static let style = """
        :root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
        nav ul{columns:3;list-style:none;padding:0}details{border-top:1px solid #8885;padding:.5rem 0}
        summary{cursor:pointer}summary span{display:inline-block;min-width:4.5rem;font-weight:600}
        .get{color:#0a7}.post{color:#27c}.put,.patch{color:#a60}.delete{color:#c33}
        table{border-collapse:collapse;width:100%;font-size:.9rem}td,th{text-align:left;vertical-align:top;
        border-bottom:1px solid #8883;padding:.25rem .5rem}.roles{font-size:.85rem;opacity:.8}
        @media(max-width:40rem){nav ul{columns:1}table{display:block;overflow-x:auto}}
        """
}
