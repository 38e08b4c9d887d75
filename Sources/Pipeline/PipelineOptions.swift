import AdModel

/// Sizes and times of a worker.
public struct PipelineOptions: Sendable {
    /// Most records of one transaction.
    public var batchRecords: Int
    /// Most bytes of records of one transaction; one record may be larger.
    public var batchBytes: Int
    /// Wait before looking again when the log has nothing new: a part of the time until an order's credits are there.
    public var idleWait: Duration
    /// First wait after a failure that may pass; doubles up to `longestRetryWait`.
    public var retryWait: Duration
    public var longestRetryWait: Duration
    /// How often an idle worker records that everything so far is shipped.
    public var heartbeat: Timestamp.Span
    /// An event gets its time of receipt before it is appended and becomes readable a little later; what was
    /// received within this span is not yet claimed to be shipped.
    public var settle: Timestamp.Span
    /// How long segments stay after they are shipped, so that a restored backup can be replayed.
    public var segmentRetention: Timestamp.Span

    public init(
        batchRecords: Int = 10_000, batchBytes: Int = 4 << 20, idleWait: Duration = .milliseconds(20),
        retryWait: Duration = .milliseconds(250), longestRetryWait: Duration = .seconds(10),
        heartbeat: Timestamp.Span = .seconds(5), settle: Timestamp.Span = .seconds(2),
        segmentRetention: Timestamp.Span = .days(7)
    ) {
        self.batchRecords = batchRecords
        self.batchBytes = batchBytes
        self.idleWait = idleWait
        self.retryWait = retryWait
        self.longestRetryWait = longestRetryWait
        self.heartbeat = heartbeat
        self.settle = settle
        self.segmentRetention = segmentRetention
    }
}
