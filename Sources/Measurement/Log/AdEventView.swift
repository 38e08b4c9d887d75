import AdModel

/// An encoded ad event read where it lies: what attribution needs of it, without making a record.
///
/// Valid only while the bytes are. The layout is the one of `LogRecordCodec`; the tests hold the two together.
public struct AdEventView {
    private let base: UnsafeRawPointer
    /// How many products the ad showed.
    public let productCount: Int
    /// The shopper's id; empty when there is none.
    public let visitorID: UnsafeBufferPointer<UInt8>

    private enum Offset {
        static let issuedAt = 2
        static let low = 10
        static let eventTime = 18
        static let lineItem = 58
        static let campaign = 62
        static let advertiser = 66
        static let kind = 74
        static let card = 75
        static let ad = 76
        static let invalid = 79
        static let productCount = 80
        static let products = 81
    }

    /// nil when the bytes are no ad event of a format that is known, or are cut.
    @inline(__always)
    public init?(_ bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.baseAddress, bytes.count > Offset.products + 1,
            bytes[0] == LogRecordKind.adEvent.rawValue, bytes[1] == LogRecordCodec.version
        else { return nil }
        let products = Int(bytes[Offset.productCount])
        let visitor = Offset.products + 4 * products
        guard bytes.count >= visitor + 2 else { return nil }
        let length = Int(UInt16(littleEndian: base.loadUnaligned(fromByteOffset: visitor, as: UInt16.self)))
        if length == LogRecordCodec.absent {
            visitorID = UnsafeBufferPointer(start: nil, count: 0)
        } else {
            guard bytes.count == visitor + 2 + length else { return nil }
            visitorID = UnsafeBufferPointer(
                start: base.advanced(by: visitor + 2).assumingMemoryBound(to: UInt8.self), count: length)
        }
        self.base = base
        productCount = products
    }

    @inline(__always)
    private func integer<T: FixedWidthInteger & BitwiseCopyable>(_ offset: Int, _: T.Type = T.self) -> T {
        T(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: T.self))
    }

    /// nil for a kind that is not known.
    public var kind: AdEventKind? { AdEventKind(rawValue: integer(Offset.kind)) }
    public var isValid: Bool { integer(Offset.invalid, UInt8.self) == 0xFF }
    /// UTC microseconds.
    public var eventTime: Int64 { integer(Offset.eventTime) }
    public var decisionID: DecisionID {
        DecisionID(issuedAt: Timestamp(micros: integer(Offset.issuedAt)), low: integer(Offset.low))
    }
    public var ad: UInt8 { integer(Offset.ad) }
    /// -1 for the ad as a whole.
    public var card: Int8 { integer(Offset.card) }
    public var lineItemID: Int32 { integer(Offset.lineItem) }
    public var campaignID: Int32 { integer(Offset.campaign) }
    public var advertiserID: Int32 { integer(Offset.advertiser) }

    /// Product of a card, `0..<productCount`.
    public func productID(_ card: Int) -> Int32 { integer(Offset.products + 4 * card) }
}
