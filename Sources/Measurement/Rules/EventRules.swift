import AdModel

/// The rules of time and validity that every event passes before it may count.
public struct EventRules: Sendable {
    /// Billing deadlines: how long after the decision an event still counts, by the time it was received.
    public var impressionDeadline: Timestamp.Span = .hours(1)
    public var viewableDeadline: Timestamp.Span = .hours(1)
    public var clickDeadline: Timestamp.Span = .hours(24)
    /// How far the clocks of two nodes may be apart before "received before it was issued" is impossible.
    public var clockTolerance: Timestamp.Span = .seconds(5)
    /// Shortest time between a decision and a credible viewable; 0 switches the rule off. Half of the pixels for a
    /// second cannot be reported sooner than a second after the ad was decided.
    public var minimumViewableDelay: Timestamp.Span = .seconds(0)
    /// How far ahead of its receipt the time of an order (or adjustment) may be.
    public var orderTimeTolerance: Timestamp.Span = .minutes(5)

    public init() {}

    /// The longest billing deadline: a key may be retired, and a month frozen, after it.
    public var longestDeadline: Timestamp.Span { max(impressionDeadline, viewableDeadline, clickDeadline) }

    /// The billing deadline of a kind of event.
    public func deadline(of kind: AdEventKind) -> Timestamp.Span {
        switch kind {
        case .impression: impressionDeadline
        case .viewable: viewableDeadline
        case .click: clickDeadline
        }
    }

    /// `min(max(occurred_at, token issue time), received_at)`; without an `occurred_at` the time of receipt.
    public static func eventTime(occurredAt: Timestamp?, issuedAt: Timestamp, receivedAt: Timestamp) -> Timestamp {
        min(max(occurredAt ?? receivedAt, issuedAt), receivedAt)
    }

    /// When a signal happened: what a browser says about the past is believed for a day, about the future never.
    public static func signalTime(occurredAt: Timestamp?, receivedAt: Timestamp) -> Timestamp {
        min(max(occurredAt ?? receivedAt, receivedAt - .days(1)), receivedAt)
    }

    /// Whether a server key's `ordered_at` or `occurred_at` is believed.
    public func acceptsOrderTime(_ time: Timestamp, receivedAt: Timestamp) -> Bool {
        time <= receivedAt + orderTimeTolerance
    }

    /// The first reason that applies, nil for a valid event.
    ///
    /// Order: what the request itself shows (`prefetch`, `bot_agent`, `datacenter`), what the token and the clock
    /// show (`impossible_sequence`, `late`, `replay`), then `rate`, so that a report names the surest cause.
    /// `forged` is not among them: an event whose token does not open has nothing to classify.
    public func classify(_ event: PresentedEvent) -> InvalidReason? {
        if event.isPrefetch { return .prefetch }
        if event.isBotAgent { return .botAgent }
        if event.isDatacenter { return .datacenter }
        if isImpossible(event) { return .impossibleSequence }
        if event.receivedAt > event.issuedAt + deadline(of: event.kind) { return .late }
        if event.issuedFor != 0, event.presentedBy != 0, event.issuedFor != event.presentedBy { return .replay }
        if event.isOverRate { return .rate }
        return nil
    }

    private func isImpossible(_ event: PresentedEvent) -> Bool {
        if event.receivedAt + clockTolerance < event.issuedAt { return true }
        if event.kind == .viewable, minimumViewableDelay.micros > 0 {
            return event.receivedAt < event.issuedAt + minimumViewableDelay
        }
        return false
    }
}

/// What is known of an event when it arrives with an authentic token.
public struct PresentedEvent: Sendable {
    public var kind: AdEventKind
    /// Issue time of the token.
    public var issuedAt: Timestamp
    public var receivedAt: Timestamp
    /// Keyed hash of the visitor the token was issued for; 0 when unknown.
    public var issuedFor: UInt64
    /// Keyed hash of the visitor who presents it; 0 when unknown.
    public var presentedBy: UInt64
    public var isPrefetch: Bool
    public var isBotAgent: Bool
    public var isDatacenter: Bool
    public var isOverRate: Bool

    public init(
        kind: AdEventKind, issuedAt: Timestamp, receivedAt: Timestamp, issuedFor: UInt64 = 0, presentedBy: UInt64 = 0,
        isPrefetch: Bool = false, isBotAgent: Bool = false, isDatacenter: Bool = false, isOverRate: Bool = false
    ) {
        self.kind = kind
        self.issuedAt = issuedAt
        self.receivedAt = receivedAt
        self.issuedFor = issuedFor
        self.presentedBy = presentedBy
        self.isPrefetch = isPrefetch
        self.isBotAgent = isBotAgent
        self.isDatacenter = isDatacenter
        self.isOverRate = isOverRate
    }
}
