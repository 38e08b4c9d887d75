import AdModel
import Audiences
import Decisioning
import EventLog
import Measurement
import NIOCore
import NIOHTTP1
import Profiles
import Store
import Telemetry

/// What happened to one event of a batch.
struct EventResult {
    enum Status: String { case accepted, duplicate, invalid, refused }
    var status: Status
    var code: ProblemCode?
    var field: String?
}

/// Who sends events, as far as one request shows it.
struct EventSender {
    /// Cookie of the request.
    var cookieVisitor: String?
    var isBot: Bool
    var isPrefetch: Bool

    init(_ request: EdgeRequest, _ environment: DeliveryEnvironment) {
        cookieVisitor = VisitorCookie.read(request.facts.cookie)
        isBot = environment.isBot(request.facts.userAgent ?? "")
        isPrefetch = ["purpose", "sec-purpose", "x-moz"].contains { name in
            request.head.headers[name].contains { PrefetchHeader.announcesPrefetch(name: name, value: $0) }
        }
    }
}

/// What an ad event says of its shopper, beside its token.
struct AdEventShopper {
    /// Visitor id that the event names.
    var declared: String?
    /// The event says that the shopper does not consent: then nothing about him is read or kept.
    var hasRefused = false
}

/// Checks events one by one and collects the log records of a request. Nothing counts before `commit`.
struct EventIntake {
    private let environment: DeliveryEnvironment
    private let state: ServingState
    private let now: Timestamp
    private let rules: EventRules
    private(set) var batch = EventBatch()
    private var keys: [UInt64] = []
    /// Keys of this request, so that a repetition inside one batch is seen at once.
    private var seen: Set<UInt64> = []
    private var contacts: [AdToken] = []
    private var signals: [(signal: ProfileSignal, shopper: UInt64)] = []
    /// Pairs of visitor and customer that this request records.
    private var linked: [UInt64] = []
    private var bytes: [UInt8] = []
    /// What audiences count of this request.
    private var actions: [AudienceAction] = []
    /// Asked once per request; what is not told while it changes is read from the log.
    private let tellsAudiences: Bool

    init(_ environment: DeliveryEnvironment, _ state: ServingState, now: Timestamp) {
        self.environment = environment
        self.state = state
        self.now = now
        tellsAudiences = !environment.audiences.isIdle
        var rules = EventRules()
        rules.impressionDeadline = state.data.impressionDeadline
        rules.viewableDeadline = state.data.impressionDeadline
        rules.clickDeadline = state.data.clickDeadline
        self.rules = rules
    }

    // MARK: Ad events

    /// Takes an impression, viewable or click.
    /// - Parameter storefrontID: what the batch says; nil where only the token says it (pixel, redirect).
    mutating func adEvent(
        _ kind: AdEventKind, token wire: String, card: Int8, occurredAt: Timestamp?, shopper: AdEventShopper,
        storefrontID: Int32?, sender: EventSender
    ) -> (result: EventResult, token: AdToken?) {
        // Nothing of a preview is kept, not even that it was refused.
        if wire.hasPrefix(PreviewParameter.tokenPrefix) {
            return (EventResult(status: .refused, code: .preview, field: "token"), nil)
        }
        let token: AdToken
        do {
            token = try environment.tokens.open(wire)
        } catch {
            let code: ProblemCode =
                switch error {
                case .malformed, .unsupportedVersion: .malformedToken
                case .unknownKey, .forged: .forgedToken
                }
            return (refuse(code, kind: kind.name, storefrontID: storefrontID ?? 0, field: "token"), nil)
        }
        if let storefrontID, storefrontID != token.storefrontID {
            return (refuse(.wrongStorefront, kind: kind.name, storefrontID: storefrontID, field: "token"), nil)
        }
        guard card < Int8(clamping: max(token.productIDs.count, 0)) || card == -1 else {
            return (refuse(.invalidField, kind: kind.name, storefrontID: token.storefrontID, field: "card"), token)
        }
        let key = Self.key(token, kind, card)
        if seen.contains(key) || environment.recent.contains(key) {
            environment.counters.duplicates.add()
            return (EventResult(status: .duplicate), token)
        }
        let (visitor, presentedBy) = presenter(shopper, token, sender)
        let counted = presentedBy != 0 ? presentedBy : token.shopperHash
        let invalid = rules.classify(
            PresentedEvent(
                kind: kind, issuedAt: token.decisionID.issuedAt, receivedAt: now, issuedFor: token.shopperHash,
                presentedBy: presentedBy, isPrefetch: sender.isPrefetch, isBotAgent: sender.isBot,
                isOverRate: environment.rates.isOverLimit(counted, at: now)))
        let record = AdEventRecord(
            kind: kind, token: token, card: card, visitorID: visitor,
            eventTime: EventRules.eventTime(
                occurredAt: occurredAt, issuedAt: token.decisionID.issuedAt, receivedAt: now),
            receivedAt: now, invalid: invalid)
        append(.adEvent(record))
        if let invalid {
            environment.counters.invalid[invalid]?.add()
        } else {
            remember(key)
            if kind == .impression { contacts.append(token) }
            if tellsAudiences, let action = AudienceActions.of(record, state) { actions.append(action) }
        }
        return (EventResult(status: .accepted), token)
    }

