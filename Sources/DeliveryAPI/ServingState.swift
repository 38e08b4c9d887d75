import Decisioning
import Store
import Synchronization

/// What one request sees: immutable, and swapped as a whole.
public struct ServingState: Sendable {
    public var snapshot: Snapshot
    /// Built for `snapshot`.
    public var stock: StockView
    public var data: ServingData
    /// What is derived of `data` for the edge, by storefront index of the snapshot.
    var storefronts: [StorefrontView]
    var origins: Set<String>

    /// Builds the snapshot's index. Throws when the data contradict themselves.
    public init(data: ServingData, stock: StockView? = nil) throws {
        snapshot = try Snapshot(data.input)
        self.stock = stock ?? .empty
        self.data = data
        storefronts = data.storefronts.map { storefront in
            StorefrontView(
                code: storefront.code, zoneOffsetMicros: storefront.zoneOffsetSeconds * 1_000_000,
                landingHosts: storefront.landingHosts)
        }
        origins = Set(data.storefronts.map(\.origin).filter { !$0.isEmpty })
    }
}

/// The part of a storefront that a request needs.
struct StorefrontView: Sendable {
    var code: String
    var zoneOffsetMicros: Int64
    var landingHosts: Set<String>
}

/// Holds the current state; readers copy two references under a lock held for nanoseconds.
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
            guard state?.snapshot === snapshot else { return }
            state?.stock = stock
        }
    }
}
