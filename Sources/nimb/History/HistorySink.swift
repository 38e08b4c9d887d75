import DeliveryAPI
import Dispatch
import EventLog

/// Passes everything on to the log and tells when the edge has taken something: from then on its time stands, whatever
/// the clock does while the disk is still being waited for.
final class HistorySink: EventSink {
    private let log: EventLog
    private let taken = DispatchSemaphore(value: 0)

    init(_ log: EventLog) { self.log = log }

    func append(_ record: UnsafeRawBufferPointer) throws { try log.append(record, onDurable: nil) }

    func append(
        _ batch: borrowing EventBatch, acknowledge onDurable: @escaping @Sendable (Result<Void, EventLogError>) -> Void
    ) throws(EventLogError) {
        defer { taken.signal() }
        try log.append(batch, onDurable: onDurable)
    }

    /// Waits until one more batch was taken; false after a millisecond.
    func waitForOne() -> Bool { taken.wait(timeout: .now() + .milliseconds(1)) == .success }

    /// Forgets one batch that was taken while its answer was waited for anyway; false when there is none.
    func takeOne() -> Bool { taken.wait(timeout: .now()) == .success }
}
