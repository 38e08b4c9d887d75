/// Which node counts a shopper's frequency caps: one of the members, by the highest of hashes of shopper and node. When
/// a node comes or goes, only the shoppers move who come to it or were its own.
public struct CapHomes: Equatable, Sendable {
    public let members: [Int16]

    public init(members: [Int16]) { self.members = members.sorted() }

    /// The shopper's home; nil without members.
    public func home(of shopper: UInt64) -> Int16? {
        if members.count < 2 { return members.first }
        return members.max { Self.weight(shopper, $0) < Self.weight(shopper, $1) }
    }

    private static func weight(_ shopper: UInt64, _ node: Int16) -> UInt64 {
        Scoring.mix(shopper ^ Scoring.mix(0x6E69_6D62, Int32(node)), Int32(node))
    }
}
