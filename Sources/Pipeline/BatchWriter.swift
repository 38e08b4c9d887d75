import AdModel
import Billing
import Measurement
import Postgres
import Store

/// What one batch became.
public struct BatchSummary: Equatable, Sendable {
    public var records = 0
    /// Ad events stored, each the first of its key.
    public var events = 0
    /// Deliveries of events, orders, adjustments and signals that were known already.
    public var duplicates = 0
    public var invalid = 0
    public var charges = ChargeSummary()
    public var orders = 0
    public var touches = 0
    public var credits = CreditSummary()

    public init() {}
}

/// Turns the records of a batch into rows, charges and credits, inside the caller's transaction.
///
/// The order of steps matters: links and touches before attribution, events before the charges that name them.
struct BatchWriter {
    let zone: AccountingZone
    let nodeID: Int16
    let now: Timestamp

    func write(_ batch: RecordBatch, on connection: isolated PostgresConnection) throws -> BatchSummary {
        var summary = BatchSummary()
        summary.records = batch.count
        var refusals = RefusalCounter()
        for it in batch.refused {
            refusals.add(
                day: zone.day(of: it.receivedAt), storefrontID: it.storefrontID, kind: it.kind, reason: it.reason)
        }
        try LedgerPartitions.ensure(LedgerPartitions.needed(by: batch), on: connection)
        try EventLedger.writeDecisions(batch.decisions, zone: zone, on: connection)
        try RequestSample.write(batch.decisions, on: connection)
        try HoldoutLedger.write(batch.decisions.map(\.record), on: connection)
        // Before this batch's own events: they find their decisions themselves.
        let named = try EventLedger.nameVisitors(by: batch.decisions, on: connection)

        let valid = try EventLedger.withVisitors(batch.events.filter { $0.invalid == nil }, on: connection)
        let invalid = batch.events.filter { $0.invalid != nil }
        let fresh = try EventLedger.writeValid(valid, nodeID: nodeID, on: connection)
        try countRepeats(valid, fresh, &refusals)
        try EventLedger.writeInvalid(invalid, on: connection)
        summary.events = fresh.count
        summary.invalid = invalid.count

        summary.charges = try ChargeLedger.charge(fresh, zone: zone, now: now, on: connection)
        try PerformanceRollup.add(fresh: fresh, invalid: invalid, zone: zone, on: connection)
        let touches = try TouchStore.write(named + fresh, on: connection)
        summary.touches = touches.count
        let arrivals = try OrderLedger.write(batch, zone: zone, refusals: &refusals, on: connection)
        summary.orders = arrivals.orders.count

        let triggers = CreditLedger.Triggers(
            orders: arrivals.orders,
            adjusted: arrivals.adjusted.filter { arrivals.orders.contains($0.key) }.merging(
                try knownAdjusted(arrivals, on: connection), uniquingKeysWith: { first, _ in first }),
            linked: try AffectedOrders.byLinks(of: arrivals.linkedVisitors, on: connection),
            touched: try AffectedOrders.byTouches(touches.map { ($0.visitorID, $0.at) }, on: connection))
        summary.credits = try CreditLedger.bringUpToDate(triggers, zone: zone, now: now, on: connection)
        for order in summary.credits.refused {
            refusals.add(
                day: zone.day(of: now), storefrontID: order.storefrontID, kind: "order", reason: "attribution_refused")
        }
        try refusals.write(on: connection)
        summary.duplicates = Int(refusals.total(reason: "duplicate"))
        return summary
    }

    /// Adjustments may come before their order; then there is nothing to decide yet.
    private func knownAdjusted(
        _ arrivals: OrderLedger.Arrivals, on connection: isolated PostgresConnection
    ) throws -> [OrderKey: String] {
        let known = try AffectedOrders.known(Set(arrivals.adjusted.keys), on: connection)
        return arrivals.adjusted.filter { known.contains($0.key) }
    }

    private func countRepeats(
        _ valid: [AdEventRecord], _ fresh: [AdEventRecord], _ refusals: inout RefusalCounter
    ) throws {
        guard valid.count > fresh.count else { return }
        var first = Set(fresh.map(AdEventKey.init))
        for event in valid where first.remove(AdEventKey(event)) == nil {
            refusals.add(
                day: zone.day(of: event.receivedAt), storefrontID: event.token.storefrontID, kind: event.kind.name,
                reason: "duplicate")
        }
    }
}
