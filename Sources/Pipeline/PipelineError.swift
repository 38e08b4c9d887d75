import EventLog
import Postgres

/// Why shipping stopped or must wait.
public enum PipelineError: Error, Equatable, Sendable {
    /// Another worker ships this node's log; it goes on alone.
    case nodeBusy(node: Int16)
    /// The checkpoint is not where this worker left it: another one has shipped meanwhile. Nothing was written.
    case checkpointMoved(expected: Int64)
    /// The checkpoint names a place that the log does not hold.
    case checkpointOutsideLog(position: Int64, reason: String)
    /// A record that this binary cannot read. It is not skipped: everything after it would be counted as shipped.
    case unreadableRecord(endingAt: Int64, reason: String)
    /// The data base refuses the batch, and would again.
    case batchRefused(from: Int64, through: Int64, reason: String)
    /// The retailer, and with it the accounting zone, is not set up.
    case noRetailer
    /// `retailer.accounting_zone` names no zone of the time zone data base.
    case unknownZone(String)

    /// Stable snake_case word.
    public var code: String {
        switch self {
        case .nodeBusy: "node_busy"
        case .checkpointMoved: "checkpoint_moved"
        case .checkpointOutsideLog: "checkpoint_outside_log"
        case .unreadableRecord: "unreadable_record"
        case .batchRefused: "batch_refused"
        case .noRetailer: "no_retailer"
        case .unknownZone: "unknown_zone"
        }
    }

    /// True when the same batch may go through later without anybody doing anything.
    public var isRetryable: Bool {
        switch self {
        case .nodeBusy, .checkpointMoved, .noRetailer: true
        default: false
        }
    }
}

extension PipelineError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .nodeBusy(let node):
            "another worker ships the log of node \(node); this one waits until it ends"
        case .checkpointMoved(let expected):
            "the checkpoint is no longer at \(expected): another worker has shipped meanwhile; nothing was written"
        case .checkpointOutsideLog(let position, let reason):
            "the checkpoint \(position) lies outside the log (\(reason)); restore the log's segments beside the "
                + "data base, or declare the log lost and delete its row of log_checkpoint, then start the worker again"
        case .unreadableRecord(let end, let reason):
            "the record that ends at \(end) cannot be read (\(reason)); run the worker of the version that wrote it, "
                + "nothing was skipped"
        case .batchRefused(let from, let through, let reason):
            "the data base refuses the records from \(from) to \(through): \(reason); mend the cause and start the "
                + "worker again, nothing was skipped"
        case .noRetailer: "there is no retailer yet; run nimb seed"
        case .unknownZone(let name): "the retailer's accounting zone \(name) is unknown; correct it"
        }
    }
}
