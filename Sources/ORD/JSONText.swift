/// JSON with one spelling: keys in byte order, no spaces, `/` and letters unescaped (R3). Money is text, never a
/// JSON number, except where an operator's shape asks for one.
enum JSONText {
    case string(String)
    case number(Int64)
    /// A number with decimals, spelled as given.
    case decimal(String)
    case bool(Bool)
    case array([JSONText])
    case object([String: JSONText])

    /// An object without the members that are nil or empty lists: optional fields are left out, never null.
    static func compact(_ members: KeyValuePairs<String, JSONText?>) -> JSONText {
        var kept: [String: JSONText] = [:]
        for (key, value) in members {
            guard let value else { continue }
            if case .array(let values) = value, values.isEmpty { continue }
            kept[key] = value
        }
        return .object(kept)
    }

    static func strings(_ values: [String]) -> JSONText { .array(values.map(JSONText.string)) }

    func write(into out: inout [UInt8]) {
        switch self {
        case .string(let text): Self.write(text, into: &out)
        case .number(let number): out += Array(String(number).utf8)
        case .decimal(let text): out += Array(text.utf8)
        case .bool(let flag): out += Array((flag ? "true" : "false").utf8)
        case .array(let values):
            out.append(UInt8(ascii: "["))
            for (index, value) in values.enumerated() {
                if index > 0 { out.append(UInt8(ascii: ",")) }
                value.write(into: &out)
            }
            out.append(UInt8(ascii: "]"))
        case .object(let members):
            out.append(UInt8(ascii: "{"))
            for (index, key) in members.keys.sorted(by: byteOrder).enumerated() {
                if index > 0 { out.append(UInt8(ascii: ",")) }
                Self.write(key, into: &out)
                out.append(UInt8(ascii: ":"))
                members[key]?.write(into: &out)
            }
            out.append(UInt8(ascii: "}"))
        }
    }

    var bytes: [UInt8] {
        var out: [UInt8] = []
        write(into: &out)
        return out
    }

    private static func write(_ text: String, into out: inout [UInt8]) {
        out.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""): out += Array(#"\""#.utf8)
            case UInt8(ascii: "\\"): out += Array(#"\\"#.utf8)
            case 0x08: out += Array(#"\b"#.utf8)
            case 0x09: out += Array(#"\t"#.utf8)
            case 0x0A: out += Array(#"\n"#.utf8)
            case 0x0C: out += Array(#"\f"#.utf8)
            case 0x0D: out += Array(#"\r"#.utf8)
            case 0..<0x20:
                out += Array((byte < 0x10 ? #"\u000"# : #"\u00"#).utf8)
                out += Array(String(byte, radix: 16).utf8)
            default: out.append(byte)
            }
        }
        out.append(UInt8(ascii: "\""))
    }
}
