import AdModel

/// Encodes one decision record after another into the same memory, straight from the decision's scratch: no
/// arrays, no strings, no allocation per decision. One instance per event loop.
///
/// Call order: `begin`, `page`, the `audience`s, the `stopped` line items, then for each slot `slot`, its `reason`s, its `ad`s (each followed by
/// `product`s), its `loser`s; then `withBytes`. What does not fit the limits of a decision is left out rather than written wrongly;
/// the edge's own limits are the same, so nothing is in practice.
public final class DecisionRecordWriter {
    /// Most candidates kept per slot for explanation.
    public static let loserLimit = 8
    /// Most reasons counted per slot.
    public static let reasonLimit = 32
    private static let slotBytes = 8
    private static let adBytes = 25
    private static let loserBytes = 13
    private static let detailBytes =
        9 + DecisionRecord.Detail.phraseLimit + 4 * DecisionRecord.Detail.audienceLimit
        + DecisionRecord.Detail.stoppedLimit * 7
    private static let capacity =
        LogRecordCodec.slotCountOffset + 4 + CallerID.limit + LogRecordCodec.contextBytes
        + LogRecordCodec.predictionBytes + detailBytes
        + Limits.slots
        * (slotBytes + 3 * reasonLimit + Limits.adsPerSlot * (adBytes + 4 * AdToken.productLimit) + loserLimit
            * loserBytes)

    private let memory: UnsafeMutableRawPointer
    private var count = 0
    private var slots = 0
    /// Where the counts of the current slot are written back, -1 before the first slot.
    private var slotStart = -1
    private var adProducts = -1
    private var audienceCount = -1
    private var stoppedCount = -1

    public init() {
        memory = .allocate(byteCount: Self.capacity, alignment: 16)
    }

    deinit { memory.deallocate() }

    /// Starts a record and forgets the previous one. `visitor` is empty for none and at most `CallerID.limit` bytes;
    /// `region` holds the bytes of its code, the first one lowest.
    public func begin(
        id: DecisionID, storefrontID: Int32, pageType: PageType, visitor: UnsafeRawBufferPointer, locationID: Int32,
        device: Device, snapshotVersion: Int64, stockVersion: Int64, categoryID: Int32 = 0, brandID: Int32 = 0,
        region: UInt64 = 0, prediction: DecisionRecord.Prediction = .init(hour: 0, isKnown: false),
        productID: Int32 = 0
    ) {
        count = 0
        slots = 0
        slotStart = -1
        adProducts = -1
        put(LogRecordKind.decision.rawValue)
        put(LogRecordCodec.version)
        put(id.issuedAt.micros)
        put(id.low)
        put(snapshotVersion)
        put(stockVersion)
        put(storefrontID)
        put(locationID)
        put(pageType.logCode)
        put(device.logCode)
        put(LogRecordCodec.contextFlag | LogRecordCodec.predictionFlag | LogRecordCodec.detailFlag)
        put(UInt16(0))
        if visitor.isEmpty || visitor.count > CallerID.limit {
            put(UInt16(LogRecordCodec.absent))
        } else {
            put(UInt16(visitor.count))
            UnsafeMutableRawBufferPointer(start: memory + count, count: visitor.count).copyMemory(from: visitor)
            count += visitor.count
        }
        put(categoryID)
        put(brandID)
        put(region)
        put(prediction.modelVersion)
        put(min(prediction.hour, 23))
        put(UInt8(prediction.isKnown ? 1 : 0))
        put(productID)
    }

    /// Adds what the page and the shopper were beside that; next after `begin`, always.
    public func page(phrase: ArraySlice<UInt8>, isSignedIn: Bool?, isNew: Bool?) {
        if phrase.isEmpty || phrase.count > DecisionRecord.Detail.phraseLimit {
            put(UInt16(LogRecordCodec.absent))
        } else {
            put(UInt16(phrase.count))
            phrase.withUnsafeBytes {
                UnsafeMutableRawBufferPointer(start: memory + count, count: phrase.count).copyMemory(from: $0)
            }
            count += phrase.count
        }
        put(LogRecordCodec.known(isSignedIn) | LogRecordCodec.known(isNew) << 2)
        audienceCount = count
        put(UInt8(0))
        stoppedCount = -1
    }

