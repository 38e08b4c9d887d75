import AdModel

extension LogRecordCodec {
    /// Reads exactly one record that fills `bytes`. Any bytes are safe to pass: what is not a record throws.
    public static func decode(_ bytes: UnsafeRawBufferPointer) throws(LogRecordError) -> LogRecord {
        var reader = LogByteReader(bytes)
        let rawKind = try reader.integer(UInt8.self)
        guard let kind = LogRecordKind(rawValue: rawKind) else { throw .unknownKind(rawKind) }
        let format = try reader.integer(UInt8.self)
        guard format == version else { throw .unsupportedVersion(format) }
        let record: LogRecord
        switch kind {
        case .decision: record = .decision(try decision(&reader))
        case .adEvent: record = .adEvent(try adEvent(&reader))
        case .signal: record = .signal(try signal(&reader))
        case .order: record = .order(try order(&reader))
        case .adjustment: record = .adjustment(try adjustment(&reader))
        case .link: record = .link(try link(&reader))
        case .refused: record = .refused(try refused(&reader))
        }
        try reader.finish()
        return record
    }

    /// The same for an array.
    public static func decode(_ bytes: [UInt8]) throws(LogRecordError) -> LogRecord {
        try bytes.withUnsafeBytes { raw in Result { () throws(LogRecordError) in try decode(raw) } }.get()
    }

    private static func decisionID(_ reader: inout LogByteReader) throws(LogRecordError) -> DecisionID {
        DecisionID(issuedAt: try reader.timestamp(), low: try reader.integer(UInt64.self))
    }

    private static func decision(_ reader: inout LogByteReader) throws(LogRecordError) -> DecisionRecord {
        let id = try decisionID(&reader)
        let snapshotVersion = try reader.integer(Int64.self)
        let stockVersion = try reader.integer(Int64.self)
        let storefrontID = try reader.integer(Int32.self)
        let locationID = try reader.integer(Int32.self)
        let pageType = try PageType(logCode: reader.integer())
        let device = try Device(logCode: reader.integer())
        let flags = try reader.integer(UInt16.self)
        guard flags & ~(contextFlag | predictionFlag | detailFlag) == 0 else { throw .invalidField("flags") }
        let slotCount = try reader.count(UInt16.self, atMost: .max, itemSize: 7)
        let visitorID = try reader.optionalString()
        let context = flags & contextFlag == 0 ? nil : try context(&reader)
        let prediction = flags & predictionFlag == 0 ? nil : try prediction(&reader)
        let detail = flags & detailFlag == 0 ? nil : try detail(&reader)
        var slots: [DecisionRecord.Slot] = []
        slots.reserveCapacity(min(slotCount, Limits.slots))
        for _ in 0..<slotCount {
            slots.append(try slot(&reader, hasParts: prediction != nil, isDetailed: detail != nil))
        }
        return DecisionRecord(
            id: id, storefrontID: storefrontID, pageType: pageType, visitorID: visitorID, locationID: locationID,
            device: device, snapshotVersion: snapshotVersion, stockVersion: stockVersion, slots: slots,
            context: context, prediction: prediction, detail: detail)
    }

    private static func detail(_ reader: inout LogByteReader) throws(LogRecordError) -> DecisionRecord.Detail {
        var detail = DecisionRecord.Detail(productID: try reader.integer(Int32.self))
        detail.phrase = try reader.optionalString()
        let known = try reader.integer(UInt8.self)
        guard known & 3 < 3, known >> 2 < 3 else { throw .invalidField("known") }
        detail.isSignedIn = known & 3 == 0 ? nil : known & 3 == 2
        detail.isNew = known >> 2 == 0 ? nil : known >> 2 == 2
        detail.audienceIDs = try reader.int32Array(try reader.count(UInt8.self, atMost: 255, itemSize: 4))
        let count = try reader.count(UInt8.self, atMost: 255, itemSize: 7)
        detail.stopped.reserveCapacity(count)
        for _ in 0..<count {
            let line = try reader.integer(Int32.self)
            let reason = try reader.integer(UInt8.self)
            detail.stopped.append(
                DecisionRecord.Stopped(lineItemID: line, reason: reason, slots: try reader.integer(UInt16.self)))
        }
        return detail
    }

