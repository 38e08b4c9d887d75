import AdModel
import Decisioning
import Logging
import ServiceLifecycle
import Store
import Synchronization
import Telemetry

/// Paces line items with a goal: each takes the share of its opportunities that brings it to its goal by the end of its
/// flight, and stops there.
///
/// Every node works from what all nodes have delivered, so that they need not agree on anything. While the database is
/// away shares stay as they are.
public final class GoalKeeper: Service {
    /// Time between two looks at what was delivered.
    public static let period: Duration = .seconds(10)
    /// Rounds between two looks at how traffic spreads over a week.
    static let roundsPerCurve = 360

    private let serving: ServingHolder
    private let store: GoalStore
    private let clock: @Sendable () -> Timestamp
    private let logger: Logger
    private let failures: Counter

    private struct State {
        var pacing: [Int32: GoalPacing] = [:]
        var curve = TrafficCurve.flat
        var rounds = 0
    }

    private let state = Mutex(State())

    public init(
        serving: ServingHolder, store: GoalStore, metrics: MetricsRegistry, logger: Logger,
        clock: @escaping @Sendable () -> Timestamp
    ) {
        self.serving = serving
        self.store = store
        self.logger = logger
        self.clock = clock
        failures = metrics.counter("nimb_goal_failures_total", "Rounds in which goals could not be looked at.")
    }

    public func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                await self.round()
                try? await Task.sleep(for: Self.period)
            }
        }
    }

    /// One look at all goals. Public so that a simulator can drive it with its own clock.
    public func round() async {
        guard let serving = serving.state else { return }
        let now = clock()
        let items = serving.data.input.lineItems.filter {
            $0.goalImpressions != nil && $0.startsAt <= now && $0.endsAt > now
        }
        guard !items.isEmpty else {
            state.withLock { $0.pacing = [:] }
            return
        }
        do {
            if state.withLock({ $0.rounds % Self.roundsPerCurve == 0 }) {
                let curve = try await store.traffic(now: now)
                state.withLock { $0.curve = curve }
            }
            let delivered = try await store.delivered(of: items.map(\.id))
            apply(delivered, items, now: now)
        } catch {
            failures.add()
            logger.warning("goals could not be looked at", metadata: ["error": "\(error)"])
        }
    }

    private func apply(_ delivered: [Int32: Int64], _ items: [SnapshotInput.LineItem], now: Timestamp) {
        let table = serving.leases
        state.withLock { state in
            state.rounds += 1
            var kept: [Int32: GoalPacing] = [:]
            for item in items {
                guard let goal = item.goalImpressions else { continue }
                let done = delivered[item.id] ?? 0
                var pacing = state.pacing[item.id] ?? GoalPacing()
                let share = pacing.look(
                    delivered: done, goal: goal,
                    elapsed: state.curve.elapsed(from: item.startsAt, to: item.endsAt, at: now))
                kept[item.id] = pacing
                table.setGoalReached(item.id, done >= goal)
                if item.isPacedEvenly { table.setPassShare(item.id, share) }
            }
            state.pacing = kept
        }
    }
}
