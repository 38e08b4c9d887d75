import Dispatch
import Foundation
import Glibc
import Synchronization

/// Runs one connection's work one job after the other, so that blocking libpq calls hold no thread of Swift's
/// cooperative pool: on a queue, or on a thread of its own where the work has to give way to others.
final class ConnectionExecutor: SerialExecutor {
    private let queue = DispatchQueue(label: "nimb.postgres.connection")
    private let polite: PoliteThread?

    init(niceness: Int32) { polite = niceness > 0 ? PoliteThread(niceness) : nil }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let work: @Sendable () -> Void = { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
        if let polite { polite.add(work) } else { queue.async(execute: work) }
    }

    func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }
}

/// A thread of a lower priority; it ends with the last reference.
private final class PoliteThread: Sendable {
    private final class Inbox: Sendable {
        let work = Mutex<[@Sendable () -> Void]>([])
        let ready = DispatchSemaphore(value: 0)
    }

    private let inbox = Inbox()

    init(_ niceness: Int32) {
        let thread = Thread { [inbox] in
            // On Linux a thread's own. A refusal leaves it as it is, which is only less polite.
            _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, niceness)
            while true {
                inbox.ready.wait()
                guard let next = inbox.work.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) else { return }
                next()
            }
        }
        thread.name = "nimb.postgres"
        thread.start()
    }

    func add(_ work: @escaping @Sendable () -> Void) {
        inbox.work.withLock { $0.append(work) }
        inbox.ready.signal()
    }

    /// Woken with nothing to do, the thread ends.
    deinit { inbox.ready.signal() }
}