    private static func prediction(
        _ reader: inout LogByteReader
    ) throws(LogRecordError) -> DecisionRecord.Prediction {
        let version = try reader.integer(Int32.self)
        let hour = try reader.integer(UInt8.self)
        let known = try reader.integer(UInt8.self)
        guard hour < 24, known < 2 else { throw .invalidField("prediction") }
        return DecisionRecord.Prediction(modelVersion: version, hour: hour, isKnown: known == 1)
    }

    private static func context(_ reader: inout LogByteReader) throws(LogRecordError) -> DecisionRecord.Context {
        let category = try reader.integer(Int32.self)
        let brand = try reader.integer(Int32.self)
        var region: [UInt8] = []
        var isOver = false
        for _ in 0..<DecisionRecord.Context.regionLimit {
            let byte = try reader.integer(UInt8.self)
            if byte == 0 {
                isOver = true
            } else {
                guard !isOver, byte > 0x20, byte < 0x7F else { throw .invalidField("region") }
                region.append(byte)
            }
        }
        return DecisionRecord.Context(
            categoryID: category, brandID: brand, region: String(decoding: region, as: UTF8.self))
    }

    private static func slot(
        _ reader: inout LogByteReader, hasParts: Bool, isDetailed: Bool
    ) throws(LogRecordError) -> DecisionRecord.Slot {
        let placementID = try reader.integer(Int32.self)
        let noFill = try reader.integer(UInt8.self)
        let adCount = Int(try reader.integer(UInt8.self))
        let loserCount = Int(try reader.integer(UInt8.self))
        var reasons: [DecisionRecord.ReasonCount] = []
        if isDetailed {
            let count = try reader.count(UInt8.self, atMost: 255, itemSize: 3)
            for _ in 0..<count {
                let reason = try reader.integer(UInt8.self)
                reasons.append(DecisionRecord.ReasonCount(reason: reason, count: try reader.integer(UInt16.self)))
            }
        }
        let partBytes = hasParts ? 4 : 0
        guard adCount * (21 + partBytes) + loserCount * (9 + partBytes) <= reader.remaining else { throw .truncated }
        var ads: [DecisionRecord.Ad] = []
        ads.reserveCapacity(adCount)
        for _ in 0..<adCount {
            let lineItemID = try reader.integer(Int32.self)
            let creativeVersionID = try reader.integer(Int32.self)
            let price = try reader.integer(Int64.self)
            let score = try reader.float()
            let parts = hasParts ? try reader.integer(UInt32.self) : 0
            let products = try reader.count(UInt8.self, atMost: 255, itemSize: 4)
            ads.append(
                DecisionRecord.Ad(
                    lineItemID: lineItemID, creativeVersionID: creativeVersionID, priceMicros: price, score: score,
                    productIDs: try reader.int32Array(products), parts: parts))
        }
        var losers: [DecisionRecord.Candidate] = []
        losers.reserveCapacity(loserCount)
        for _ in 0..<loserCount {
            let lineItemID = try reader.integer(Int32.self)
            let reason = try reader.integer(UInt8.self)
            let score = try reader.float()
            let parts = hasParts ? try reader.integer(UInt32.self) : 0
            losers.append(
                DecisionRecord.Candidate(lineItemID: lineItemID, reason: reason, score: score, parts: parts))
        }
        return DecisionRecord.Slot(
            placementID: placementID, noFill: noFill, ads: ads, losers: losers, reasons: reasons)
    }

    private static func adEvent(_ reader: inout LogByteReader) throws(LogRecordError) -> AdEventRecord {
        let id = try decisionID(&reader)
        let eventTime = try reader.timestamp()
        let receivedAt = try reader.timestamp()
        let price = try reader.micros()
        let shopperHash = try reader.integer(UInt64.self)
        let storefrontID = try reader.integer(Int32.self)
        let placementID = try reader.integer(Int32.self)
        let lineItemID = try reader.integer(Int32.self)
        let campaignID = try reader.integer(Int32.self)
        let advertiserID = try reader.integer(Int32.self)
        let creativeVersionID = try reader.integer(Int32.self)
        guard let kind = AdEventKind(rawValue: try reader.integer()) else { throw .invalidField("AdEventKind") }
        let card = try reader.integer(Int8.self)
        let ad = try reader.integer(UInt8.self)
        let position = try reader.integer(UInt8.self)
        let pricing = try Pricing(logCode: reader.integer())
        let rawInvalid = try reader.integer(UInt8.self)
        let invalid = rawInvalid == 0xFF ? nil : try InvalidReason(logCode: rawInvalid)
        let products = try reader.count(UInt8.self, atMost: 255, itemSize: 4)
        let productIDs = try reader.int32Array(products)
        let token = AdToken(
            decisionID: id, storefrontID: storefrontID, placementID: placementID, lineItemID: lineItemID,
            campaignID: campaignID, advertiserID: advertiserID, creativeVersionID: creativeVersionID, ad: ad,
            position: position, pricing: pricing, price: price, shopperHash: shopperHash, productIDs: productIDs)
        return AdEventRecord(
            kind: kind, token: token, card: card, visitorID: try reader.optionalString(), eventTime: eventTime,
            receivedAt: receivedAt, invalid: invalid)
    }

