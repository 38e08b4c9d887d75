import AdModel
import Measurement

/// Records of one stretch of a node's log, sorted by what becomes of them; inside a list they keep the log's order.
public struct RecordBatch: Sendable {
    /// A decision with its bytes as logged.
    public struct Decision: Sendable {
        public var record: DecisionRecord
        public var bytes: [UInt8]
    }

    public private(set) var decisions: [Decision] = []
    public private(set) var events: [AdEventRecord] = []
    public private(set) var signals: [SignalRecord] = []
    public private(set) var orders: [OrderRecord] = []
    public private(set) var adjustments: [AdjustmentRecord] = []
    public private(set) var links: [LinkRecord] = []
    public private(set) var refused: [RefusedRecord] = []
    /// Number of records taken in.
    public private(set) var count = 0
    /// The latest moment at which any of the records was received (decisions: made).
    public private(set) var latest: Timestamp?

    public init() {}

    /// Takes in the next record.
    public mutating func append(_ record: LogRecord, bytes: [UInt8]) {
        count += 1
        let received: Timestamp
        switch record {
        case .decision(var it):
            it.visitorID = storable(it.visitorID)
            decisions.append(Decision(record: it, bytes: bytes))
            received = it.id.issuedAt
        case .adEvent(var it):
            // Rendering happens to the ad as a whole: were its cards counted apart, one ad would be billed per card.
            if it.kind == .impression { it.card = -1 }
            it.visitorID = storable(it.visitorID)
            events.append(it)
            received = it.receivedAt
        case .signal(var it):
            it.clientID = storable(it.clientID)
            it.visitorID = storable(it.visitorID)
            it.customerID = storable(it.customerID)
            it.sku = storable(it.sku)
            it.categoryCode = storable(it.categoryCode)
            it.phrase = storable(it.phrase)
            signals.append(it)
            received = it.receivedAt
        case .order(var it):
            it.orderID = storable(it.orderID)
            it.visitorID = storable(it.visitorID)
            it.customerID = storable(it.customerID)
            for index in it.lines.indices { it.lines[index].sku = storable(it.lines[index].sku) }
            orders.append(it)
            received = it.receivedAt
        case .adjustment(var it):
            it.adjustmentID = storable(it.adjustmentID)
            it.orderID = storable(it.orderID)
            adjustments.append(it)
            received = it.receivedAt
        case .link(var it):
            it.visitorID = storable(it.visitorID)
            it.customerID = storable(it.customerID)
            links.append(it)
            received = it.receivedAt
        case .refused(var it):
            it.kind = storable(it.kind)
            it.reason = storable(it.reason)
            refused.append(it)
            received = it.receivedAt
        }
        latest = max(latest ?? received, received)
    }
}

/// The text with U+FFFD for every U+0000, which PostgreSQL cannot store: one such character in a log must not stop
/// everything behind it. Ids stay apart from the ones without it, and the same id always becomes the same text.
private func storable(_ text: String) -> String {
    guard text.utf8.contains(0) else { return text }
    var clean = String.UnicodeScalarView()
    for scalar in text.unicodeScalars { clean.append(scalar == "\0" ? "\u{FFFD}" : scalar) }
    return String(clean)
}

private func storable(_ text: String?) -> String? { text.map { storable($0) } }

/// An order by the storefront that reported it.
public struct OrderKey: Hashable, Comparable, Sendable {
    public var storefrontID: Int32
    public var orderID: String

    public init(storefrontID: Int32, orderID: String) {
        self.storefrontID = storefrontID
        self.orderID = orderID
    }

    // Swift compares strings by canonical equivalence; ids are bytes.
    public static func == (a: OrderKey, b: OrderKey) -> Bool {
        a.storefrontID == b.storefrontID && a.orderID.utf8.elementsEqual(b.orderID.utf8)
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(storefrontID)
        for byte in orderID.utf8 { hasher.combine(byte) }
    }

    public static func < (a: OrderKey, b: OrderKey) -> Bool {
        a.storefrontID != b.storefrontID
            ? a.storefrontID < b.storefrontID : a.orderID.utf8.lexicographicallyPrecedes(b.orderID.utf8)
    }
}

/// What makes an ad event one and the same, however often and wherever it is delivered.
public struct AdEventKey: Hashable, Sendable {
    public var decision: DecisionID
    public var ad: UInt8
    public var kind: AdEventKind
    public var card: Int8

    public init(_ record: AdEventRecord) {
        decision = record.token.decisionID
        ad = record.token.ad
        kind = record.kind
        card = record.card
    }

    init(decision: DecisionID, ad: UInt8, kind: AdEventKind, card: Int8) {
        self.decision = decision
        self.ad = ad
        self.kind = kind
        self.card = card
    }

    /// The id of the touch that the event becomes: `<decision>.<ad>.i|v|c[.<card>]`.
    public var touchID: String {
        let letter =
            switch kind {
            case .impression: "i"
            case .viewable: "v"
            case .click: "c"
            }
        return "\(decision.hex).\(ad).\(letter)" + (card < 0 ? "" : ".\(card)")
    }
}

extension DecisionID {
    /// As a PostgreSQL uuid.
    var uuidHigh: UInt64 { UInt64(bitPattern: issuedAt.micros) }
    /// UTC day of the decision: the partition of everything that belongs to it.
    public var day: Day { issuedAt.utcDay }
}
