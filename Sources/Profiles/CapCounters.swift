import AdModel

/// Confirmed contacts of one capped line item or advertiser, in 20 bytes.
struct CapCounter: Sendable {
    /// `CapKey.raw`; 0 = free place.
    var key: UInt32 = 0
    /// Seconds since the epoch of the first contact of the hour; 0 = none.
    private(set) var hourOpened: UInt32 = 0
    /// Low 12 bits: `sinceHour`. The others: seconds from the day's first contact to the hour's, which may be negative.
    private var spans: UInt32 = 0
    var hour: UInt16 = 0
    var day: UInt16 = 0
    /// Of the session that `CapCounters` counts.
    var session: UInt16 = 0
    var lifetime: UInt16 = 0

    /// Seconds since the epoch of the first contact of the day; 0 = none.
    var dayOpened: UInt32 { hourOpened &- UInt32(bitPattern: Int32(bitPattern: spans) >> 12) }
    /// Seconds from `hourOpened` to the last contact: below 3,600, since a later one opens a new hour.
    var sinceHour: UInt16 { UInt16(spans & 0xFFF) }
    /// Seconds since the epoch of the last contact.
    var lastAt: UInt32 { hourOpened + UInt32(sinceHour) }

    init() {}

    init(key: UInt32) { self.key = key }

    /// What the windows of a counter can be: an hour opens within a day's 86,400 seconds, and a day within an hour.
    static func isPossible(hourOpened: UInt32, dayOpened: UInt32, sinceHour: UInt16) -> Bool {
        let span = Int64(hourOpened) - Int64(dayOpened)
        return span > -3_600 && span < 86_400 && sinceHour < 3_600
    }

    mutating func setWindows(hourOpened: UInt32, dayOpened: UInt32, sinceHour: UInt16) {
        self.hourOpened = hourOpened
        spans = (hourOpened &- dayOpened) << 12 | UInt32(sinceHour)
    }
}

/// A decision that counted but whose impression has not come yet.
struct PendingContact: Sendable {
    /// `CapKey.raw`; 0 = free place.
    var key: UInt32 = 0
    /// Seconds since the epoch at which the decision was made.
    var at: UInt32 = 0
}

/// The caps of one shopper: a decision counts at once, its impression confirms it, and what is not confirmed
/// within ten minutes no longer counts. Fixed size, so that a million shoppers have a known cost.
public struct CapCounters: Sendable {
    /// Line items and advertisers whose contacts are remembered; the longest untouched one makes room.
    public static let capacity = 20
    /// Unconfirmed decisions that are remembered; one too many confirms the oldest, so a cap is never exceeded.
    public static let pendingCapacity = 16
    /// Seconds after which an unconfirmed decision stops counting.
    public static let confirmationSeconds: UInt32 = 600

    var counters = InlineArray<20, CapCounter>(repeating: CapCounter())
    var pending = InlineArray<16, PendingContact>(repeating: PendingContact())
    /// Number of the session whose contacts the counters count.
    var sessionNumber: UInt16 = 0

    public init() {}

    /// One bit per key that has a counter or an unconfirmed decision: most line items need no closer look.
    public var filter: UInt64 {
        var filter: UInt64 = 0
        for i in 0..<Self.pendingCapacity where pending[i].key != 0 { filter |= Self.bit(pending[i].key) }
        for i in 0..<Self.capacity where counters[i].key != 0 { filter |= Self.bit(counters[i].key) }
        return filter
    }

    /// False when, by the filter, neither the line item nor its advertiser has a contact that counts.
    @inlinable
    public static func mayHold(_ lineItemID: Int32, _ advertiserID: Int32, _ filter: UInt64) -> Bool {
        filter & (bit(CapKey.lineItem(lineItemID).raw) | bit(CapKey.advertiser(advertiserID).raw)) != 0
    }

    @inlinable
    static func bit(_ key: UInt32) -> UInt64 { 1 &<< UInt64((key &* 0x9E37_79B1) &>> 26) }

