import Crypto

/// How API keys look: `nk_shop_…`, `nk_adv_…`, `nk_ret_…` and 43 characters of base64url (32 random bytes). Only the
/// SHA-256 of the whole text is stored.
public enum APIKeyText {
    public static func prefix(kind: String) -> String {
        switch kind {
        case "shop": "nk_shop_"
        case "advertiser": "nk_adv_"
        default: "nk_ret_"
        }
    }

    /// Whether a key from outside has the right prefix and enough characters to be unguessable.
    public static func isWellFormed(_ text: String, kind: String) -> Bool {
        let prefix = prefix(kind: kind)
        guard text.hasPrefix(prefix) else { return false }
        let rest = text.utf8.dropFirst(prefix.utf8.count)
        return (32...128).contains(rest.count)
            && rest.allSatisfy {
                (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x2D
                    || $0 == 0x5F
            }
    }

    public static func make(kind: String, random: [UInt8]) -> String { prefix(kind: kind) + Base64URL.encode(random) }

    /// What is stored and looked up.
    public static func hash(_ text: String) -> [UInt8] { Array(SHA256.hash(data: Array(text.utf8))) }

    /// What may be shown in lists: enough to recognise the key, too little to guess it.
    public static func shownPrefix(_ text: String) -> String { String(text.prefix(12)) }
}
