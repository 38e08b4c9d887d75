import AdModel
import Measurement
import NIOCore
import NIOHTTP1

/// Where a request goes, decided from its head before any of its body is kept.
enum Route: Equatable {
    /// Placements with `?explain=1`: the answer says why.
    case explainedPlacements
    case placements, events, orders, links, stock, health
    case adjustments(orderID: String)
    case pixel(token: String)
    case click(token: String, card: String?)
    case tag(TagFile)
    /// CORS preflight or plain OPTIONS of a known address; `methods` goes into `Allow`.
    case options(methods: String)

    /// Largest body, bytes; 0 where there is none.
    var bodyLimit: Int {
        switch self {
        case .placements, .explainedPlacements: Limits.placementsBody
        case .events, .orders, .links, .stock, .adjustments: Limits.requestBody
        case .health, .pixel, .click, .tag, .options: 0
        }
    }
}

/// One whole request on its event loop.
struct EdgeRequest {
    var route: Route
    var head: HTTPRequestHead
    var facts: HeadFacts
    var body: ByteBuffer
    /// The other side of the connection, which may be a proxy; nil when it has no address.
    var peer: ClientAddress?
    var frame: AnswerFrame
    let shared: EdgeShared

    /// A new id for a problem to name. Only problems carry one, so it is made when there is one.
    var id: String { shared.nextRequestID() }
    /// What follows `?`, undecoded.
    var query: Substring { RouteTable.query(of: head.uri) }
}

/// What became of a request.
enum Handled {
    /// The answer's bytes are in the output buffer.
    case written
    case answer(Answer)
    /// The answer comes through the reply slot.
    case later
}

/// Sends one answer that was not ready when its request ended. From any thread, at most once.
struct ReplySlot: Sendable {
    fileprivate let connection: NIOLoopBound<ConnectionHandler>
    fileprivate let sequence: UInt64
    let loop: any EventLoop

    init(_ connection: ConnectionHandler, loop: any EventLoop, sequence: UInt64) {
        self.connection = NIOLoopBound(connection, eventLoop: loop)
        self.loop = loop
        self.sequence = sequence
    }

    func send(_ answer: Answer) {
        if loop.inEventLoop {
            connection.value.complete(sequence, answer)
        } else {
            loop.execute { connection.value.complete(sequence, answer) }
        }
    }
}

/// What the connection needs from the application. One per event loop, called only there.
protocol EdgeRouter: AnyObject {
    /// Microseconds since the Unix epoch.
    var nowMicros: Int64 { get }
    func route(_ head: HTTPRequestHead) -> Result<Route, RouteRefusal>
    func handle(_ request: EdgeRequest, into out: inout ByteBuffer, reply: ReplySlot) -> Handled
    /// Whether a page of that origin may read answers.
    func allowsOrigin(_ origin: String) -> Bool
}

/// A request that has no route: the problem, and the methods that would have been right.
struct RouteRefusal: Error {
    var problem: Problem
    var allow: String?
}
