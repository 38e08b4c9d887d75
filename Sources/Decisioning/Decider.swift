import AdModel
import Profiles
import Shelves

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
    ///   - shelves: what goes with what; nothing known = shelves are filled in the line items' own order.
    ///   - search: how candidates are found; anything but `.indexed` is for checks.
    public static func decide(
        _ request: DecisionRequest, snapshot: Snapshot, stock: StockView, profiles: ProfileStore?,
        budget: LeaseTable, now: Timestamp, seed: UInt64, scratch: Scratch, shelves: ShelfTables = .empty,
        search: Search = .indexed
    ) {
        scratch.work.decide(
            request,
            Inputs(
                snapshot: snapshot, stock: stock, profiles: profiles, budget: budget, leases: budget.cells, now: now,
                seed: seed,
                search: search, here: stock.here(request.location), freshSince: stock.freshSince(now), shelves: shelves),
            &scratch.result)
    }

    /// The same for the question that is in `scratch.request` already.
    public static func decide(
        snapshot: Snapshot, stock: StockView, profiles: ProfileStore?, budget: LeaseTable, now: Timestamp,
        seed: UInt64, scratch: Scratch, shelves: ShelfTables = .empty
    ) {
        // Moved out and back: a copy would count a reference to each of its lists.
        var request = DecisionRequest()
        swap(&request, &scratch.request)
        decide(
            request, snapshot: snapshot, stock: stock, profiles: profiles, budget: budget, now: now, seed: seed,
            scratch: scratch, shelves: shelves)
        swap(&request, &scratch.request)
    }

    /// Answers every slot of a page with the same reason, without looking at any line item.
    public static func refuse(
        _ request: DecisionRequest, reason: NoFillReason, snapshot: Snapshot, stock: StockView, scratch: Scratch
    ) {
        scratch.work.refuse(request, reason, snapshot, stock, &scratch.result)
    }

    /// How candidates are found.
    public enum Search: Sendable {
        /// By the targeting index, stopping as soon as nothing better can come.
        case indexed
        /// By asking every line item; the same answer, slowly.
        case exhaustive
    }

    struct Inputs {
        let snapshot: Snapshot
        let stock: StockView
        let profiles: ProfileStore?
        let budget: LeaseTable
        let leases: LeaseTable.Cells
        let now: Timestamp
        let seed: UInt64
        let search: Search
        /// Stock of the request's location, and the second before which its figures are stale.
        let here: StockView.Here?
        let freshSince: Int64
        let shelves: ShelfTables
    }
}
