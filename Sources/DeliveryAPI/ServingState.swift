import Decisioning
import Shelves
import Store
import Synchronization

/// What one request sees: immutable, and swapped as a whole.
public final class ServingState: Sendable {
    public let snapshot: Snapshot
    /// Built for `snapshot`.
    public let stock: StockView
    public let data: ServingData
    /// What is derived of `data` for the edge, by storefront index of the snapshot.
    let storefronts: [StorefrontView]
    let origins: Set<String>

    /// Builds the snapshot's index. Throws when the data contradict themselves.
    /// - Parameter stock: rows of the promoted products, and the number of the last change among them.
    public convenience init(data: ServingData, stock: (version: Int64, rows: [StockRow])) throws {
        let snapshot = try Snapshot(data.input)
        self.init(
            data: data, snapshot: snapshot,
            stock: StockView(snapshot: snapshot, version: stock.version, rows: stock.rows))
    }

    private init(data: ServingData, snapshot: Snapshot, stock: StockView) {
        self.data = data
        self.snapshot = snapshot
        self.stock = stock
        storefronts = data.storefronts.map { storefront in
            StorefrontView(
                code: storefront.code, zoneOffsetMicros: storefront.zoneOffsetSeconds * 1_000_000,
                landingHosts: storefront.landingHosts)
        }
        origins = Set(data.storefronts.map(\.origin).filter { !$0.isEmpty })
    }

    private init(_ old: ServingState, stock: StockView) {
        snapshot = old.snapshot
        self.stock = stock
        data = old.data
        storefronts = old.storefronts
        origins = old.origins
    }

    /// The state after changes: patched where little changed, else built from what is in memory. Throws when the data
    /// contradict themselves.
    /// - Parameter stockRows: of the products that the changes promote for the first time.
    public func applying(_ changes: ServingChanges, stockRows: [StockRow]) throws -> ServingState {
        var data = data
        let change = data.apply(changes)
        let snapshot: Snapshot
        var stock = stock
        if let change, change.isEmpty {
            snapshot = self.snapshot
        } else if let change, !self.snapshot.isWorn, self.snapshot.hasRoom(for: change) {
            snapshot = try self.snapshot.applying(change, of: data.input)
        } else {
            snapshot = try Snapshot(data.input)
            stock = stock.moved(from: self.snapshot, to: snapshot)
        }
        if !stockRows.isEmpty { stock = stock.applying(stockRows, snapshot: snapshot, version: stock.version) }
        return ServingState(data: data, snapshot: snapshot, stock: stock)
    }

    /// The same with newer stock, which was built for the same snapshot.
    func with(_ stock: StockView) -> ServingState { ServingState(self, stock: stock) }
}

/// The part of a storefront that a request needs.
struct StorefrontView: Sendable {
    var code: String
    var zoneOffsetMicros: Int64
    var landingHosts: Set<String>
}

/// Holds the current state; readers take one reference under a lock held for nanoseconds.
public final class ServingHolder: Sendable {
    /// Everything that a request reads, taken together.
    struct Served {
        fileprivate var number: UInt64
        private(set) var state: ServingState?
        private(set) var leases: LeaseTable
        private(set) var shelves: ShelfTables

        fileprivate init(number: UInt64, state: ServingState?, leases: LeaseTable, shelves: ShelfTables) {
            self.number = number
            self.state = state
            self.leases = leases
            self.shelves = shelves
        }
    }

    private let current: Mutex<ServingState?>
    /// Grows whenever anything of `served` becomes another, after it did.
    private let number = Atomic<UInt64>(1)
    private let table: Mutex<LeaseTable>
    private let budgets = Mutex(BudgetChanges())
    private let stopped = Mutex(ServingStops.none)
    private let isAnythingStopped = Atomic(false)
    private let tables = Mutex(ShelfTables.empty)
    /// Told that budgets have changed.
    let budgetAlarm: AsyncStream<Void>
    private let raiseBudgetAlarm: AsyncStream<Void>.Continuation

