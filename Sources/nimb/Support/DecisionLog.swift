import AdModel
import EventLog
import Measurement
import Postgres

/// Looks decisions up in a node's own log, for those that are not in the tables yet.
enum DecisionLog {
    /// Records read at once, and at most altogether behind the shipped ones: who asks a busy node waits a moment.
    private static let batch = 4_096
    private static let recentLimit = 200_000

    /// Walks a log from a position on.
    /// - Parameters:
    ///   - position: nil = from its beginning.
    ///   - limit: records looked at.
    static func find(
        _ id: DecisionID, in directory: String, from position: UInt64? = nil, limit: Int = .max
    ) throws -> DecisionRecord? {
        let reader = try EventLogReader(directory: directory)
        var position = try position ?? reader.firstPosition()
        var seen = 0
        while seen < limit {
            let read = try reader.read(from: position, maximumRecords: batch, maximumBytes: 8 << 20)
            for entry in read.records {
                guard entry.bytes.withUnsafeBytes({ LogRecordCodec.kind(of: $0) }) == .decision,
                    case .decision(let record) = try LogRecordCodec.decode(entry.bytes), record.id == id
                else { continue }
                return record
            }
            if read.records.isEmpty || read.next == position { break }
            seen += read.records.count
            position = read.next
        }
        return nil
    }

    /// A decision of this node that is not shipped yet; nil when the log does not have it.
    static func recent(_ id: DecisionID, node: NodeOptions, pool: PostgresPool) async throws -> DecisionRecord? {
        guard id.low >> 48 == UInt64(UInt16(bitPattern: node.node)) else { return nil }
        let nodeID = node.node
        let shipped = try await pool.withConnection { db in
            try db.query(
                "select max(position) as position from log_checkpoint where node_id = $1", [.int2(nodeID)]
            ).single().int64IfPresent("position")
        }
        // A position of another log of the node leads nowhere, and then there is nothing to tell.
        return try? find(
            id, in: node.logDirectory, from: shipped.map { UInt64(bitPattern: $0) }, limit: recentLimit)
    }
}
