import AdModel

/// Span over which a frequency cap counts.
public enum CapWindow: String, CaseIterable, Sendable, Codable {
    /// 60 minutes from the first counted ad.
    case hour
    /// 24 hours from the first counted ad.
    case day
    /// Until 30 minutes pass without a request.
    case session
    /// For as long as the shopper's counter is kept.
    case lifetime
}

/// How often one shopper may be shown something, per window; 0 = not capped in that window.
public struct CapLimits: Hashable, Sendable {
    public var hour: UInt16
    public var day: UInt16
    public var session: UInt16
    public var lifetime: UInt16

    public init(hour: UInt16 = 0, day: UInt16 = 0, session: UInt16 = 0, lifetime: UInt16 = 0) {
        self.hour = hour
        self.day = day
        self.session = session
        self.lifetime = lifetime
    }

    /// No cap at all.
    public static var none: CapLimits { CapLimits() }

    /// True when no window is capped.
    @inlinable
    public var isNone: Bool { hour | day | session | lifetime == 0 }

    /// Narrows the cap of one window; the smaller of two caps of the same window counts.
    public mutating func limit(_ window: CapWindow, to count: UInt16) {
        func smaller(_ old: UInt16) -> UInt16 { old == 0 ? count : min(old, count) }
        switch window {
        case .hour: hour = smaller(hour)
        case .day: day = smaller(day)
        case .session: session = smaller(session)
        case .lifetime: lifetime = smaller(lifetime)
        }
    }
}

/// What a cap counter counts: a line item or an advertiser. 0 never names anything.
public struct CapKey: Hashable, Sendable {
    public var raw: UInt32

    @inlinable
    init(raw: UInt32) { self.raw = raw }
    /// Counter of a line item (its database id, > 0).
    @inlinable
    public static func lineItem(_ id: Int32) -> CapKey { CapKey(raw: UInt32(truncatingIfNeeded: id) & 0x7FFF_FFFF) }
    /// Counter of an advertiser (its database id, > 0).
    @inlinable
    public static func advertiser(_ id: Int32) -> CapKey { CapKey(raw: UInt32(truncatingIfNeeded: id) | 0x8000_0000) }
}
