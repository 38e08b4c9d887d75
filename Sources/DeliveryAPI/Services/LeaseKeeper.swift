import AdModel
import Decisioning
import Logging
import ServiceLifecycle
import Store
import Synchronization
import Telemetry

/// Keeps every line item that needs budget supplied with a lease, and paces the even ones.
///
/// A lease is asked for as much as the line item spends in twenty minutes at its current pace, and renewed when less
/// than fifteen minutes are left of it, so that the database may be away for a quarter of an hour unnoticed.
public final class LeaseKeeper: Service {
    /// Seconds between two looks at all line items.
    public static let period: Duration = .seconds(1)
    static let wantedSeconds = 1_200.0
    static let leastSeconds = 900.0
    /// Time between two corrections of pacing.
    static let pacingPeriod = Timestamp.Span.seconds(5)
    /// Time between two looks at how traffic spreads over the day.
    static let forecastPeriod = Timestamp.Span.hours(1)
    /// Rounds between two removals of what is settled for good.
    static let roundsPerRemoval = 600
    /// Settled leases are kept this long for whoever wants to look.
    static let settledFor = Timestamp.Span.days(2)
    /// A line item that got nothing asks again after this long.
    static let retry = Timestamp.Span.seconds(5)
    /// A lease that ends sooner is renewed.
    static let renewBefore = Timestamp.Span.minutes(10)

    private struct Line {
        var leaseID: Int64?
        var expiresAt = Timestamp(micros: .min)
        /// Left of the lease when the keeper last looked.
        var remaining: Int64 = 0
        /// Promised per second, smoothed.
        var pace = 0.0
        /// After a refusal, or a grant that brought nothing.
        var asksForMoreAt = Timestamp(micros: .min)
        /// A lease that ends with its day cannot be made longer before midnight.
        var asksForTimeAt = Timestamp(micros: .min)
        /// What of the old lease stays in the table while the new one is asked for.
        var kept: Int64 = 0
        /// What lapsed unpromised while the database could not be told.
        var unreturned: Int64 = 0
        /// What the current lease was granted with.
        var granted: Int64 = 0
        var dayBudget: Micros?
        var dayCommitted: Int64 = 0
        var day: LeaseDay?
        var controller = PacingController()
        /// Curve of the day, and the number of the forecast that it was made from.
        var curve = DemandForecast.flat
        var curveOf = 0
    }

    private let serving: ServingHolder
    private let store: LeaseStore
    private let clock: @Sendable () -> Timestamp
    private let logger: Logger
    private let nodeCode: String
    private let failures: Counter
    private let lapsed: Gauge
    private struct State {
        var byID: [Int32: Line] = [:]
        var lookedAt: Timestamp?
        var isRegistered = false
        var rounds = 0
        var pacedAt: Timestamp?
        var traffic = TrafficForecast()
        var trafficReadAt: Timestamp?
        /// Number of `traffic`: curves made from another one are made again.
        var trafficNumber = 1
    }

    private let lines = Mutex(State())

    public init(
        serving: ServingHolder, store: LeaseStore, nodeCode: String, metrics: MetricsRegistry, logger: Logger,
        clock: @escaping @Sendable () -> Timestamp
    ) {
        self.serving = serving
        self.store = store
        self.nodeCode = nodeCode
        self.clock = clock
        self.logger = logger
        failures = metrics.counter("nimb_lease_failures_total", "Rounds in which leases could not be renewed.")
        lapsed = metrics.gauge("nimb_lines_without_lease", "Line items that need a lease and have none.")
    }

