import Foundation
import Glibc
import Logging
import Synchronization

/// A PostgreSQL cluster of our own: no TCP port, a unix socket in a folder that only its account may enter. It ends
/// with this process, however this process ends. For `nimb dev` and tests; production uses a managed server.
public final class PrivateCluster: Sendable {
    /// What a power cut may cost.
    public enum Durability: Sendable {
        /// Nothing that was committed.
        case durable
        /// Everything: for tests, several times faster.
        case throwAway
    }

    /// Folder of the socket; part of `url`.
    public let socketFolder: String
    /// Process id of the server.
    public let serverProcess: Int32
    /// Where the server writes its log.
    public let logFile: String
    private let child: Child
    private let layout: ClusterLayout
    private let stopped = Mutex(false)

    private init(child: Child, layout: ClusterLayout) {
        self.child = child
        self.layout = layout
        serverProcess = child.pid
        socketFolder = layout.socket
        logFile = layout.log
    }

    /// Starts the cluster of `directory`, creating it when absent and recovering it after a crash.
    ///
    /// The folder gets `data`, `postgres.log` and, where the path is short enough, `socket`. When the server's
    /// account cannot reach the folder (a project below /root), the data live in /var/lib/nimb and `data` is a link.
    /// - Parameter settings: server settings beyond ours, for example `["listen_addresses": "127.0.0.1"]`.
    /// - Parameter patience: how long to wait for a server of a parent that has just died.
    public static func start(
        directory: URL, durability: Durability = .durable, maximumConnections: Int = 100,
        settings: [String: String] = [:], patience: Duration = .seconds(15),
        logger: Logger = Logger(label: "nimb.postgres")
    ) async throws -> PrivateCluster {
        let account = try ClusterAccount.current()
        let programs = try ClusterPrograms.find()
        let layout = try ClusterLayout(directory: directory, account: account)
        try await layout.awaitPreviousServer(patience)
        if !layout.isInitialized {
            logger.info("creating a private PostgreSQL cluster", metadata: ["folder": "\(layout.data)"])
            try initialize(programs, layout, account, durability)
        }
        let arguments = serverArguments(programs, layout, durability, maximumConnections, settings)
        layout.trimLog()
        let logStart = layout.logEnd()
        let child = Child(pid: try Spawner.spawn(account.wrapped(arguments), log: layout.log))
        try await awaitReadiness(child, layout, logStart)
        return PrivateCluster(child: child, layout: layout)
    }

    /// Connection string for a database of the cluster.
    ///
    /// - Parameter user: `postgres` is the superuser, whom no policy holds; name a plain role for everything but set-up.
    public func url(database: String = "postgres", user: String = "postgres") -> String {
        func escaped(_ text: String) -> String {
            text.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? text
        }
        return "postgresql:///\(escaped(database))?host=\(escaped(socketFolder))&user=\(escaped(user))"
    }

    /// Ends the server: open transactions are rolled back, everything committed is kept.
    public func stop() async {
        let first = stopped.withLock { stopped in
            defer { stopped = true }
            return !stopped
        }
        guard first else { return }
        for (signal, seconds) in [(SIGINT, 15.0), (SIGQUIT, 5.0), (SIGKILL, 5.0)] {
            kill(child.pid, signal)
            let deadline = Date(timeIntervalSinceNow: seconds)
            while Date() < deadline {
                if child.hasEnded() {
                    layout.removeOutsideSocket()
                    return
                }
                try? await Task.sleep(for: .milliseconds(10))
            }
        }
    }

    // MARK: Starting

    private static func initialize(
        _ programs: ClusterPrograms, _ layout: ClusterLayout, _ account: ClusterAccount, _ durability: Durability
    ) throws(PrivateClusterError) {
        // Made beside its place and renamed when complete: an interrupted attempt leaves no half cluster.
        let unfinished = layout.data + ".new"
        try? FileManager.default.removeItem(atPath: unfinished)
        try account.makePrivateFolder(unfinished)
        var command = [
            programs.initdb, "--pgdata", unfinished, "--username=postgres", "--auth=trust", "--encoding=UTF8",
            "--locale=C.UTF-8", "--no-instructions",
        ]
        if durability == .throwAway { command.append("--no-sync") } else { command.append("--data-checksums") }
        let logStart = layout.logEnd()
        let code = Child(pid: try Spawner.spawn(account.wrapped(command), log: layout.log)).exitCode()
        guard code == 0 else {
            throw PrivateClusterError(
                "cannot_initialize",
                "initdb failed with code \(code): \(layout.lastLogLine(since: logStart)); see \(layout.log)")
        }
        guard rename(unfinished, layout.data) == 0 else {
            throw PrivateClusterError("cannot_initialize", "cannot move the new cluster to \(layout.data)")
        }
    }

    private static func serverArguments(
        _ programs: ClusterPrograms, _ layout: ClusterLayout, _ durability: Durability, _ maximumConnections: Int,
        _ more: [String: String]
    ) -> [String] {
        var settings = [
            "listen_addresses=", "unix_socket_directories=\(layout.socket)", "unix_socket_permissions=0700",
            "max_connections=\(maximumConnections)", "log_min_messages=warning", "timezone=UTC", "log_timezone=UTC",
            "lc_messages=C", "shared_buffers=128MB", "max_wal_size=1GB", "log_checkpoints=off",
        ]
        if durability == .throwAway {
            settings += [
                "fsync=off", "synchronous_commit=off", "full_page_writes=off", "wal_level=minimal",
                "max_wal_senders=0",
            ]
        }
        settings += more.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        return [programs.postgres, "-D", layout.data] + settings.flatMap { ["-c", $0] }
    }

    private static func awaitReadiness(_ child: Child, _ layout: ClusterLayout, _ logStart: UInt64) async throws {
        // Recovery after a crash may take a while; the server says `ready` in its pid file.
        let deadline = Date(timeIntervalSinceNow: 120)
        while true {
            if layout.serverIsReady(child.pid) { return }
            if child.hasEnded() {
                throw PrivateClusterError(
                    "cannot_start",
                    "PostgreSQL did not start: \(layout.lastLogLine(since: logStart)); see \(layout.log)")
            }
            guard Date() < deadline else {
                kill(child.pid, SIGQUIT)
                throw PrivateClusterError(
                    "cannot_start", "PostgreSQL did not become ready in two minutes; see \(layout.log)",
                    isRetryable: true)
            }
            do { try await Task.sleep(for: .milliseconds(10)) } catch {
                kill(child.pid, SIGINT)
                throw error
            }
        }
    }
}

/// The programs of Debian's postgresql-15.
struct ClusterPrograms: Sendable {
    let initdb: String
    let postgres: String

    static func find() throws(PrivateClusterError) -> ClusterPrograms {
        let folder = "/usr/lib/postgresql/15/bin"
        let programs = ClusterPrograms(initdb: folder + "/initdb", postgres: folder + "/postgres")
        for path in [programs.initdb, programs.postgres]
        where !FileManager.default.isExecutableFile(atPath: path) {
            throw PrivateClusterError(
                "not_installed",
                "PostgreSQL 15 is not installed (\(path) is missing); install the package postgresql-15")
        }
        return programs
    }
}
