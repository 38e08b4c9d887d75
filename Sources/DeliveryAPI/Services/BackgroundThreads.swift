import Dispatch
import Foundation
import Glibc
import Synchronization

/// Threads for what keeps serving up to date, of a lower priority than those that answer requests: on a core that both
/// share, whoever waits for an answer goes first.
final class BackgroundThreads: TaskExecutor {
    /// Two, so that stock is looked at while a snapshot is built.
    static let shared = BackgroundThreads(count: 2)
    /// A quarter of a core that is wanted by both, so that changes arrive under full load too; all of one that is not.
    static let niceness: Int32 = 5

    private let jobs = Mutex<[UnownedJob]>([])
    private let ready = DispatchSemaphore(value: 0)

    private init(count: Int) {
        for _ in 0..<count {
            let thread = Thread { self.work() }
            thread.name = "nimb.background"
            thread.stackSize = 4 << 20
            thread.start()
        }
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        jobs.withLock { $0.append(job) }
        ready.signal()
    }

    private func work() {
        // On Linux a thread's own. A refusal leaves it as it is, which is only less polite.
        _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, Self.niceness)
        while true {
            ready.wait()
            let job = jobs.withLock { $0.removeFirst() }
            job.runSynchronously(on: asUnownedTaskExecutor())
        }
    }
}
