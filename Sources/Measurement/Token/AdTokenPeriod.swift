import AdModel

/// The keys that the decisions of a minute or so have their own two from. Sendable and small; never printed.
public struct AdTokenPeriod: Sendable {
    /// Microseconds of a period as a power of two: 67 seconds.
    private static let bits: Int64 = 26

    let keyID: UInt8
    private let number: Int64
    private let authentication: SipHash
    private let sealing: SipHash

    init(keyID: UInt8, number: Int64, authentication: SipHash, sealing: SipHash) {
        self.keyID = keyID
        self.number = number
        self.authentication = authentication
        self.sealing = sealing
    }

    static func number(_ decision: DecisionID) -> Int64 { decision.issuedAt.micros >> bits }

    /// Whether the decision falls into this period.
    @inline(__always)
    public func covers(_ decision: DecisionID) -> Bool { Self.number(decision) == number }

    func secrets(_ decision: DecisionID) -> TokenSecrets {
        let at = UInt64(bitPattern: decision.issuedAt.micros)
        let first = authentication.hash128(at, decision.low)
        let second = sealing.hash128(at, decision.low)
        return TokenSecrets(
            authentication: SipHash(k0: first.0, k1: first.1), sealing: SipHash(k0: second.0, k1: second.1))
    }
}

extension AdTokenPeriod: CustomStringConvertible, CustomReflectable {
    public var description: String { "AdTokenPeriod(redacted)" }
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}
