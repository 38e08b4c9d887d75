import Glibc

/// A file in memory, read only, for as long as the value lives.
final class MappedFile: Sendable {
    // Never written, and unmapped only when nobody holds the value.
    nonisolated(unsafe) let bytes: UnsafeRawBufferPointer

    init(_ path: String) throws {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw Refusal("cannot read \(path): \(String(cString: strerror(errno)))") }
        defer { close(file) }
        var info = stat()
        guard fstat(file, &info) == 0, info.st_size > 0,
            let memory = mmap(nil, Int(info.st_size), PROT_READ, MAP_PRIVATE | MAP_POPULATE, file, 0),
            memory != MAP_FAILED
        else { throw Refusal("cannot map \(path): \(String(cString: strerror(errno)))") }
        bytes = UnsafeRawBufferPointer(start: memory, count: Int(info.st_size))
    }

    deinit { munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count) }
}

/// Bytes of a `MappedFile` that outlives this value.
struct BorrowedBytes: Sendable {
    // The memory is never written.
    nonisolated(unsafe) let bytes: UnsafeRawBufferPointer

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }
}
