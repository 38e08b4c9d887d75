/// Shape of the addresses that the operator accepts.
enum Address {
    /// `http://host…` or `https://host…`, without spaces or control characters.
    static func isWeb(_ text: String) -> Bool {
        guard let scheme = scheme(of: text)?.lowercased() else { return false }
        return scheme == "http" || scheme == "https"
    }

    /// http, https, ftp, sftp or an app's own scheme (a deep link).
    static func isTarget(_ text: String) -> Bool { scheme(of: text) != nil }

    /// Values of the query parameter `erid`, in the order they occur, case kept. The name is matched in any case:
    /// a second `ERID=` is as wrong as a second `erid=`.
    static func erids(in text: String) -> [String] {
        guard let question = text.firstIndex(of: "?") else { return [] }
        let query = text[text.index(after: question)...].prefix { $0 != "#" }
        return query.split(separator: "&", omittingEmptySubsequences: true).compactMap { pair in
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return parts[0].lowercased() == "erid" ? String(parts.count > 1 ? parts[1] : "") : nil
        }
    }

    /// For comparing pads: without scheme, `www.`, trailing slash and case of the host.
    static func comparable(_ text: String) -> String {
        var rest = text[...]
        if let range = rest.firstRange(of: "://") { rest = rest[range.upperBound...] }
        while rest.last == "/" { rest = rest.dropLast() }
        let host = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        return host.lowercased() + rest[host.endIndex...]
    }

    private static func scheme(of text: String) -> Substring? {
        guard let range = text.firstRange(of: "://"), range.lowerBound > text.startIndex else { return nil }
        let scheme = text[..<range.lowerBound]
        guard let first = scheme.utf8.first, isLetter(first),
            scheme.utf8.allSatisfy({ isLetter($0) || (0x30...0x39).contains($0) || [0x2B, 0x2D, 0x2E].contains($0) })
        else { return nil }
        guard !text.unicodeScalars.contains(where: { $0.value <= 0x20 || $0.value == 0x7F || $0 == "\\" }) else {
            return nil
        }
        let host = text[range.upperBound...].prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        return host.isEmpty ? nil : scheme
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }
}
