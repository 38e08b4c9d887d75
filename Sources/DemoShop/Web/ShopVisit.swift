import Foundation

/// What the cookies of one request say about the shopper. No name, no login.
struct ShopVisit: Sendable {
    /// Characters of one cookie header that are looked at.
    static let headerLimit = 8_192
    /// Seconds that a cookie lives.
    static let lifetime = 180 * 86_400

    /// Code of the chosen region; nil = the first one.
    var region: String?
    /// Nil = never asked or not answered.
    var consent: Bool?
    /// Random, of this shop only, and only with consent.
    var visitor: String?
    var cart = Cart()
    private let prefix: String

    /// Cookies do not know ports, so each storefront has names of its own.
    init(cookieHeader: String, storefront: String) {
        prefix = storefront + "-"
        for pair in cookieHeader.prefix(Self.headerLimit).split(separator: ";") {
            let parts = pair.drop { $0 == " " }.split(separator: "=", maxSplits: 1)
            guard parts.count == 2, parts[0].hasPrefix(prefix) else { continue }
            let value = String(parts[1])
            switch parts[0].dropFirst(prefix.count) {
            case "region": region = value
            case "consent": consent = value == "yes"
            case "visitor": visitor = Self.isVisitor(value) ? value : nil
            case "cart": cart = Cart(text: value)
            default: break
            }
        }
        if consent != true { visitor = nil }
    }

    static func newVisitor() -> String {
        "v-" + (0..<4).map { _ in String(UInt32.random(in: 0...UInt32.max), radix: 36) }.joined()
    }

    private static func isVisitor(_ text: String) -> Bool {
        (8...64).contains(text.utf8.count)
            && text.utf8.allSatisfy { $0 == 0x2D || (0x30...0x39).contains($0) || (0x61...0x7A).contains($0) }
    }

    /// A `Set-Cookie` line; an empty value takes the cookie away.
    func cookie(_ name: String, _ value: String) -> String {
        "\(prefix)\(name)=\(value); Path=/shop; Max-Age=\(value.isEmpty ? 0 : Self.lifetime); SameSite=Lax; HttpOnly"
    }
}
