/// An IPv4 or IPv6 address.
public struct IPAddress: Hashable, Sendable, CustomStringConvertible {
    /// 4 or 16 bytes, most significant first.
    public let bytes: [UInt8]

    /// From 4 or 16 bytes; nil otherwise.
    public init?(bytes: [UInt8]) {
        guard bytes.count == 4 || bytes.count == 16 else { return nil }
        self.bytes = bytes
    }

    /// From the canonical text: four decimal numbers without leading zeros, or what RFC 4291 calls the text of an
    /// IPv6 address (no zone). The short, octal and hexadecimal forms of IPv4 that C libraries accept are not read.
    public init?(_ text: String) {
        guard let bytes = text.contains(":") ? Self.six(text) : Self.four(text[...]) else { return nil }
        self.bytes = bytes
    }

    public var isIPv4: Bool { bytes.count == 4 }

    public var description: String {
        if isIPv4 { return bytes.map(String.init).joined(separator: ".") }
        return stride(from: 0, to: 16, by: 2)
            .map { String(UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]), radix: 16) }.joined(separator: ":")
    }

    /// Whether it is an address of the public internet, by the registries of IANA (RFC 6890 and what followed).
    ///
    /// IPv6 addresses that carry an IPv4 address (mapped, compatible, NAT64, 6to4, Teredo, ISATAP) are not: they reach
    /// somewhere else than they say, and nobody publishes a service under one.
    public var isPublic: Bool {
        if isIPv4 { return !SpecialNetworks.four.contains { $0.contains(self) } }
        guard SpecialNetworks.globalUnicast.contains(self) else { return false }
        if SpecialNetworks.six.contains(where: { $0.contains(self) }) { return false }
        // ISATAP (RFC 5214): the interface identifier is 0000:5efe or 0200:5efe and an IPv4 address.
        return !(bytes[8] & 0xFD == 0 && bytes[9] == 0 && bytes[10] == 0x5E && bytes[11] == 0xFE)
    }

    private static func four(_ text: Substring) -> [UInt8]? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var bytes: [UInt8] = []
        for part in parts {
            guard (1...3).contains(part.utf8.count), part.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                part.utf8.count == 1 || part.utf8.first != 0x30, let value = UInt8(part)
            else { return nil }
            bytes.append(value)
        }
        return bytes
    }

    private static func six(_ text: String) -> [UInt8]? {
        guard text.utf8.count <= 45 else { return nil }
        let halves = text.split(separator: "::", maxSplits: 1, omittingEmptySubsequences: false)
        guard halves.count == 1 || halves.count == 2 && !halves[1].contains("::") else { return nil }
        var groups: [[UInt8]] = []
        for (index, half) in halves.enumerated() {
            guard let bytes = groupBytes(half, mayEndInFour: index == halves.count - 1) else { return nil }
            groups.append(bytes)
        }
        if groups.count == 1 { return groups[0].count == 16 ? groups[0] : nil }
        let gap = 16 - groups[0].count - groups[1].count
        // "::" stands for at least one group of zeros.
        guard gap >= 2 else { return nil }
        return groups[0] + [UInt8](repeating: 0, count: gap) + groups[1]
    }

    private static func groupBytes(_ text: Substring, mayEndInFour: Bool) -> [UInt8]? {
        if text.isEmpty { return [] }
        var bytes: [UInt8] = []
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        for (index, part) in parts.enumerated() {
            if part.contains(".") {
                guard mayEndInFour, index == parts.count - 1, let four = four(part) else { return nil }
                bytes += four
            } else {
                guard (1...4).contains(part.utf8.count),
                    part.utf8.allSatisfy({ Character(UnicodeScalar($0)).isHexDigit }),
                    let value = UInt16(part, radix: 16)
                else { return nil }
                bytes += [UInt8(value >> 8), UInt8(value & 0xFF)]
            }
        }
        return bytes
    }
}

/// A network in CIDR notation.
struct Network: Sendable {
    let address: [UInt8]
    let bits: Int

    init(_ address: [UInt8], _ bits: Int) {
        self.address = address
        self.bits = bits
    }

    /// IPv6 from its first groups.
    init(six groups: [UInt16], _ bits: Int) {
        address = (groups + [UInt16](repeating: 0, count: 8 - groups.count)).flatMap {
            [UInt8($0 >> 8), UInt8($0 & 0xFF)]
        }
        self.bits = bits
    }

    func contains(_ other: IPAddress) -> Bool {
        guard other.bytes.count == address.count else { return false }
        for index in 0..<(bits / 8) where other.bytes[index] != address[index] { return false }
        let rest = bits % 8
        guard rest > 0 else { return true }
        return (other.bytes[bits / 8] ^ address[bits / 8]) >> UInt8(8 - rest) == 0
    }
}

/// Networks that are not of the public internet.
enum SpecialNetworks {
    static let four: [Network] = [
        Network([0, 0, 0, 0], 8),  // this network
        Network([10, 0, 0, 0], 8),  // private
        Network([100, 64, 0, 0], 10),  // shared by carriers (CGNAT)
        Network([127, 0, 0, 0], 8),  // loopback
        Network([169, 254, 0, 0], 16),  // link-local, with the metadata services of clouds
        Network([172, 16, 0, 0], 12),  // private
        Network([192, 0, 0, 0], 24),  // IETF protocol assignments
        Network([192, 0, 2, 0], 24),  // documentation
        Network([192, 88, 99, 0], 24),  // 6to4 relays, withdrawn
        Network([192, 168, 0, 0], 16),  // private
        Network([198, 18, 0, 0], 15),  // benchmarks
        Network([198, 51, 100, 0], 24),  // documentation
        Network([203, 0, 113, 0], 24),  // documentation
        Network([224, 0, 0, 0], 4),  // multicast
        Network([240, 0, 0, 0], 4),  // reserved, and broadcast
    ]

    /// The only IPv6 that is handed out; loopback, mapped, NAT64, unique local, link-local and multicast lie outside.
    static let globalUnicast = Network(six: [0x2000], 3)

    /// What is special inside it.
    static let six: [Network] = [
        Network(six: [0x2001], 23),  // IETF protocol assignments: Teredo, benchmarks, ORCHID
        Network(six: [0x2001, 0xDB8], 32),  // documentation
        Network(six: [0x2002], 16),  // 6to4
        Network(six: [0x3FFF], 20),  // documentation
    ]
}
