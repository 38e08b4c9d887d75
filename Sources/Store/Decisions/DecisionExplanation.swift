import AdModel
import Decisioning
import Measurement

/// A past decision in the words of the API.
public struct DecisionExplanation: Equatable, Sendable {
    /// What only the owner of the shop may see: everybody's prices and scores, and who asked from where.
    public struct Whole: Equatable, Sendable {
        public var node: Int
        public var device: Device
        public var location: String?
        public var region: String?
        public var snapshotVersion: Int64
        public var stockVersion: Int64
        public var slots: [Slot]
        /// Line items that fitted the page and were stopped by stock, budget, pacing or caps; the first of them.
        public var stopped: [Candidate]
    }

    public struct Slot: Equatable, Sendable {
        public var placement: String
        /// nil when ads were served.
        public var noFill: String?
        public var ads: [Ad]
        public var candidates: [Candidate]
        /// Of the line items that were looked at, how many each reason stopped.
        public var reasons: [(reason: NoFillReason, count: Int)]

        public static func == (a: Slot, b: Slot) -> Bool {
            a.placement == b.placement && a.noFill == b.noFill && a.ads == b.ads && a.candidates == b.candidates
                && a.reasons.elementsEqual(b.reasons) { $0 == $1 }
        }
    }

    /// A line item as people know it.
    public struct LineName: Equatable, Sendable {
        public var id: Int32
        public var code: String
        public var name: String
        public var campaign: String
        public var advertiser: String
        public var advertiserID: Int32
    }

    public struct Ad: Equatable, Sendable {
        public var line: LineName
        public var creative: String
        public var priceMicros: Int64
        public var score: Float
        public var parts: ScoreParts?
        public var products: [String]
    }

    public struct Candidate: Equatable, Sendable {
        public var line: LineName
        public var outcome: LineExplanation.Outcome
        /// nil for a line item that was stopped before it was scored.
        public var score: Float?
        public var parts: ScoreParts?
    }

    /// What became of a line item, slot by slot.
    public struct Answer: Equatable, Sendable {
        public var line: LineName
        public var slots: [LineExplanation]
    }

    public var id: DecisionID
    public var storefront: String
    public var pageType: PageType
    public var category: String?
    public var brand: String?
    public var product: String?
    /// Placement codes of the slots.
    public var placements: [String]
    /// nil for an advertiser.
    public var whole: Whole?
    /// The line items that were asked about.
    public var answers: [Answer]
}

extension DecisionID {
    /// Reads 32 hexadecimal digits as `hex` writes them; nil for anything else.
    public init?(hex text: String) {
        let digits = Array(text.utf8)
        guard digits.count == 32, digits.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }),
            let high = UInt64(text.prefix(16), radix: 16), let low = UInt64(text.suffix(16), radix: 16)
        else { return nil }
        self.init(issuedAt: Timestamp(micros: Int64(bitPattern: high)), low: low)
    }

    /// Node that decided.
    public var nodeID: Int { Int(low >> 48) }
}
