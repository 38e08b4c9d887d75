/// Where a click goes, built from the snapshot only: nothing of it comes from the click's own address.
public enum Landing {
    /// Adds the erid to a landing address: exactly once, case kept, before the fragment, after an existing query.
    /// nil when the address is not an absolute http(s) URL, or its host is not in `hosts`.
    ///
    /// - Parameter hosts: lower-case host names that are allowed; nil allows every host, for landing pages that
    ///   the retailer approved as part of a creative.
    public static func address(_ url: String, erid: String, hosts: Set<String>?) -> String? {
        guard let host = host(of: url) else { return nil }
        if let hosts, !hosts.contains(host) { return nil }
        let (beforeFragment, fragment) = cut(url, at: "#")
        let (base, query) = cut(beforeFragment, at: "?")
        var pairs = query.map { $0.split(separator: "&").map(String.init) } ?? []
        pairs.removeAll { name(ofPair: $0) == "erid" }
        if !erid.isEmpty { pairs.append("erid=" + erid) }
        var address = base
        // An authority needs a path before a query: `https://shop.example?x` is not what browsers send.
        if !base.dropFirst(8).contains("/") { address += "/" }
        if !pairs.isEmpty { address += "?" + pairs.joined(separator: "&") }
        if let fragment { address += "#" + fragment }
        return address
    }

    /// Lower-case host of an absolute http(s) URL; nil for anything that could be read in two ways: other schemes,
    /// user info, backslashes, white space, control characters, non-ASCII bytes.
    public static func host(of url: String) -> String? {
        guard url.utf8.count <= 2_048, url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x5C && $0 != 0x22 })
        else { return nil }
        let lower = url.lowercased()
        let schemes = ["https://", "http://"]
        guard let scheme = schemes.first(where: { lower.hasPrefix($0) }) else { return nil }
        let authority = lower.dropFirst(scheme.count).prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        guard !authority.isEmpty, !authority.contains("@") else { return nil }
        let parts = authority.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count <= 2, let host = parts.first, !host.isEmpty else { return nil }
        if parts.count == 2 { guard !parts[1].isEmpty, parts[1].allSatisfy(\.isNumber) else { return nil } }
        let isName = host.utf8.allSatisfy {
            switch $0 {
            case 0x30...0x39, 0x61...0x7A, 0x2D, 0x2E: true
            default: false
            }
        }
        return isName ? String(host) : nil
    }

    private static func cut(_ text: String, at mark: Character) -> (String, String?) {
        guard let index = text.firstIndex(of: mark) else { return (text, nil) }
        return (String(text[..<index]), String(text[text.index(after: index)...]))
    }

    private static func name(ofPair pair: String) -> String? {
        PercentDecoding.decode(pair.prefix { $0 != "=" })?.lowercased()
    }
}
