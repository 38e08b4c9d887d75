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

    private let serving: ServingHolder
    private let store: LeaseStore
    private let clock: @Sendable () -> Timestamp
    private let logger: Logger
    private let nodeCode: String
    private let failures: Counter
    private let lapsed: Gauge
    private struct State {
        var book = LeaseBook()
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
        await withTaskExecutorPreference(BackgroundThreads.shared) { await work() }
    }

    private func work() async {
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
            lines.withLock { $0.book.follow(state.data.input.lineItems) }
            let idle = idle(table, now: now)
            try await store.giveBack(idle, now: now)
            forget(idle)
            try await ask(plan(table, changes, now: now), table, now: now)
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
            let requests = lines.book.lines.compactMap { line -> LeaseRequest? in
                guard line.lineItemID != 0, let lease = line.leaseID else { return nil }
                return LeaseRequest(
                    lineItemID: line.lineItemID, leaseID: lease,
                    unused: table.revoke(line.lineItemID) + Micros(line.unreturned), wanted: .zero)
            }
            lines.book.removeAll()
            return requests
        }
        do {
            try await store.giveBack(requests, now: now)
        } catch {
            logger.warning("leases were not returned; they settle by themselves", metadata: ["error": "\(error)"])
        }
    }

    /// What is held by line items that were paused, ended or removed: it goes back at once, so that the rest of the
    /// advertiser's line items may spend it.
    private func idle(_ table: LeaseTable, now: Timestamp) -> [LeaseRequest] {
        lines.withLock { state in
            var requests: [LeaseRequest] = []
            for number in state.book.lines.indices {
                let id = state.book.lines[number].lineItemID
                if id == 0 || (state.book.lines[number].startsAt <= now && state.book.lines[number].endsAt > now) {
                    continue
                }
                // Counted before the database is told: should it be away, the next round tells it the same.
                state.book.lines[number].unreturned += max(0, table.revoke(id).value)
                state.book.lines[number].remaining = 0
                guard let lease = state.book.lines[number].leaseID else {
                    state.book.forget(id)
                    continue
                }
                requests.append(
                    LeaseRequest(
                        lineItemID: id, leaseID: lease, unused: Micros(state.book.lines[number].unreturned),
                        wanted: .zero))
            }
            return requests
        }
    }

    private func forget(_ returned: [LeaseRequest]) {
        if returned.isEmpty { return }
        lines.withLock { lines in for request in returned { lines.book.forget(request.lineItemID) } }
    }

    /// Who needs a new lease, with what is left of the old one.
    private func plan(_ table: LeaseTable, _ changes: BudgetChanges, now: Timestamp) -> [LeaseRequest] {
        lines.withLock { state in
            let seconds = state.lookedAt.map { max(0.001, Double((now - $0).micros) / 1_000_000) } ?? 1
            state.lookedAt = now
            var requests: [LeaseRequest] = []
            var without: Int64 = 0
            for index in state.book.items.indices where state.book.items[index].mayServe(at: now) {
                let number = state.book.lineMade(at: index)
                let needs = Self.look(&state.book.lines[number], table, state.book.items[index].smallest, seconds, now)
                if state.book.lines[number].leaseID == nil { without += 1 }
                guard needs || (!changes.isEmpty && changes.concern(state.book.items[index])) else { continue }
                requests.append(Self.request(state.book.items[index].smallest, state.book.lines[number], now: now))
            }
            lapsed.set(without)
            return requests
        }
    }

    /// Looks at a line, `seconds` after the last time; true when it needs a new lease.
    private static func look(
        _ line: inout LeaseBook.Line, _ table: LeaseTable, _ smallest: Int64, _ seconds: Double, _ now: Timestamp
    ) -> Bool {
        let before = line.remaining
        let (remaining, hasLapsed) = line.look(table, now: now)
        let spent = Double(max(0, before - remaining)) / seconds
        line.pace = line.pace * 0.9 + spent * 0.1
        let least = max(Int64(line.pace * leastSeconds), smallest / 2)
        let needsMore = remaining < least && line.asksForMoreAt <= now
        let needsTime = line.expiresAt < now + renewBefore && line.asksForTimeAt <= now
        return hasLapsed || needsMore || needsTime
    }

    /// Requests of line items whose budgets changed; of an advertiser with a new wallet, those that lack something.
    private func planChanges(
        _ state: ServingState, _ table: LeaseTable, _ changes: BudgetChanges, now: Timestamp
    ) -> [LeaseRequest] {
        let lineItems = state.data.input.lineItems
        return lines.withLock { lines in
            var requests: [LeaseRequest] = []
            func add(_ lineItem: borrowing SnapshotInput.LineItem, place: Int, always: Bool) {
                guard let item = LeaseBook.Item(lineItem, place: place), item.mayServe(at: now) else { return }
                let number = lines.book.lineMade(of: item)
                if !always, lines.book.lines[number].leaseID != nil, !lines.book.lines[number].hasLapsed(at: now),
                    table.remaining(item.id, now: now).value >= item.smallest / 2
                {
                    return
                }
                _ = lines.book.lines[number].look(table, now: now)
                requests.append(Self.request(item.smallest, lines.book.lines[number], now: now))
            }
            for id in changes.lineItemIDs.sorted() {
                if let place = state.data.place(ofLineItem: id) { add(lineItems[place], place: place, always: true) }
            }
            if !changes.advertiserIDs.isEmpty {
                var first = 0
                lineItems.forEachPiece { piece in
                    for place in piece.indices
                    where changes.advertiserIDs.contains(piece[place].advertiserID)
                        && !changes.lineItemIDs.contains(piece[place].id)
                    {
                        add(piece[place], place: first + place, always: false)
                    }
                    first += piece.count
                }
            }
            return requests
        }
    }

    private static func request(_ smallest: Int64, _ line: LeaseBook.Line, now: Timestamp) -> LeaseRequest {
        // Nothing is held that the rest of the day cannot use: another node may.
        let left = line.dayEnds.map { Double(($0 - now).micros) / 1_000_000 } ?? wantedSeconds
        let wanted = max(Int64(line.pace * min(wantedSeconds, max(60, left))), smallest)
        return LeaseRequest(
            lineItemID: line.lineItemID, leaseID: line.leaseID, unused: Micros(line.kept + line.unreturned),
            wanted: Micros(wanted))
    }

    private func apply(_ grants: [LeaseGrant], _ table: LeaseTable, now: Timestamp) {
        lines.withLock { state in
            for grant in grants {
                let number = state.book.lineMade(of: grant.lineItemID)
                Self.apply(grant, &state.book.lines[number], &state.book.plans[number], table, now: now)
            }
        }
    }

    private static func apply(
        _ grant: LeaseGrant, _ line: inout LeaseBook.Line, _ plan: inout LeaseBook.DayPlan, _ table: LeaseTable,
        now: Timestamp
    ) {
        line.leaseID = grant.leaseID
        line.unreturned = 0
        line.dayEnds = grant.day.ends
        plan.budget = grant.dayBudget
        plan.committed = grant.dayCommitted.value
        if plan.day?.begins != grant.day.begins { plan.curveOf = 0 }
        plan.day = grant.day
        if grant.granted > .zero {
            // The table goes on from what it kept; promises made meanwhile come out of the new lease.
            let added = grant.granted - Micros(line.kept)
            table.grant(grant.lineItemID, added, expiresAt: grant.expiresAt)
            line.expiresAt = grant.expiresAt
            if added <= .zero { line.asksForMoreAt = now + retry }
            line.asksForTimeAt = grant.expiresAt < now + renewBefore ? grant.expiresAt : now
        } else {
            _ = table.revoke(grant.lineItemID, state: .budgetExhausted)
            line.expiresAt = now
            line.asksForMoreAt = now + retry
            line.asksForTimeAt = now + retry
        }
        plan.granted = grant.granted.value
        line.remaining = table.remaining(grant.lineItemID, now: now).value
    }

    /// Sets the share of opportunities that evenly paced line items take.
    private func pace(_ serving: ServingState, _ table: LeaseTable, now: Timestamp) {
        let offset = serving.data.storefronts.first?.zoneOffsetSeconds ?? 0
        lines.withLock { state in
            if let last = state.pacedAt, now - last < Self.pacingPeriod, now >= last { return }
            state.pacedAt = now
            for index in state.book.items.indices where state.book.items[index].isPaced {
                let item = state.book.items[index]
                guard let number = state.book.line(of: item), state.book.lines[number].leaseID != nil,
                    let budget = state.book.plans[number].budget, let day = state.book.plans[number].day
                else { continue }
                if state.book.plans[number].curveOf != state.trafficNumber {
                    state.book.plans[number].curve = state.traffic.curve(
                        of: state.book.source[Int(item.place)], placements: serving.data.input.placements,
                        firstHourOfWeek: Self.hourOfWeek(day.begins, offset))
                    state.book.plans[number].curveOf = state.trafficNumber
                }
                // What was promised of the lease since it was granted adds to what was committed before.
                let plan = state.book.plans[number]
                let promised = max(0, plan.granted - table.remaining(item.id, now: now).value)
                let share = state.book.plans[number].controller.next(
                    PacingController.Day(
                        budget: budget.value, committed: plan.committed + promised, from: day.hour(day.from),
                        to: day.hour(day.to), forecast: plan.curve), at: day.hour(now))
                table.setPassShare(item.id, max(share, UInt32.max / 1_000))
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
