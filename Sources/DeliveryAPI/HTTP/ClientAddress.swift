import Glibc
import NIOCore

/// Which proxies may say whom they speak for.
public struct TrustedProxies: Sendable {
    private struct Network: Sendable {
        var bytes: [UInt8]
        var prefix: Int
    }

    private let networks: [Network]

    /// Networks such as `10.0.0.0/8`, `::1/128` or single addresses. nil when one of them cannot be read.
    public init?(_ texts: [String]) {
        var networks: [Network] = []
        for text in texts {
            let parts = text.split(separator: "/", maxSplits: 1).map(String.init)
            guard let first = parts.first, let bytes = IPBytes.parse(first) else { return nil }
            var prefix = bytes.count * 8
            if parts.count == 2 {
                guard let given = Int(parts[1]), (0...prefix).contains(given) else { return nil }
                prefix = given
            }
            networks.append(Network(bytes: bytes, prefix: prefix))
        }
        self.networks = networks
    }

    /// Nobody is trusted: the peer of the connection is the client.
    public static var none: TrustedProxies { TrustedProxies(networks: []) }

    private init(networks: [Network]) { self.networks = networks }

    var isEmpty: Bool { networks.isEmpty }

    /// The client of a request: from the right of `X-Forwarded-For`, the first address that is not a trusted proxy.
    /// A header from anybody else is ignored. nil when no address can be read.
    func client(peer: SocketAddress?, forwardedFor: [String]) -> String? {
        guard let peerText = peer?.ipAddress else { return nil }
        guard !networks.isEmpty, let peerBytes = IPBytes.parse(peerText), contains(peerBytes) else { return peerText }
        var client = peerText
        for piece in forwardedFor.joined(separator: ",").split(separator: ",").suffix(16).reversed() {
            let text = piece.filter { $0 != " " && $0 != "\t" }
            guard let bytes = IPBytes.parse(text) else { return client }
            client = text
            if !contains(bytes) { return client }
        }
        return client
    }

    private func contains(_ address: [UInt8]) -> Bool {
        networks.contains { network in
            guard network.bytes.count == address.count else { return false }
            var left = network.prefix
            for (a, b) in zip(network.bytes, address) {
                if left <= 0 { return true }
                let mask: UInt8 = left >= 8 ? 0xFF : 0xFF << UInt8(8 - left)
                if a & mask != b & mask { return false }
                left -= 8
            }
            return true
        }
    }
}

/// Text to network-order bytes of an IP address.
enum IPBytes {
    /// 4 or 16 bytes; an IPv4-mapped IPv6 address gives 4.
    static func parse(_ text: String) -> [UInt8]? {
        guard text.utf8.count <= 45, !text.utf8.contains(0) else { return nil }
        return withUnsafeTemporaryAllocation(byteCount: 16, alignment: 4) { buffer in
            if inet_pton(AF_INET, text, buffer.baseAddress) == 1 { return Array(buffer[0..<4]) }
            guard inet_pton(AF_INET6, text, buffer.baseAddress) == 1 else { return nil }
            let mapped = buffer[0..<10].allSatisfy { $0 == 0 } && buffer[10] == 0xFF && buffer[11] == 0xFF
            return Array(mapped ? buffer[12..<16] : buffer[0..<16])
        }
    }
}
