import AdModel

/// What is known of one shopper, at a fixed size below 900 bytes. Derived: it can be thrown away and rebuilt.
public struct Profile: Sendable {
    /// Products remembered as recently viewed.
    public static let recentCapacity = 20
    /// Products remembered as lying in the cart, and as bought.
    public static let cartCapacity = 8
    public static let purchaseCapacity = 6
    /// Search phrases remembered.
    public static let searchCapacity = 5
    /// Seconds without a request after which a session ends.
    public static let sessionGap: UInt32 = 1_800

    public var affinities = Affinities()
    public var caps = CapCounters()
    /// Number of the current session, from 1. Here, where the caps leave two bytes.
    public internal(set) var session: UInt16 = 0
    var recent = InlineArray<20, Int32>(repeating: 0)
    var cart = InlineArray<8, Int32>(repeating: 0)
    var bought = InlineArray<6, Int32>(repeating: 0)
    /// Days since the epoch, beside `bought`.
    var boughtDays = InlineArray<6, UInt16>(repeating: 0)
    var searches = InlineArray<5, UInt32>(repeating: 0)
    /// Frequency and worth of orders.
    public internal(set) var orders = OrderHistory()
    /// Seconds since the epoch; 0 before the first contact.
    public internal(set) var sessionStart: UInt32 = 0
    public internal(set) var lastSeen: UInt32 = 0
    /// Seconds since the epoch of the last product view; 0 = none yet.
    public internal(set) var lastViewed: UInt32 = 0

    public init() {}

    /// The product viewed `index` products ago (0 = the latest), by database id; 0 = none.
    public func recentProduct(_ index: Int) -> Int32 { recent[index] }

    /// The product put into the cart `index` products ago (0 = the latest), by database id; 0 = none.
    public func cartProduct(_ index: Int) -> Int32 { cart[index] }

    /// The product bought `index` products ago (0 = the latest), by database id; 0 = none.
    public func boughtProduct(_ index: Int) -> Int32 { bought[index] }

    /// UTC day (since the epoch) on which `boughtProduct(index)` was bought last.
    public func boughtDay(_ index: Int) -> UInt16 { boughtDays[index] }

    /// Hash of the phrase searched `index` searches ago (0 = the latest); 0 = none.
    public func search(_ index: Int) -> UInt32 { searches[index] }

    /// Notes a request or a signal: starts a session when the last one has ended.
    mutating func touch(_ now: UInt32) {
        if lastSeen == 0 || (now > lastSeen && now - lastSeen > Self.sessionGap) {
            session &+= 1
            sessionStart = now
        }
        lastSeen = max(lastSeen, now)
    }
}

extension Profile {
    /// Puts a value in front of a list in which it stands once; the last one falls off.
    private static func push<Value: Equatable & AdditiveArithmetic, let count: Int>(
        _ value: Value, on list: inout InlineArray<count, Value>
    ) {
        var carried = value
        for i in 0..<count {
            let next = list[i]
            list[i] = carried
            if next == value || next == .zero { return }
            carried = next
        }
    }

    mutating func remember(product: Int32) { Self.push(product, on: &recent) }

    mutating func putIntoCart(_ product: Int32) { Self.push(product, on: &cart) }

    mutating func takeFromCart(_ product: Int32) {
        var kept = 0
        for i in 0..<Self.cartCapacity where cart[i] != product {
            cart[kept] = cart[i]
            kept += 1
        }
        for i in kept..<Self.cartCapacity { cart[i] = 0 }
    }

    mutating func emptyCart() { for i in 0..<Self.cartCapacity { cart[i] = 0 } }

    mutating func remember(search: UInt32) { Self.push(search, on: &searches) }

    /// Notes a purchase and takes the product out of the cart.
    /// - Returns: false when it was known already, by another message about the same purchase.
    @discardableResult
    mutating func remember(bought product: Int32, day: UInt16) -> Bool {
        takeFromCart(product)
        var at = Self.purchaseCapacity - 1
        for i in 0..<Self.purchaseCapacity where bought[i] == product || bought[i] == 0 {
            at = i
            break
        }
        if bought[at] == product, boughtDays[at] == day { return false }
        while at > 0 {
            bought[at] = bought[at - 1]
            boughtDays[at] = boughtDays[at - 1]
            at -= 1
        }
        bought[0] = product
        boughtDays[0] = day
        return true
    }
}

/// What a shopper did, in database ids; 0 = not said or unknown.
public struct ProfileSignal: Sendable {
    public var kind: SignalKind
    public var productID: Int32
    public var categoryID: Int32
    public var brandID: Int32
    /// Hash of the phrase of a search.
    public var phrase: UInt32
    public var at: Timestamp

    public init(
        kind: SignalKind, productID: Int32 = 0, categoryID: Int32 = 0, brandID: Int32 = 0, phrase: UInt32 = 0,
        at: Timestamp
    ) {
        self.phrase = phrase
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
        if signal.kind == .search, signal.phrase != 0 { remember(search: signal.phrase) }
        guard signal.productID > 0 else {
            // The shop said that something was ordered, not what: what lay in the cart does not any more.
            if signal.kind == .order { emptyCart() }
            return
        }
        switch signal.kind {
        case .productView:
            remember(product: signal.productID)
            lastViewed = max(lastViewed, now)
        case .addToCart: putIntoCart(signal.productID)
        case .removeFromCart: takeFromCart(signal.productID)
        case .order: remember(bought: signal.productID, day: signal.at.epochDay)
        case .pageView, .categoryView, .search, .addToFavourites: break
        }
    }

    mutating func apply(_ order: ProfileOrder) {
        let now = order.at.wholeSeconds
        let day = order.at.epochDay
        orders.add(day: day, spend: order.spend)
        for line in order.lines where line.productID > 0 {
            // The page may have told already; then it has said what the interest is worth.
            guard remember(bought: line.productID, day: day) else { continue }
            if line.categoryID > 0 { affinities.add(.category(line.categoryID), line.weight, now: now) }
            if line.brandID > 0 { affinities.add(.brand(line.brandID), line.weight, now: now) }
        }
    }
}

extension Timestamp {
    /// Seconds since the epoch, clamped to what 32 bits hold (1970...2106): the resolution of profiles.
    @inlinable
    public var wholeSeconds: UInt32 {
        UInt32(truncatingIfNeeded: min(max(micros / 1_000_000, 0), Int64(UInt32.max)))
    }
    /// UTC day since the epoch, clamped to what 16 bits hold (1970...2149).
    @inlinable
    public var epochDay: UInt16 { UInt16(clamping: utcDay.number) }
}
