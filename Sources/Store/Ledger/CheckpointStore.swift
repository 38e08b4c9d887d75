import AdModel
import Postgres

/// Identifies one log of one node.
public struct LogIdentity: Hashable, Sendable {
    public var nodeID: Int16
    /// UUID of the log, from its segment headers.
    public var high: UInt64
    public var low: UInt64

    public init(nodeID: Int16, high: UInt64, low: UInt64) {
        self.nodeID = nodeID
        self.high = high
        self.low = low
    }
}

/// Where shipping stands, and who may ship.
public enum CheckpointStore {
    /// First key of the advisory locks that workers hold, one per node.
    private static let nodeLockSpace: Int32 = 0x6E69_6D62
    /// Advisory lock under which ledgers are written. Attribution needs it: two batches that cannot see each
    /// other's rows would each miss the other's touch or order, and nobody would credit it later.
    private static let ledgerLock: Int64 = 0x6E69_6D62_0000_0001

    /// Takes the session lock of a node unless this session has it; false when another worker has it.
    public static func holdNode(_ nodeID: Int16, on connection: isolated PostgresConnection) throws -> Bool {
        let keys: [PostgresValue] = [.int4(nodeLockSpace), .int4(Int32(nodeID))]
        let held = try connection.query(
            """
            select exists (select 1 from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()
                and classid = ($1::int4)::int8::oid and objid = ($2::int4)::int8::oid and objsubid = 2 and granted) as held
            """, keys)[0].bool("held")
        if held { return true }
        return try connection.query("select pg_try_advisory_lock($1::int4, $2::int4) as got", keys)[0].bool("got")
    }

    /// Hands the session's node back before the connection closes: the server lets go of a closed session's locks only
    /// when it has noticed, and the next worker may be there sooner.
    public static func releaseNode(on connection: isolated PostgresConnection) throws {
        try connection.query("select pg_advisory_unlock_all()")
    }

    /// Waits for the right to write ledgers; it ends with the transaction.
    public static func lockLedgers(on connection: isolated PostgresConnection) throws {
        try connection.query("select pg_advisory_xact_lock($1::int8)", [.int8(ledgerLock)])
    }

    /// Makes sure the node has its row; one that ships is not retired.
    public static func register(nodeID: Int16, code: String, on connection: isolated PostgresConnection) throws {
        try connection.query(

            """
            insert into node (id, code) values ($1, $2)
            on conflict (id) do update set retired_at = null where node.retired_at is not null
            """, [.int2(nodeID), .text(code)])
    }

    /// Position up to which the log is shipped; nil when nothing of it was.
    public static func position(of log: LogIdentity, on connection: isolated PostgresConnection) throws -> Int64? {
        try connection.query(
            "select position from log_checkpoint where node_id = $1 and log_id = $2",
            [.int2(log.nodeID), .uuid(high: log.high, low: log.low)]
        ).first?.int64("position")
    }

    /// Moves the checkpoint of a log from where the caller believes it to be; false when it is elsewhere, and
    /// then nothing of the transaction may be kept.
    ///
    /// - Parameters:
    ///   - expected: nil when the log has no checkpoint yet.
    ///   - through: everything received before it is shipped; nil when the batch says nothing about that.
    public static func advance(
        _ log: LogIdentity, from expected: Int64?, to position: Int64, through: Timestamp?, now: Timestamp,
        on connection: isolated PostgresConnection
    ) throws -> Bool {
        let through = PostgresValue.timestamptz(micros: through?.micros ?? .min)
        let id: [PostgresValue] = [.int2(log.nodeID), .uuid(high: log.high, low: log.low)]
        let moved: Int
        if let expected {
            moved = try connection.query(
                """
                update log_checkpoint
                set position = $3, shipped_at = $4, shipped_through = greatest(shipped_through, $5)
                where node_id = $1 and log_id = $2 and position = $6
                """, id + [.int8(position), .timestamptz(micros: now.micros), through, .int8(expected)]
            ).affected
        } else {
            moved = try connection.query(
                """
                insert into log_checkpoint (node_id, log_id, position, shipped_at, shipped_through)
                values ($1, $2, $3, $4, $5) on conflict do nothing
                """, id + [.int8(position), .timestamptz(micros: now.micros), through]
            ).affected
        }
        return moved == 1
    }
}
