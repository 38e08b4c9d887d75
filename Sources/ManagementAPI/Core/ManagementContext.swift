import Hummingbird
import NIOCore

/// What the listener knows of a request besides its bytes.
struct ManagementContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    /// The peer of the connection.
    let remoteAddress: SocketAddress?
    /// Set by `RequestScope` before any route runs.
    var requestID = ""

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        remoteAddress = source.channel.remoteAddress
    }
}

/// Networks of callers.
enum ClientAddress {
    /// The /24 of an IPv4 address, the /48 of an IPv6 one; `local` for anything else.
    static func network(of address: SocketAddress?) -> String {
        guard let text = address?.ipAddress else { return "local" }
        if text.contains(".") {
            let parts = text.split(separator: ":").last.map(String.init) ?? text
            return parts.split(separator: ".").prefix(3).joined(separator: ".") + ".0/24"
        }
        return text.split(separator: ":", omittingEmptySubsequences: false).prefix(3).joined(separator: ":") + "::/48"
    }
}
