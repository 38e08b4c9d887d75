import Foundation
import Glibc

/// The system account that the server runs as: ourselves, or `postgres` when we are root, whom PostgreSQL refuses.
struct ClusterAccount: Sendable {
    let uid: uid_t
    let gid: gid_t
    let isOther: Bool

    static func current() throws(PrivateClusterError) -> ClusterAccount {
        guard geteuid() == 0 else { return ClusterAccount(uid: geteuid(), gid: getegid(), isOther: false) }
        guard let entry = getpwnam("postgres") else {
            throw PrivateClusterError(
                "no_account",
                "there is no system account 'postgres' to run the database as; install the package postgresql-15")
        }
        return ClusterAccount(uid: entry.pointee.pw_uid, gid: entry.pointee.pw_gid, isOther: true)
    }

    /// `command` as this account; it ends by `SIGINT` (a fast shutdown) when this process does, `kill -9` included.
    func wrapped(_ command: [String]) -> [String] {
        let account = isOther ? ["--reuid=\(uid)", "--regid=\(gid)", "--clear-groups"] : []
        // The current folder may be one that the account cannot enter, hence `env --chdir`.
        return ["env", "--chdir=/", "setpriv", "--pdeathsig", "INT"] + account + ["--"] + command
    }

    /// Creates the folder with all above it and makes it private to the account.
    func makePrivateFolder(_ path: String) throws(PrivateClusterError) {
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw PrivateClusterError(
                "cannot_create_folder", "cannot create the folder \(path); check its owner and permissions")
        }
        guard chmod(path, 0o700) == 0, !isOther || chown(path, uid, gid) == 0 else {
            throw PrivateClusterError(
                "cannot_create_folder", "cannot make the folder \(path) private; check its owner and permissions")
        }
    }

    /// True when the account may pass through every folder above `path` (a project below /root fails this).
    func canReach(_ path: String) -> Bool {
        guard isOther else { return true }
        var folder = URL(fileURLWithPath: path).resolvingSymlinksInPath()
        while folder.path != "/" {
            folder.deleteLastPathComponent()
            var info = stat()
            guard stat(folder.path, &info) == 0 else { continue }
            let bit: mode_t = info.st_uid == uid ? 0o100 : info.st_gid == gid ? 0o010 : 0o001
            guard info.st_mode & bit != 0 else { return false }
        }
        return true
    }
}
