import Glibc

/// A condition the person at the keyboard can change: one sentence that says what is wrong and what to do.
struct Refusal: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}

/// Checks made before anything is started.
enum Preflight {
    /// Refuses when something already listens on the port.
    static func requireFree(port: Int, option: String) throws {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(socket) }
        var on: Int32 = 1
        setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(clamping: port).bigEndian
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else {
            if errno == EACCES { throw Refusal("port \(port) needs root; choose one above 1023 with \(option).") }
            throw Refusal("port \(port) is in use; stop what listens there or choose another with \(option).")
        }
    }

    /// Refuses when the file system of `path` has less than `gigabytes` free.
    static func requireDisk(at path: String, gigabytes: UInt64) throws {
        var info = statvfs()
        guard statvfs(path, &info) == 0 else { throw Refusal("cannot look at the disk below \(path).") }
        let free = UInt64(info.f_bavail) * UInt64(info.f_frsize)
        guard free >= gigabytes << 30 else {
            throw Refusal(
                "only \(free >> 30) GB are free below \(path) and Nimb needs \(gigabytes) GB; free some space.")
        }
    }
}
