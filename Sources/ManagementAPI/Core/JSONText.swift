/// Writes JSON text with members in the order they are given and decimals digit by digit.
public struct JSONText: Sendable {
    public private(set) var text = ""
    private var needsComma = false

    public init() {}

    /// A JSON string literal.
    public static func quoted(_ value: String) -> String {
        var json = JSONText()
        json.string(value)
        return json.text
    }

    public mutating func object(_ body: (inout JSONText) -> Void) {
        text += "{"
        needsComma = false
        body(&self)
        text += "}"
        needsComma = true
    }

    public mutating func member(_ name: String, _ body: (inout JSONText) -> Void) {
        key(name)
        object(body)
    }

    public mutating func member(_ name: String, _ value: String?) {
        key(name)
        if let value { string(value) } else { text += "null" }
        needsComma = true
    }

    public mutating func member(_ name: String, _ value: Int64?) {
        key(name)
        text += value.map(String.init) ?? "null"
        needsComma = true
    }

    public mutating func member(_ name: String, _ value: Bool) {
        key(name)
        text += value ? "true" : "false"
        needsComma = true
    }

    public mutating func member(_ name: String, _ value: Int32) { member(name, Int64(value)) }
    public mutating func member(_ name: String, _ value: Int) { member(name, Int64(value)) }
    public mutating func member(_ name: String, _ value: [String]) { member(name, array: value) { $0.string($1) } }

    /// A value that is JSON already.
    public mutating func member(_ name: String, raw: String?) {
        key(name)
        text += raw ?? "null"
        needsComma = true
    }

    /// A number given as a decimal literal.
    public mutating func member(_ name: String, decimal: String?) {
        key(name)
        text += decimal ?? "null"
        needsComma = true
    }

    public mutating func member<Element>(
        _ name: String, array: some Sequence<Element>, _ body: (inout JSONText, Element) -> Void
    ) {
        key(name)
        text += "["
        needsComma = false
        for element in array {
            comma()
            body(&self, element)
            needsComma = true
        }
        text += "]"
        needsComma = true
    }

    public mutating func string(_ value: String) {
        text += "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case "\u{0}"..."\u{1F}":
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }

    private mutating func comma() {
        if needsComma { text += "," }
        needsComma = false
    }

    private mutating func key(_ name: String) {
        comma()
        string(name)
        text += ":"
    }
}
