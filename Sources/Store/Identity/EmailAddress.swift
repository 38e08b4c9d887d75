/// An e-mail address as login: lower case, without spaces around it. Never written to a log.
public struct EmailAddress: Hashable, Sendable {
    public let text: String

    /// Nil when the text is not one plain address `name@host`. Whether it exists, only a message to it can tell.
    public init?(_ text: String) {
        let trimmed = text.trimmingSpaces().lowercased()
        let parts = trimmed.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, (1...64).contains(parts[0].utf8.count), (3...189).contains(parts[1].utf8.count),
            trimmed.unicodeScalars.allSatisfy({ $0.value > 0x20 && $0.value < 0x7F && !"\"(),:;<>[\\]".contains($0) }),
            parts[1].contains("."), !parts[1].hasPrefix("."), !parts[1].hasSuffix("."), !parts[1].contains(".."),
            !parts[0].hasPrefix("-"),
            parts[1].utf8.allSatisfy({
                (0x30...0x39).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x2D || $0 == 0x2E
            })
        else { return nil }
        self.text = trimmed
    }
}

extension String {
    fileprivate func trimmingSpaces() -> String {
        var text = Substring(self)
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }
}

extension String {
    fileprivate func contains(_ scalar: Unicode.Scalar) -> Bool { unicodeScalars.contains(scalar) }
}
