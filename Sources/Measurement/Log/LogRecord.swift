import AdModel

/// What the event log holds. One record is one acknowledged fact (or one decision); the worker turns records
/// into rows, charges and credits. Records carry internal ids only, never names, addresses or prices of rivals.
public enum LogRecord: Equatable, Sendable {
    case decision(DecisionRecord)
    case adEvent(AdEventRecord)
    case signal(SignalRecord)
    case order(OrderRecord)
    case adjustment(AdjustmentRecord)
    case link(LinkRecord)
    case refused(RefusedRecord)
}

/// 128 bits: when the decision was made, by which node, and a per-process unpredictable sequence.
public struct DecisionID: Hashable, Sendable {
    /// Microseconds since the Unix epoch at which the token was issued.
    public var issuedAt: Timestamp
    /// Node in the upper 16 bits, sequence and process salt in the lower 48.
    public var low: UInt64

    public init(issuedAt: Timestamp, low: UInt64) {
        self.issuedAt = issuedAt
        self.low = low
    }

    /// Seed of the decision: whoever knows the id can decide again exactly as it was decided.
    public var seed: UInt64 {
        var mixed = UInt64(bitPattern: issuedAt.micros) &* 0x9E37_79B9_7F4A_7C15 ^ low
        mixed = (mixed ^ (mixed &>> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed &>> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed &>> 31)
    }

    /// 32 lower-case hexadecimal digits: issue time, then `low`, both big-endian. Sorts by time.
    public var hex: String {
        func digits(_ value: UInt64) -> String {
            let text = String(value, radix: 16)
            return String(repeating: "0", count: 16 - text.count) + text
        }
        return digits(UInt64(bitPattern: issuedAt.micros)) + digits(low)
    }
}

/// Everything that a decision must be explained and billed by.
public struct DecisionRecord: Equatable, Sendable {
    public var id: DecisionID
    public var storefrontID: Int32
    public var pageType: PageType
    public var visitorID: String?
    public var locationID: Int32
    public var device: Device
    /// Control version of the snapshot, and number of the last stock change it had applied.
    public var snapshotVersion: Int64
    public var stockVersion: Int64
    public var slots: [Slot]
    /// nil in records of versions that did not keep it.
    public var context: Context?
    /// nil in records of versions that did not keep it.
    public var detail: Detail?

    /// What a decision is explained and made again by.
    public struct Detail: Equatable, Sendable {
        /// Line items that the page stopped late (stock, budget, pacing, caps), in the order they were met.
        public static let stoppedLimit = 24
        /// Bytes of a phrase; a longer one is left out.
        public static let phraseLimit = 400
        public static let audienceLimit = 64

        /// Product of the page, database id; 0 = none that is known.
        public var productID: Int32
        /// The page's search phrase, cut and masked; at most `phraseLimit` bytes.
        public var phrase: String?
        /// nil = not known, as without consent.
        public var isSignedIn: Bool?
        /// Whether it was the shopper's first session; nil = not known.
        public var isNew: Bool?
        /// Audiences (database ids) that the shopper was in.
        public var audienceIDs: [Int32]
        public var stopped: [Stopped]

        public init(
            productID: Int32 = 0, phrase: String? = nil, isSignedIn: Bool? = nil, isNew: Bool? = nil,
            audienceIDs: [Int32] = [],
            stopped: [Stopped] = []
        ) {
            self.productID = productID
            self.phrase = phrase
            self.isSignedIn = isSignedIn
            self.isNew = isNew
            self.audienceIDs = audienceIDs
            self.stopped = stopped
        }
    }

    /// A line item that fitted the page and was stopped by its circumstances.
    public struct Stopped: Equatable, Sendable {
        public var lineItemID: Int32
        /// `NoFillReason` code.
        public var reason: UInt8
        /// Bit per slot of the record in which it was stopped.
        public var slots: UInt16

        public init(lineItemID: Int32, reason: UInt8, slots: UInt16) {
            self.lineItemID = lineItemID
            self.reason = reason
            self.slots = slots
        }
    }

    /// How many candidates of a slot a reason stopped.
    public struct ReasonCount: Equatable, Sendable {
        public var reason: UInt8
        public var count: UInt16

        public init(reason: UInt8, count: UInt16) {
            self.reason = reason
            self.count = count
        }
    }

    /// What clicks were predicted from, beside the parts of each candidate; nil in records that did not keep it.
    public var prediction: Prediction?

