import Foundation
import Glibc

/// Where the parts of a cluster live.
struct ClusterLayout: Sendable {
    /// The kernel's limit for a socket path is 107 bytes; PostgreSQL adds this name to the folder.
    private static let socketName = "/.s.PGSQL.5432"
    private static let longestSocketPath = 107

    let data: String
    let socket: String
    let log: String
    private let socketIsOutside: Bool

    init(directory: URL, account: ClusterAccount) throws(PrivateClusterError) {
        let folder = directory.absoluteURL.standardizedFileURL.path
        let tag = Self.tag(folder)
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw PrivateClusterError(
                "cannot_create_folder", "cannot create the folder \(folder); check its owner and permissions")
        }
        // Our own file: the server only gets its descriptor.
        log = folder + "/postgres.log"
        if account.canReach(folder) {
            data = folder + "/data"
            if account.isOther { try Self.letThrough(folder, account) }
        } else {
            data = "/var/lib/nimb/\(tag)/data"
            try Self.prepareOutside("/var/lib/nimb/\(tag)", account)
            let link = try? FileManager.default.destinationOfSymbolicLink(atPath: folder + "/data")
            if link != data { Self.putAside(data) }
            try? FileManager.default.removeItem(atPath: folder + "/data")
            try? FileManager.default.createSymbolicLink(atPath: folder + "/data", withDestinationPath: data)
        }
        let inside = (data as NSString).deletingLastPathComponent + "/socket"
        socketIsOutside = (inside + Self.socketName).utf8.count > Self.longestSocketPath
        socket = socketIsOutside ? "/tmp/nimb-\(tag)" : inside
        try Self.makeSocketFolder(socket, account)
    }

    /// Short and stable name for a path (FNV-1a).
    private static func tag(_ path: String) -> String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in path.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        return String(hash, radix: 36)
    }

    /// The server's account must pass through the folder, and create `data` beside our log.
    private static func letThrough(_ folder: String, _ account: ClusterAccount) throws(PrivateClusterError) {
        var info = stat()
        guard stat(folder, &info) == 0, chmod(folder, info.st_mode | 0o111) == 0 else {
            throw PrivateClusterError("cannot_create_folder", "cannot set the permissions of \(folder)")
        }
    }

    private static func prepareOutside(_ folder: String, _ account: ClusterAccount) throws(PrivateClusterError) {
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw PrivateClusterError(
                "cannot_create_folder",
                "the database account cannot reach the project and \(folder) cannot be created; "
                    + "move the project out of a private folder such as /root")
        }
    }

    /// Who removes the folder wants a new cluster: data outside that no link points to are put aside, not reused.
    private static func putAside(_ data: String) {
        guard FileManager.default.fileExists(atPath: data) else { return }
        try? FileManager.default.removeItem(atPath: data + ".removed")
        try? FileManager.default.moveItem(atPath: data, toPath: data + ".removed")
    }

    /// In /tmp anybody may have made the folder before us: it must be a real folder and belong to the account.
    private static func makeSocketFolder(_ path: String, _ account: ClusterAccount) throws(PrivateClusterError) {
        var info = stat()
        if lstat(path, &info) == 0 {
            guard info.st_mode & S_IFMT == S_IFDIR, info.st_uid == account.uid else {
                throw PrivateClusterError(
                    "foreign_socket_folder", "\(path) exists and belongs to somebody else; remove it")
            }
        }
        try account.makePrivateFolder(path)
    }

    var isInitialized: Bool { FileManager.default.fileExists(atPath: data + "/PG_VERSION") }

    private var pidFile: String { data + "/postmaster.pid" }

    private func pidFileLines() -> [Substring] {
        guard let bytes = FileManager.default.contents(atPath: pidFile) else { return [] }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
    }

    func serverIsReady(_ pid: pid_t) -> Bool {
        let lines = pidFileLines()
        guard lines.count >= 8, lines[0] == "\(pid)" else { return false }
        return lines[7].hasPrefix("ready")
    }

    /// Waits for the processes of a server that is still shutting down after its parent died, then removes the lock
    /// files it may have left: their process number may belong to somebody else by now.
    func awaitPreviousServer(_ patience: Duration) async throws {
        // An orderly end removes the pid file last.
        guard FileManager.default.fileExists(atPath: pidFile) else { return }
        let clock = ContinuousClock()
        let deadline = clock.now + patience
        while let pid = serverProcess() {
            guard clock.now < deadline else {
                throw PrivateClusterError(
                    "already_running",
                    "process \(pid) already serves the database in \(data); stop the other nimb first")
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        for path in [pidFile, socket + Self.socketName, socket + Self.socketName + ".lock"] { unlink(path) }
    }

    /// A process whose working folder is ours, as that of every server process is. Processes of other accounts
    /// cannot be looked into, and cannot be our server.
    private func serverProcess() -> pid_t? {
        let folder = URL(fileURLWithPath: data).resolvingSymlinksInPath().path
        for name in (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? [] {
            guard let pid = pid_t(name), pid != getpid(),
                let current = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(name)/cwd")
            else { continue }
            if current == folder { return pid }
        }
        return nil
    }

    /// Keeps the log from growing for ever: at most the size below survives a start.
    func trimLog() {
        let limit = 4_194_304
        let attributes = try? FileManager.default.attributesOfItem(atPath: log)
        if let size = attributes?[.size] as? Int, size > limit { truncate(log, 0) }
    }

    /// Size of the log, to tell later what was written since.
    func logEnd() -> UInt64 {
        let attributes = try? FileManager.default.attributesOfItem(atPath: log)
        return (attributes?[.size] as? Int).map { UInt64($0) } ?? 0
    }

    /// The most telling line written since the log had the given size.
    func lastLogLine(since start: UInt64) -> String {
        guard let handle = FileHandle(forReadingAtPath: log) else { return "no log was written" }
        defer { try? handle.close() }
        try? handle.seek(toOffset: start)
        let text = String(decoding: (try? handle.read(upToCount: 65_536)) ?? Data(), as: UTF8.self)
        let lines = text.split(separator: "\n")
        let telling = lines.last { $0.contains("FATAL") || $0.contains("error") } ?? lines.last
        return telling.map(String.init) ?? "no log was written"
    }

    func removeOutsideSocket() {
        if socketIsOutside { rmdir(socket) }
    }
}
