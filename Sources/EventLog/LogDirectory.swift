import AdModel

/// The segments of one log on disk.
struct LogDirectory {
    struct Segment: Equatable {
        var name: String
        var firstPosition: UInt64
    }

    let path: String
    let files: any LogFileLayer

    func path(of name: String) -> String { path + "/" + name }

    /// Finished segments in order of position.
    func segments() throws(LogFileError) -> [Segment] {
        try files.list(path)
            .compactMap { name in
                LogFormat.firstPosition(fileName: name).map { Segment(name: name, firstPosition: $0) }
            }
            .sorted { $0.firstPosition < $1.firstPosition }
    }

    /// The header of a segment; damaged headers and headers that contradict the name are `.corrupt`.
    func header(of segment: Segment) throws(EventLogError) -> LogFormat.Header {
        let bytes = try reading { () throws(LogFileError) in
            let file = try files.open(path(of: segment.name), .read)
            defer { file.close() }
            return try file.readFully(from: 0, count: LogFormat.headerSize)
        }
        guard let header = bytes.withUnsafeBytes({ LogFormat.decodeHeader($0) }) else {
            throw .corrupt(segment: segment.name, position: segment.firstPosition, reason: "header")
        }
        guard header.firstPosition == segment.firstPosition else {
            throw .corrupt(segment: segment.name, position: segment.firstPosition, reason: "renamed")
        }
        return header
    }

    /// Creates a segment so that it is there whole or not at all, whenever the power goes.
    func create(_ header: LogFormat.Header) throws(LogFileError) -> any LogFile {
        let name = LogFormat.fileName(header.firstPosition)
        let unfinished = path(of: String(name.dropLast(LogFormat.suffix.count)) + LogFormat.unfinishedSuffix)
        let file = try files.open(unfinished, .createNew)
        let bytes = LogFormat.encode(header)
        let written = bytes.withUnsafeBytes { raw in
            Result { () throws(LogFileError) in try file.writeFully(raw, at: 0) }
        }
        try written.get()
        try file.sync()
        try files.rename(unfinished, to: path(of: name))
        try files.syncDirectory(path)
        return file
    }

    /// Removes what a crash left of a segment that was being created.
    func removeUnfinished() throws(LogFileError) {
        for name in try files.list(path) where name.hasSuffix(LogFormat.unfinishedSuffix) {
            try files.remove(path(of: name))
        }
    }

    /// Removes segments that end at or before `position` and were last written before `time`, oldest first, and never
    /// the last one, which carries the identity of the log. Returns how many.
    func removeSegments(before position: UInt64, olderThan time: Timestamp) throws(LogFileError) -> Int {
        let segments = try segments()
        var removed = 0
        for (segment, next) in zip(segments, segments.dropFirst()) {
            guard next.firstPosition <= position else { break }
            let file = try files.open(path(of: segment.name), .read)
            defer { file.close() }
            guard try file.modifiedAt() < time else { break }
            try files.remove(path(of: segment.name))
            removed += 1
        }
        if removed > 0 { try files.syncDirectory(path) }
        return removed
    }

    /// Turns a failure of the file layer into the log's own error.
    func reading<R>(_ body: () throws(LogFileError) -> R) throws(EventLogError) -> R {
        do { return try body() } catch { throw .unreadable(error) }
    }
}
