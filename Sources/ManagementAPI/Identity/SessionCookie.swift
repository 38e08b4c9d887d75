import AdModel
import Store

/// The cookie that carries a session. Its name's prefix makes browsers refuse it without TLS, for other hosts or paths.
enum SessionCookie {
    static let name = "__Host-nimb"

    /// The token of a `Cookie` header; nil when there is none, it is malformed, or there are two.
    static func token(in header: String?) -> SecretToken? {
        guard let header, header.utf8.count <= 8_192 else { return nil }
        var found: String?
        for part in header.split(separator: ";") {
            let pair = part.drop { $0 == " " }.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard pair.count == 2, pair[0] == name else { continue }
            guard found == nil else { return nil }
            found = String(pair[1].prefix { $0 != " " })
        }
        return found.flatMap { SecretToken($0) }
    }

    /// `Set-Cookie` of a new session.
    static func setting(_ token: SecretToken) -> String {
        let seconds = Sessions.absolute.micros / Timestamp.Span.seconds(1).micros
        return "\(name)=\(token.text); Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=\(seconds)"
    }

    /// `Set-Cookie` that removes it.
    static let clearing = "\(name)=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0"
}
