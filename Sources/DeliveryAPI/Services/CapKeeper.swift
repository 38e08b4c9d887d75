import AdModel
import Decisioning
import Logging
import Measurement
import Profiles
import ServiceLifecycle
import Store
import Synchronization
import Telemetry

/// Keeps this node a member of those that count frequency caps, and moves the counters of shoppers when members come
/// and go. An epoch is served by when every member of the one before has handed its shoppers over, or is gone and
/// everything it has shown is in the tables; until then capped line items are not served to the shoppers that move.
public final class CapKeeper: Service {
    /// Time between two rounds.
    public static let period: Duration = .seconds(1)
    /// Impressions of a lost node are looked at this far back.
    static let lookBack = Timestamp.Span.days(30)

    private let holder: CapHolder
    private let serving: ServingHolder
    private let profiles: ProfileStore
    private let membership: CapMembership
    private let hash: ShopperHash
    private let nodeID: Int16
    private let clock: @Sendable () -> Timestamp
    private let logger: Logger
    private let failures: Counter
    private let moving: Gauge
    /// Epoch that requests have been told of in an earlier round.
    private let announced = Mutex<Int64>(0)

    public init(
        holder: CapHolder, serving: ServingHolder, profiles: ProfileStore, membership: CapMembership,
        hash: ShopperHash, nodeID: Int16, metrics: MetricsRegistry, logger: Logger,
        clock: @escaping @Sendable () -> Timestamp
    ) {
        self.holder = holder
        self.serving = serving
        self.profiles = profiles
        self.membership = membership
        self.hash = hash
        self.nodeID = nodeID
        self.clock = clock
        self.logger = logger
        failures = metrics.counter("nimb_cap_failures_total", "Rounds in which the membership could not be renewed.")
        moving = metrics.gauge("nimb_caps_moving", "1 while shoppers move between nodes and some get no capped ads.")
    }

    public func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                await self.round()
                try? await Task.sleep(for: Self.period)
            }
        }
        // The task is cancelled by now, and a cancelled task may not talk to the database.
        let last = Task.detached { await self.leave() }
        await last.value
    }

    /// Renews the membership and takes the next step of a move, if one is due. Public so that a simulator can drive it.
    public func round() async {
        do {
            let view = try await membership.renew(now: clock())
            holder.use(
                CapHolder.View(
                    node: nodeID, settled: view.settled?.homes, next: view.next?.homes, leaseUntil: view.leaseUntil))
            moving.set(view.next == nil ? 0 : 1)
            if let next = view.next { try await move(view, to: next) }
            try await exchange()
        } catch {
            failures.add()
            logger.warning("the membership of cap counters was not renewed", metadata: ["error": "\(error)"])
        }
    }

    private func move(_ view: CapMembership.View, to next: CapMembership.Epoch) async throws {
        if !view.hasHandedOver {
            let (before, after) = (view.settled?.homes, next.homes)
            let node = nodeID
            // Requests that began before the holder was told are over long before the next round.
            let wasAnnounced = announced.withLock { announced in
                defer { announced = next.number }
                return announced == next.number
            }
            guard wasAnnounced || before == nil else { return }
            let leaving = profiles.exportCaps { shopper in
                before?.home(of: shopper) == node && after.home(of: shopper) != node
            }
            try await membership.handOver(leaving, epoch: next)
        }
        guard view.awaited.isEmpty, view.lost.allSatisfy(\.isAccountedFor) else { return }
        let arrived = try await membership.handovers(next)
        for (shopper, caps) in arrived { profiles.importCaps(caps, shopper: shopper) }
        if !view.lost.isEmpty { try await recount(view.lost, homes: next.homes) }
        try await membership.settle(next)
        holder.use(
            CapHolder.View(node: nodeID, settled: next.homes, next: nil, leaseUntil: view.leaseUntil))
        logger.info(
            "serving frequency caps by a new epoch",
            metadata: ["epoch": "\(next.number)", "members": "\(next.members)", "arrived": "\(arrived.count)"])
    }

    /// Counts again what lost nodes have shown to the shoppers that are this node's now.
    private func recount(_ lost: [CapMembership.Lost], homes: CapHomes) async throws {
        guard let snapshot = serving.state?.snapshot else { return }
        let contacts = try await membership.contacts(of: lost.map(\.node), since: clock() - Self.lookBack)
        for contact in contacts {
            let shopper = hash(contact.visitorID)
            let index = snapshot.lookup.lineByID.find(contact.lineItemID)
            guard homes.home(of: shopper) == nodeID, index >= 0 else { continue }
            let line = snapshot.lines[Int(index)]
            let advertiser = snapshot.lookup.advertiserByID.find(line.advertiserID)
            let limits = advertiser >= 0 ? snapshot.advertisers[Int(advertiser)].caps : .none
            profiles.recount(
                shopper, lineItemID: line.id, lineLimits: line.caps, advertiserID: line.advertiserID,
                advertiserLimits: limits, decidedAt: contact.decidedAt)
            profiles.confirm(
                shopper, lineItemID: line.id, advertiserID: line.advertiserID, decidedAt: contact.decidedAt)
        }
    }

    /// Sends the impressions of other nodes' shoppers, and counts those of its own that came to others.
    private func exchange() async throws {
        let leaving = holder.takeOutbox()
        do {
            try await membership.send(leaving)
        } catch {
            holder.putBack(leaving)
            throw error
        }
        for it in try await membership.receive() {
            profiles.confirm(
                it.shopper, lineItemID: it.lineItemID, advertiserID: it.advertiserID, decidedAt: it.decidedAt)
        }
    }

    /// Hands everything over to those who stay; called once at the end.
    public func leave() async {
        do {
            let settled = holder.settled
            holder.use(CapHolder.View(node: nodeID, settled: nil, next: nil, leaseUntil: clock()))
            try await membership.send(holder.takeOutbox())
            guard let epoch = try await membership.leave(now: clock()) else { return }
            // Only its own: of others it has what they had when they left it.
            let node = nodeID
            let own = profiles.exportCaps { settled?.home(of: $0) == node }
            try await membership.handOver(own, epoch: epoch)
        } catch {
            logger.warning("cap counters were not handed over", metadata: ["error": "\(error)"])
        }
    }
}
