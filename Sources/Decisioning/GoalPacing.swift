import AdModel

/// How large a share of its opportunities a line item with a goal takes: what is left of the goal, divided by the
/// opportunities that are still to be expected. Off the request path; the answer goes to `LeaseTable.setPassShare`.
///
/// Opportunities are not counted but worked out from what was delivered at the share of the time, so that nodes need
/// not tell each other; whatever is wrong with them is put right by the next look.
public struct GoalPacing: Sendable {
    /// Share until the first looks have told how many opportunities there are.
    public static let firstShare = 0.05
    /// The goal is to be reached in this part of the flight's traffic: what is not delivered early cannot be made up
    /// for late.
    public static let aim = 0.97
    /// Part of a flight's traffic over which opportunities are remembered.
    static let memory = 0.05
    /// Least share: a line item that was throttled too hard finds out.
    static let leastShare = 0.002

    /// Share of the opportunities, 0...1.
    public private(set) var share = Self.firstShare
    private var opportunities = 0.0
    /// Part of the flight's traffic in which they were.
    private var traffic = 0.0
    private var last: (delivered: Int64, elapsed: Double)?

    public init() {}

    /// Looks at what was delivered.
    /// - Parameters:
    ///   - delivered: impressions so far.
    ///   - goal: impressions promised.
    ///   - elapsed: part of the flight's traffic that is over, 0...1 (`TrafficCurve.elapsed`).
    /// - Returns: the share from now on, in parts of 2^32 - 1; 0 when the goal is reached.
    public mutating func look(delivered: Int64, goal: Int64, elapsed: Double) -> UInt32 {
        guard delivered < goal else {
            last = (delivered, elapsed)
            return 0
        }
        if let last {
            let step = elapsed - last.elapsed
            // A look so soon after the last one says nothing: it waits for the next.
            guard step > 0 else { return Self.parts(share) }
            let gained = Double(max(0, delivered - last.delivered)) / share
            let kept = max(0, 1 - step / Self.memory)
            opportunities = opportunities * kept + gained
            traffic = traffic * kept + step
            let left = max(Self.aim - elapsed, (1 - elapsed) / 2, 1e-9)
            let expected = opportunities / traffic * left
            let wanted = expected > 0 ? Double(goal - delivered) / expected : 1
            // Doubled or halved at most at a time: one look at few impressions says little.
            share = min(1, max(Self.leastShare, min(share * 2, max(share / 2, wanted))))
        }
        last = (delivered, elapsed)
        return Self.parts(share)
    }

    private static func parts(_ share: Double) -> UInt32 { UInt32(share * Double(UInt32.max)) }
}
