import AdModel
import Profiles

/// The one function that a request comes down to.
public enum Decider {
    /// Decides a page: slots by placement rank, then in the caller's order; the answer is in `scratch.result`.
    ///
    /// Everything that the answer depends on is an argument. Winning takes from `budget` and counts in `profiles`.
    /// - Parameters:
    ///   - request: in indices of `snapshot`; `request.shopper` = 0 reads and writes no profile and asks for no cap.
    ///   - stock: built for this `snapshot`.
    ///   - profiles: nil = as without consent.
    ///   - seed: breaks ties, rotates creatives and paces; the same seed gives the same answer.
    public static func decide(
        _ request: DecisionRequest, snapshot: Snapshot, stock: StockView, profiles: ProfileStore?,
        budget: LeaseTable, now: Timestamp, seed: UInt64, scratch: Scratch
    ) {
        scratch.work.decide(
            request,
            Inputs(snapshot: snapshot, stock: stock, profiles: profiles, budget: budget, now: now, seed: seed),
            &scratch.result)
    }

    struct Inputs {
        let snapshot: Snapshot
        let stock: StockView
        let profiles: ProfileStore?
        let budget: LeaseTable
        let now: Timestamp
        let seed: UInt64
    }
}
