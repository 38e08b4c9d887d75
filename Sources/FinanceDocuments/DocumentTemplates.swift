import Mustache

/// The papers' looks: HTML that is complete in itself, without one address to fetch.
struct DocumentTemplate: Sendable {
    private let template: MustacheTemplate

    private init(_ bytes: [UInt8]) {
        do { template = try MustacheTemplate(string: String(decoding: bytes, as: UTF8.self)) } catch {
            // The templates are part of the program and rendered by its tests.
            preconditionFailure("a template of the program cannot be read: \(error)")
        }
    }

    /// Values are escaped; only the style sheet is not.
    func html(_ values: [String: Any]) -> [UInt8] {
        var values = values
        values["css"] = Self.css
        return Array(template.render(values).utf8)
    }

    static let act = DocumentTemplate(PackageResources.act_mustache)
    static let invoice = DocumentTemplate(PackageResources.invoice_mustache)
    static let statement = DocumentTemplate(PackageResources.statement_mustache)
    static let reconciliation = DocumentTemplate(PackageResources.reconciliation_mustache)

    private static let css = String(decoding: PackageResources.document_css, as: UTF8.self)
}

extension [String: Any] {
    /// Without the members that are nil: a template takes a missing value for "no".
    static func compact(_ members: KeyValuePairs<String, Any?>) -> [String: Any] {
        var kept: [String: Any] = [:]
        for (key, value) in members { if let value { kept[key] = value } }
        return kept
    }
}
