import AdModel
import Measurement
import Postgres

/// A shopper's wish to be forgotten.
public struct ErasureRecord: Sendable, Equatable {
    public var id: Int64
    public var code: String
    public var requestedAt: Timestamp
    /// nil while rows that other nodes have yet to ship may still come.
    public var doneAt: Timestamp?
}

/// Forgets shoppers: nodes at once, the database as soon as everything that was said before is in it. A shopper becomes
/// one fresh random id everywhere, his links, profile and phrases go; ledgers and totals stay as they are.
public enum Erasures {
    /// Erasures done in one run of the job.
    static let batch: Int64 = 50
    /// Decisions rewritten at once.
    private static let decisionBatch: Int64 = 500

    private static func record(_ row: PostgresRow) throws -> ErasureRecord {
        ErasureRecord(
            id: try row.int64("id"), code: try row.string("code"),
            requestedAt: Timestamp(micros: try row.micros("requested_at")),
            doneAt: try row.microsIfPresent("done_at").map { Timestamp(micros: $0) })
    }

    /// Notes the wish: of a visitor with the customer that he is, or of a customer with all visitors that he is.
    /// Ids that nobody knows are noted too: the log may know them.
    public static func request(
        visitor: String?, customer: String?, keys: ShopperKeys, actor: String, now: Timestamp,
        on db: isolated PostgresConnection
    ) throws -> ErasureRecord {
        let rows = try db.query(
            """
            with latest as (
                select distinct on (visitor_id) visitor_id, customer_id from identity_link
                order by visitor_id, linked_at desc, customer_id collate "C" desc
            ), person as (
                select $2::text as customer_id where $2::text is not null
                union select customer_id from latest where visitor_id = $1
            )
            select 'visitor' as kind, $1::text as id where $1::text is not null
            union select 'visitor', l.visitor_id from latest l join person p on p.customer_id = l.customer_id
            union select 'customer', customer_id from person
            """, [.text(orNull: visitor), .text(orNull: customer)])
        var visitors: [String] = []
        var customers: [String] = []
        for row in rows {
            let id = try row.string("id")
            if try row.string("kind") == "visitor" { visitors.append(id) } else { customers.append(id) }
        }
        let hashes = visitors.map { keys.visitor($0) } + customers.map { keys.customer($0) }
        return try record(
            try db.query(
                """
                insert into erasure (code, shopper_keys, visitor_ids, customer_ids, requested_at, actor)
                values ($1, $2, $3, $4, $5, $6) returning *
                """,
                [
                    .text(Code.make("ers")), .int8Array(hashes.map { Int64(bitPattern: $0) }),
                    .textArray(visitors.sorted()), .textArray(customers.sorted()),
                    .timestamptz(micros: now.micros), .text(actor),
                ]
            ).single())
    }

    /// Throws `Refusal.notFound`.
    public static func find(_ code: String, on db: isolated PostgresConnection) throws -> ErasureRecord {
        guard let row = try db.query("select * from erasure where code = $1", [.text(code)]).first else {
            throw Refusal.notFound
        }
        return try record(row)
    }

    /// Re-keys the rows of those whose time has come: every node has shipped what it knew when they asked.
    /// - Returns: how many were done.
    @discardableResult
    public static func runDue(now: Timestamp, on db: isolated PostgresConnection) throws -> Int {
        let due = try db.query(
            """
            select id, visitor_ids, customer_ids from erasure
            where done_at is null and (shipped_through() > requested_at
                or not exists (select 1 from node where retired_at is null))
            order by id limit $1 for update skip locked
            """, [.int8(batch)])
        for row in due {
            try rekey(
                visitors: try row.stringArray("visitor_ids"), customers: try row.stringArray("customer_ids"),
                to: Code.make("gone"), on: db)
            try db.query(
                "update erasure set visitor_ids = '{}', customer_ids = '{}', done_at = $2 where id = $1",
                [.int8(try row.int64("id")), .timestamptz(micros: now.micros)])
        }
        return due.count
    }

    private static func rekey(
        visitors: [String], customers: [String], to fresh: String, on db: isolated PostgresConnection
    ) throws {
        let names: [PostgresValue] = [.text(fresh), .textArray(visitors)]
        let both = names + [.textArray(customers)]
        try db.query(
            """
            update signal set visitor_id = case when visitor_id is not null then $1 end, phrase = null,
                customer_id = case when customer_id = any($3) then null else customer_id end
            where visitor_id = any($2) or customer_id = any($3)
            """, both)
        // With the customer gone, order and touches meet under the fresh visitor, as they met before.
        try db.query(
            """
            update customer_order set visitor_id = $1,
                customer_id = case when customer_id = any($3) then null else customer_id end
            where visitor_id = any($2) or customer_id = any($3)
            """, both)
        try db.query("delete from identity_link where visitor_id = any($1) or customer_id = any($2)", Array(both[1...]))
        for table in ["ad_event", "touch", "ghost_ad"] {
            try db.query("update \(table) set visitor_id = $1 where visitor_id = any($2)", names)
        }
        try db.query(
            """
            with moved as (delete from holdout_shopper where visitor_id = any($2) returning *)
            insert into holdout_shopper (campaign_id, since, visitor_id, is_ghost, first_at, wins)
            select campaign_id, since, $1, is_ghost, min(first_at), sum(wins)::bigint from moved
            group by campaign_id, since, is_ghost
            """, names)
        let samples = visitors.map { Int64(bitPattern: RequestSample.hash($0)) }
        try db.query(
            "update request_sample set visitor = $1 where visitor = any($2)",
            [.int8(Int64(bitPattern: RequestSample.hash(fresh))), .int8Array(samples)])
        try rewriteDecisions(of: visitors, to: fresh, on: db)
    }

    /// The record of a decision names its shopper too.
    private static func rewriteDecisions(
        of visitors: [String], to fresh: String, on db: isolated PostgresConnection
    ) throws {
        while true {
            let rows = try db.query(
                "select decision_day, decision_id, body from decision where visitor_id = any($1) limit $2",
                [.textArray(visitors), .int8(decisionBatch)])
            for row in rows {
                let id = try row.uuid("decision_id")
                let bytes = try row.bytes("body")
                var body = bytes
                if case .decision(var decision) = try LogRecordCodec.decode(bytes) {
                    decision.visitorID = fresh
                    decision.detail?.phrase = nil
                    body = []
                    LogRecordCodec.encode(.decision(decision), into: &body)
                }
                try db.query(
                    """
                    update decision set visitor_id = $1, body = $2 where decision_id = $3
                        and decision_day = ($4::timestamptz at time zone 'UTC')::date
                    """,
                    [
                        .text(fresh), .bytea(body), .uuid(high: id.high, low: id.low),
                        .timestamptz(micros: Int64(bitPattern: id.high)),
                    ])
            }
            if rows.isEmpty { return }
        }
    }
}
