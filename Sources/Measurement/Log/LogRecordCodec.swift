import AdModel

/// The byte form of log records: kind, format version, fixed-width fields, then the variable part; little-endian.
///
/// The log around it carries length and checksum, so neither is repeated here.
public enum LogRecordCodec {
    /// Format that this binary writes; all older ones are read.
    public static let version: UInt8 = 1
    /// Length that stands for "no string".
    static let absent = 0xFFFF
    /// Where a decision record counts its slots; the visitor id and the slots follow.
    static let slotCountOffset = 46
    /// Set in the flags of a decision whose page context follows its visitor.
    static let contextFlag: UInt16 = 1
    /// Set where the click prediction follows, and each candidate has its parts.
    static let predictionFlag: UInt16 = 2
    static let predictionBytes = 6
    /// Set in the flags of a decision that can be explained: page, stopped line items, counts of reasons.
    static let detailFlag: UInt16 = 4
    /// Bytes of that context.
    static let contextBytes = 8 + DecisionRecord.Context.regionLimit

    /// The kind of an encoded record, without decoding it; nil for none that is known.
    public static func kind(of bytes: UnsafeRawBufferPointer) -> LogRecordKind? {
        bytes.first.flatMap(LogRecordKind.init(rawValue:))
    }

    /// Appends the record. Strings are below 65,535 bytes and counts within `Limits`, which the callers' edges ensure.
    public static func encode(_ record: LogRecord, into out: inout [UInt8]) {
        switch record {
        case .decision(let it): encode(it, into: &out)
        case .adEvent(let it): encode(it, into: &out)
        case .signal(let it): encode(it, into: &out)
        case .order(let it): encode(it, into: &out)
        case .adjustment(let it): encode(it, into: &out)
        case .link(let it): encode(it, into: &out)
        case .refused(let it): encode(it, into: &out)
        }
    }

    /// 0 = not known, 1 = no, 2 = yes.
    static func known(_ fact: Bool?) -> UInt8 { fact.map { $0 ? 2 : 1 } ?? 0 }

    private static func start(_ kind: LogRecordKind, _ out: inout [UInt8]) {
        out.append(kind.rawValue)
        out.append(version)
    }

    private static func encode(_ it: DecisionRecord, into out: inout [UInt8]) {
        start(.decision, &out)
        out.put(it.id.issuedAt.micros)
        out.put(it.id.low)
        out.put(it.snapshotVersion)
        out.put(it.stockVersion)
        out.put(it.storefrontID)
        out.put(it.locationID)
        out.put(it.pageType.logCode)
        out.put(it.device.logCode)
        out.put(
            (it.context == nil ? 0 : contextFlag) | (it.prediction == nil ? 0 : predictionFlag)
                | (it.detail == nil ? 0 : detailFlag))
        out.put(UInt16(it.slots.count))
        out.put(it.visitorID)
        if let context = it.context {
            out.put(context.categoryID)
            out.put(context.brandID)
            let region = Array(context.region.utf8.prefix(DecisionRecord.Context.regionLimit))
            out.append(contentsOf: region)
            out.append(
                contentsOf: repeatElement(0, count: DecisionRecord.Context.regionLimit - region.count))
        }
        if let prediction = it.prediction {
            out.put(prediction.modelVersion)
            out.put(prediction.hour)
            out.put(UInt8(prediction.isKnown ? 1 : 0))
        }
        if let detail = it.detail {
            out.put(detail.productID)
            out.put(detail.phrase)
            out.put(known(detail.isSignedIn) | known(detail.isNew) << 2)
            out.put(UInt8(detail.audienceIDs.count))
            for id in detail.audienceIDs { out.put(id) }
            out.put(UInt8(detail.stopped.count))
            for stopped in detail.stopped {
                out.put(stopped.lineItemID)
                out.put(stopped.reason)
                out.put(stopped.slots)
            }
        }
        for slot in it.slots {
            out.put(slot.placementID)
            out.put(slot.noFill)
            out.put(UInt8(slot.ads.count))
            out.put(UInt8(slot.losers.count))
            if it.detail != nil {
                out.put(UInt8(slot.reasons.count))
                for reason in slot.reasons {
                    out.put(reason.reason)
                    out.put(reason.count)
                }
            }
            for ad in slot.ads {
                out.put(ad.lineItemID)
                out.put(ad.creativeVersionID)
                out.put(ad.priceMicros)
                out.put(ad.score)
                if it.prediction != nil { out.put(ad.parts) }
                out.put(UInt8(ad.productIDs.count))
                for id in ad.productIDs { out.put(id) }
            }
            for loser in slot.losers {
                out.put(loser.lineItemID)
                out.put(loser.reason)
                out.put(loser.score)
                if it.prediction != nil { out.put(loser.parts) }
            }
        }
    }

