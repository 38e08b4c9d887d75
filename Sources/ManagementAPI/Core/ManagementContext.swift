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
