import AdModel

/// What is known of one shopper, at a fixed size. Derived: it can be thrown away and rebuilt from the log.
public struct Profile: Sendable {
    /// Products remembered as recently viewed.
    public static let recentCapacity = 20
    /// Seconds without a request after which a session ends.
    public static let sessionGap: UInt32 = 1_800

    public var affinities = Affinities()
    public var caps = CapCounters()
    var recent = InlineArray<20, Int32>(repeating: 0)
    /// Number of the current session, from 1.
    public internal(set) var session: UInt16 = 0
    /// Seconds since the epoch; 0 before the first contact.
    public internal(set) var sessionStart: UInt32 = 0
    public internal(set) var lastSeen: UInt32 = 0

    public init() {}

    /// The product viewed `index` products ago (0 = the latest), by database id; 0 = none.
    public func recentProduct(_ index: Int) -> Int32 { recent[index] }

    /// Notes a request or a signal: starts a session when the last one has ended.
    mutating func touch(_ now: UInt32) {
        if lastSeen == 0 || (now > lastSeen && now - lastSeen > Self.sessionGap) {
            session &+= 1
            sessionStart = now
        }
        lastSeen = max(lastSeen, now)
    }

    mutating func remember(product: Int32) {
        var carried = product
        for i in 0..<Self.recentCapacity {
            let next = recent[i]
            recent[i] = carried
            if next == product || next == 0 { return }
            carried = next
        }
    }
}

/// What a shopper did, in database ids; 0 = not said or unknown.
public struct ProfileSignal: Sendable {
    public var kind: SignalKind
    public var productID: Int32
    public var categoryID: Int32
    public var brandID: Int32
    public var at: Timestamp

    public init(kind: SignalKind, productID: Int32 = 0, categoryID: Int32 = 0, brandID: Int32 = 0, at: Timestamp) {
        self.kind = kind
        self.productID = productID
        self.categoryID = categoryID
        self.brandID = brandID
        self.at = at
    }

    /// How much one such signal says about an interest.
    var weight: Float {
        switch kind {
        case .pageView, .search: 0
        case .categoryView: 0.5
        case .productView: 1
        case .addToFavourites: 2
        case .addToCart: 3
        case .removeFromCart: -1
        case .order: 4
        }
    }
}

extension Profile {
    mutating func apply(_ signal: ProfileSignal) {
        let now = signal.at.wholeSeconds
        touch(now)
        if signal.weight != 0 {
            if signal.categoryID > 0 { affinities.add(.category(signal.categoryID), signal.weight, now: now) }
            if signal.brandID > 0 { affinities.add(.brand(signal.brandID), signal.weight, now: now) }
        }
        if signal.kind == .productView, signal.productID > 0 { remember(product: signal.productID) }
    }
}

extension Timestamp {
    /// Seconds since the epoch, clamped to what 32 bits hold (1970...2106): the resolution of profiles.
    @inlinable
    public var wholeSeconds: UInt32 {
        UInt32(truncatingIfNeeded: min(max(micros / 1_000_000, 0), Int64(UInt32.max)))
    }
}
