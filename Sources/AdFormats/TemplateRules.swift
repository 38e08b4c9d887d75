import Mustache

/// What a template may do: values, sections and comments. Whatever could print a value unescaped, change the
/// delimiters or the escaping, or run a script is refused when the format is loaded.
enum TemplateRules {
    static func compile(_ text: String) throws(AdFormatError) -> MustacheTemplate {
        let bytes = Array(text.utf8)
        try checkTags(bytes)
        try checkMarkup(text)
        do { return try MustacheTemplate(string: text) } catch {
            throw AdFormatError(code: "bad_template", message: "cannot be read: \(error)")
        }
    }

    /// What a style sheet must not hold: it stands between `<style>` tags in previews, and a shop that loads it must
    /// not be made to call other hosts.
    static func firstForbidden(inStyle text: String) -> String? {
        let lower = text.lowercased()
        return ["<", "@import", "url(", "expression(", "javascript:"].first { lower.contains($0) }
    }

    private static func checkTags(_ bytes: [UInt8]) throws(AdFormatError) {
        var at = 0
        while at + 1 < bytes.count {
            guard bytes[at] == 0x7B, bytes[at + 1] == 0x7B else {
                at += 1
                continue
            }
            at += 2
            while at < bytes.count, bytes[at] == 0x20 { at += 1 }
            let first = at < bytes.count ? bytes[at] : 0
            switch first {
            case UInt8(ascii: "{"):
                throw AdFormatError(code: "bad_template", message: "{{{ prints unescaped and is not allowed")
            case UInt8(ascii: "&"):
                throw AdFormatError(code: "bad_template", message: "{{& prints unescaped and is not allowed")
            case UInt8(ascii: "#"), UInt8(ascii: "^"), UInt8(ascii: "/"), UInt8(ascii: "!"), UInt8(ascii: "."),
                UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "_"):
                break
            default:
                throw AdFormatError(
                    code: "bad_template",
                    message:
                        "{{\(String(decoding: [first], as: UTF8.self)) is not allowed; only values, sections and comments are"
                )
            }
        }
    }

    /// Escaping protects text and quoted attributes; so nothing else may hold a value.
    private static func checkMarkup(_ text: String) throws(AdFormatError) {
        let lower = text.lowercased()
        for tag in ["<script", "<iframe", "<object", "<embed", "<base", "<meta", "<link", "<form", "javascript:"] {
            if lower.contains(tag) { throw AdFormatError(code: "bad_template", message: "\(tag) is not allowed") }
        }
        var quote: Character?
        var isInTag = false
        var isInStyle = false
        var attribute = ""
        var previous: Character = " "
        var rest = Substring(lower)
        while let character = rest.first {
            if rest.hasPrefix("{{") {
                let isVisible = !rest.hasPrefix("{{!")
                if isVisible, isInStyle {
                    throw AdFormatError(code: "bad_template", message: "a value inside <style> is not allowed")
                }
                if isVisible, isInTag, quote == nil, previous == "=" {
                    throw AdFormatError(
                        code: "bad_template", message: "a value in an attribute without quotes is not allowed")
                }
                if isVisible, isInTag, quote != nil, attribute == "style" || attribute.hasPrefix("on") {
                    throw AdFormatError(
                        code: "bad_template", message: "a value in the attribute \(attribute) is not allowed")
                }
                guard let close = rest.firstRange(of: "}}") else { return }
                rest = rest[close.upperBound...]
                previous = "}"
                continue
            }
            if rest.hasPrefix("<style") { isInStyle = true }
            if rest.hasPrefix("</style") { isInStyle = false }
            if let open = quote {
                if character == open { quote = nil }
            } else if isInTag {
                if character == ">" { isInTag = false }
                if previous == "=", character == "\"" || character == "'" { quote = character }
                if character.isLetter || character == "-" {
                    attribute = previous.isLetter || previous == "-" ? attribute + String(character) : String(character)
                }
                if attribute.hasPrefix("on"), character == "=" {
                    throw AdFormatError(code: "bad_template", message: "the attribute \(attribute) runs a script")
                }
            } else if character == "<" {
                isInTag = true
                attribute = ""
            }
            previous = character
            rest = rest.dropFirst()
        }
    }
}
