import Glibc
import NIOPosix

/// Turns a name into addresses, best first; empty when there is none.
public typealias NameResolver = @Sendable (_ host: String) async throws -> [IPAddress]

/// The system's resolver.
enum SystemResolver {
    /// Blocks a thread of NIO's pool, never one of Swift's.
    static let resolve: NameResolver = { host in
        try await NIOThreadPool.singleton.runIfActive { lookUp(host) }
    }

    private static func lookUp(_ host: String) -> [IPAddress] {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        // Without it a machine without IPv6 would be sent there first.
        hints.ai_flags = AI_ADDRCONFIG
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, nil, &hints, &list) == 0 else { return [] }
        defer { freeaddrinfo(list) }
        var found: [IPAddress] = []
        var entry = list
        while let current = entry {
            if let name = current.pointee.ai_addr, let address = address(name, current.pointee.ai_family) {
                if !found.contains(address) { found.append(address) }
            }
            entry = current.pointee.ai_next
        }
        return found
    }

    private static func address(_ name: UnsafeMutablePointer<sockaddr>, _ family: Int32) -> IPAddress? {
        switch family {
        case AF_INET:
            name.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { four in
                withUnsafeBytes(of: four.pointee.sin_addr) { IPAddress(bytes: [UInt8]($0)) }
            }
        case AF_INET6:
            name.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { six in
                // A link-local address needs its zone, which is not kept: it is refused anyway.
                withUnsafeBytes(of: six.pointee.sin6_addr) { IPAddress(bytes: [UInt8]($0)) }
            }
        default: nil
        }
    }
}