    /// The part of a click prediction that a whole page has in common.
    public struct Prediction: Equatable, Sendable {
        /// Version of the click model, 0 = none.
        public var modelVersion: Int32
        /// Hour of the day in the storefront's zone, 0...23.
        public var hour: UInt8
        /// Whether a profile was read.
        public var isKnown: Bool

        public init(modelVersion: Int32 = 0, hour: UInt8, isKnown: Bool) {
            self.modelVersion = modelVersion
            self.hour = hour
            self.isKnown = isKnown
        }
    }

    /// What the page was about.
    public struct Context: Equatable, Sendable {
        /// Bytes of a region that are kept: ISO 3166-2 codes have at most six.
        public static let regionLimit = 8
        /// Category of the page or of its product, database id; 0 = none that is known.
        public var categoryID: Int32
        public var brandID: Int32
        /// ISO 3166-2 (or 3166-1) code of the shopper's region; empty = unknown.
        public var region: String

        public init(categoryID: Int32 = 0, brandID: Int32 = 0, region: String = "") {
            self.categoryID = categoryID
            self.brandID = brandID
            self.region = region
        }
    }

    public init(
        id: DecisionID, storefrontID: Int32, pageType: PageType, visitorID: String?, locationID: Int32,
        device: Device, snapshotVersion: Int64, stockVersion: Int64, slots: [Slot], context: Context? = nil,
        prediction: Prediction? = nil, detail: Detail? = nil
    ) {
        self.prediction = prediction
        self.context = context
        self.detail = detail
        self.id = id
        self.storefrontID = storefrontID
        self.pageType = pageType
        self.visitorID = visitorID
        self.locationID = locationID
        self.device = device
        self.snapshotVersion = snapshotVersion
        self.stockVersion = stockVersion
        self.slots = slots
    }

    public struct Slot: Equatable, Sendable {
        public var placementID: Int32
        /// `NoFillReason` code, 0 when at least one ad was served.
        public var noFill: UInt8
        public var ads: [Ad]
        /// The next candidates (at most 8) with their scores, for explanation.
        public var losers: [Candidate]
        /// Of the candidates that were looked at, how many each reason stopped; only with `detail`.
        public var reasons: [ReasonCount]

        public init(
            placementID: Int32, noFill: UInt8, ads: [Ad], losers: [Candidate], reasons: [ReasonCount] = []
        ) {
            self.reasons = reasons
            self.placementID = placementID
            self.noFill = noFill
            self.ads = ads
            self.losers = losers
        }
    }

    public struct Ad: Equatable, Sendable {
        public var lineItemID: Int32
        public var creativeVersionID: Int32
        /// What one impression (cpm) or one click (cpc) costs, micro-roubles; 0 for fixed and house.
        public var priceMicros: Int64
        public var score: Float
        public var productIDs: [Int32]
        /// What its click was predicted from (`ClickParts.raw`); kept with `prediction` only.
        public var parts: UInt32

        public init(
            lineItemID: Int32, creativeVersionID: Int32, priceMicros: Int64, score: Float, productIDs: [Int32],
            parts: UInt32 = 0
        ) {
            self.parts = parts
            self.lineItemID = lineItemID
            self.creativeVersionID = creativeVersionID
            self.priceMicros = priceMicros
            self.score = score
            self.productIDs = productIDs
        }
    }

    public struct Candidate: Equatable, Sendable {
        public var lineItemID: Int32
        /// `NoFillReason` code of what stopped it, 0 when it was merely outbid.
        public var reason: UInt8
        public var score: Float
        /// As an ad's.
        public var parts: UInt32

        public init(lineItemID: Int32, reason: UInt8, score: Float, parts: UInt32 = 0) {
            self.parts = parts
            self.lineItemID = lineItemID
            self.reason = reason
            self.score = score
        }
    }
}

/// An impression, viewable or click whose token was authentic. The token travels opened, price included, so
/// that billing needs no look-up.
public struct AdEventRecord: Equatable, Sendable {
    public var kind: AdEventKind
    public var token: AdToken
    /// Index of the product card inside the ad, -1 for the ad as a whole.
    public var card: Int8
    /// The shopper who sent the event; what the token binds is the shopper of the decision.
    public var visitorID: String?
    public var eventTime: Timestamp
    public var receivedAt: Timestamp
    /// nil = valid.
    public var invalid: InvalidReason?

