/// An instant: microseconds since 1970-01-01T00:00:00Z. There is no zone in it; zones live at the edges.
public struct Timestamp: Hashable, Comparable, Sendable {
    /// Microseconds since the Unix epoch, UTC.
    public var micros: Int64

    @inlinable
    public init(micros: Int64) { self.micros = micros }

    @inlinable
    public static func < (a: Timestamp, b: Timestamp) -> Bool { a.micros < b.micros }
    @inlinable
    public static func + (a: Timestamp, b: Span) -> Timestamp { Timestamp(micros: a.micros + b.micros) }
    @inlinable
    public static func - (a: Timestamp, b: Span) -> Timestamp { Timestamp(micros: a.micros - b.micros) }
    @inlinable
    public static func - (a: Timestamp, b: Timestamp) -> Span { Span(micros: a.micros - b.micros) }

    /// The UTC calendar day that contains the instant.
    @inlinable
    public var utcDay: Day { Day(number: Int32(truncatingIfNeeded: floorDivide(micros, 86_400_000_000))) }

    /// A length of time in microseconds. A day is always 86,400 s.
    public struct Span: Hashable, Comparable, Sendable {
        public var micros: Int64
        @inlinable
        public init(micros: Int64) { self.micros = micros }
        @inlinable
        public static func seconds(_ n: Int64) -> Span { Span(micros: n * 1_000_000) }
        @inlinable
        public static func minutes(_ n: Int64) -> Span { .seconds(n * 60) }
        @inlinable
        public static func hours(_ n: Int64) -> Span { .seconds(n * 3_600) }
        @inlinable
        public static func days(_ n: Int64) -> Span { .seconds(n * 86_400) }
        @inlinable
        public static func < (a: Span, b: Span) -> Bool { a.micros < b.micros }
    }
}

/// Integer division that rounds towards minus infinity, so that instants before 1970 fall on the right day.
@inlinable
public func floorDivide(_ a: Int64, _ b: Int64) -> Int64 {
    let quotient = a / b
    return (a % b != 0 && (a < 0) != (b < 0)) ? quotient - 1 : quotient
}
