import Foundation
import Glibc
import Synchronization

/// One thread that lives as long as this process does, to start children from.
///
/// The kernel sends the parent-death signal when the *thread* that spawned the child ends, so a thread of a pool
/// would end the child at a random moment.
public final class LongLivedThread: Sendable {
    public static let shared = LongLivedThread()

    private let jobs = Mutex<[@Sendable () -> Void]>([])
    private let ready = DispatchSemaphore(value: 0)

    private init() {
        let thread = Thread { [self] in
            while true {
                ready.wait()
                let job = jobs.withLock { $0.isEmpty ? nil : $0.removeFirst() }
                job?()
            }
        }
        thread.name = "nimb.spawner"
        thread.start()
    }

    /// Runs a short `body` on the thread and waits for it.
    public func run(_ body: @escaping @Sendable () -> Void) {
        let done = DispatchSemaphore(value: 0)
        jobs.withLock { jobs in
            jobs.append {
                body()
                done.signal()
            }
        }
        ready.signal()
        done.wait()
    }
}

/// Starts the cluster's programs.
enum Spawner {
    /// Starts `arguments[0]` with standard output and error appended to the file `log`. Returns the process id.
    ///
    /// The child gets a process group of its own, so that Ctrl-C in a terminal reaches only us and we end the
    /// child in order; it inherits no blocked signals.
    static func spawn(_ arguments: [String], log: String) throws(PrivateClusterError) -> pid_t {
        let answer = Mutex<Result<pid_t, PrivateClusterError>?>(nil)
        LongLivedThread.shared.run {
            let result = Result { () throws(PrivateClusterError) in try start(arguments, log: log) }
            answer.withLock { $0 = result }
        }
        guard let result = answer.withLock({ $0 }) else {
            throw PrivateClusterError("cannot_start", "cannot start \(arguments[0])")
        }
        return try result.get()
    }

    private static func start(_ arguments: [String], log: String) throws(PrivateClusterError) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        var none = sigset_t()
        var all = sigset_t()
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setpgroup(&attributes, 0)
        let flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP
        posix_spawnattr_setflags(&attributes, Int16(flags))

        // PG* variables of the user's shell would change what the server and initdb do.
        let environment = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "TZ=UTC"]
        var argv: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        var envp: [UnsafeMutablePointer<CChar>?] = environment.map { strdup($0) } + [nil]
        defer { for pointer in argv + envp { free(pointer) } }
        var pid: pid_t = 0
        let status = posix_spawnp(&pid, arguments[0], &actions, &attributes, &argv, &envp)
        guard status == 0 else {
            throw PrivateClusterError(
                "cannot_start", "cannot start \(arguments[0]): \(String(cString: strerror(status)))")
        }
        return pid
    }
}

/// A child of this process.
struct Child: Sendable {
    let pid: pid_t

    /// True when the child has ended; it is reaped then.
    func hasEnded() -> Bool {
        var status: Int32 = 0
        let answer = waitpid(pid, &status, WNOHANG)
        return answer == pid || (answer == -1 && errno == ECHILD)
    }

    /// The exit code of a short-lived child; blocks until it ends.
    func exitCode() -> Int32 {
        var status: Int32 = 0
        while waitpid(pid, &status, 0) == -1 {
            guard errno == EINTR else { return -1 }
        }
        return status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + (status & 0x7F)
    }
}
