import AdModel
import Attribution
import Crypto

/// SHA-256 over rows in a fixed order, cell by cell with lengths, so that no two tables give the same bytes.
struct RowDigest {
    private var hash = SHA256()
    private var buffer: [UInt8] = []

    /// - Parameter name: what is hashed and in which form, for example `attribution inputs/1`.
    init(_ name: String) { add(Array(name.utf8)) }

    mutating func add(_ bytes: [UInt8]) {
        add(Int64(bytes.count))
        buffer += bytes
        if buffer.count > 1 << 16 { flush() }
    }

    mutating func add(_ text: String) { add(Array(text.utf8)) }

    mutating func add(_ id: AttributionID) { add(id.bytes) }

    mutating func add(_ number: Int64) {
        withUnsafeBytes(of: UInt64(bitPattern: number).bigEndian) { buffer += Array($0) }
    }

    /// An absent number differs from every number.
    mutating func add(orNull number: Int64?) {
        add(number == nil ? 0 : 1)
        if let number { add(number) }
    }

    mutating func add(_ ids: [AttributionID]) {
        add(Int64(ids.count))
        ids.forEach { add($0) }
    }

    private mutating func flush() {
        hash.update(data: buffer)
        buffer.removeAll(keepingCapacity: true)
    }

    /// The 32 bytes; nothing may be added afterwards.
    mutating func finish() -> [UInt8] {
        flush()
        return Array(hash.finalize())
    }
}

/// Digests of what attribution reads and says.
enum AttributionDigest {
    /// SHA-256 of a policy's document with every member stated.
    static func policy(_ policy: AttributionPolicy) -> [UInt8] {
        Array(SHA256.hash(data: Array(policy.json.utf8)))
    }

    /// SHA-256 of several policies, by name.
    static func policies(_ policies: [AttributionPolicy]) -> [UInt8] {
        let sorted = policies.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        return Array(SHA256.hash(data: Array(sorted.map(\.json).joined(separator: "\n").utf8)))
    }

    /// Adds everything that was read to decide a round of orders, in an order of its own.
    static func add(_ world: AttributionWorld, to digest: inout RowDigest) {
        let lines = world.lines.sorted {
            $0.orderID != $1.orderID ? $0.orderID < $1.orderID : $0.lineNumber < $1.lineNumber
        }
        digest.add(Int64(lines.count))
        for row in lines {
            digest.add(row.orderID)
            digest.add(row.lineNumber)
            digest.add(row.shopperID)
            digest.add(row.orderedAt.micros)
            digest.add(row.channel.rawValue)
            digest.add(row.sku)
            digest.add(row.units)
            digest.add(row.netAmountMicros)
        }
        let adjustments = world.adjustments.sorted { $0.adjustmentID < $1.adjustmentID }
        digest.add(Int64(adjustments.count))
        for row in adjustments {
            digest.add(row.adjustmentID)
            digest.add(row.orderID)
            digest.add(orNull: row.lineNumber)
            digest.add(row.occurredAt.micros)
            digest.add(row.kind.rawValue)
            digest.add(orNull: row.units)
            digest.add(orNull: row.amountMicros)
        }
        let candidates = world.candidates.sorted {
            $0.touch.touchID != $1.touch.touchID
                ? $0.touch.touchID < $1.touch.touchID : $0.policy.utf8.lexicographicallyPrecedes($1.policy.utf8)
        }
        digest.add(Int64(candidates.count))
        for candidate in candidates {
            let row = candidate.touch
            digest.add(row.touchID)
            digest.add(row.shopperID)
            digest.add(row.occurredAt.micros)
            digest.add(row.kind.rawValue)
            digest.add(row.view?.rawValue ?? "")
            digest.add(row.isInvalid ? 1 : 0)
            digest.add(row.campaignID)
            digest.add(row.lineItemID)
            digest.add(row.promotedSKUs)
            digest.add(candidate.policy)
        }
        let links = world.links.sorted {
            ($0.visitorID, $0.linkedAt, $0.customerID) < ($1.visitorID, $1.linkedAt, $1.customerID)
        }
        digest.add(Int64(links.count))
        for row in links {
            digest.add(row.visitorID)
            digest.add(row.customerID)
            digest.add(row.linkedAt.micros)
        }
        add(world.referenceRows, to: &digest)
    }

    private static func add(_ reference: AttributionWorld.ReferenceRows, to digest: inout RowDigest) {
        func instant(_ value: Timestamp?, _ digest: inout RowDigest) { digest.add(orNull: value?.micros) }
        for row in reference.products.sorted(by: { $0.sku < $1.sku }) {
            digest.add(row.sku)
            digest.add(row.groupID)
            digest.add(row.brandID)
            digest.add(row.categoryIDs.sorted())
        }
        for row in reference.campaigns.sorted(by: {
            $0.campaignID != $1.campaignID
                ? $0.campaignID < $1.campaignID : ($0.validFrom?.micros ?? .min) < ($1.validFrom?.micros ?? .min)
        }) {
            digest.add(row.campaignID)
            digest.add(row.advertiserID)
            digest.add(row.brandIDs.sorted())
            digest.add(row.listedSKUs.sorted())
            digest.add(row.listedCategoryIDs.sorted())
            instant(row.validFrom, &digest)
            instant(row.validTo, &digest)
        }
        for row in reference.aliases.sorted(by: {
            $0.alias != $1.alias ? $0.alias < $1.alias : ($0.validFrom?.micros ?? .min) < ($1.validFrom?.micros ?? .min)
        }) {
            digest.add(row.alias)
            digest.add(row.brandID)
            instant(row.validFrom, &digest)
            instant(row.validTo, &digest)
        }
        let grants = reference.grants.sorted { a, b in
            if a.advertiserID != b.advertiserID { return a.advertiserID < b.advertiserID }
            if a.brandID != b.brandID { return a.brandID < b.brandID }
            return (a.validFrom?.micros ?? .min, a.validTo?.micros ?? .max)
                < (b.validFrom?.micros ?? .min, b.validTo?.micros ?? .max)
        }
        for row in grants {
            digest.add(row.advertiserID)
            digest.add(row.brandID)
            instant(row.validFrom, &digest)
            instant(row.validTo, &digest)
        }
    }

    /// Lower-case hexadecimal digits.
    static func hex(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