    /// The visitor to note, and the hash that may contradict the token's. A cookie contradicts nothing: a shop that
    /// names its visitors itself leaves whatever cookie the browser has from elsewhere, so it only ever confirms.
    private func presenter(
        _ shopper: AdEventShopper, _ token: AdToken, _ sender: EventSender
    ) -> (visitor: String?, hash: UInt64) {
        // A decision without a shopper stays without one.
        guard !shopper.hasRefused, token.shopperHash != 0 else { return (nil, 0) }
        if let declared = shopper.declared { return (declared, environment.shopperHash(declared)) }
        guard let cookie = sender.cookieVisitor, environment.shopperHash(cookie) == token.shopperHash else {
            return (nil, 0)
        }
        return (cookie, token.shopperHash)
    }

    /// Identity of an ad event, folded to 64 bits for the recent set.
    private static func key(_ token: AdToken, _ kind: AdEventKind, _ card: Int8) -> UInt64 {
        var hash = UInt64(bitPattern: token.decisionID.issuedAt.micros) &* 0x9E37_79B9_7F4A_7C15
        hash ^= token.decisionID.low
        hash = (hash ^ hash >> 29) &* 0xBF58_476D_1CE4_E5B9
        hash ^= UInt64(token.ad) << 16 | UInt64(kind.rawValue) << 8 | UInt64(UInt8(bitPattern: card))
        return (hash ^ hash >> 32) &* 0x94D0_49BB_1331_11EB
    }

    private mutating func remember(_ key: UInt64) {
        keys.append(key)
        seen.insert(key)
    }

    // MARK: Signals

    /// Takes what a shopper did; his profile knows it before the answer is sent.
    mutating func signal(
        _ event: ParsedEvent, _ kind: SignalKind, storefront: Int32, sender: EventSender
    ) -> EventResult {
        let storefrontID = state.snapshot.storefronts[Int(storefront)].id
        let key = event.clientID.map { environment.shopperHash("signal\u{0}\(storefrontID)\u{0}\($0)") }
        if let key, seen.contains(key) || environment.recent.contains(key) {
            environment.counters.duplicates.add()
            return EventResult(status: .duplicate)
        }
        // As in placements, silence is no consent. A bot's signals are kept without a shopper, so that neither this
        // run nor a rebuild from the log learns from them.
        let isKnown = event.consent == true && !sender.isBot
        let visitor = isKnown ? event.visitorID ?? sender.cookieVisitor : nil
        var customer: String?
        if isKnown, let signed = event.customer {
            do throws(Problem) {
                customer = try environment.verifiedCustomer(
                    signed, field: "customer", now: now)
            } catch {
                return refuse(error.code, kind: kind.rawValue, storefrontID: storefrontID, field: "customer")
            }
        }
        if let key { remember(key) }
        if let visitor, let customer { link(visitor, customer, storefrontID) }
        let time = EventRules.signalTime(occurredAt: event.occurredAt, receivedAt: now)
        let record = SignalRecord(
            storefrontID: storefrontID, kind: kind, clientID: event.clientID, visitorID: visitor,
            customerID: customer, sku: event.sku, categoryCode: event.category,
            phrase: event.query.map { SearchPhrase.masked($0) }, occurredAt: time, receivedAt: now)
        append(.signal(record))
        if tellsAudiences, let action = AudienceActions.of(record, state.snapshot, environment.keys) {
            actions.append(action)
        }
        if let visitor {
            signals.append(
                (
                    ProfileSignals.resolve(
                        kind, sku: event.sku, category: event.category, phrase: record.phrase, at: time,
                        state.snapshot),
                    environment.shopperHash(visitor)
                ))
        }
        return EventResult(status: .accepted)
    }

