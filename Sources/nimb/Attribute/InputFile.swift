import Attribution
import Glibc

/// A regular file that a run reads, named in its messages by the path that was given.
struct InputFile: Sendable {
    let path: String
    let size: Int
    private let device: UInt
    private let inode: UInt

    init(_ path: String) throws {
        var info = stat()
        guard stat(path, &info) == 0 else { throw Refusal("cannot read \(path): \(String(cString: strerror(errno)))") }
        guard info.st_mode & S_IFMT == S_IFREG else { throw Refusal("\(path) is not a regular file") }
        self.path = path
        size = Int(info.st_size)
        device = UInt(info.st_dev)
        inode = UInt(info.st_ino)
    }

    /// True when the path leads to this very file.
    func isSame(as other: String) -> Bool {
        var info = stat()
        return stat(other, &info) == 0 && UInt(info.st_dev) == device && UInt(info.st_ino) == inode
    }

    func open() throws -> Int32 {
        let file = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw Refusal("cannot read \(path): \(String(cString: strerror(errno)))") }
        return file
    }

    /// The whole file.
    func bytes() throws -> CSVBytes {
        let file = try open()
        defer { close(file) }
        return try CSVBytes(size: size) { try InputFile.read(file, $0, path) }
    }

    /// Fills the buffer as far as the file goes.
    static func read(_ file: Int32, _ buffer: UnsafeMutableRawBufferPointer, _ path: String) throws -> Int {
        var done = 0
        while done < buffer.count {
            let count = Glibc.read(file, buffer.baseAddress.map { $0 + done }, buffer.count - done)
            if count == 0 { break }
            if count < 0 {
                if errno == EINTR { continue }
                throw Refusal("cannot read \(path): \(String(cString: strerror(errno)))")
            }
            done += count
        }
        return done
    }

    /// The line, from 1, that a byte offset lies on.
    func lineNumber(at offset: Int) -> Int {
        guard let file = try? open() else { return 0 }
        defer { close(file) }
        var line = 1
        var left = offset
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        while left > 0 {
            let count = buffer.withUnsafeMutableBytes { Glibc.read(file, $0.baseAddress, min($0.count, left)) }
            if count <= 0 { break }
            line += buffer[0..<count].count { $0 == 0x0A }
            left -= count
        }
        return line
    }
}
