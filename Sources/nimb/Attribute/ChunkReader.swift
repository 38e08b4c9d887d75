import Attribution
import Glibc
import Synchronization

/// Hands out a file in chunks of whole rows to any number of threads.
final class ChunkReader: Sendable {
    /// Bytes of a chunk, and with it the longest row.
    static let chunkSize = 1 << 20

    private struct State {
        var file: Int32
        /// Where `rest` lies in the file.
        var offset: Int
        /// The beginning of the row that the last chunk cut off.
        var rest: [UInt8] = []
        var isAtEnd = false
    }

    private let path: String
    private let state: Mutex<State>
    /// Bytes handed out so far.
    private let progress: Atomic<Int>

    /// - Parameter start: offset of the first row.
    init(_ file: InputFile, from start: Int) throws {
        path = file.path
        let descriptor = try file.open()
        lseek(descriptor, start, SEEK_SET)
        state = Mutex(State(file: descriptor, offset: start))
        progress = Atomic(start)
    }

    deinit { state.withLock { _ = close($0.file) } }

    var position: Int { progress.load(ordering: .relaxed) }

    /// The next chunk; nil at the end.
    /// - Parameter buffer: `chunkSize` bytes and `CSVBytes.padding` after them.
    func next(_ buffer: UnsafeMutableRawBufferPointer) throws -> (count: Int, offset: Int)? {
        try state.withLock { state in
            if state.isAtEnd, state.rest.isEmpty { return nil }
            let offset = state.offset
            let kept = state.rest.count
            buffer.copyBytes(from: state.rest)
            let room = UnsafeMutableRawBufferPointer(rebasing: buffer[kept..<ChunkReader.chunkSize])
            var count = kept + (try InputFile.read(state.file, room, path))
            state.isAtEnd = count < ChunkReader.chunkSize
            if count == 0 { return nil }
            var rows: Int
            if state.isAtEnd {
                // The last row may lack its line end; there is room for it in the padding.
                if buffer[count - 1] != 0x0A {
                    buffer[count] = 0x0A
                    count += 1
                }
                rows = count
            } else {
                rows = RowBoundary.last(in: UnsafeRawBufferPointer(rebasing: buffer[0..<count]))
                guard rows > 0 else {
                    throw AttributionError(
                        code: "invalid_file", message: "a row is longer than \(ChunkReader.chunkSize) bytes",
                        table: .touches, position: offset)
                }
            }
            state.rest = Array(buffer[rows..<count])
            state.offset = offset + rows
            progress.store(state.offset, ordering: .relaxed)
            return (rows, offset)
        }
    }
}

/// Memory for one chunk at a time.
struct ChunkBuffer: ~Copyable {
    let memory: UnsafeMutableRawBufferPointer

    init() {
        let size = ChunkReader.chunkSize + CSVBytes.padding
        memory = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 64)
        memory.initializeMemory(as: UInt8.self, repeating: 0)
    }

    deinit { memory.deallocate() }
}
