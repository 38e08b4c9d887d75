import Foundation
import HTTPTypes
import Hummingbird
import Measurement
import NIOCore

/// Which page sent a request, as far as the browser tells.
struct RequestOrigin {
    /// Surely a page of ours: same origin by `Origin`, or without one by `Sec-Fetch-Site`.
    let isOwn: Bool
    /// Surely a page of somebody else.
    let isForeign: Bool

    /// - Parameter ownBase: our address as browsers see it; a proxy may change `Host` on the way.
    init(_ request: Request, ownBase: String) {
        let site = HTTPField.Name("Sec-Fetch-Site").flatMap { request.headers[$0] }
        guard let origin = request.headers[.origin] else {
            isOwn = site == "same-origin"
            isForeign = site == "cross-site" || site == "same-site"
            return
        }
        let authority = request.head.authority?.lowercased()
        let own = origin.lowercased()
        let matches =
            own == Self.origin(of: ownBase)
            || (authority != nil && (own == "https://\(authority ?? "")" || own == "http://\(authority ?? "")"))
        isOwn = matches && site != "cross-site" && site != "same-site"
        isForeign = !isOwn
    }

    private static func origin(of base: String) -> String? {
        guard let url = URL(string: base), let scheme = url.scheme, let host = url.host else { return nil }
        return "\(scheme)://\(host)\(url.port.map { ":\($0)" } ?? "")".lowercased()
    }
}

/// Where a request comes from, as far as it is kept.
enum CallerNetwork {
    /// The /24 (IPv4) or /48 (IPv6) of the client; `local` when the peer has no address.
    static func of(_ request: Request, peer: SocketAddress?, trusting proxies: TrustedProxies) -> String {
        let address = peer?.ipAddress.flatMap { ClientAddress($0) }
        let lines = HTTPField.Name("X-Forwarded-For").map { request.headers[values: $0] } ?? []
        let forwarded = lines.isEmpty ? nil : lines.joined(separator: ",")
        return proxies.client(peer: address, forwardedFor: forwarded)?.network ?? "local"
    }
}
