import EventLog

/// Where the edge puts what happened. The seam behind which a replicated log may stand one day.
public protocol EventSink: Sendable {
    /// Adds a record that nobody waits for. Throws `EventLogError`.
    func append(_ record: UnsafeRawBufferPointer) throws
    /// Adds records, all or none; `onDurable` is called once, from any thread, when they are safe.
    func append(
        _ batch: borrowing LogBatch, acknowledge onDurable: @escaping @Sendable (Result<Void, EventLogError>) -> Void
    ) throws(EventLogError)
}

extension EventLog: EventSink {
    public func append(_ record: UnsafeRawBufferPointer) throws { try append(record, onDurable: nil) }

    public func append(
        _ batch: borrowing LogBatch, acknowledge onDurable: @escaping @Sendable (Result<Void, EventLogError>) -> Void
    ) throws(EventLogError) {
        try append(batch, onDurable: onDurable)
    }
}

/// The log's batch under a name of its own: `Store` has a `LogBatch` too, and a type named like its module cannot
/// be used to tell them apart.
public typealias EventBatch = LogBatch
