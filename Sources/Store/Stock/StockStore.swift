import AdModel
import Postgres

/// Stock and prices per location.
public struct StockStore: Sendable {
    /// Largest price, micro-units: a billion.
    public static let priceLimit: Int64 = 1_000_000_000_000_000

    private let pool: PostgresPool

    public init(pool: PostgresPool) { self.pool = pool }

    /// Stores a batch in one transaction. A row is taken only when its version is higher than the stored one; of
    /// several deltas of one SKU the highest version wins, the later on a tie. Concurrent batches queue up behind the
    /// stock version, so the outcome is that of some order of whole batches.
    /// Throws `StockError` for a batch that is refused as a whole, `PostgresError` when the database is away.
    public func applyDeltas(_ deltas: [StockDelta], location: String, asOf: Timestamp) async throws -> StockResult {
        guard deltas.count <= Limits.stockBatch else { throw StockError.tooMany(deltas.count) }
        for (index, delta) in deltas.enumerated() {
            if let problem = delta.problem {
                throw StockError.invalid(index: index, field: problem.field, reason: problem.reason)
            }
        }
        let (kept, superseded) = StockStore.latest(deltas)
        return try await pool.transaction { db in
            guard let row = try db.query("select id from stock_location where code = $1", [.text(location)]).first
            else { throw StockError.unknownLocation(location) }
            let location = try row.int32("id")
            var outcomes = [StockOutcome](repeating: .unknownSKU, count: deltas.count)
            for index in superseded { outcomes[index] = .superseded }
            guard !kept.isEmpty else { return StockResult(outcomes: outcomes, changeNumber: nil) }
            // Taken first: whoever holds the version writes alone, and a reader that has seen number n has seen
            // everything up to n. It is given back when nothing changes.
            let stored = try db.savepointIfChanged { number in
                try StockStore.write(
                    kept.map { deltas[$0] }, location: location, asOf: asOf, changeNumber: number, on: db)
            }
            for (position, index) in kept.enumerated() { outcomes[index] = stored.outcomes[position] }
            return StockResult(outcomes: outcomes, changeNumber: stored.changeNumber)
        }
    }

    /// Indexes of the winning delta per SKU, in the order of the batch, and of those that lost to it.
    static func latest(_ deltas: [StockDelta]) -> (kept: [Int], superseded: [Int]) {
        var winner: [String: Int] = Dictionary(minimumCapacity: deltas.count)
        var superseded: [Int] = []
        for (index, delta) in deltas.enumerated() {
            if let other = winner[delta.sku] {
                if delta.version >= deltas[other].version {
                    superseded.append(other)
                    winner[delta.sku] = index
                } else {
                    superseded.append(index)
                }
            } else {
                winner[delta.sku] = index
            }
        }
        return (winner.values.sorted(), superseded)
    }
}

extension PostgresConnection {
    /// Runs `body` under the next stock version; when nothing was applied, the number is given back unused, so that
    /// a batch of retries wakes nobody.
    fileprivate func savepointIfChanged(
        _ body: (Int64) throws -> [StockOutcome]
    ) throws -> (outcomes: [StockOutcome], changeNumber: Int64?) {
        var outcomes: [StockOutcome] = []
        do {
            let number = try savepoint {
                let number = try query("select bump_control_version('stock') as v").single().int64("v")
                outcomes = try body(number)
                if !outcomes.contains(.applied) { throw NothingApplied() }
                return number
            }
            return (outcomes, number)
        } catch is NothingApplied {
            return (outcomes, nil)
        }
    }
}

private struct NothingApplied: Error {}

extension StockStore {
    /// One statement for the whole batch: the arrays are unnested beside the catalogue, so the cost does not grow
    /// with round trips.
    fileprivate static func write(
        _ deltas: [StockDelta], location: Int32, asOf: Timestamp, changeNumber: Int64,
        on db: isolated PostgresConnection
    ) throws -> [StockOutcome] {
        let rows = try db.query(
            """
            with input as (
                select * from unnest($1::text[], $2::int4[], $3::int8[], $4::int8[], $5::int8[])
                    with ordinality as t (sku, quantity, price, old_price, version, position)
            ), known as (
                select i.*, p.id as product_id from input i join product p on p.sku = i.sku
            ), written as (
                insert into stock (location_id, product_id, quantity, price_micros, old_price_micros, version, as_of,
                    change_number)
                select $6, product_id, quantity, price, nullif(old_price, -1), version, $7, $8 from known
                on conflict (location_id, product_id) do update set
                    quantity = excluded.quantity, price_micros = excluded.price_micros,
                    old_price_micros = excluded.old_price_micros, version = excluded.version, as_of = excluded.as_of,
                    change_number = excluded.change_number
                where stock.version < excluded.version
                returning product_id
            )
            select k.position, exists (select 1 from written w where w.product_id = k.product_id) as applied from known k
            """,
            [
                .textArray(deltas.map(\.sku)), .int4Array(deltas.map(\.quantity)),
                .int8Array(deltas.map(\.priceMicros)), .int8Array(deltas.map { $0.oldPriceMicros ?? -1 }),
                .int8Array(deltas.map(\.version)), .int4(location), .timestamptz(micros: asOf.micros),
                .int8(changeNumber),
            ])
        var outcomes = [StockOutcome](repeating: .unknownSKU, count: deltas.count)
        for row in rows { outcomes[try row.int("position") - 1] = try row.bool("applied") ? .applied : .stale }
        return outcomes
    }
}
