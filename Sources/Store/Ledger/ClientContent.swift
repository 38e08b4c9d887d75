import AdModel
import Crypto
import Measurement

/// What makes two deliveries under one client id the same content. `received_at` is left out: it differs by nature.
public enum ClientContent {
    /// SHA-256 of an order's content.
    public static func hash(_ order: OrderRecord) -> [UInt8] {
        var bytes = Canonical("order/1")
        bytes.add(order.visitorID)
        bytes.add(order.customerID)
        bytes.add(order.channel.rawValue)
        bytes.add(order.orderedAt.micros)
        for line in order.lines {
            bytes.add(Int64(line.lineNo))
            bytes.add(line.sku)
            bytes.add(Int64(line.units))
            bytes.add(line.gross.value)
            bytes.add(line.net.value)
        }
        return bytes.digest
    }

    /// SHA-256 of an adjustment's content.
    public static func hash(_ adjustment: AdjustmentRecord) -> [UInt8] {
        var bytes = Canonical("adjustment/1")
        bytes.add(adjustment.orderID)
        bytes.add(adjustment.lineNo.map(Int64.init))
        bytes.add(adjustment.kind.rawValue)
        bytes.add(adjustment.units.map(Int64.init))
        bytes.add(adjustment.amount?.value)
        bytes.add(adjustment.occurredAt.micros)
        return bytes.digest
    }

    /// SHA-256 of a signal's content. The time is left out as well: a shop that sends none gets that of arrival.
    public static func hash(_ signal: SignalRecord) -> [UInt8] {
        var bytes = Canonical("signal/1")
        bytes.add(signal.kind.rawValue)
        bytes.add(signal.visitorID)
        bytes.add(signal.customerID)
        bytes.add(signal.sku)
        bytes.add(signal.categoryCode)
        bytes.add(signal.phrase)
        return bytes.digest
    }

    /// Values with their lengths, so that no two contents give the same bytes.
    private struct Canonical {
        private var bytes: [UInt8]

        init(_ name: String) { bytes = Array(name.utf8) }

        mutating func add(_ text: String?) {
            guard let text else { return bytes.append(0) }
            bytes.append(1)
            append(UInt64(text.utf8.count))
            bytes += Array(text.utf8)
        }

        mutating func add(_ number: Int64?) {
            guard let number else { return bytes.append(0) }
            bytes.append(2)
            append(UInt64(bitPattern: number))
        }

        private mutating func append(_ number: UInt64) {
            withUnsafeBytes(of: number.bigEndian) { bytes += Array($0) }
        }

        var digest: [UInt8] { Array(SHA256.hash(data: bytes)) }
    }
}
