import AdModel
import Foundation
import Measurement

/// SplitMix64: a small seeded generator, so that a failing case can be run again.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    init(_ seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

enum Cases {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Cases")

    static func text(_ name: String) throws -> String {
        try String(contentsOf: folder.appending(path: name), encoding: .utf8)
    }

    static func json<T: Decodable>(_ name: String, as type: T.Type = T.self) throws -> T {
        try JSONDecoder().decode(type, from: Data(contentsOf: folder.appending(path: name)))
    }
}

/// A file of cases: what the rule is, and examples of it.
struct CaseFile<Case: Decodable>: Decodable {
    var rule: String
    var cases: [Case]
}

func bytes(hex: String) -> [UInt8] {
    var bytes: [UInt8] = []
    var rest = hex[...]
    while rest.count >= 2 {
        bytes.append(UInt8(rest.prefix(2), radix: 16) ?? 0)
        rest = rest.dropFirst(2)
    }
    return bytes
}

/// Random records of every kind.
struct RecordMaker {
    var random: SplitMix

    mutating func number<T: FixedWidthInteger>(_: T.Type = T.self) -> T {
        switch Int.random(in: 0..<6, using: &random) {
        case 0: 0
        case 1: T.max
        case 2: T.min
        default: T.random(in: .min ... .max, using: &random)
        }
    }

    mutating func text() -> String {
        let alphabet = Array("abcXYZ 019.-_тумба𝄞é\u{0}\"\\")
        let count = Int.random(in: 0...24, using: &random)
        return String((0..<count).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &random)] })
    }

    mutating func maybeText() -> String? { Bool.random(using: &random) ? text() : nil }
    mutating func time() -> Timestamp { Timestamp(micros: number()) }
    mutating func id() -> DecisionID { DecisionID(issuedAt: time(), low: number()) }
    mutating func score() -> Float { Float.random(in: -100...100, using: &random) }
    mutating func one<T>(_ values: [T]) -> T { values[Int.random(in: 0..<values.count, using: &random)] }
    mutating func many<T>(_ limit: Int, _ make: (inout RecordMaker) -> T) -> [T] {
        let count = Int.random(in: 0...limit, using: &random)
        var values: [T] = []
        for _ in 0..<count { values.append(make(&self)) }
        return values
    }

    mutating func token() -> AdToken {
        AdToken(
            decisionID: id(), storefrontID: number(), placementID: number(), lineItemID: number(),
            campaignID: number(), advertiserID: number(), creativeVersionID: number(), ad: number(),
            position: number(), pricing: one(Pricing.allCases), price: Micros(number()), shopperHash: number(),
            productIDs: many(AdToken.productLimit) { $0.number() })
    }

    mutating func decision() -> DecisionRecord {
        let isPredicted = Bool.random(using: &random)
        let isDetailed = Bool.random(using: &random)
        return DecisionRecord(
            id: id(), storefrontID: number(), pageType: one(PageType.allCases),
            visitorID: Bool.random(using: &random) ? "v\(number(UInt16.self))" : nil, locationID: number(),
            device: one(Device.allCases), snapshotVersion: number(), stockVersion: number(),
            slots: many(Limits.slots) { make in
                DecisionRecord.Slot(
                    placementID: make.number(), noFill: make.number(),
                    ads: make.many(Limits.adsPerSlot) { make in
                        DecisionRecord.Ad(
                            lineItemID: make.number(), creativeVersionID: make.number(), priceMicros: make.number(),
                            score: make.score(), productIDs: make.many(AdToken.productLimit) { $0.number() },
                            parts: isPredicted ? make.number() : 0)
                    },
                    losers: make.many(8) { make in
                        DecisionRecord.Candidate(
                            lineItemID: make.number(), reason: make.number(), score: make.score(),
                            parts: isPredicted ? make.number() : 0)
                    },
                    reasons: isDetailed
                        ? make.many(DecisionRecordWriter.reasonLimit) { .init(reason: $0.number(), count: $0.number()) }
                        : [])
            },
            context: Bool.random(using: &random)
                ? .init(categoryID: number(), brandID: number(), region: one(["", "RU", "RU-MOW", "ABCDEFGH"])) : nil,
            prediction: isPredicted
                ? .init(modelVersion: number(), hour: number(UInt8.self) % 24, isKnown: Bool.random(using: &random))
                : nil,
            detail: isDetailed
                ? .init(
                    productID: number(), phrase: Bool.random(using: &random) ? "чай \(number(UInt16.self))" : nil,
                    isSignedIn: one([nil, true, false]), isNew: one([nil, true, false]),
                    audienceIDs: many(8) { $0.number() },
                    stopped: many(DecisionRecord.Detail.stoppedLimit) {
                        .init(lineItemID: $0.number(), reason: $0.number(), slots: $0.number())
                    }) : nil)
    }

    mutating func record() -> LogRecord {
        switch Int.random(in: 0..<7, using: &random) {
        case 0: .decision(decision())
        case 1:
            .adEvent(
                AdEventRecord(
                    kind: one(AdEventKind.allCases), token: token(), card: number(), visitorID: maybeText(),
                    eventTime: time(), receivedAt: time(),
                    invalid: Bool.random(using: &random) ? one(InvalidReason.allCases) : nil))
        case 2:
            .signal(
                SignalRecord(
                    storefrontID: number(), kind: one(SignalKind.allCases), clientID: maybeText(),
                    visitorID: maybeText(), customerID: maybeText(), sku: maybeText(), categoryCode: maybeText(),
                    phrase: maybeText(), occurredAt: time(), receivedAt: time()))
        case 3:
            .order(
                OrderRecord(
                    storefrontID: number(), orderID: text(), visitorID: maybeText(), customerID: maybeText(),
                    channel: one(OrderChannel.allCases), orderedAt: time(), receivedAt: time(),
                    lines: many(20) { make in
                        OrderRecord.Line(
                            lineNo: make.number(), sku: make.text(), units: make.number(), gross: Micros(make.number()),
                            net: Micros(make.number()))
                    }))
        case 4:
            .adjustment(
                AdjustmentRecord(
                    storefrontID: number(), adjustmentID: text(), orderID: text(),
                    lineNo: Bool.random(using: &random) ? number() : nil, kind: one(AdjustmentKind.allCases),
                    units: Bool.random(using: &random) ? number() : nil,
                    amount: Bool.random(using: &random) ? Micros(number()) : nil, occurredAt: time(),
                    receivedAt: time()))
        case 5:
            .link(
                LinkRecord(
                    storefrontID: number(), visitorID: text(), customerID: text(), linkedAt: time(), receivedAt: time())
            )
        default:
            .refused(RefusedRecord(storefrontID: number(), kind: text(), reason: text(), receivedAt: time()))
        }
    }
}
