/// Rules for the pseudonymous ids of shoppers and for other ids that callers choose.
public enum CallerID {
    /// Longest id in bytes.
    public static let limit = 64

    /// True for 1...64 bytes of `A-Z a-z 0-9 . _ : -` that are not an e-mail address or a phone number:
    /// personal data must not enter as an "id".
    @inlinable
    public static func isAcceptable(_ bytes: some Collection<UInt8>) -> Bool {
        guard !bytes.isEmpty, bytes.count <= limit else { return false }
        var digits = 0
        for byte in bytes {
            switch byte {
            case 0x30...0x39: digits += 1
            case 0x41...0x5A, 0x61...0x7A, 0x2E, 0x5F, 0x3A, 0x2D: break
            default: return false
            }
        }
        // 7/8 followed by ten digits is how Russian phone numbers are written.
        if digits == bytes.count, digits == 11, let first = bytes.first, first == 0x37 || first == 0x38 {
            return false
        }
        return true
    }
}
