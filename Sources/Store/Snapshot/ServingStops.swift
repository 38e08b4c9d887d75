/// What must not serve at all now, by the retailer's word.
public struct ServingStops: Equatable, Sendable {
    public var everything: Bool
    public var storefrontIDs: Set<Int32>

    public init(everything: Bool = false, storefrontIDs: Set<Int32> = []) {
        self.everything = everything
        self.storefrontIDs = storefrontIDs
    }

    public static var none: ServingStops { ServingStops() }

    public var isNone: Bool { !everything && storefrontIDs.isEmpty }

    public func stops(_ storefrontID: Int32) -> Bool { everything || storefrontIDs.contains(storefrontID) }
}