    public init(
        kind: AdEventKind, token: AdToken, card: Int8, visitorID: String?, eventTime: Timestamp,
        receivedAt: Timestamp, invalid: InvalidReason?
    ) {
        self.kind = kind
        self.token = token
        self.card = card
        self.visitorID = visitorID
        self.eventTime = eventTime
        self.receivedAt = receivedAt
        self.invalid = invalid
    }
}

/// Something a shopper did; feeds profiles and audiences, never credited.
public struct SignalRecord: Equatable, Sendable {
    public var storefrontID: Int32
    public var kind: SignalKind
    /// The client's own id of the event, if it gave one: makes a retry harmless.
    public var clientID: String?
    public var visitorID: String?
    public var customerID: String?
    public var sku: String?
    public var categoryCode: String?
    /// Already cut and masked.
    public var phrase: String?
    public var occurredAt: Timestamp
    public var receivedAt: Timestamp

    public init(
        storefrontID: Int32, kind: SignalKind, clientID: String?, visitorID: String?, customerID: String?,
        sku: String?, categoryCode: String?, phrase: String?, occurredAt: Timestamp, receivedAt: Timestamp
    ) {
        self.storefrontID = storefrontID
        self.kind = kind
        self.clientID = clientID
        self.visitorID = visitorID
        self.customerID = customerID
        self.sku = sku
        self.categoryCode = categoryCode
        self.phrase = phrase
        self.occurredAt = occurredAt
        self.receivedAt = receivedAt
    }
}

/// A purchase reported with a server key.
public struct OrderRecord: Equatable, Sendable {
    public var storefrontID: Int32
    public var orderID: String
    public var visitorID: String?
    public var customerID: String?
    public var channel: OrderChannel
    public var orderedAt: Timestamp
    public var receivedAt: Timestamp
    public var lines: [Line]

    public init(
        storefrontID: Int32, orderID: String, visitorID: String?, customerID: String?, channel: OrderChannel,
        orderedAt: Timestamp, receivedAt: Timestamp, lines: [Line]
    ) {
        self.storefrontID = storefrontID
        self.orderID = orderID
        self.visitorID = visitorID
        self.customerID = customerID
        self.channel = channel
        self.orderedAt = orderedAt
        self.receivedAt = receivedAt
        self.lines = lines
    }

    public struct Line: Equatable, Sendable {
        public var lineNo: Int32
        public var sku: String
        public var units: Int32
        public var gross: Micros
        public var net: Micros

        public init(lineNo: Int32, sku: String, units: Int32, gross: Micros, net: Micros) {
            self.lineNo = lineNo
            self.sku = sku
            self.units = units
            self.gross = gross
            self.net = net
        }
    }
}

/// A cancellation, return or price change of an order.
public struct AdjustmentRecord: Equatable, Sendable {
    public var storefrontID: Int32
    public var adjustmentID: String
    public var orderID: String
    public var lineNo: Int32?
    public var kind: AdjustmentKind
    public var units: Int32?
    public var amount: Micros?
    public var occurredAt: Timestamp
    public var receivedAt: Timestamp

    public init(
        storefrontID: Int32, adjustmentID: String, orderID: String, lineNo: Int32?, kind: AdjustmentKind,
        units: Int32?, amount: Micros?, occurredAt: Timestamp, receivedAt: Timestamp
    ) {
        self.storefrontID = storefrontID
        self.adjustmentID = adjustmentID
        self.orderID = orderID
        self.lineNo = lineNo
        self.kind = kind
        self.units = units
        self.amount = amount
        self.occurredAt = occurredAt
        self.receivedAt = receivedAt
    }
}

/// A visitor became known as a customer.
public struct LinkRecord: Equatable, Sendable {
    public var storefrontID: Int32
    public var visitorID: String
    public var customerID: String
    public var linkedAt: Timestamp
    public var receivedAt: Timestamp

    public init(
        storefrontID: Int32, visitorID: String, customerID: String, linkedAt: Timestamp, receivedAt: Timestamp
    ) {
        self.storefrontID = storefrontID
        self.visitorID = visitorID
        self.customerID = customerID
        self.linkedAt = linkedAt
        self.receivedAt = receivedAt
    }
}

/// An event that was turned away: kept so that every refusal can be counted and looked up.
public struct RefusedRecord: Equatable, Sendable {
    /// 0 when the storefront is unknown.
    public var storefrontID: Int32
    /// `impression`, `click`, `order`, ... or `unknown`.
    public var kind: String
    /// Stable problem code, for example `forged_token`.
    public var reason: String
    public var receivedAt: Timestamp

    public init(storefrontID: Int32, kind: String, reason: String, receivedAt: Timestamp) {
        self.storefrontID = storefrontID
        self.kind = kind
        self.reason = reason
        self.receivedAt = receivedAt
    }
}
