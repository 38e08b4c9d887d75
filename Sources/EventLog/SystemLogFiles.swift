import AdModel
import Glibc
import Synchronization

/// The real file system.
public struct SystemLogFiles: LogFileLayer {
    public init() {}

    public func createDirectory(_ path: String) throws(LogFileError) {
        var prefix = path.hasPrefix("/") ? "/" : ""
        for part in path.split(separator: "/") {
            prefix += part
            if mkdir(prefix, 0o750) != 0, errno != EEXIST { throw failure("mkdir") }
            prefix += "/"
        }
    }

    public func list(_ directory: String) throws(LogFileError) -> [String] {
        guard let handle = opendir(directory) else { throw failure("opendir") }
        defer { closedir(handle) }
        var names: [String] = []
        while let entry = readdir(handle) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
                tuple.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    public func open(_ path: String, _ mode: LogFileMode) throws(LogFileError) -> any LogFile {
        let flags =
            switch mode {
            case .read: O_RDONLY
            case .readWrite: O_RDWR
            case .createNew: O_RDWR | O_CREAT | O_EXCL
            }
        let descriptor = Glibc.open(path, flags | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { throw failure("open") }
        return SystemLogFile(descriptor)
    }

    public func rename(_ path: String, to newPath: String) throws(LogFileError) {
        guard Glibc.rename(path, newPath) == 0 else { throw failure("rename") }
    }

    public func remove(_ path: String) throws(LogFileError) {
        guard unlink(path) == 0 else { throw failure("unlink") }
    }

    public func syncDirectory(_ path: String) throws(LogFileError) {
        let descriptor = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("open") }
        defer { Glibc.close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure("fsync") }
    }

    public func lock(_ path: String) throws(LogFileError) -> (any LogFile)? {
        let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { throw failure("open") }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let error = failure("flock")
            Glibc.close(descriptor)
            if error.errno == EWOULDBLOCK { return nil }
            throw error
        }
        return SystemLogFile(descriptor)
    }
}

/// A descriptor that is closed once.
private final class SystemLogFile: LogFile {
    private let descriptor: Int32
    private let isOpen = Atomic<Bool>(true)

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    deinit { close() }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(LogFileError) -> Int {
        while true {
            let written = pwrite(descriptor, bytes.baseAddress, bytes.count, off_t(offset))
            if written >= 0 { return written }
            if errno != EINTR { throw failure("write") }
        }
    }

    func read(into bytes: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(LogFileError) -> Int {
        while true {
            let count = pread(descriptor, bytes.baseAddress, bytes.count, off_t(offset))
            if count >= 0 { return count }
            if errno != EINTR { throw failure("read") }
        }
    }

    func sync() throws(LogFileError) {
        // Never tried again, not even after EINTR: a second fdatasync can succeed over pages that were dropped.
        guard fdatasync(descriptor) == 0 else { throw failure("fdatasync") }
    }

    func truncate(to size: UInt64) throws(LogFileError) {
        guard ftruncate(descriptor, off_t(size)) == 0 else { throw failure("ftruncate") }
    }

    func size() throws(LogFileError) -> UInt64 { UInt64(try status().st_size) }

    func modifiedAt() throws(LogFileError) -> Timestamp {
        let time = try status().st_mtim
        return Timestamp(micros: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000)
    }

    func close() {
        if isOpen.exchange(false, ordering: .acquiringAndReleasing) { Glibc.close(descriptor) }
    }

    private func status() throws(LogFileError) -> stat {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw failure("fstat") }
        return status
    }
}

private func failure(_ operation: String) -> LogFileError { LogFileError(operation: operation, errno: errno) }