    /// True when one more contact of `key` keeps every limit.
    /// - Parameters:
    ///   - now: seconds since the epoch.
    ///   - session: number of the shopper's current session.
    public func allows(_ key: CapKey, _ limits: CapLimits, now: UInt32, session: UInt16) -> Bool {
        if limits.isNone { return true }
        var unconfirmed: UInt16 = 0
        for i in 0..<Self.pendingCapacity where pending[i].key == key.raw {
            if !Self.lapsed(pending[i].at, now) { unconfirmed += 1 }
        }
        var counter = CapCounter()
        for i in 0..<Self.capacity where counters[i].key == key.raw { counter = counters[i] }
        func fits(_ counted: UInt16, _ limit: UInt16) -> Bool {
            limit == 0 || Int(counted) + Int(unconfirmed) < Int(limit)
        }
        return fits(Self.isOpen(counter.hourOpened, 3_600, now) ? counter.hour : 0, limits.hour)
            && fits(Self.isOpen(counter.dayOpened, 86_400, now) ? counter.day : 0, limits.day)
            && fits(sessionNumber == session ? counter.session : 0, limits.session)
            && fits(counter.lifetime, limits.lifetime)
    }

    /// Counts a decision at once, unconfirmed.
    public mutating func expect(_ key: CapKey, now: UInt32, session: UInt16) {
        var place = -1
        var oldest = 0
        for i in 0..<Self.pendingCapacity {
            if pending[i].key == 0 {
                place = i
                break
            }
            if pending[i].at < pending[oldest].at { oldest = i }
        }
        if place < 0 {
            place = oldest
            let waiting = pending[oldest]
            if !Self.lapsed(waiting.at, now) {
                count(CapKey(raw: waiting.key), at: waiting.at, session: session)
            }
        }
        pending[place] = PendingContact(key: key.raw, at: now)
    }

    /// Takes back what `expect` counted, because the ad was not served after all.
    public mutating func withdraw(_ key: CapKey, at: UInt32) { _ = take(key, at: at) }

    /// Confirms a decision by its impression. A second impression of the same decision finds nothing to confirm.
    /// - Returns: false when no such decision was waiting.
    @discardableResult
    public mutating func confirm(_ key: CapKey, decidedAt: UInt32, session: UInt16) -> Bool {
        guard take(key, at: decidedAt) else { return false }
        count(key, at: decidedAt, session: session)
        return true
    }

    private mutating func take(_ key: CapKey, at: UInt32) -> Bool {
        for i in 0..<Self.pendingCapacity where pending[i].key == key.raw && pending[i].at == at {
            pending[i] = PendingContact()
            return true
        }
        return false
    }

    private mutating func count(_ key: CapKey, at: UInt32, session: UInt16) {
        var place = 0
        for i in 0..<Self.capacity {
            if counters[i].key == key.raw {
                place = i
                break
            }
            if counters[i].lastAt < counters[place].lastAt { place = i }
        }
        if counters[place].key != key.raw { counters[place] = CapCounter(key: key.raw) }
        if sessionNumber != session {
            sessionNumber = session
            for i in 0..<Self.capacity { counters[i].session = 0 }
        }
        var counter = counters[place]
        var (hourOpened, dayOpened, sinceHour) = (counter.hourOpened, counter.dayOpened, counter.sinceHour)
        if !Self.isOpen(hourOpened, 3_600, at) {
            hourOpened = at
            sinceHour = 0
            counter.hour = 0
        }
        if !Self.isOpen(dayOpened, 86_400, at) {
            dayOpened = at
            counter.day = 0
        }
        counter.hour &+= counter.hour < .max ? 1 : 0
        counter.day &+= counter.day < .max ? 1 : 0
        counter.session &+= counter.session < .max ? 1 : 0
        counter.lifetime &+= counter.lifetime < .max ? 1 : 0
        if at > hourOpened { sinceHour = max(sinceHour, UInt16(at - hourOpened)) }
        counter.setWindows(hourOpened: hourOpened, dayOpened: dayOpened, sinceHour: sinceHour)
        counters[place] = counter
    }

    private static func lapsed(_ at: UInt32, _ now: UInt32) -> Bool {
        now >= at && now - at >= confirmationSeconds
    }

    /// A window is open from its first contact; a contact that arrives out of order belongs to the open one.
    private static func isOpen(_ opened: UInt32, _ length: UInt32, _ now: UInt32) -> Bool {
        opened != 0 && (now < opened || now - opened < length)
    }
}
