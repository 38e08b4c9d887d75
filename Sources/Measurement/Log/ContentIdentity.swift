import AdModel
import Crypto

/// What makes two deliveries of one client id the same thing said twice: everything but the time of receipt.
///
/// The edge and the ledger compare these 32 bytes (`client_event_identity.content_hash`), so both use this one
/// function; the encoding of a record without its receipt is what is hashed.
public enum ContentIdentity {
    /// SHA-256 of an order's content.
    public static func hash(_ order: OrderRecord) -> [UInt8] {
        var copy = order
        copy.receivedAt = Timestamp(micros: 0)
        return hash(.order(copy))
    }

    /// SHA-256 of an adjustment's content.
    public static func hash(_ adjustment: AdjustmentRecord) -> [UInt8] {
        var copy = adjustment
        copy.receivedAt = Timestamp(micros: 0)
        return hash(.adjustment(copy))
    }

    /// SHA-256 of a signal's content. Its time is left out: a browser that sends a signal again may say another one.
    public static func hash(_ signal: SignalRecord) -> [UInt8] {
        var copy = signal
        copy.receivedAt = Timestamp(micros: 0)
        copy.occurredAt = Timestamp(micros: 0)
        return hash(.signal(copy))
    }

    private static func hash(_ record: LogRecord) -> [UInt8] {
        var bytes: [UInt8] = []
        LogRecordCodec.encode(record, into: &bytes)
        return Array(SHA256.hash(data: bytes))
    }
}
