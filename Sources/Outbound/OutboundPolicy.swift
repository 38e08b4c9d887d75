/// Which foreign addresses may be called. Both lists hold hosts as they stand in a URL, `feeds.example.ru`,
/// `127.0.0.1`, `[::1]`, each optionally with `:port`, which then is the only port meant.
public struct OutboundPolicy: Sendable {
    /// Hosts that may be called without TLS. Their addresses are checked like any other's.
    public var plainHosts: Set<String>
    /// Hosts whose addresses may be private, loopback or otherwise special.
    public var privateHosts: Set<String>

    public init(plainHosts: Set<String> = [], privateHosts: Set<String> = []) {
        self.plainHosts = Set(plainHosts.map { $0.lowercased() })
        self.privateHosts = Set(privateHosts.map { $0.lowercased() })
    }

    /// Hosts inside the retailer's own network: plain http and special addresses are both allowed for them.
    public init(allowedHosts: Set<String>) { self.init(plainHosts: allowedHosts, privateHosts: allowedHosts) }

    /// https to public addresses.
    public static let publicOnly = OutboundPolicy()

    func allowsPlain(_ url: OutboundURL) -> Bool { Self.lists(plainHosts, url) }
    func allowsPrivate(_ url: OutboundURL) -> Bool { Self.lists(privateHosts, url) }

    private static func lists(_ hosts: Set<String>, _ url: OutboundURL) -> Bool {
        hosts.contains(url.host) || hosts.contains("\(url.host):\(url.port)")
    }

    /// Refuses an address of a request or a redirect by its text alone; names are resolved and checked when called.
    public func check(_ url: OutboundURL) throws(OutboundError) {
        if url.scheme == .http, !allowsPlain(url) { throw .schemeNotAllowed(host: url.host) }
        if let address = url.literalAddress, !address.isPublic, !allowsPrivate(url) {
            throw .forbiddenAddress(host: url.host)
        }
    }

    /// Checks the text of an address that somebody wants to store, so that he hears at once what is wrong with it.
    public func check(_ url: String) throws(OutboundError) { try check(try OutboundURL(url)) }
}
