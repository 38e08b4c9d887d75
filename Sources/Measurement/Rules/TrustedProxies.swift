/// Which proxies may say whom they speak for.
public struct TrustedProxies: Sendable {
    private struct Network: Sendable {
        var address: ClientAddress
        var prefix: Int

        func contains(_ other: ClientAddress) -> Bool {
            guard address.isIPv6 == other.isIPv6 else { return false }
            // IPv4 sits in the lowest 32 bits, so its prefix starts after 96 others.
            let bits = address.isIPv6 ? prefix : prefix + 96
            let highBits = min(bits, 64)
            let lowBits = max(0, bits - 64)
            let highMask: UInt64 = highBits == 0 ? 0 : ~0 << UInt64(64 - highBits)
            let lowMask: UInt64 = lowBits == 0 ? 0 : ~0 << UInt64(64 - lowBits)
            return (address.high ^ other.high) & highMask == 0 && (address.low ^ other.low) & lowMask == 0
        }
    }

    /// Most addresses of a forwarding header that are looked at.
    public static let hopLimit = 16

    private let networks: [Network]

    /// Networks such as `10.0.0.0/8` and `::1/128`, or single addresses. nil when one of them cannot be read.
    public init?(_ texts: [String]) {
        var networks: [Network] = []
        for text in texts {
            let parts = text.split(separator: "/", omittingEmptySubsequences: false)
            guard let first = parts.first, parts.count <= 2, let address = ClientAddress(first) else { return nil }
            var prefix = address.isIPv6 ? 128 : 32
            if parts.count == 2 {
                guard let given = Int(parts[1]), (0...prefix).contains(given) else { return nil }
                prefix = given
            }
            networks.append(Network(address: address, prefix: prefix))
        }
        self.networks = networks
    }

    private init(networks: [Network]) { self.networks = networks }

    /// Nobody is trusted: the peer of the connection is the client.
    public static var none: TrustedProxies { TrustedProxies(networks: []) }

    /// The client of a request: from the right of `X-Forwarded-For`, the first address that is not a trusted proxy.
    /// What anybody else claims is ignored.
    public func client(peer: ClientAddress?, forwardedFor: [String]) -> ClientAddress? {
        guard let peer, !networks.isEmpty, isTrusted(peer) else { return peer }
        var client = peer
        let hops = forwardedFor.flatMap { $0.split(separator: ",") }
        for hop in hops.suffix(Self.hopLimit).reversed() {
            guard let address = ClientAddress(hop.filter { $0 != " " && $0 != "\t" }) else { return client }
            client = address
            if !isTrusted(address) { return client }
        }
        return client
    }

    private func isTrusted(_ address: ClientAddress) -> Bool { networks.contains { $0.contains(address) } }
}
