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

    /// What is known of one line item, side by side.
    struct Cell: ~Copyable {
        let remaining = Atomic<Int64>(0)
        let expiresAt = Atomic<Int64>(.max)
        let pass = Atomic<UInt32>(.max)
        let state = Atomic<UInt8>(0)
        let goalReached = Atomic<Bool>(false)
        /// Makes it half a cache line exactly.
        private let unused = Atomic<UInt64>(0)

        var isGoalReached: Bool { goalReached.load(ordering: .relaxed) }
        var passShare: UInt32 { pass.load(ordering: .relaxed) }

        func release(_ amount: Int64) { remaining.add(amount, ordering: .relaxed) }

        /// What keeps the line item from spending `amount` now; `.none` when nothing does.
        @inline(__always)
        func reasonAgainst(_ amount: Int64, now: Timestamp) -> NoFillReason {
            if state.load(ordering: .relaxed) == LeaseState.budgetExhausted.rawValue { return .budgetExhausted }
            if now.micros >= expiresAt.load(ordering: .relaxed) { return amount > 0 ? .leaseExhausted : .none }
            return remaining.load(ordering: .relaxed) < amount ? .leaseExhausted : .none
        }

        /// Takes `amount` if that much is left: never more than was granted, whoever else takes at the same time.
        @inline(__always)
        func reserve(_ amount: Int64, now: Timestamp) -> Bool {
            if now.micros >= expiresAt.load(ordering: .relaxed) { return false }
            var seen = remaining.load(ordering: .relaxed)
            while seen >= amount {
                let (done, original) = remaining.weakCompareExchange(
                    expected: seen, desired: seen - amount, ordering: .relaxed)
                if done { return true }
                seen = original
            }
            return false
        }
    }

    /// Cells in memory of their own: a decision asks dozens of them, and a reference to each page would have to be
    /// counted every time.
    private final class Page: Sendable {
        // Unsafe to the compiler alone: the pointer never changes, and what it points to is atomic.
        nonisolated(unsafe) let cells: UnsafeMutablePointer<Cell>

        init() {
            cells = UnsafeMutableRawPointer.allocate(
                byteCount: LeaseTable.pageSize * MemoryLayout<Cell>.stride, alignment: 64
            ).bindMemory(to: Cell.self, capacity: LeaseTable.pageSize)
            for place in 0..<LeaseTable.pageSize { (cells + place).initialize(to: Cell()) }
        }

        deinit {
            cells.deinitialize(count: LeaseTable.pageSize)
            UnsafeMutableRawPointer(cells).deallocate()
        }
    }

    /// The cells of a table as plain addresses: good for as long as the table is held.
    struct Cells {
        fileprivate let pages: UnsafePointer<UnsafeMutablePointer<Cell>>
        fileprivate let count: Int

        /// nil when the table does not reach so far.
        @inline(__always)
        subscript(lineItemID: Int32) -> UnsafeMutablePointer<Cell>? {
            guard lineItemID >= 0, Int(lineItemID) &>> 8 < count else { return nil }
            return pages[Int(lineItemID) &>> 8] + Int(lineItemID & 255)
        }
    }

    private let pages: ContiguousArray<Page>
    // The same: written once, before anybody else sees the table.
    nonisolated(unsafe) private let addresses: UnsafeMutablePointer<UnsafeMutablePointer<Cell>>

    var cells: Cells { Cells(pages: UnsafePointer(addresses), count: pages.count) }

    /// - Parameter maximumLineItemID: largest id that the table must hold.
    public convenience init(maximumLineItemID: Int32) {
        self.init(pages: [], maximumLineItemID: maximumLineItemID)
    }

    private init(pages: ContiguousArray<Page>, maximumLineItemID: Int32) {
        var pages = pages
        while pages.count * Self.pageSize <= Int(maximumLineItemID) { pages.append(Page()) }
        self.pages = pages
        addresses = .allocate(capacity: pages.count)
        for (at, page) in pages.enumerated() { (addresses + at).initialize(to: page.cells) }
    }

    deinit { addresses.deallocate() }

    /// A table that also holds larger ids, over the same cells; itself when it is large enough.
    public func covering(_ maximumLineItemID: Int32) -> LeaseTable {
        if pages.count * Self.pageSize > Int(maximumLineItemID) { return self }
        return LeaseTable(pages: pages, maximumLineItemID: maximumLineItemID)
    }

    /// Adds a slice of budget, good until `expiresAt`.
    public func grant(_ lineItemID: Int32, _ amount: Micros, expiresAt: Timestamp = Timestamp(micros: .max)) {
        guard let cell = cells[lineItemID] else { return }
        cell.pointee.expiresAt.store(expiresAt.micros, ordering: .relaxed)
        cell.pointee.state.store(LeaseState.leased.rawValue, ordering: .relaxed)
        cell.pointee.remaining.add(amount.value, ordering: .relaxed)
    }

    /// Ends the lease and answers what was left of it, to be returned to the budget.
    public func revoke(_ lineItemID: Int32, state: LeaseState = .leased) -> Micros {
        guard let cell = cells[lineItemID] else { return .zero }
        cell.pointee.state.store(state.rawValue, ordering: .relaxed)
        return Micros(cell.pointee.remaining.exchange(0, ordering: .relaxed))
    }

    /// Says whether it is the budget that is spent, or only this node's part of it.
    public func setState(_ lineItemID: Int32, _ state: LeaseState) {
        cells[lineItemID]?.pointee.state.store(state.rawValue, ordering: .relaxed)
    }

    /// Share of opportunities, in parts of 2^32 - 1, in which an evenly paced line item takes part.
    public func setPassShare(_ lineItemID: Int32, _ share: UInt32) {
        cells[lineItemID]?.pointee.pass.store(share, ordering: .relaxed)
    }

    /// Share set last; all opportunities when none was set.
    public func passShare(_ lineItemID: Int32) -> UInt32 {
        cells[lineItemID]?.pointee.passShare ?? .max
    }

    /// Whether a line item has had all the impressions that it was promised.
    public func setGoalReached(_ lineItemID: Int32, _ isReached: Bool) {
        cells[lineItemID]?.pointee.goalReached.store(isReached, ordering: .relaxed)
    }

    /// What was set last.
    public func isGoalReached(_ lineItemID: Int32) -> Bool {
        cells[lineItemID]?.pointee.isGoalReached ?? false
    }

    /// What is left of the lease at `now`; 0 when it lapsed.
    public func remaining(_ lineItemID: Int32, now: Timestamp) -> Micros {
        guard let cell = cells[lineItemID] else { return .zero }
        if now.micros >= cell.pointee.expiresAt.load(ordering: .relaxed) { return .zero }
        return Micros(cell.pointee.remaining.load(ordering: .relaxed))
    }

    /// State set last.
    public func state(_ lineItemID: Int32) -> LeaseState {
        guard let cell = cells[lineItemID] else { return .leased }
        return LeaseState(rawValue: cell.pointee.state.load(ordering: .relaxed)) ?? .leased
    }

    /// Takes `amount` if that much is left: never more than was granted, whoever else takes at the same time.
    public func reserve(_ lineItemID: Int32, _ amount: Micros, now: Timestamp) -> Bool {
        cells[lineItemID]?.pointee.reserve(amount.value, now: now) ?? false
    }

    /// Gives back what was reserved and will not be billed.
    public func release(_ lineItemID: Int32, _ amount: Micros) {
        cells[lineItemID]?.pointee.release(amount.value)
    }
}
