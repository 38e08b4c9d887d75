/// An address as it is called: read once, by these rules only, so that what was checked is what is connected to.
public struct OutboundURL: Hashable, Sendable {
    public enum Scheme: String, Sendable { case http, https }

    /// Bytes of an address.
    public static let limit = 2_048

    public let scheme: Scheme
    /// Lower case; a name, an IPv4 address, or an IPv6 address in brackets.
    public let host: String
    public let port: Int
    /// Begins with `/`; without fragment.
    public let pathAndQuery: String
    /// The address that the host is, if it is not a name.
    public let literalAddress: IPAddress?

    /// Accepts `http(s)://host[:port][/path][?query][#fragment]` and nothing else: no user, no password, no spaces or
    /// controls, and no host that anybody could read as another one.
    public init(_ text: String) throws(OutboundError) {
        guard text.utf8.count <= Self.limit else { throw .invalidURL("it is longer than \(Self.limit) bytes") }
        for byte in text.utf8 where byte <= 0x20 || byte == 0x7F || byte == 0x5C {
            throw .invalidURL("spaces, controls and backslashes are not allowed")
        }
        let rest: Substring
        if Self.begins(text, with: "https://") {
            scheme = .https
            rest = text.dropFirst(8)
        } else if Self.begins(text, with: "http://") {
            scheme = .http
            rest = text.dropFirst(7)
        } else {
            throw .invalidURL("it must begin with https://")
        }
        let end = rest.firstIndex { $0 == "/" || $0 == "?" || $0 == "#" } ?? rest.endIndex
        let authority = rest[..<end]
        guard !authority.contains("@") else { throw .invalidURL("a user or password in it is not allowed") }
        (host, port, literalAddress) = try Self.authority(authority, scheme)
        let tail = rest[end...].prefix { $0 != "#" }
        pathAndQuery = Self.encoded(tail.hasPrefix("/") ? String(tail) : "/" + tail)
    }

    /// The whole address in its normal form.
    public var text: String { origin + pathAndQuery }

    /// Scheme, host and port: what credentials belong to.
    public var origin: String {
        let isDefault = port == (scheme == .https ? 443 : 80)
        return "\(scheme.rawValue)://\(host)\(isDefault ? "" : ":\(port)")"
    }

    /// Where a `Location` leads, by RFC 3986 section 5.
    public func resolving(_ location: String) throws(OutboundError) -> OutboundURL {
        let target = location.prefix { $0 != "#" }
        if target.hasPrefix("//") { return try OutboundURL("\(scheme.rawValue):\(target)") }
        if target.hasPrefix("/") { return try OutboundURL(origin + target) }
        let path = pathAndQuery.prefix { $0 != "?" }
        if target.isEmpty { return try OutboundURL(text) }
        if target.hasPrefix("?") { return try OutboundURL(origin + path + target) }
        let firstSegment = target.prefix { $0 != "/" && $0 != "?" }
        // A scheme, ours or another one, which the initialiser then refuses.
        if firstSegment.contains(":") { return try OutboundURL(String(target)) }
        let folder = path[...(path.lastIndex(of: "/") ?? path.startIndex)]
        return try OutboundURL(origin + folder + target)
    }

    private static func begins(_ text: String, with prefix: String) -> Bool {
        text.prefix(prefix.count).lowercased() == prefix
    }

    private static func authority(
        _ text: Substring, _ scheme: Scheme
    ) throws(OutboundError) -> (String, Int, IPAddress?) {
        var name = text
        var port = scheme == .https ? 443 : 80
        if let colon = text.lastIndex(of: ":"), !text[colon...].contains("]") {
            let digits = text[text.index(after: colon)...]
            guard (1...5).contains(digits.utf8.count), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                let number = Int(digits), (1...65_535).contains(number)
            else { throw .invalidURL("the port must be a number from 1 to 65535") }
            port = number
            name = text[..<colon]
        }
        if name.hasPrefix("[") {
            guard name.hasSuffix("]"), let address = IPAddress(String(name.dropFirst().dropLast())), !address.isIPv4
            else { throw .invalidURL("the IPv6 address is not one") }
            return (name.lowercased(), port, address)
        }
        let host = name.lowercased()
        if let address = IPAddress(host) {
            guard address.isIPv4 else { throw .invalidURL("an IPv6 address stands in brackets") }
            return (host, port, address)
        }
        let labels = host.split(separator: ".", omittingEmptySubsequences: false)
        guard host.utf8.count <= 253, labels.allSatisfy(isLabel) else {
            throw .invalidURL("the host must be a name of letters, digits, hyphens and dots; write xn-- for others")
        }
        // Libraries read such hosts as IPv4 addresses in octal, hexadecimal or with parts left out.
        if let last = labels.last, let first = last.utf8.first, (0x30...0x39).contains(first),
            last.utf8.allSatisfy({ (0x30...0x39).contains($0) }) || last.hasPrefix("0x")
        {
            throw .invalidURL("an IPv4 address has four decimal numbers")
        }
        return (host, port, nil)
    }

    private static func isLabel(_ label: Substring) -> Bool {
        (1...63).contains(label.utf8.count) && label.utf8.first != 0x2D && label.utf8.last != 0x2D
            && label.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x61...0x7A, 0x2D, 0x5F: true
                default: false
                }
            }
    }

    /// Bytes that a URL does not carry as they are, percent-encoded; what is already encoded stays.
    private static func encoded(_ text: String) -> String {
        guard text.utf8.contains(where: { !isPlain($0) }) else { return text }
        var out = ""
        for byte in text.utf8 {
            if isPlain(byte) {
                out.unicodeScalars.append(UnicodeScalar(byte))
            } else {
                let hex = String(byte, radix: 16, uppercase: true)
                out += hex.utf8.count == 1 ? "%0\(hex)" : "%\(hex)"
            }
        }
        return out
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x22, 0x3C, 0x3E, 0x5B, 0x5D, 0x5E, 0x60, 0x7B, 0x7C, 0x7D: false
        default: byte > 0x20 && byte < 0x7F
        }
    }
}
