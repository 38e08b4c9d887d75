import AdModel

/// A client address and the two forms in which it may be stored: its network, and a keyed hash that changes daily.
public struct ClientAddress: Hashable, Sendable {
    /// True for IPv6; an IPv4-mapped IPv6 address counts as IPv4.
    public let isIPv6: Bool
    /// The address in network byte order: high and low 64 bits; IPv4 sits in the lowest 32.
    public let high: UInt64
    public let low: UInt64

    /// From 4 or 16 bytes in network order, as in `sockaddr`; nil for any other length.
    public init?(bytes: UnsafeRawBufferPointer) {
        switch bytes.count {
        case 4:
            let value: UInt32 = bytes.field(0)
            self.init(high: 0, low: UInt64(value.byteSwapped), isIPv6: false)
        case 16:
            let high: UInt64 = bytes.field(0)
            let low: UInt64 = bytes.field(8)
            self.init(unmapping: high.byteSwapped, low.byteSwapped)
        default: return nil
        }
    }

    /// From text, for example an item of `X-Forwarded-For`: dotted IPv4, or IPv6 with or without brackets. No ports,
    /// zones, leading zeros or short IPv4 forms.
    public init?(_ text: some StringProtocol) {
        var copy = String(text)
        guard let address = copy.withUTF8({ ClientAddress(text: UnsafeRawBufferPointer($0)) }) else { return nil }
        self = address
    }

    /// The same for the bytes of the text.
    public init?(text: UnsafeRawBufferPointer) {
        var bytes = text
        if bytes.count >= 2, bytes[0] == 0x5B, bytes[bytes.count - 1] == 0x5D {
            bytes = UnsafeRawBufferPointer(rebasing: bytes[1..<(bytes.count - 1)])
        }
        guard bytes.count <= 45 else { return nil }
        if !bytes.contains(0x3A) {
            guard let value = Self.ipv4(bytes) else { return nil }
            self.init(high: 0, low: UInt64(value), isIPv6: false)
            return
        }
        guard let (high, low) = Self.ipv6(Array(bytes)) else { return nil }
        self.init(unmapping: high, low)
    }

    private init(high: UInt64, low: UInt64, isIPv6: Bool) {
        self.high = high
        self.low = low
        self.isIPv6 = isIPv6
    }

    private init(unmapping high: UInt64, _ low: UInt64) {
        let mapped = high == 0 && low >> 32 == 0xFFFF
        self.init(high: high, low: mapped ? low & 0xFFFF_FFFF : low, isIPv6: !mapped)
    }

    /// Hands the address to `body` as 4 or 16 bytes in network order.
    public func withBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        if isIPv6 { return try withUnsafeBytes(of: (high.bigEndian, low.bigEndian)) { try body($0) } }
        return try withUnsafeBytes(of: UInt32(truncatingIfNeeded: low).bigEndian) { try body($0) }
    }

    /// The /24 (IPv4) or /48 (IPv6) that the address lies in.
    public var network: String {
        if isIPv6 {
            let groups = [high >> 48, high >> 32 & 0xFFFF, high >> 16 & 0xFFFF].map { String($0, radix: 16) }
            return groups.joined(separator: ":") + "::/48"
        }
        return "\(low >> 24).\(low >> 16 & 0xFF).\(low >> 8 & 0xFF).0/24"
    }

    /// Four decimal numbers; nothing is allocated, as every request behind a proxy brings one.
    private static func ipv4(_ bytes: UnsafeRawBufferPointer) -> UInt32? {
        var value: UInt32 = 0
        var number: UInt32 = 0
        var digits = 0
        var parts = 1
        for byte in bytes {
            if byte == 0x2E {
                guard digits > 0, parts < 4 else { return nil }
                value = value << 8 | number
                (number, digits, parts) = (0, 0, parts + 1)
                continue
            }
            // No leading zeros: some read them as octal.
            guard byte &- 0x30 <= 9, digits == 0 || number > 0 else { return nil }
            number = number * 10 + UInt32(byte - 0x30)
            digits += 1
            guard number < 256 else { return nil }
        }
        return parts == 4 && digits > 0 ? value << 8 | number : nil
    }

    private static func ipv6(_ bytes: [UInt8]) -> (UInt64, UInt64)? {
        // Groups before and after the one `::`.
        var halves: [[UInt16]] = [[]]
        let parts = bytes.split(separator: 0x3A, omittingEmptySubsequences: false)
        guard parts.count >= 3, parts.count <= 9 else { return nil }
        for (i, part) in parts.enumerated() {
            if part.isEmpty {
                // The empty part of a leading or trailing `::` comes twice.
                if i == 0 {
                    guard parts[1].isEmpty else { return nil }
                    continue
                }
                if i == parts.count - 1 {
                    guard parts[i - 1].isEmpty, halves.count == 2 else { return nil }
                    continue
                }
                guard halves.count == 1 else { return nil }
                halves.append([])
            } else if i == parts.count - 1, part.contains(0x2E) {
                guard let value = part.withUnsafeBytes(ipv4) else { return nil }
                halves[halves.count - 1] += [UInt16(value >> 16), UInt16(value & 0xFFFF)]
            } else {
                guard part.count <= 4, let text = String(validating: part, as: UTF8.self),
                    part.first != 0x2B, part.first != 0x2D, let group = UInt16(text, radix: 16)
                else { return nil }
                halves[halves.count - 1].append(group)
            }
        }
        var groups = halves[0]
        if halves.count == 2 {
            let missing = 8 - halves[0].count - halves[1].count
            guard missing >= 1 else { return nil }
            groups += [UInt16](repeating: 0, count: missing) + halves[1]
        }
        guard groups.count == 8 else { return nil }
        let high = groups[0..<4].reduce(UInt64(0)) { $0 << 16 | UInt64($1) }
        let low = groups[4..<8].reduce(UInt64(0)) { $0 << 16 | UInt64($1) }
        return (high, low)
    }
}

/// Hashes addresses under a secret that is another one every UTC day: equal within the day, unlinkable across days.
public struct DailyAddressHash: Sendable, CustomStringConvertible, CustomReflectable {
    private let hash: SipHash

    /// The hash of one day; make a new one when the day changes. At least 16 secret random bytes.
    public init(key: [UInt8], day: Day) {
        let master = key.withUnsafeBytes { SipHash(key: $0) }
        let number = UInt64(UInt32(bitPattern: day.number))
        hash = SipHash(k0: master.hash64(number, 0), k1: master.hash64(number, 1))
    }

    /// Keyed 64-bit hash of the whole address.
    public func callAsFunction(_ address: ClientAddress) -> UInt64 {
        // IPv4 is moved out of the way of IPv6 addresses with the same low bits.
        hash.hash64(address.isIPv6 ? address.high : ~0, address.low)
    }

    public var description: String { "DailyAddressHash(redacted)" }
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}
