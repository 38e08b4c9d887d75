/// What one connection and one edge may take; `ARCHITECTURE.md` lists these with the answers given.
public struct HTTPLimits: Sendable {
    /// Bytes of a request line with all header lines; past it 431.
    public var headBytes = 16_384
    /// Header lines; past it 431.
    public var headLines = 64
    /// Open connections of the edge; past it 503 `too_many_connections` and the connection is closed.
    public var connections = 20_000
    /// Seconds that a connection may be silent, or dribble a request head; past it the connection is closed.
    public var idleSeconds = 60
    /// Seconds in which a body must arrive; past it 408.
    public var bodySeconds = 10
    /// Seconds that an answer may wait for the log or the database; past it the connection is closed.
    public var answerSeconds = 30
    /// Answers that one connection may be owed before its next bytes are left unread.
    public var pipelined = 64
    /// Seconds that in-flight requests get when the edge stops.
    public var drainSeconds = 10

    public init() {}
}
