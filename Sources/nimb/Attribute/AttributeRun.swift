import Attribution
import Glibc
import Synchronization

/// One run of `nimb attribute`: files in, one file out.
struct AttributeRun: Sendable {
    let files: [AttributionTable: InputFile]
    let policy: AttributionPolicy
    let threads: Int
    /// Where notes and progress go; nil = nowhere.
    let say: (@Sendable (String) -> Void)?

    /// Reads everything and returns the output.
    /// - Throws: `AttributionError` with byte offsets, or `Refusal`.
    func outcome() async throws -> (AttributionJob.Outcome, AttributionJob) {
        guard let touches = files[.touches] else { throw Refusal("give --touches") }
        let job = try loadJob()
        let layout = try touchLayout(touches)
        let reader = try ChunkReader(touches, from: layout.length)
        let meter = Meter(size: touches.size, say: say)
        var scanners: [TouchScanner] = []
        try await withThrowingTaskGroup(of: TouchScanner.self) { group in
            for _ in 0..<threads {
                group.addTask {
                    var scanner = job.scanner(layout)
                    let buffer = ChunkBuffer()
                    while let chunk = try reader.next(buffer.memory) {
                        try job.consume(buffer.memory, count: chunk.count, offset: chunk.offset, with: &scanner)
                        meter.update(reader.position)
                    }
                    return scanner
                }
            }
            for try await scanner in group { scanners.append(scanner) }
        }
        if !TouchScanner.idsAscend(scanners) { try checkRepeated(touches, layout) }
        return (try job.finish(scanners), job)
    }

    private func loadJob() throws -> AttributionJob {
        guard let lines = files[.lines], let products = files[.products] else {
            throw Refusal("give --lines and --products")
        }
        return try AttributionJob(
            AttributionJob.Files(
                lines: try lines.bytes(), products: try products.bytes(), campaigns: try files[.campaigns]?.bytes(),
                brands: try files[.brands]?.bytes(), grants: try files[.grants]?.bytes(),
                links: try files[.links]?.bytes(), adjustments: try files[.adjustments]?.bytes(),
                rivals: try files[.rivals]?.bytes()), policy: policy)
    }

    private func touchLayout(_ touches: InputFile) throws -> CSVLayout {
        let file = try touches.open()
        defer { close(file) }
        var head = [UInt8](repeating: 0, count: CSVLayout.headerLimit)
        let count = try head.withUnsafeMutableBytes { try InputFile.read(file, $0, touches.path) }
        return try CSVLayout(.touches, prefix: head[0..<count])
    }

    /// Ids do not ascend through the file, so that repeated ones must be looked for.
    private func checkRepeated(_ touches: InputFile, _ layout: CSVLayout) throws {
        var repeated = RepeatedTouches(layout)
        let buffer = ChunkBuffer()
        let first = try ChunkReader(touches, from: layout.length)
        while let chunk = try first.next(buffer.memory) {
            try repeated.note(buffer.memory, count: chunk.count, offset: chunk.offset)
        }
        guard repeated.needsSecondPass() else { return }
        let second = try ChunkReader(touches, from: layout.length)
        while let chunk = try second.next(buffer.memory) {
            try repeated.check(buffer.memory, count: chunk.count, offset: chunk.offset)
        }
    }

    /// The message of an engine error with file and line.
    func describe(_ error: AttributionError) -> String {
        guard let table = error.table, let file = files[table] else { return error.message }
        guard let position = error.position else { return "\(file.path): \(error.message)" }
        var text = "\(file.path):\(file.lineNumber(at: position)): \(error.message)"
        if let other = error.otherPosition, let otherFile = files[error.otherTable ?? table] {
            text += " (the other one is \(otherFile.path):\(otherFile.lineNumber(at: other)))"
        }
        return text
    }

    /// Says at most once a second how far the touches are.
    private final class Meter: Sendable {
        private let size: Int
        private let say: (@Sendable (String) -> Void)?
        private let start = ContinuousClock.now
        private let said = Mutex(0)

        init(size: Int, say: (@Sendable (String) -> Void)?) {
            self.size = size
            self.say = say
        }

        func update(_ position: Int) {
            guard let say else { return }
            let elapsed = start.duration(to: .now)
            let second = Int(elapsed.components.seconds)
            guard second > 0 else { return }
            let isNew = said.withLock { said in
                if second <= said { return false }
                said = second
                return true
            }
            guard isNew, position > 0 else { return }
            let left = Double(size - position) / Double(position) * elapsed.inSeconds
            let rate = Int(Double(position) / elapsed.inSeconds / 1_000_000)
            say("touches: \(position * 100 / max(size, 1)) %, \(rate) MB/s, about \(Int(left.rounded(.up))) s left")
        }
    }
}

extension Duration {
    fileprivate var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}

/// A file that appears whole or not at all.
enum OutputFile {
    static func write(_ bytes: [UInt8], to path: String) throws {
        let temporary = "\(path).\(getpid()).part"
        let file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw Refusal("cannot write \(path): \(String(cString: strerror(errno)))") }
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { Glibc.write(file, $0.baseAddress.map { $0 + done }, $0.count - done) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                let why = String(cString: strerror(errno))
                close(file)
                unlink(temporary)
                throw Refusal("cannot write \(path): \(why)")
            }
            done += count
        }
        guard close(file) == 0, rename(temporary, path) == 0 else {
            let why = String(cString: strerror(errno))
            unlink(temporary)
            throw Refusal("cannot write \(path): \(why)")
        }
    }
}
