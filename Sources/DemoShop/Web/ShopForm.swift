/// A form as a browser sends it: `application/x-www-form-urlencoded`.
struct ShopForm: Sendable {
    /// Bytes of one form.
    static let limit = 8_192

    private var values: [String: String] = [:]

    init(_ text: String) {
        for pair in text.split(separator: "&").prefix(32) {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = Self.decoded(parts[0]), values[name] == nil else { continue }
            values[name] = parts.count == 2 ? Self.decoded(parts[1]) : ""
        }
    }

    subscript(_ name: String) -> String? { values[name] }

    /// Where to go on: a page of this shop, whatever the form says.
    var back: String { Self.ownPath(values["back"] ?? "") ?? "/shop/" }

    /// The path if it is one of the shop's own pages, so that no form leads a shopper elsewhere.
    static func ownPath(_ path: String) -> String? {
        let isOwn =
            path.hasPrefix("/shop/") && path.utf8.count <= 1_024
            && path.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != 0x5C && $0 != 0x22 }
        return isOwn ? path : nil
    }

    private static func decoded(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "+"): bytes.append(0x20)
            case UInt8(ascii: "%"):
                guard rest.count >= 2, let code = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
                else { return nil }
                bytes.append(code)
                rest = rest.dropFirst(2)
            default: bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
