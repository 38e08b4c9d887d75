import AdModel
import Attribution
import Crypto
import Postgres

/// Opaque ids for one advertiser: HMACs of shoppers and orders under a key that is his alone, so that two advertisers
/// cannot join what they see, and neither can join it with the shop's own data.
public struct Blinding: Sendable {
    private let key: SymmetricKey

    init(key: [UInt8]) { self.key = SymmetricKey(data: key) }

    /// Keys by advertiser.
    static func load(
        _ advertisers: some Sequence<Int32>, on connection: isolated PostgresConnection
    ) throws -> [Int32: Blinding] {
        var result: [Int32: Blinding] = [:]
        let rows = try connection.query(
            "select advertiser_id, key from advertiser_blinding where advertiser_id = any($1::int4[])",
            [.int4Array(Set(advertisers).sorted())])
        for row in rows { result[try row.int32(0)] = Blinding(key: try row.bytes(1)) }
        return result
    }

    /// A shopper, visitor or customer alike: 32 hexadecimal digits. Absent stays absent.
    func shopper(_ id: AttributionID) -> AttributionID {
        id.isAbsent ? .absent : AttributionID(hex("shopper", id.bytes))
    }

    /// An order: its instant, which the advertiser's files show anyway, and 32 hexadecimal digits. The instant lets an
    /// id be found again.
    func order(_ key: OrderKey, at orderedAt: Timestamp) -> String {
        let instant = String(UInt64(bitPattern: orderedAt.micros), radix: 16)
        return instant + "-" + hex("order", Array("\(key.storefrontID)/\(key.orderID)".utf8))
    }

    private func hex(_ kind: String, _ bytes: [UInt8]) -> String {
        var mac = HMAC<SHA256>(key: key)
        mac.update(data: Array(kind.utf8) + [0])
        mac.update(data: bytes)
        return AttributionDigest.hex(Array(Array(mac.finalize()).prefix(16)))
    }

    /// The order that one of these advertisers knows by a blinded id; nil when there is none.
    static func find(
        _ id: String, for advertisers: [Int32], on connection: isolated PostgresConnection
    ) throws -> OrderKey? {
        let parts = id.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[1].utf8.count == 32, let instant = UInt64(parts[0], radix: 16) else { return nil }
        let at = Timestamp(micros: Int64(bitPattern: instant))
        let blindings = try load(advertisers, on: connection)
        let rows = try connection.query(
            "select storefront_id, order_id from customer_order where ordered_at = $1",
            [.timestamptz(micros: at.micros)])
        for row in rows {
            let key = OrderKey(storefrontID: try row.int32(0), orderID: try row.string(1))
            if blindings.values.contains(where: { $0.order(key, at: at) == id }) { return key }
        }
        return nil
    }
}

/// Who reads: the retailer sees everything, an advertiser his own with everybody else blinded.
public enum LedgerViewer: Equatable, Sendable {
    case retailer
    /// Of these advertisers; an agency has several.
    case advertisers([Int32])

    /// Whether rows of an advertiser are the viewer's to see.
    func sees(_ advertiserID: Int32) -> Bool {
        switch self {
        case .retailer: true
        case .advertisers(let ids): ids.contains(advertiserID)
        }
    }

    func sees(_ advertiserID: AttributionID) -> Bool { Int32(advertiserID.text).map(sees) ?? false }

    /// The tenant of the viewer's transactions.
    var scope: TenantScope {
        switch self {
        case .retailer: .retailer
        case .advertisers(let ids): .advertisers(ids)
        }
    }

    /// Runs `body` seeing every tenant, then goes back. A contest is decided among everybody's touches, whoever asks
    /// about it; what leaves is blinded by the caller.
    func seeingAll<R>(on connection: isolated PostgresConnection, _ body: () throws -> R) throws -> R {
        if self == .retailer { return try body() }
        try TenantScope.system.enter(on: connection)
        let value = try body()
        // A transaction that failed needs no scope any more.
        try scope.enter(on: connection)
        return value
    }
}
