import AdModel

/// The first-party cookie that stands in for a shop's own visitor id.
enum VisitorCookie {
    static let name = "nimb_vid"
    /// Seconds: one year.
    static let maxAge = 31_536_000

    /// The visitor id of the request's cookie, if it follows the rules of ids.
    static func read(_ line: String?) -> String? {
        if let line {
            for pair in line.split(separator: ";", maxSplits: 64) {
                let trimmed = pair.drop { $0 == " " }
                guard trimmed.hasPrefix(name + "=") else { continue }
                let value = trimmed.dropFirst(name.count + 1)
                if CallerID.isAcceptable(Array(value.utf8)) { return String(value) }
            }
        }
        return nil
    }

    /// Value of `Set-Cookie`.
    static func line(_ visitor: String, isHTTPS: Bool) -> String {
        "\(name)=\(visitor); Path=/; Max-Age=\(maxAge); SameSite=Lax; HttpOnly" + (isHTTPS ? "; Secure" : "")
    }

    /// A new unguessable id.
    static func make() -> String {
        var generator = SystemRandomNumberGenerator()
        func hex(_ value: UInt64) -> String {
            let text = String(value, radix: 16)
            return String(repeating: "0", count: 16 - text.count) + text
        }
        return "nv-" + hex(generator.next()) + hex(generator.next())
    }
}