    private static func encode(_ it: AdEventRecord, into out: inout [UInt8]) {
        start(.adEvent, &out)
        let token = it.token
        out.put(token.decisionID.issuedAt.micros)
        out.put(token.decisionID.low)
        out.put(it.eventTime.micros)
        out.put(it.receivedAt.micros)
        out.put(token.price.value)
        out.put(token.shopperHash)
        out.put(token.storefrontID)
        out.put(token.placementID)
        out.put(token.lineItemID)
        out.put(token.campaignID)
        out.put(token.advertiserID)
        out.put(token.creativeVersionID)
        out.put(it.kind.rawValue)
        out.put(it.card)
        out.put(token.ad)
        out.put(token.position)
        out.put(token.pricing.logCode)
        out.put(it.invalid.map(\.logCode) ?? 0xFF)
        out.put(UInt8(token.productIDs.count))
        for id in token.productIDs { out.put(id) }
        out.put(it.visitorID)
    }

    private static func encode(_ it: SignalRecord, into out: inout [UInt8]) {
        start(.signal, &out)
        out.put(it.occurredAt.micros)
        out.put(it.receivedAt.micros)
        out.put(it.storefrontID)
        out.put(it.kind.logCode)
        out.put(it.clientID)
        out.put(it.visitorID)
        out.put(it.customerID)
        out.put(it.sku)
        out.put(it.categoryCode)
        out.put(it.phrase)
    }

    private static func encode(_ it: OrderRecord, into out: inout [UInt8]) {
        start(.order, &out)
        out.put(it.orderedAt.micros)
        out.put(it.receivedAt.micros)
        out.put(it.storefrontID)
        out.put(it.channel.logCode)
        out.put(UInt16(it.lines.count))
        out.put(it.orderID)
        out.put(it.visitorID)
        out.put(it.customerID)
        for line in it.lines {
            out.put(line.lineNo)
            out.put(line.units)
            out.put(line.gross.value)
            out.put(line.net.value)
            out.put(line.sku)
        }
    }

    private static func encode(_ it: AdjustmentRecord, into out: inout [UInt8]) {
        start(.adjustment, &out)
        out.put(it.occurredAt.micros)
        out.put(it.receivedAt.micros)
        out.put(it.amount?.value ?? 0)
        out.put(it.storefrontID)
        out.put(it.lineNo ?? 0)
        out.put(it.units ?? 0)
        out.put(it.kind.logCode)
        // Which of the three optional fields are there.
        out.put(UInt8((it.lineNo == nil ? 0 : 1) | (it.units == nil ? 0 : 2) | (it.amount == nil ? 0 : 4)))
        out.put(it.adjustmentID)
        out.put(it.orderID)
    }

    private static func encode(_ it: LinkRecord, into out: inout [UInt8]) {
        start(.link, &out)
        out.put(it.linkedAt.micros)
        out.put(it.receivedAt.micros)
        out.put(it.storefrontID)
        out.put(it.visitorID)
        out.put(it.customerID)
    }

    private static func encode(_ it: RefusedRecord, into out: inout [UInt8]) {
        start(.refused, &out)
        out.put(it.receivedAt.micros)
        out.put(it.storefrontID)
        out.put(it.kind)
        out.put(it.reason)
    }
}
