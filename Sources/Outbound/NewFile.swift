import Glibc

/// A file that did not exist before, readable by its owner only.
final class NewFile {
    private let path: String
    private var descriptor: Int32

    init(_ path: String) throws(OutboundError) {
        self.path = path
        descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw .file(String(cString: strerror(errno))) }
    }

    deinit {
        if descriptor >= 0 { Glibc.close(descriptor) }
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws(OutboundError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let written = Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
            if written < 0 {
                if errno == EINTR { continue }
                throw .file(String(cString: strerror(errno)))
            }
            rest = rest.dropFirst(written)
        }
    }

    func close() throws(OutboundError) {
        let result = Glibc.close(descriptor)
        descriptor = -1
        guard result == 0 else { throw .file(String(cString: strerror(errno))) }
    }

    /// Closes and removes it.
    func discard() {
        if descriptor >= 0 { Glibc.close(descriptor) }
        descriptor = -1
        unlink(path)
    }
}