    /// Adds an audience of the shopper; before the stopped line items. Those past the limit are left out.
    public func audience(_ id: Int32) {
        guard audienceCount >= 0 else { return }
        let old = memory.load(fromByteOffset: audienceCount, as: UInt8.self)
        guard old < DecisionRecord.Detail.audienceLimit else { return }
        memory.storeBytes(of: old + 1, toByteOffset: audienceCount, as: UInt8.self)
        put(id)
    }

    /// Adds a line item that was stopped late; before the first slot. Those past the limit are left out.
    public func stopped(lineItemID: Int32, reason: UInt8, slots: UInt16) {
        openStopped()
        guard stoppedCount >= 0 else { return }
        let old = memory.load(fromByteOffset: stoppedCount, as: UInt8.self)
        guard old < DecisionRecord.Detail.stoppedLimit else { return }
        memory.storeBytes(of: old + 1, toByteOffset: stoppedCount, as: UInt8.self)
        put(lineItemID)
        put(reason)
        put(slots)
    }

    private func openStopped() {
        guard audienceCount >= 0 else { return }
        audienceCount = -1
        stoppedCount = count
        put(UInt8(0))
    }

    /// Starts the next slot. `noFill` is the reason code, 0 when ads follow.
    public func slot(placementID: Int32, noFill: UInt8) {
        openStopped()
        stoppedCount = -1
        guard slots < Limits.slots else {
            slotStart = -1
            return
        }
        slots += 1
        memory.storeBytes(
            of: UInt16(slots).littleEndian, toByteOffset: LogRecordCodec.slotCountOffset, as: UInt16.self)
        slotStart = count
        put(placementID)
        put(noFill)
        put(UInt16(0))
        put(UInt8(0))
    }

    /// Adds how many candidates of the current slot a reason stopped; before its ads.
    public func reason(_ reason: UInt8, count stopped: Int32) {
        guard bump(at: 7, limit: Self.reasonLimit) else { return }
        put(reason)
        put(UInt16(clamping: stopped))
    }

    /// Adds an ad to the current slot; its products follow by `product(_:)`.
    public func ad(lineItemID: Int32, creativeVersionID: Int32, priceMicros: Int64, score: Float, parts: UInt32 = 0) {
        adProducts = -1
        guard bump(at: 5, limit: Limits.adsPerSlot) else { return }
        put(lineItemID)
        put(creativeVersionID)
        put(priceMicros)
        put(score.bitPattern)
        put(parts)
        adProducts = count
        put(UInt8(0))
    }

    /// Adds a product, in card order, to the ad added last.
    public func product(_ id: Int32) {
        guard adProducts >= 0 else { return }
        let products = memory.load(fromByteOffset: adProducts, as: UInt8.self)
        guard products < AdToken.productLimit else { return }
        memory.storeBytes(of: products + 1, toByteOffset: adProducts, as: UInt8.self)
        put(id)
    }

    /// Adds a candidate that did not win, after the slot's ads. `reason` is 0 when it was merely outbid.
    public func loser(lineItemID: Int32, reason: UInt8, score: Float, parts: UInt32 = 0) {
        adProducts = -1
        guard bump(at: 6, limit: Self.loserLimit) else { return }
        put(lineItemID)
        put(reason)
        put(score.bitPattern)
        put(parts)
    }

    /// The finished record; valid inside the closure only.
    public func withBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        openStopped()
        return try body(UnsafeRawBufferPointer(start: memory, count: count))
    }

    /// Counts one more in the current slot's header; false when there is no slot or the limit is reached.
    private func bump(at field: Int, limit: Int) -> Bool {
        guard slotStart >= 0 else { return false }
        let old = memory.load(fromByteOffset: slotStart + field, as: UInt8.self)
        guard old < limit else { return false }
        memory.storeBytes(of: old + 1, toByteOffset: slotStart + field, as: UInt8.self)
        return true
    }

    /// The capacity covers the largest record that the limits allow, so no write needs a check of its own.
    private func put<T: FixedWidthInteger & BitwiseCopyable>(_ value: T) {
        memory.storeBytes(of: value.littleEndian, toByteOffset: count, as: T.self)
        count += MemoryLayout<T>.size
    }
}
