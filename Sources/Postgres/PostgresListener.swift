import CLibPQ
import Foundation
import Glibc
import Synchronization

/// Listens for notifications on a connection of its own and comes back after every loss.
///
/// A notification sent while nobody listened is lost, so a consumer reloads what it watches at `.connected` and at
/// `.reconnected`. One thread waits for readiness; it ends with `stop()` or when the stream is dropped.
public final class PostgresListener: Sendable {
    /// What the stream says.
    public enum Event: Equatable, Sendable {
        /// LISTEN stands for the first time.
        case connected
        /// LISTEN stands again after the connection had been lost.
        case reconnected
        case notification(channel: String, payload: String)
    }

    /// Events kept for a slow consumer; older ones are dropped first.
    public static let bufferLimit = 1_024

    /// Ends when the listener is stopped. For one consumer.
    public let events: AsyncStream<Event>
    private let loop: ListenerLoop

    /// Starts to listen at once.
    /// - Parameter retryPause: first pause after a lost connection; it doubles up to ten seconds.
    public init(_ options: PostgresOptions, channels: [String], retryPause: Duration = .milliseconds(100)) {
        let (events, continuation) = AsyncStream.makeStream(
            of: Event.self, bufferingPolicy: .bufferingNewest(Self.bufferLimit))
        self.events = events
        let loop = ListenerLoop(options, channels, retryPause, continuation)
        self.loop = loop
        continuation.onTermination = { _ in loop.stop() }
        let thread = Thread { loop.run() }
        thread.name = "nimb.listener"
        thread.start()
    }

    /// Closes the connection and ends the stream.
    public func stop() { loop.stop() }

    deinit { loop.stop() }
}

/// The listening thread.
private final class ListenerLoop: Sendable {
    private let options: PostgresOptions
    private let channels: [String]
    private let retryPause: Duration
    private let continuation: AsyncStream<PostgresListener.Event>.Continuation
    private let stopping = Atomic(false)
    /// A pipe that wakes the thread; -1 when none could be had, the thread then looks every second.
    private let wake: (read: Int32, write: Int32)

    init(
        _ options: PostgresOptions, _ channels: [String], _ retryPause: Duration,
        _ continuation: AsyncStream<PostgresListener.Event>.Continuation
    ) {
        self.options = options
        self.channels = channels
        self.retryPause = retryPause
        self.continuation = continuation
        var ends: [Int32] = [-1, -1]
        _ = pipe(&ends)
        for end in ends where end >= 0 { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        wake = (ends[0], ends[1])
    }

    deinit {
        close(wake.read)
        close(wake.write)
    }

    func stop() {
        guard !stopping.exchange(true, ordering: .acquiringAndReleasing) else { return }
        var byte: UInt8 = 1
        _ = write(wake.write, &byte, 1)
    }

    private var isStopping: Bool { stopping.load(ordering: .acquiring) }

    func run() {
        var connectedBefore = false
        var pause = Int32(clamping: retryPause.milliseconds)
        while !isStopping {
            if let link = try? ServerLink(options), (try? listen(link)) != nil {
                continuation.yield(connectedBefore ? .reconnected : .connected)
                connectedBefore = true
                pause = Int32(clamping: retryPause.milliseconds)
                receive(link)
            }
            if isStopping { break }
            wait(nil, pause)
            pause = min(10_000, pause * 2)
        }
        continuation.finish()
    }

    private func listen(_ link: ServerLink) throws(PostgresError) {
        for channel in channels {
            let quoted = channel.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"")
            try link.execute("listen \"\(quoted)\"")
        }
    }

    /// Returns when the connection is lost or the listener is stopped.
    private func receive(_ link: ServerLink) {
        while !isStopping {
            while let notification = PQnotifies(link.pointer) {
                continuation.yield(
                    .notification(
                        channel: String(cString: notification.pointee.relname),
                        payload: String(cString: notification.pointee.extra)))
                PQfreemem(notification)
            }
            wait(PQsocket(link.pointer), wake.read >= 0 ? 30_000 : 1_000)
            guard PQconsumeInput(link.pointer) == 1, !link.isBroken else { return }
        }
    }

    /// Waits for the socket, for `stop` or for the time, whichever comes first.
    private func wait(_ socket: Int32?, _ milliseconds: Int32) {
        var descriptors = [pollfd(fd: wake.read, events: Int16(POLLIN), revents: 0)]
        if let socket { descriptors.append(pollfd(fd: socket, events: Int16(POLLIN), revents: 0)) }
        _ = poll(&descriptors, nfds_t(descriptors.count), milliseconds)
    }
}
