import AdModel

/// Which shoppers must not see a campaign: a share of them, chosen by a hash that never changes for a shopper and a
/// campaign, and that says nothing about any other campaign.
public struct Holdout: Equatable, Sendable {
    /// Shares are parts of this.
    public static let whole: Int32 = 10_000

    /// Held-out share of shoppers, in parts of 10,000.
    public var share: Int32
    /// The campaign's own number, mixed into the hash.
    public var salt: UInt64
    /// The shopper's place on a circle of 2^32 lies below this when he is held out.
    let threshold: UInt64

    /// - Parameter share: 0...10,000; what lies outside is cut.
    public init(share: Int32, salt: UInt64) {
        self.share = min(max(share, 0), Self.whole)
        self.salt = salt
        threshold = (UInt64(self.share) << 32) / UInt64(Self.whole)
    }

    /// Whether the shopper must not see the campaign; 0 is nobody, and nobody is held out.
    public func holdsOut(_ shopper: UInt64) -> Bool {
        // Mixed twice, so that close keys and close salts come far apart.
        shopper != 0 && Self.mix(shopper ^ Self.mix(salt)) >> 32 < threshold
    }

    private static func mix(_ value: UInt64) -> UInt64 {
        var z = value &+ 0x9E37_79B9_7F4A_7C15
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