    private static func signal(_ reader: inout LogByteReader) throws(LogRecordError) -> SignalRecord {
        let occurredAt = try reader.timestamp()
        let receivedAt = try reader.timestamp()
        let storefrontID = try reader.integer(Int32.self)
        let kind = try SignalKind(logCode: reader.integer())
        return SignalRecord(
            storefrontID: storefrontID, kind: kind, clientID: try reader.optionalString(),
            visitorID: try reader.optionalString(), customerID: try reader.optionalString(),
            sku: try reader.optionalString(), categoryCode: try reader.optionalString(),
            phrase: try reader.optionalString(), occurredAt: occurredAt, receivedAt: receivedAt)
    }

    private static func order(_ reader: inout LogByteReader) throws(LogRecordError) -> OrderRecord {
        let orderedAt = try reader.timestamp()
        let receivedAt = try reader.timestamp()
        let storefrontID = try reader.integer(Int32.self)
        let channel = try OrderChannel(logCode: reader.integer())
        let lineCount = try reader.count(UInt16.self, atMost: .max, itemSize: 26)
        let orderID = try reader.string()
        let visitorID = try reader.optionalString()
        let customerID = try reader.optionalString()
        var lines: [OrderRecord.Line] = []
        lines.reserveCapacity(lineCount)
        for _ in 0..<lineCount {
            let lineNo = try reader.integer(Int32.self)
            let units = try reader.integer(Int32.self)
            let gross = try reader.micros()
            let net = try reader.micros()
            lines.append(
                OrderRecord.Line(lineNo: lineNo, sku: try reader.string(), units: units, gross: gross, net: net))
        }
        return OrderRecord(
            storefrontID: storefrontID, orderID: orderID, visitorID: visitorID, customerID: customerID,
            channel: channel, orderedAt: orderedAt, receivedAt: receivedAt, lines: lines)
    }

    private static func adjustment(_ reader: inout LogByteReader) throws(LogRecordError) -> AdjustmentRecord {
        let occurredAt = try reader.timestamp()
        let receivedAt = try reader.timestamp()
        let amount = try reader.micros()
        let storefrontID = try reader.integer(Int32.self)
        let lineNo = try reader.integer(Int32.self)
        let units = try reader.integer(Int32.self)
        let kind = try AdjustmentKind(logCode: reader.integer())
        let present = try reader.integer(UInt8.self)
        guard present < 8 else { throw .invalidField("present") }
        return AdjustmentRecord(
            storefrontID: storefrontID, adjustmentID: try reader.string(), orderID: try reader.string(),
            lineNo: present & 1 == 0 ? nil : lineNo, kind: kind, units: present & 2 == 0 ? nil : units,
            amount: present & 4 == 0 ? nil : amount, occurredAt: occurredAt, receivedAt: receivedAt)
    }

    private static func link(_ reader: inout LogByteReader) throws(LogRecordError) -> LinkRecord {
        let linkedAt = try reader.timestamp()
        let receivedAt = try reader.timestamp()
        let storefrontID = try reader.integer(Int32.self)
        return LinkRecord(
            storefrontID: storefrontID, visitorID: try reader.string(), customerID: try reader.string(),
            linkedAt: linkedAt, receivedAt: receivedAt)
    }

    private static func refused(_ reader: inout LogByteReader) throws(LogRecordError) -> RefusedRecord {
        let receivedAt = try reader.timestamp()
        let storefrontID = try reader.integer(Int32.self)
        return RefusedRecord(
            storefrontID: storefrontID, kind: try reader.string(), reason: try reader.string(), receivedAt: receivedAt)
    }
}
