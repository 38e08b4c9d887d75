import Foundation
import Glibc
import Store
import Synchronization

/// How a message leaves.
public protocol MailTransport: Sendable {
    /// Returns when the message is accepted; throws `MailError` when it is not.
    func send(_ mail: QueuedMail) async throws
}

/// Why an attempt failed; `reason` names neither the receiver nor the message.
public struct MailError: Error, Equatable, Sendable {
    /// Stable words for metrics: `cannot_start`, `exit_status`, `timeout`.
    public var code: String
    public var reason: String
    public var isRetryable: Bool { true }

    public init(code: String, reason: String) {
        self.code = code
        self.reason = reason
    }
}

/// Hands each message to a program on its standard input, for example `sendmail -t -i`. The program is started
/// directly: no shell reads its arguments, and nothing of the message is among them.
public struct MailCommand: MailTransport {
    /// Program (absolute path) and arguments.
    public let arguments: [String]
    /// The address in `From`.
    public let sender: String
    /// Longest run of the program.
    public let timeout: Duration
    /// What the program gets between the polite signal and the other one.
    static let grace = Duration.seconds(2)

    /// Nil when the program is not an absolute path.
    public init?(arguments: [String], sender: String, timeout: Duration = .seconds(30)) {
        guard let program = arguments.first, program.hasPrefix("/") else { return nil }
        self.arguments = arguments
        self.sender = sender
        self.timeout = timeout
    }

    public func send(_ mail: QueuedMail) async throws {
        let message = Array(MailText.render(mail, from: sender).utf8)
        // Memory under a name that is gone at once: a program that does not read cannot block us, and nothing of the
        // message reaches a disk.
        let name = "/nimb-mail-\(UInt64.random(in: .min ... .max))"
        let descriptor = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0o600)
        guard descriptor >= 0 else { throw MailError(code: "cannot_start", reason: "no memory for the message") }
        shm_unlink(name)
        let input = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        try input.write(contentsOf: message)
        try input.seek(toOffset: 0)

        let process = Process()
        process.executableURL = URL(fileURLWithPath: arguments[0])
        process.arguments = Array(arguments.dropFirst())
        process.environment = ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"]
        process.standardInput = input
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        let (ends, ended) = AsyncStream.makeStream(of: Int32.self)
        process.terminationHandler = { process in
            ended.yield(process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus)
            ended.finish()
        }
        do { try process.run() } catch {
            throw MailError(code: "cannot_start", reason: "the mail command cannot be started")
        }
        let running = RunningProgram(process.processIdentifier)
        let status = await Self.wait(for: ends, running, limit: timeout)
        guard let status else {
            throw MailError(code: "timeout", reason: "the mail command took longer than \(timeout)")
        }
        guard status == 0 else {
            throw MailError(
                code: "exit_status",
                reason: status > 0
                    ? "the mail command ended with status \(status)" : "the mail command was ended by signal \(-status)"
            )
        }
    }

    /// The exit status; nil when the program had to be ended.
    private static func wait(
        for ends: AsyncStream<Int32>, _ program: RunningProgram, limit: Duration
    ) async -> Int32? {
        await withTaskGroup(of: Int32?.self) { group in
            group.addTask {
                var status: Int32?
                for await end in ends { status = end }
                program.hasEnded()
                return status
            }
            group.addTask {
                try? await Task.sleep(for: limit)
                // Cancelled or not, a program that still runs is ended; one that has ended is not there to be.
                guard program.send(SIGTERM) else { return nil }
                for _ in 0..<20 where program.isRunning {
                    await Task.detached { try? await Task.sleep(for: grace / 20) }.value
                }
                _ = program.send(SIGKILL)
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            await group.waitForAll()
            return first
        }
    }
}

/// A started program. Signals go only to one that has not been seen to end.
private final class RunningProgram: Sendable {
    private let pid: pid_t
    private let ended = Mutex(false)

    init(_ pid: pid_t) { self.pid = pid }

    var isRunning: Bool { ended.withLock { !$0 } }
    func hasEnded() { ended.withLock { $0 = true } }

    /// False when there is nobody to send it to.
    func send(_ signal: Int32) -> Bool {
        ended.withLock { ended in
            guard !ended else { return false }
            return kill(pid, signal) == 0
        }
    }
}

/// Shows messages instead of sending them: for development, where the reader is at the console.
public struct MailPrinter: MailTransport {
    private let show: @Sendable (String) -> Void

    public init(_ show: @escaping @Sendable (String) -> Void) { self.show = show }

    public func send(_ mail: QueuedMail) async throws {
        show("--- mail to \(mail.to): \(mail.subject)\n\(mail.body)\n---")
    }
}