    public init(_ state: ServingState? = nil) {
        current = Mutex(state)
        table = Mutex(LeaseTable(maximumLineItemID: 1_023))
        (budgetAlarm, raiseBudgetAlarm) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    var served: Served {
        // The number first: what changes while the rest is read is read again.
        let number = number.load(ordering: .acquiring)
        return Served(number: number, state: state, leases: leases, shelves: shelves)
    }

    /// One load of a number as long as nothing has changed.
    @inline(__always)
    func renew(_ known: inout Served) {
        if number.load(ordering: .acquiring) != known.number { known = served }
    }

    private func isRenewed() { number.wrappingAdd(1, ordering: .releasing) }

    /// nil until the first load.
    public var state: ServingState? { current.withLock { $0 } }

    /// Budget cells of all line items; the table grows with the snapshot and keeps its cells.
    public var leases: LeaseTable { table.withLock { $0 } }

    /// What goes with what, for shelves; it belongs to no snapshot.
    public var shelves: ShelfTables {
        get { tables.withLock { $0 } }
        set {
            tables.withLock { $0 = newValue }
            isRenewed()
        }
    }

    /// What must not serve at all.
    public var stops: ServingStops {
        get { stopped.withLock { $0 } }
        set {
            stopped.withLock { $0 = newValue }
            isAnythingStopped.store(!newValue.isNone, ordering: .releasing)
        }
    }

    /// Whether a storefront must not serve. One load of a flag as long as nothing is stopped anywhere.
    @inline(__always)
    func isStopped(_ storefrontID: Int32) -> Bool {
        guard isAnythingStopped.load(ordering: .acquiring) else { return false }
        return stopped.withLock { $0.stops(storefrontID) }
    }

    /// Notes whose budgets are to be asked for again.
    func note(_ changes: BudgetChanges) {
        if changes.isEmpty { return }
        budgets.withLock { $0.add(changes) }
        raiseBudgetAlarm.yield()
    }

    /// What was noted since the last call.
    func takeBudgetChanges() -> BudgetChanges {
        budgets.withLock { noted in
            defer { noted = BudgetChanges() }
            return noted
        }
    }

    /// Puts back what could not be done, without waking anybody.
    func keep(_ changes: BudgetChanges) { budgets.withLock { $0.add(changes) } }

    func wakeBudgets() { raiseBudgetAlarm.yield() }
    func endBudgets() { raiseBudgetAlarm.finish() }

    /// Makes a new state the one that requests see.
    public func swap(_ state: ServingState) {
        let largest = Int32(clamping: state.snapshot.lookup.lineByID.limit)
        table.withLock { $0 = $0.covering(largest) }
        current.withLock { $0 = state }
        isRenewed()
    }

    /// Replaces a state by one made from it. What was put in its place meanwhile is only newer stock, which comes
    /// again with the next look.
    func swap(_ state: ServingState, noting changes: ServingChanges) {
        swap(state)
        note(BudgetChanges(lineItemIDs: Set(changes.lineItems.keys), advertiserIDs: changes.wallets))
    }

    /// Replaces the stock, unless another snapshot came meanwhile.
    public func swapStock(_ stock: StockView, for snapshot: Snapshot) {
        current.withLock { state in
            guard let old = state, old.snapshot === snapshot else { return }
            state = old.with(stock)
        }
        isRenewed()
    }
}

/// Whose budget may be another than it was.
struct BudgetChanges: Equatable {
    var everybody = false
    var lineItemIDs: Set<Int32> = []
    /// Their wallet or credit limit changed.
    var advertiserIDs: Set<Int32> = []

    var isEmpty: Bool { !everybody && lineItemIDs.isEmpty && advertiserIDs.isEmpty }

    func concern(_ item: LeaseBook.Item) -> Bool {
        everybody || lineItemIDs.contains(item.id) || advertiserIDs.contains(item.advertiserID)
    }

    mutating func add(_ other: BudgetChanges) {
        everybody = everybody || other.everybody
        lineItemIDs.formUnion(other.lineItemIDs)
        advertiserIDs.formUnion(other.advertiserIDs)
    }
}
