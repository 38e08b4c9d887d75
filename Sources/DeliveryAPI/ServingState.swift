import Decisioning
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
    public init(data: ServingData, stock: (version: Int64, rows: [StockRow])) throws {
        snapshot = try Snapshot(data.input)
        self.stock = StockView(snapshot: snapshot, version: stock.version, rows: stock.rows)
        self.data = data
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
    private let current: Mutex<ServingState?>
    private let table: Mutex<LeaseTable>

    public init(_ state: ServingState? = nil) {
        current = Mutex(state)
        table = Mutex(LeaseTable(maximumLineItemID: 1_023))
    }

    /// nil until the first load.
    public var state: ServingState? { current.withLock { $0 } }

    /// Budget cells of all line items; the table grows with the snapshot and keeps its cells.
    public var leases: LeaseTable { table.withLock { $0 } }

    /// Makes a new state the one that requests see.
    public func swap(_ state: ServingState) {
        let largest = state.snapshot.lines.map(\.id).max() ?? 0
        table.withLock { $0 = $0.covering(largest) }
        current.withLock { $0 = state }
    }

    /// Replaces the stock, unless another snapshot came meanwhile.
    public func swapStock(_ stock: StockView, for snapshot: Snapshot) {
        current.withLock { state in
            guard let old = state, old.snapshot === snapshot else { return }
            state = old.with(stock)
        }
    }
}