    /// Records that a visitor is a customer, once per pair as far as this node remembers; durable with the signal.
    private mutating func link(_ visitor: String, _ customer: String, _ storefrontID: Int32) {
        let key = environment.linkKey(visitor: visitor, customer: customer)
        guard !linked.contains(key), !environment.links.contains(key) else { return }
        linked.append(key)
        if tellsAudiences {
            let keys = environment.keys
            actions.append(.link(visitor: keys.visitor(visitor), customer: keys.customer(customer), at: now))
        }
        append(
            .link(
                LinkRecord(
                    storefrontID: storefrontID, visitorID: visitor, customerID: customer, linkedAt: now,
                    receivedAt: now)))
    }

    // MARK: Refusals

    /// Notes a refusal in the log, so that it can be counted and looked up.
    mutating func refuse(
        _ code: ProblemCode, kind: String, storefrontID: Int32, field: String?
    ) -> EventResult {
        environment.counters.refused[code]?.add()
        append(
            .refused(
                RefusedRecord(storefrontID: storefrontID, kind: kind, reason: code.rawValue, receivedAt: now)))
        let isRefusal = [.malformedToken, .forgedToken, .wrongStorefront, .invalidCustomerSignature].contains(code)
        return EventResult(status: isRefusal ? .refused : .invalid, code: code, field: field)
    }

    /// Adds a record that was made elsewhere.
    mutating func append(_ record: LogRecord) {
        bytes.removeAll(keepingCapacity: true)
        LogRecordCodec.encode(record, into: &bytes)
        batch.add(bytes)
    }

    // MARK: Commit

    /// Hands the records to the log, all or none. `done` is called once, from any thread, when everything is durable
    /// and profiles know it: the very next request of a shopper who was answered sees what he did. What the log could
    /// not keep changes no profile. Throws when the log takes nothing; then nothing happened.
    func commit(_ done: @escaping @Sendable (Result<Void, EventLogError>) -> Void) throws(EventLogError) {
        guard batch.count > 0 else {
            done(.success(()))
            return
        }
        let (keys, linked, signals, contacts, actions) = (keys, linked, signals, contacts, actions)
        let now = now
        let environment = environment
        let accepted = Int64(batch.count)
        do throws(EventLogError) {
            try environment.log.append(batch) { result in
                if case .success = result {
                    for key in keys { environment.recent.insert(key) }
                    for key in linked { environment.links.insert(key) }
                    environment.counters.accepted.add(accepted)
                    Self.teach(environment, signals, contacts)
                    for action in actions { environment.audiences.apply(action, receivedAt: now) }
                }
                done(result)
            }
        } catch {
            environment.counters.logRefusals.add()
            throw error
        }
    }

    private static func teach(
        _ environment: DeliveryEnvironment, _ signals: [(signal: ProfileSignal, shopper: UInt64)],
        _ contacts: [AdToken]
    ) {
        for (signal, shopper) in signals { environment.profiles.apply(signal, shopper: shopper) }
        guard !contacts.isEmpty else { return }
        let now = environment.clock()
        for token in contacts {
            let isElsewhere = environment.caps.forward(
                shopper: token.shopperHash, lineItemID: token.lineItemID, advertiserID: token.advertiserID,
                decidedAt: token.decisionID.issuedAt, now: now)
            if isElsewhere { continue }
            environment.profiles.confirm(
                token.shopperHash, lineItemID: token.lineItemID, advertiserID: token.advertiserID,
                decidedAt: token.decisionID.issuedAt)
        }
    }
}
