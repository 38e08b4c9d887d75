/// Writes JSON text with members in the order they are given and decimals digit by digit.
struct JSONText {
    private(set) var text = ""
    private var needsComma = false

    mutating func object(_ body: (inout JSONText) -> Void) {
        text += "{"
        needsComma = false
        body(&self)
        text += "}"
        needsComma = true
    }

    mutating func member(_ name: String, _ body: (inout JSONText) -> Void) {
        key(name)
        object(body)
    }

    mutating func member(_ name: String, _ value: String?) {
        key(name)
        if let value { string(value) } else { text += "null" }
        needsComma = true
    }

    mutating func member(_ name: String, _ value: Int64?) {
        key(name)
        text += value.map(String.init) ?? "null"
        needsComma = true
    }

    mutating func member(_ name: String, _ value: Bool) {
        key(name)
        text += value ? "true" : "false"
        needsComma = true
    }

    /// A number given as a decimal literal.
    mutating func member(_ name: String, decimal: String?) {
        key(name)
        text += decimal ?? "null"
        needsComma = true
    }

    mutating func member<Element>(
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

    mutating func string(_ value: String) {
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
