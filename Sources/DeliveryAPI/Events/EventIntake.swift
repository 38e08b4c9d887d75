import AdModel
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
    private var bytes: [UInt8] = []

    init(_ environment: DeliveryEnvironment, _ state: ServingState, now: Timestamp) {
        self.environment = environment
        self.state = state
        self.now = now
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
        _ kind: AdEventKind, token wire: String, card: Int8, occurredAt: Timestamp?, visitor: String?,
        storefrontID: Int32?, sender: EventSender
    ) -> (result: EventResult, token: AdToken?) {
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
        let presenter = visitor ?? sender.cookieVisitor
        let presentedBy = presenter.map { environment.shopperHash($0) } ?? 0
        let counted = presentedBy != 0 ? presentedBy : token.shopperHash
        let invalid = rules.classify(
            PresentedEvent(
                kind: kind, issuedAt: token.decisionID.issuedAt, receivedAt: now, issuedFor: token.shopperHash,
                presentedBy: presentedBy, isPrefetch: sender.isPrefetch, isBotAgent: sender.isBot,
                isOverRate: environment.rates.isOverLimit(counted, at: now)))
        append(
            .adEvent(
                AdEventRecord(
                    kind: kind, token: token, card: card, visitorID: token.shopperHash == 0 ? nil : presenter,
                    eventTime: EventRules.eventTime(
                        occurredAt: occurredAt, issuedAt: token.decisionID.issuedAt, receivedAt: now),
                    receivedAt: now, invalid: invalid)))
        if let invalid {
            environment.counters.invalid[invalid]?.add()
        } else {
            remember(key)
            if kind == .impression { contacts.append(token) }
        }
        return (EventResult(status: .accepted), token)
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
        if let id = event.clientID {
            let key = environment.shopperHash("signal\u{0}\(storefrontID)\u{0}\(id)")
            if seen.contains(key) || environment.recent.contains(key) {
                environment.counters.duplicates.add()
                return EventResult(status: .duplicate)
            }
            remember(key)
        }
        let visitor = event.consent ? event.visitorID ?? sender.cookieVisitor : nil
        var customer: String?
        if event.consent, let signed = event.customer {
            do throws(Problem) {
                customer = try environment.verifiedCustomer(
                    signed, field: "customer", now: now)
            } catch {
                return refuse(error.code, kind: kind.rawValue, storefrontID: storefrontID, field: "customer")
            }
        }
        let time = EventRules.signalTime(occurredAt: event.occurredAt, receivedAt: now)
        append(
            .signal(
                SignalRecord(
                    storefrontID: storefrontID, kind: kind, clientID: event.clientID, visitorID: visitor,
                    customerID: customer, sku: event.sku, categoryCode: event.category,
                    phrase: event.query.map { SearchPhrase.masked($0) }, occurredAt: time, receivedAt: now)))
        if let visitor, !sender.isBot {
            signals.append(
                (
                    ProfileSignals.resolve(kind, sku: event.sku, category: event.category, at: time, state.snapshot),
                    environment.shopperHash(visitor)
                ))
        }
        return EventResult(status: .accepted)
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

    /// Hands the records to the log, all or none, and lets profiles know. `done` is called once, from any thread,
    /// when everything is durable. Throws when the log takes nothing; then nothing happened.
    func commit(_ done: @escaping @Sendable (Result<Void, EventLogError>) -> Void) throws(EventLogError) {
        guard batch.count > 0 else {
            done(.success(()))
            return
        }
        let keys = keys
        let recent = environment.recent
        let accepted = Int64(batch.count)
        let counters = environment.counters
        do throws(EventLogError) {
            try environment.log.append(batch) { result in
                if case .success = result {
                    for key in keys { recent.insert(key) }
                    counters.accepted.add(accepted)
                }
                done(result)
            }
        } catch {
            counters.logRefusals.add()
            throw error
        }
        for (signal, shopper) in signals { environment.profiles.apply(signal, shopper: shopper) }
        for token in contacts {
            environment.profiles.confirm(
                token.shopperHash, lineItemID: token.lineItemID, advertiserID: token.advertiserID,
                decidedAt: token.decisionID.issuedAt)
        }
    }
}
