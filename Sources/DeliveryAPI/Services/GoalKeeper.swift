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
        await withTaskExecutorPreference(BackgroundThreads.shared) { await work() }
    }

    private func work() async {
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
        let goals = Self.goals(serving.data.input.lineItems, now: now)
        guard !goals.isEmpty else {
            state.withLock { $0.pacing = [:] }
            return
        }
        do {
            if state.withLock({ $0.rounds % Self.roundsPerCurve == 0 }) {
                let curve = try await store.traffic(now: now)
                state.withLock { $0.curve = curve }
            }
            let delivered = try await store.delivered(of: goals.map(\.id))
            apply(delivered, goals, now: now)
        } catch {
            failures.add()
            logger.warning("goals could not be looked at", metadata: ["error": "\(error)"])
        }
    }

    /// What pacing needs of a line item with a goal.
    private struct Goal {
        var id: Int32
        var impressions: Int64
        var startsAt: Timestamp
        var endsAt: Timestamp
        var isPacedEvenly: Bool
    }

    /// Those of flights that are on. By place, so that line items without a goal, which are nearly all, are not copied.
    private static func goals(_ items: PieceArray<SnapshotInput.LineItem>, now: Timestamp) -> [Goal] {
        var goals: [Goal] = []
        items.forEachPiece { items in
            for place in items.indices where items[place].startsAt <= now && items[place].endsAt > now {
                guard let impressions = items[place].goalImpressions else { continue }
                goals.append(
                    Goal(
                        id: items[place].id, impressions: impressions, startsAt: items[place].startsAt,
                        endsAt: items[place].endsAt, isPacedEvenly: items[place].isPacedEvenly))
            }
        }
        return goals
    }

    private func apply(_ delivered: [Int32: Int64], _ goals: [Goal], now: Timestamp) {
        let table = serving.leases
        state.withLock { state in
            state.rounds += 1
            var kept: [Int32: GoalPacing] = [:]
            for goal in goals {
                let done = delivered[goal.id] ?? 0
                var pacing = state.pacing[goal.id] ?? GoalPacing()
                let share = pacing.look(
                    delivered: done, goal: goal.impressions,
                    elapsed: state.curve.elapsed(from: goal.startsAt, to: goal.endsAt, at: now))
                kept[goal.id] = pacing
                table.setGoalReached(goal.id, done >= goal.impressions)
                if goal.isPacedEvenly { table.setPassShare(goal.id, share) }
            }
            state.pacing = kept
        }
    }
}
