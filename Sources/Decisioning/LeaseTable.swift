import AdModel
import Synchronization

/// What one line item may still spend on this node.
public enum LeaseState: UInt8, Sendable {
    /// No lease was ever granted, or the last one lapsed.
    case leased = 0
    /// The budget or the wallet itself is spent: asking for another lease is useless for now.
    case budgetExhausted = 1
}

/// Leased budget per line item, taken from by every loop at once without a lock.
///
/// A table covers line item ids up to a maximum; `covering` makes a larger one that shares the same cells, so that
/// nothing reserved meanwhile is lost when the two are swapped.
public final class LeaseTable: Sendable {
    private static let pageSize = 256

    private final class Page: Sendable {
        let remaining = InlineArray<256, Atomic<Int64>> { _ in Atomic(0) }
        let expiresAt = InlineArray<256, Atomic<Int64>> { _ in Atomic(.max) }
        let pass = InlineArray<256, Atomic<UInt32>> { _ in Atomic(.max) }
        let state = InlineArray<256, Atomic<UInt8>> { _ in Atomic(0) }
        let goalReached = InlineArray<256, Atomic<Bool>> { _ in Atomic(false) }
    }

    private let pages: ContiguousArray<Page>

    /// - Parameter maximumLineItemID: largest id that the table must hold.
    public convenience init(maximumLineItemID: Int32) {
        self.init(pages: [], maximumLineItemID: maximumLineItemID)
    }

    private init(pages: ContiguousArray<Page>, maximumLineItemID: Int32) {
        var pages = pages
        while pages.count * Self.pageSize <= Int(maximumLineItemID) { pages.append(Page()) }
        self.pages = pages
    }

    /// A table that also holds larger ids, over the same cells; itself when it is large enough.
    public func covering(_ maximumLineItemID: Int32) -> LeaseTable {
        if pages.count * Self.pageSize > Int(maximumLineItemID) { return self }
        return LeaseTable(pages: pages, maximumLineItemID: maximumLineItemID)
    }

    /// Adds a slice of budget, good until `expiresAt`.
    public func grant(_ lineItemID: Int32, _ amount: Micros, expiresAt: Timestamp = Timestamp(micros: .max)) {
        guard holds(lineItemID) else { return }
        let (page, place) = cell(lineItemID)
        page.expiresAt[place].store(expiresAt.micros, ordering: .relaxed)
        page.state[place].store(LeaseState.leased.rawValue, ordering: .relaxed)
        page.remaining[place].add(amount.value, ordering: .relaxed)
    }

    /// Ends the lease and answers what was left of it, to be returned to the budget.
    public func revoke(_ lineItemID: Int32, state: LeaseState = .leased) -> Micros {
        guard holds(lineItemID) else { return .zero }
        let (page, place) = cell(lineItemID)
        page.state[place].store(state.rawValue, ordering: .relaxed)
        return Micros(page.remaining[place].exchange(0, ordering: .relaxed))
    }

    /// Says whether it is the budget that is spent, or only this node's part of it.
    public func setState(_ lineItemID: Int32, _ state: LeaseState) {
        guard holds(lineItemID) else { return }
        let (page, place) = cell(lineItemID)
        page.state[place].store(state.rawValue, ordering: .relaxed)
    }

    /// Share of opportunities, in parts of 2^32 - 1, in which an evenly paced line item takes part.
    public func setPassShare(_ lineItemID: Int32, _ share: UInt32) {
        guard holds(lineItemID) else { return }
        let (page, place) = cell(lineItemID)
        page.pass[place].store(share, ordering: .relaxed)
    }

    /// Share set last; all opportunities when none was set.
    public func passShare(_ lineItemID: Int32) -> UInt32 {
        guard holds(lineItemID) else { return .max }
        let (page, place) = cell(lineItemID)
        return page.pass[place].load(ordering: .relaxed)
    }

    /// Whether a line item has had all the impressions that it was promised.
    public func setGoalReached(_ lineItemID: Int32, _ isReached: Bool) {
        guard holds(lineItemID) else { return }
        let (page, place) = cell(lineItemID)
        page.goalReached[place].store(isReached, ordering: .relaxed)
    }

    /// What was set last.
    public func isGoalReached(_ lineItemID: Int32) -> Bool {
        guard holds(lineItemID) else { return false }
        let (page, place) = cell(lineItemID)
        return page.goalReached[place].load(ordering: .relaxed)
    }

    /// What is left of the lease at `now`; 0 when it lapsed.
    public func remaining(_ lineItemID: Int32, now: Timestamp) -> Micros {
        guard holds(lineItemID) else { return .zero }
        let (page, place) = cell(lineItemID)
        if now.micros >= page.expiresAt[place].load(ordering: .relaxed) { return .zero }
        return Micros(page.remaining[place].load(ordering: .relaxed))
    }

    /// State set last.
    public func state(_ lineItemID: Int32) -> LeaseState {
        guard holds(lineItemID) else { return .leased }
        let (page, place) = cell(lineItemID)
        return LeaseState(rawValue: page.state[place].load(ordering: .relaxed)) ?? .leased
    }

    /// What keeps a line item from spending `amount` now; `.none` when nothing does.
    func reasonAgainst(_ lineItemID: Int32, _ amount: Int64, now: Timestamp) -> NoFillReason {
        guard holds(lineItemID) else { return .leaseExhausted }
        let (page, place) = cell(lineItemID)
        if page.state[place].load(ordering: .relaxed) == LeaseState.budgetExhausted.rawValue { return .budgetExhausted }
        if now.micros >= page.expiresAt[place].load(ordering: .relaxed) { return amount > 0 ? .leaseExhausted : .none }
        return page.remaining[place].load(ordering: .relaxed) < amount ? .leaseExhausted : .none
    }

    /// Takes `amount` if that much is left: never more than was granted, whoever else takes at the same time.
    public func reserve(_ lineItemID: Int32, _ amount: Micros, now: Timestamp) -> Bool {
        guard holds(lineItemID) else { return false }
        let (page, place) = cell(lineItemID)
        if now.micros >= page.expiresAt[place].load(ordering: .relaxed) { return false }
        var seen = page.remaining[place].load(ordering: .relaxed)
        while seen >= amount.value {
            let (done, original) = page.remaining[place].weakCompareExchange(
                expected: seen, desired: seen - amount.value, ordering: .relaxed)
            if done { return true }
            seen = original
        }
        return false
    }

    /// Gives back what was reserved and will not be billed.
    public func release(_ lineItemID: Int32, _ amount: Micros) {
        guard holds(lineItemID) else { return }
        let (page, place) = cell(lineItemID)
        page.remaining[place].add(amount.value, ordering: .relaxed)
    }

    @inline(__always)
    private func holds(_ lineItemID: Int32) -> Bool {
        lineItemID >= 0 && Int(lineItemID) < pages.count * Self.pageSize
    }

    @inline(__always)
    private func cell(_ lineItemID: Int32) -> (Page, Int) {
        (pages[Int(lineItemID) &>> 8], Int(lineItemID) & 255)
    }
}
