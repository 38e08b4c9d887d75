import Foundation
import Glibc
import PrivatePostgres
import Synchronization

/// A program under test. It is killed when the test process ends, however that ends.
public final class ChildProcess: Sendable {
    private struct State {
        var lines: [String] = []
        var exitCode: Int32?
        /// All that was written has been read.
        var drained = false
    }

    /// Process id of the program itself.
    public let pid: Int32
    private let state: Shared

    /// Reference for the threads that outlive `init`.
    private final class Shared: Sendable {
        let mutex = Mutex(State())
    }

    /// Starts the program. `environment` replaces ours when given.
    public init(
        _ executable: URL, _ arguments: [String] = [], environment: [String: String]? = nil,
        workingDirectory: URL? = nil
    ) throws {
        let shared = Shared()
        state = shared
        let outcome = Mutex<Result<Int32, any Error>?>(nil)
        LongLivedThread.shared.run {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/setpriv")
            process.arguments = ["--pdeathsig", "KILL", "--", executable.path] + arguments
            if let environment { process.environment = environment }
            if let workingDirectory { process.currentDirectoryURL = workingDirectory }
            let pipe = Pipe()
            process.standardInput = FileHandle.nullDevice
            process.standardOutput = pipe
            process.standardError = pipe
            process.terminationHandler = { process in
                let code = process.terminationStatus
                let signalled = process.terminationReason == .uncaughtSignal
                shared.mutex.withLock { $0.exitCode = signalled ? 128 + code : code }
            }
            do {
                try process.run()
                let pid = process.processIdentifier
                outcome.withLock { $0 = .success(pid) }
            } catch {
                outcome.withLock { $0 = .failure(error) }
                return
            }
            let reader = pipe.fileHandleForReading
            Thread.detachNewThread { Self.collect(reader, shared) }
        }
        guard let outcome = outcome.withLock({ $0 }) else {
            throw DeadlineError(description: "cannot start \(executable.path)")
        }
        pid = try outcome.get()
    }

    /// Starts the `nimb` that was built beside this test bundle.
    public static func nimb(
        _ arguments: [String], environment: [String: String]? = nil, workingDirectory: URL? = nil
    ) throws -> ChildProcess {
        try ChildProcess(
            Repository.products.appendingPathComponent("nimb"), arguments, environment: environment,
            workingDirectory: workingDirectory)
    }

    private static func collect(_ reader: FileHandle, _ shared: Shared) {
        var rest: [UInt8] = []
        while true {
            let data = reader.availableData
            guard !data.isEmpty else { break }
            rest.append(contentsOf: data)
            while let end = rest.firstIndex(of: 0x0A) {
                let line = String(decoding: rest[..<end], as: UTF8.self)
                rest.removeSubrange(...end)
                shared.mutex.withLock { $0.lines.append(line) }
            }
        }
        if !rest.isEmpty {
            let line = String(decoding: rest, as: UTF8.self)
            shared.mutex.withLock { $0.lines.append(line) }
        }
        shared.mutex.withLock { $0.drained = true }
    }

    /// Lines of standard output and standard error so far.
    public var output: [String] { state.mutex.withLock { $0.lines } }
    /// 128 + signal when a signal ended the program; nil while it runs.
    public var exitCode: Int32? { state.mutex.withLock { $0.exitCode } }
    public var isRunning: Bool { exitCode == nil }

    /// The first line that matches, also of those already written.
    public func line(
        within limit: Duration = .seconds(20), _ matches: @Sendable (String) -> Bool
    ) async throws -> String {
        do {
            return try await eventualValue(within: limit, "the line") {
                if let line = output.first(where: matches) { return line }
                if let code = exitCode { throw DeadlineError(description: "the program ended with code \(code)") }
                return nil
            }
        } catch let error as DeadlineError {
            throw DeadlineError(description: "\(error); its output was:\n\(output.suffix(40).joined(separator: "\n"))")
        }
    }

    /// Waits for the end of the program and of its output, and returns its exit code.
    public func exit(within limit: Duration = .seconds(20)) async throws -> Int32 {
        let code = try await eventualValue(within: limit, "the end of process \(pid)") { exitCode }
        // A busy machine may tell of the end before the last lines are read; a program that it left behind may hold
        // the pipe open for good, so this has an end too.
        _ = try? await eventualValue(within: .seconds(2), "its output") {
            state.mutex.withLock { $0.drained } ? true : nil
        }
        return code
    }

    /// Sends a signal, `SIGKILL` included. Does nothing once the program has ended.
    public func send(_ signal: Int32) {
        if isRunning { kill(pid, signal) }
    }

    /// Ends the program in order, by force after `limit`, and returns its exit code.
    @discardableResult
    public func stop(within limit: Duration = .seconds(15)) async throws -> Int32 {
        send(SIGTERM)
        do { return try await exit(within: limit) } catch is DeadlineError {
            send(SIGKILL)
            return try await exit(within: .seconds(5))
        }
    }
}
