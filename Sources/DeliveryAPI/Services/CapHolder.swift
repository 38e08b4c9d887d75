import AdModel
import Decisioning
import Store
import Synchronization

/// Whether this node counts a shopper's caps, asked by every request: one load of a flag as long as nobody else serves.
public final class CapHolder: Sendable {
    /// Impressions of shoppers of other nodes that wait to be sent; past it they are lost, and their contacts lapse.
    static let outboxLimit = 65_536

    struct View: Equatable {
        var node: Int16
        /// Epoch that is served by; nil before the first.
        var settled: CapHomes?
        /// Epoch that is being moved to.
        var next: CapHomes?
        var leaseUntil: Timestamp

        /// Nobody else is there or coming.
        var isAlone: Bool { settled?.members == [node] && next == nil }
    }

    private let isShared = Atomic(false)
    private let view = Mutex<View?>(nil)
    private let outbox = Mutex<[CapMembership.Confirmation]>([])

    public init() {}

    /// True when the caps of a shopper are counted here now: his home is this node by the epoch that is served by and
    /// by the one to come, and the membership has not lapsed.
    public func counts(_ shopper: UInt64, now: Timestamp) -> Bool {
        guard isShared.load(ordering: .acquiring) else { return true }
        return view.withLock { view in
            guard let view else { return true }
            guard let settled = view.settled, now < view.leaseUntil, settled.home(of: shopper) == view.node else {
                return false
            }
            return view.next.map { $0.home(of: shopper) == view.node } ?? true
        }
    }

    /// Homes of the epoch that is served by.
    var settled: CapHomes? { view.withLock { $0?.settled } }

    func use(_ next: View) {
        view.withLock { $0 = next }
        isShared.store(!next.isAlone, ordering: .releasing)
    }

    /// Keeps an impression for the home of its shopper; false when it is counted here.
    public func forward(
        shopper: UInt64, lineItemID: Int32, advertiserID: Int32, decidedAt: Timestamp, now: Timestamp
    ) -> Bool {
        if counts(shopper, now: now) { return false }
        let home = view.withLock { view in
            (view?.next ?? view?.settled)?.home(of: shopper)
        }
        guard let home else { return false }
        outbox.withLock { outbox in
            guard outbox.count < Self.outboxLimit else { return }
            outbox.append(
                CapMembership.Confirmation(
                    to: home, shopper: shopper, lineItemID: lineItemID, advertiserID: advertiserID,
                    decidedAt: decidedAt))
        }
        return true
    }

    func takeOutbox() -> [CapMembership.Confirmation] {
        outbox.withLock { outbox in
            defer { outbox = [] }
            return outbox
        }
    }

    func putBack(_ confirmations: [CapMembership.Confirmation]) {
        outbox.withLock { $0 = Array((confirmations + $0).prefix(Self.outboxLimit)) }
    }
}
