import AdModel
import EventLog
import Testing

@Suite struct RecoveryTests {
    /// A closed log of several segments.
    private func written(_ records: Int, segmentBytes: UInt64 = 600) async throws -> UnreliableFiles {
        let files = UnreliableFiles()
        var limits = EventLogLimits()
        limits.segmentBytes = segmentBytes
        let log = try EventLog(directory: "log", nodeID: 1, files: files, limits: limits)
        for i in 0..<records { try await log.appendDurably(numbered(i)) }
        log.close()
        return files
    }

    @Test func damageToDurableBytesIsRefusedWhereverItIs() async throws {
        let pristine = try await written(30, segmentBytes: 1 << 20)
        let name = try #require(pristine.segments.last)
        let content = pristine.content(name)
        // The last marker vouches for everything before it; itself it may be torn.
        for offset in stride(from: 0, to: content.count - 24, by: 7) {
            let files = UnreliableFiles()
            files.setContent(name, content)
            files.damage(name, at: offset)
            #expect(throws: EventLogError.self, "offset \(offset)") {
                try EventLog(directory: "log", nodeID: 1, files: files)
            }
            #expect(files.content(name).count == content.count, "refusing changed the file")
        }
    }

    @Test func aReaderRefusesDamageToo() async throws {
        let files = try await written(30, segmentBytes: 1 << 20)
        let name = try #require(files.segments.last)
        files.damage(name, at: 64 + 24 + 10 * 48)
        let reader = try EventLogReader(directory: "log", files: files)
        do {
            let records = try readAll(reader)
            Issue.record("read \(records.count) records over damage")
        } catch let error as EventLogError {
            guard case .corrupt(_, let position, let reason) = error else {
                Issue.record("\(error)")
                return
            }
            #expect(reason == "checksum" && position > 0)
            #expect("\(error)".contains("restore it from a backup"))
        }
    }

    @Test func aTornTailIsCutAndTheLogGoesOn() async throws {
        let pristine = try await written(10, segmentBytes: 1 << 20)
        let name = try #require(pristine.segments.last)
        let content = pristine.content(name)
        let tails: [[UInt8]] = [
            [1], [0, 0, 0, 0, 0, 0, 0, 0], [40, 0, 0, 0, 1, 2, 3, 4, 5], [UInt8](repeating: 0, count: 5_000),
            [UInt8](repeating: 0xFF, count: 300), [UInt8](repeating: 0x20, count: 40),
        ]
        for tail in tails {
            let files = UnreliableFiles()
            files.setContent(name, content + tail)
            let log = try EventLog(directory: "log", nodeID: 1, files: files)
            #expect(log.recoveredCutBytes == UInt64(tail.count))
            try await log.appendDurably(numbered(10))
            log.close()
            let numbers = try readAll(EventLogReader(directory: "log", files: files)).compactMap(number(of:))
            #expect(numbers == Array(0...10))
        }
    }

    @Test func aMissingSegmentIsRefused() async throws {
        let files = try await written(60)
        #expect(files.segments.count > 3)
        files.forget(files.segments[1])
        #expect(throws: EventLogError.self) { try EventLog(directory: "log", nodeID: 1, files: files) }
    }

    @Test func aShortenedOlderSegmentIsRefused() async throws {
        let files = try await written(60)
        let name = files.segments[1]
        files.setContent(name, Array(files.content(name).dropLast(10)))
        #expect(throws: EventLogError.self) { try EventLog(directory: "log", nodeID: 1, files: files) }
        let reader = try EventLogReader(directory: "log", files: files)
        #expect(throws: EventLogError.self) { try readAll(reader) }
    }

    @Test func whatACrashLeftOfANewSegmentIsRemoved() async throws {
        let files = try await written(5)
        files.setContent("log/00000000000000009999.log.new", [1, 2, 3])
        let log = try EventLog(directory: "log", nodeID: 1, files: files)
        log.close()
        #expect(try files.list("log").filter { $0.hasSuffix(".new") }.isEmpty)
    }

    @Test func anotherNodesLogIsRefused() async throws {
        let files = try await written(5)
        #expect(throws: EventLogError.foreignNode(expected: 2, found: 1)) {
            try EventLog(directory: "log", nodeID: 2, files: files)
        }
        // And the refusal leaves the directory free.
        try EventLog(directory: "log", nodeID: 1, files: files).close()
    }

    @Test func twoWritersAreRefused() throws {
        let directory = try TemporaryDirectory()
        let log = try EventLog(directory: directory.path, nodeID: 1)
        #expect(throws: EventLogError.locked(directory: directory.path)) {
            try EventLog(directory: directory.path, nodeID: 1)
        }
        log.close()
        try EventLog(directory: directory.path, nodeID: 1).close()
    }

    @Test func positionsOutsideTheLogAreNamed() async throws {
        let files = try await written(60)
        let reader = try EventLogReader(directory: "log", files: files)
        let end = try reader.read(from: 0).next
        #expect(try reader.read(from: end) == LogRead(records: [], next: end))
        do {
            _ = try reader.read(from: end + 10_000)
            Issue.record("read from after the end")
        } catch {
            #expect(error.code == "event_log_position_beyond_end")
        }
        // A position inside a record is no boundary.
        #expect(throws: EventLogError.self) { try reader.read(from: 25) }
        let removed = try reader.removeSegments(before: end, olderThan: Timestamp(micros: 2_000))
        #expect(removed > 0)
        let first = try reader.firstPosition()
        #expect(throws: EventLogError.positionRemoved(requested: 0, first: first)) { try reader.read(from: 0) }
        #expect(try reader.read(from: first).next == end)
    }

    @Test func onlyOldShippedSegmentsAreRemovedAndNeverTheLast() async throws {
        let files = try await written(60)
        let before = files.segments
        let reader = try EventLogReader(directory: "log", files: files)
        let all = try reader.read(from: 0)
        // The layer says that every file was changed at 1,000 us.
        #expect(try reader.removeSegments(before: all.next, olderThan: Timestamp(micros: 1_000)) == 0)
        let third = try #require(UInt64(before[2].dropFirst(4).prefix(20)))
        #expect(try reader.removeSegments(before: third, olderThan: Timestamp(micros: 1_001)) == 2)
        #expect(files.segments == Array(before.dropFirst(2)))
        #expect(try reader.removeSegments(before: .max, olderThan: Timestamp(micros: 1_001)) == before.count - 3)
        #expect(files.segments == [try #require(before.last)])
        let log = try EventLog(directory: "log", nodeID: 1, files: files)
        #expect(log.logID == reader.logID)
        log.close()
    }

    @Test func noLogIsSaid() throws {
        let directory = try TemporaryDirectory()
        #expect(throws: EventLogError.noLog(directory: directory.path)) {
            try EventLogReader(directory: directory.path)
        }
        #expect(throws: EventLogError.noLog(directory: directory.path + "/x")) {
            try EventLogReader(directory: directory.path + "/x")
        }
    }

    @Test func checksumsAreCRC32C() {
        // RFC 3720, B.4.
        func crc(_ bytes: [UInt8]) -> UInt32 { bytes.withUnsafeBytes { CRC32C.checksum($0) } }
        #expect(crc([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
        #expect(crc([UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
        #expect(crc((0..<32).map { UInt8($0) }) == 0x46DD_794E)
        #expect(crc(Array("123456789".utf8)) == 0xE306_9283)
        let text = Array("split anywhere and chained".utf8)
        for cut in 0...text.count {
            let first = text[..<cut].withUnsafeBytes { CRC32C.checksum($0) }
            #expect(text[cut...].withUnsafeBytes { CRC32C.checksum($0, seed: first) } == crc(text))
            #expect(text[cut...].withUnsafeBytes { CRC32C.checksumByTable($0, seed: first) } == crc(text))
        }
    }
}