    public func run() async throws {
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                group.addTask {
                    while !Task.isCancelled {
                        self.serving.wakeBudgets()
                        try? await Task.sleep(for: Self.period)
                    }
                    self.serving.endBudgets()
                }
                var looked: ContinuousClock.Instant?
                for await _ in self.serving.budgetAlarm {
                    if Task.isCancelled { break }
                    // A change is served at once; everybody else is looked at once a second.
                    await self.serveChanges()
                    if let looked, ContinuousClock.now - looked < Self.period * 0.9 { continue }
                    looked = .now
                    await self.round()
                }
            }
        }
        // The task is cancelled by now, and a cancelled task may not talk to the database.
        let last = Task.detached { await self.returnAll() }
        await last.value
    }

    /// Asks again for those whose budgets changed, without looking at anybody else. Tells who was asked for.
    @discardableResult
    func serveChanges() async -> Set<Int32> {
        guard let state = serving.state, lines.withLock({ $0.isRegistered }) else { return [] }
        let changes = serving.takeBudgetChanges()
        if changes.isEmpty { return [] }
        if changes.everybody {
            serving.keep(changes)
            return []
        }
        let now = clock()
        let requests = planChanges(state, serving.leases, changes, now: now)
        do {
            for batch in Self.batches(of: requests) {
                apply(try await store.renew(batch, now: now), serving.leases, now: now)
            }
        } catch {
            failures.add()
            serving.keep(changes)
            logger.warning("leases could not be renewed", metadata: ["error": "\(error)"])
        }
        return Set(requests.map(\.lineItemID))
    }

    /// The requests of a round, batch by batch. When a hundred thousand leases end together that takes seconds, so
    /// changes go in between; whoever was asked for with them has another lease than his request here says.
    private func ask(_ requests: [LeaseRequest], _ table: LeaseTable, now: Timestamp) async throws {
        var served: Set<Int32> = []
        for (number, batch) in Self.batches(of: requests).enumerated() {
            if number > 0 { served.formUnion(await serveChanges()) }
            let rest = served.isEmpty ? batch : batch.filter { !served.contains($0.lineItemID) }
            if !rest.isEmpty { apply(try await store.renew(rest, now: now), table, now: now) }
        }
    }

    private static func batches(of requests: [LeaseRequest]) -> [[LeaseRequest]] {
        stride(from: 0, to: requests.count, by: LeaseStore.batchLimit).map {
            Array(requests[$0..<min($0 + LeaseStore.batchLimit, requests.count)])
        }
    }

    /// One look at all line items. Public so that a simulator can drive it with its own clock.
    public func round() async {
        guard let state = serving.state else { return }
        let changes = serving.takeBudgetChanges()
        let table = serving.leases
        let now = clock()
        do {
            if !lines.withLock({ $0.isRegistered }) {
                try await store.registerNode(code: nodeCode, now: now)
                try await store.endForgotten(except: [], now: now)
                lines.withLock { $0.isRegistered = true }
            }
            let idle = idle(state, table, now: now)
            try await store.giveBack(idle, now: now)
            forget(idle)
            try await ask(plan(state, table, changes, now: now), table, now: now)
            try await readTraffic(now: now)
            let isDue = lines.withLock { lines in
                lines.rounds += 1
                return lines.rounds % Self.roundsPerRemoval == 1
            }
            if isDue {
                try await store.removeSettled(before: now - Self.settledFor)
            }
        } catch {
            failures.add()
            serving.keep(changes)
            logger.warning("leases could not be renewed", metadata: ["error": "\(error)"])
        }
        pace(state, table, now: now)
    }

    /// Gives back what was not promised; called once at the end.
    public func returnAll() async {
        let table = serving.leases
        let now = clock()
        let requests = lines.withLock { lines in
            let requests = lines.byID.compactMap { id, line -> LeaseRequest? in
                guard let lease = line.leaseID else { return nil }
                return LeaseRequest(
                    lineItemID: id, leaseID: lease, unused: table.revoke(id) + Micros(line.unreturned), wanted: .zero)
            }
            lines.byID = [:]
            return requests
        }
        do {
            try await store.giveBack(requests, now: now)
        } catch {
            logger.warning("leases were not returned; they settle by themselves", metadata: ["error": "\(error)"])
        }
    }

    private static func mayServe(_ item: SnapshotInput.LineItem, at now: Timestamp) -> Bool {
        item.needsLease && !item.isPaused && item.isApproved && item.startsAt <= now && item.endsAt > now
    }

    /// What is held by line items that were paused, ended or removed: it goes back at once, so that the rest of the
    /// advertiser's line items may spend it.
    private func idle(_ state: ServingState, _ table: LeaseTable, now: Timestamp) -> [LeaseRequest] {
        lines.withLock { lines in
            let serving = Set(state.data.input.lineItems.filter { Self.mayServe($0, at: now) }.map(\.id))
            var requests: [LeaseRequest] = []
            for (id, old) in lines.byID where !serving.contains(id) {
                var line = old
                // Counted before the database is told: should it be away, the next round tells it the same.
                line.unreturned += max(0, table.revoke(id).value)
                line.remaining = 0
                lines.byID[id] = line.leaseID == nil ? nil : line
                guard let lease = line.leaseID else { continue }
                requests.append(
                    LeaseRequest(lineItemID: id, leaseID: lease, unused: Micros(line.unreturned), wanted: .zero))
            }
            return requests
        }
    }

    private func forget(_ returned: [LeaseRequest]) {
        lines.withLock { lines in for request in returned { lines.byID[request.lineItemID] = nil } }
    }

    /// Who needs a new lease, with what is left of the old one.
    private func plan(
        _ state: ServingState, _ table: LeaseTable, _ changes: BudgetChanges, now: Timestamp
    ) -> [LeaseRequest] {
        lines.withLock { lines in
            let seconds = lines.lookedAt.map { max(0.001, Double((now - $0).micros) / 1_000_000) } ?? 1
            lines.lookedAt = now
            var requests: [LeaseRequest] = []
            var without: Int64 = 0
            for item in state.data.input.lineItems where Self.mayServe(item, at: now) {
                let before = lines.byID[item.id] ?? Line()
                // What a lapsed lease has left must not be added to the next one: it goes back as a whole.
                let hasLapsed = before.leaseID != nil && before.expiresAt <= now
                let remaining = Self.remaining(item.id, before, table, now: now)
                let spent = Double(max(0, before.remaining - remaining)) / seconds
                let line = Self.look(before, remaining, pace: before.pace * 0.9 + spent * 0.1, now: now)
                lines.byID[item.id] = line
                if line.leaseID == nil { without += 1 }
                let least = max(Int64(line.pace * Self.leastSeconds), Self.smallest(item) / 2)
                let needsMore = remaining < least && line.asksForMoreAt <= now
                let needsTime = line.expiresAt < now + Self.renewBefore && line.asksForTimeAt <= now
                guard hasLapsed || needsMore || needsTime || changes.concern(item) else { continue }
                requests.append(Self.request(item, line, now: now))
            }
            lapsed.set(without)
            return requests
        }
    }

    /// Requests of line items whose budgets changed; of an advertiser with a new wallet, those that lack something.
    private func planChanges(
        _ state: ServingState, _ table: LeaseTable, _ changes: BudgetChanges, now: Timestamp
    ) -> [LeaseRequest] {
        lines.withLock { lines in
            var requests: [LeaseRequest] = []
            func add(_ item: SnapshotInput.LineItem, always: Bool) {
                guard Self.mayServe(item, at: now) else { return }
                let before = lines.byID[item.id] ?? Line()
                let remaining = Self.remaining(item.id, before, table, now: now)
                if !always, before.leaseID != nil, before.expiresAt > now, remaining >= Self.smallest(item) / 2 {
                    return
                }
                let line = Self.look(before, remaining, pace: before.pace, now: now)
                lines.byID[item.id] = line
                requests.append(Self.request(item, line, now: now))
            }
            for id in changes.lineItemIDs.sorted() {
                if let place = state.data.place(ofLineItem: id) {
                    add(state.data.input.lineItems[place], always: true)
                }
            }
            if !changes.advertiserIDs.isEmpty {
                for item in state.data.input.lineItems
                where changes.advertiserIDs.contains(item.advertiserID) && !changes.lineItemIDs.contains(item.id) {
                    add(item, always: false)
                }
            }
            return requests
        }
    }

    private static func remaining(_ id: Int32, _ line: Line, _ table: LeaseTable, now: Timestamp) -> Int64 {
        line.leaseID != nil && line.expiresAt <= now
            ? table.revoke(id).value : table.remaining(id, now: now).value
    }

    private static func look(_ old: Line, _ remaining: Int64, pace: Double, now: Timestamp) -> Line {
        let hasLapsed = old.leaseID != nil && old.expiresAt <= now
        var line = old
        line.pace = pace
        line.remaining = remaining
        line.kept = hasLapsed ? 0 : max(0, remaining)
        if hasLapsed { line.unreturned += max(0, remaining) }
        return line
    }

    private static func request(_ item: SnapshotInput.LineItem, _ line: Line, now: Timestamp) -> LeaseRequest {
        // Nothing is held that the rest of the day cannot use: another node may.
        let left = line.day.map { Double(($0.ends - now).micros) / 1_000_000 } ?? wantedSeconds
        let wanted = max(Int64(line.pace * min(wantedSeconds, max(60, left))), smallest(item))
        return LeaseRequest(
            lineItemID: item.id, leaseID: line.leaseID, unused: Micros(line.kept + line.unreturned),
            wanted: Micros(wanted))
    }

    /// First slice of a line item whose pace is not known: some hundred impressions, or twenty clicks.
    private static func smallest(_ item: SnapshotInput.LineItem) -> Int64 {
        switch item.pricing {
        case .cpm: max(1, item.bid.value / 2)
        case .cpc: max(1, item.bid.value * 20)
        case .fixed: 0
        }
    }

    private func apply(_ grants: [LeaseGrant], _ table: LeaseTable, now: Timestamp) {
        lines.withLock { lines in
            for grant in grants {
                var line = lines.byID[grant.lineItemID] ?? Line()
                line.leaseID = grant.leaseID
                line.unreturned = 0
                line.dayBudget = grant.dayBudget
                line.dayCommitted = grant.dayCommitted.value
                if line.day?.begins != grant.day.begins { line.curveOf = 0 }
                line.day = grant.day
                if grant.granted > .zero {
                    // The table goes on from what it kept; promises made meanwhile come out of the new lease.
                    let added = grant.granted - Micros(line.kept)
                    table.grant(grant.lineItemID, added, expiresAt: grant.expiresAt)
                    line.expiresAt = grant.expiresAt
                    if added <= .zero { line.asksForMoreAt = now + Self.retry }
                    line.asksForTimeAt = grant.expiresAt < now + Self.renewBefore ? grant.expiresAt : now
                } else {
                    _ = table.revoke(grant.lineItemID, state: .budgetExhausted)
                    line.expiresAt = now
                    line.asksForMoreAt = now + Self.retry
                    line.asksForTimeAt = now + Self.retry
                }
                line.granted = grant.granted.value
                line.remaining = table.remaining(grant.lineItemID, now: now).value
                lines.byID[grant.lineItemID] = line
            }
        }
    }

    /// Sets the share of opportunities that evenly paced line items take.
    private func pace(_ state: ServingState, _ table: LeaseTable, now: Timestamp) {
        let offset = state.data.storefronts.first?.zoneOffsetSeconds ?? 0
        lines.withLock { lines in
            if let last = lines.pacedAt, now - last < Self.pacingPeriod, now >= last { return }
            lines.pacedAt = now
            // A goal is paced by itself, by impressions instead of money.
            for item in state.data.input.lineItems
            where item.isPacedEvenly && item.needsLease && item.goalImpressions == nil {
                guard var line = lines.byID[item.id], let budget = line.dayBudget, let day = line.day,
                    line.leaseID != nil
                else { continue }
                if line.curveOf != lines.trafficNumber {
                    line.curve = lines.traffic.curve(
                        of: item, placements: state.data.input.placements,
                        firstHourOfWeek: Self.hourOfWeek(day.begins, offset))
                    line.curveOf = lines.trafficNumber
                }
                // What was promised of the lease since it was granted adds to what was committed before.
                let promised = max(0, line.granted - table.remaining(item.id, now: now).value)
                let share = line.controller.next(
                    PacingController.Day(
                        budget: budget.value, committed: line.dayCommitted + promised, from: day.hour(day.from),
                        to: day.hour(day.to), forecast: line.curve), at: day.hour(now))
                table.setPassShare(item.id, max(share, UInt32.max / 1_000))
                lines.byID[item.id] = line
            }
        }
    }

    /// Hour of the storefront's week, 0 = Monday 00:00.
    private static func hourOfWeek(_ instant: Timestamp, _ offsetSeconds: Int64) -> Int {
        // 1970-01-01 was a Thursday, three days after a Monday.
        let hours = floorDivide(instant.micros + offsetSeconds * 1_000_000, 3_600_000_000) + 72
        return Int((hours % 168 + 168) % 168)
    }

    /// Looks once an hour at how traffic spreads over the day.
    private func readTraffic(now: Timestamp) async throws {
        let isDue = lines.withLock { lines in
            lines.trafficReadAt.map { now - $0 >= Self.forecastPeriod || now < $0 } ?? true
        }
        guard isDue else { return }
        let traffic = try await store.traffic(now: now)
        lines.withLock { lines in
            lines.traffic = traffic
            lines.trafficReadAt = now
            lines.trafficNumber += 1
        }
    }
}
