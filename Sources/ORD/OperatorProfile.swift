/// How an operator reads what its documents leave open. These are inferences until the operator's sandbox confirms
/// them, so each is a switch.
public struct OperatorProfile: Hashable, Sendable {
    /// `amount_per_event` of cpm rows is the price of 1,000 shows, not of one (R20).
    public var perMille: Bool
    /// Self-promotion rows say 0 shows, not the true number (R23).
    public var zeroShows: Bool
    /// Role of the retailer in his acts (R9).
    public var contractorRole: String

    public init(perMille: Bool = false, zeroShows: Bool = false, contractorRole: String = "publisher") {
        self.perMille = perMille
        self.zeroShows = zeroShows
        self.contractorRole = contractorRole
    }

    /// As the documents of the VK operator are understood.
    public static let vk = OperatorProfile()
}
