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
    /// - Parameter forwardedFor: the header's lines in their order, joined by commas; nil = there is none.
    public func client(peer: ClientAddress?, forwardedFor: String?) -> ClientAddress? {
        guard let peer, !networks.isEmpty, isTrusted(peer), var text = forwardedFor else { return peer }
        return text.withUTF8 { client(peer, UnsafeRawBufferPointer($0)) }
    }

    private func client(_ peer: ClientAddress, _ hops: UnsafeRawBufferPointer) -> ClientAddress {
        var client = peer
        var end = hops.count
        var seen = 0
        while end > 0, seen < Self.hopLimit {
            var start = end
            while start > 0, hops[start - 1] != 0x2C { start -= 1 }
            let hop = start..<end
            end = start - 1
            if hop.isEmpty { continue }
            seen += 1
            guard let address = ClientAddress(text: Self.trimmed(hops[hop])) else { return client }
            client = address
            if !isTrusted(address) { return client }
        }
        return client
    }

    private static func trimmed(_ hop: Slice<UnsafeRawBufferPointer>) -> UnsafeRawBufferPointer {
        var rest = hop
        while let first = rest.first, first == 0x20 || first == 0x09 { rest.removeFirst() }
        while let last = rest.last, last == 0x20 || last == 0x09 { rest.removeLast() }
        return UnsafeRawBufferPointer(rebasing: rest)
    }

    private func isTrusted(_ address: ClientAddress) -> Bool { networks.contains { $0.contains(address) } }
}
