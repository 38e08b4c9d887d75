import AdModel
import EventLog
import Synchronization
import Testing

@Suite struct EventLogTests {
    @Test func whatIsAppendedIsReadBackInOrder() async throws {
        let directory = try TemporaryDirectory()
        var limits = EventLogLimits()
        limits.segmentBytes = 4_000
        let log = try EventLog(directory: directory.path, nodeID: 7, limits: limits)
        let records = (0..<500).map { numbered($0, size: 8 + $0 % 90) }
        for (i, record) in records.enumerated() {
            if i % 10 == 9 { try await log.appendDurably(record) } else { try log.append(record) }
        }
        log.close()
        #expect(try directory.segments.count > 3)
        let reader = try EventLogReader(directory: directory.path)
        #expect(reader.logID == log.logID)
        #expect(reader.nodeID == 7)
        #expect(try readAll(reader) == records)
        #expect(try readAll(reader, maximumRecords: 1) == records)
        #expect(try readAll(reader, maximumBytes: 1) == records)
        #expect(log.statistics.records == 500)
    }

    @Test func aReaderGoesOnFromAnyEnd() async throws {
        let directory = try TemporaryDirectory()
        let log = try EventLog(directory: directory.path, nodeID: 1)
        for i in 0..<50 { try await log.appendDurably(numbered(i)) }
        log.close()
        let reader = try EventLogReader(directory: directory.path)
        let all = try reader.read(from: 0)
        #expect(all.records.count == 50)
        for (i, entry) in all.records.enumerated() {
            #expect(try readAll(reader, from: entry.end).compactMap(number(of:)) == Array((i + 1)..<50))
        }
    }

    @Test func theLogGoesOnWhereItEnded() async throws {
        let directory = try TemporaryDirectory()
        var ids: Set<LogID> = []
        for life in 0..<4 {
            let log = try EventLog(directory: directory.path, nodeID: 1)
            ids.insert(log.logID)
            #expect(log.recoveredCutBytes == 0)
            for i in 0..<10 { try await log.appendDurably(numbered(life * 10 + i)) }
            log.close()
        }
        #expect(ids.count == 1)
        let reader = try EventLogReader(directory: directory.path)
        #expect(try readAll(reader).compactMap(number(of:)) == Array(0..<40))
        let other = try TemporaryDirectory()
        #expect(try EventLog(directory: other.path, nodeID: 1).logID != ids.first)
    }

    @Test func manyProducersAreAllAcknowledgedAndKeepTheirOrder() async throws {
        let directory = try TemporaryDirectory()
        var limits = EventLogLimits()
        limits.segmentBytes = 50_000
        let log = try EventLog(directory: directory.path, nodeID: 1, limits: limits)
        let producers = 16
        let each = 200
        try await withThrowingTaskGroup(of: Void.self) { group in
            for producer in 0..<producers {
                group.addTask {
                    for i in 0..<each { try await log.appendDurably(numbered(producer * 10_000 + i, size: 60)) }
                }
            }
            try await group.waitForAll()
        }
        log.close()
        let numbers = try readAll(EventLogReader(directory: directory.path)).compactMap(number(of:))
        #expect(numbers.count == producers * each)
        for producer in 0..<producers {
            #expect(numbers.filter { $0 / 10_000 == producer } == (0..<each).map { producer * 10_000 + $0 })
        }
        #expect(log.statistics.syncs <= UInt64(producers * each))
    }

    @Test func recordsWithoutAWaiterBecomeDurableSoon() async throws {
        let directory = try TemporaryDirectory()
        let log = try EventLog(directory: directory.path, nodeID: 1)
        let before = log.durableEnd
        try log.append(numbered(1))
        try await eventually("the lazy record is durable") { log.durableEnd > before }
        let reader = try EventLogReader(directory: directory.path)
        try await eventually("a reader sees it") { try readAll(reader).count == 1 }
        log.close()
    }

    @Test func aReaderSeesOnlyWhatIsDurable() async throws {
        let files = UnreliableFiles()
        let log = try EventLog(directory: "log", nodeID: 1, files: files)
        try await log.appendDurably(numbered(0))
        let reader = try EventLogReader(directory: "log", files: files)
        try await eventually("the first record is visible") { try readAll(reader).count == 1 }
        files.holdSyncs()
        let outcomes = Outcomes()
        try log.append(numbered(1), onDurable: outcomes.callback(1))
        try await eventually("the second record waits for its sync") { files.heldSyncs == 1 }
        // Its bytes are in the file, and yet it is nobody's business.
        let content = files.segments.map { files.content($0) }.reduce([], +)
        #expect(content.contains(numbered(1)))
        #expect(try readAll(reader).count == 1)
        #expect(outcomes.good.isEmpty)
        files.releaseSyncs()
        try await eventually("the second record is visible") { try readAll(reader).count == 2 }
        #expect(outcomes.good == [1])
        log.close()
    }

    @Test func aFullBufferRefusesAndTakesAgainLater() async throws {
        let files = UnreliableFiles()
        var limits = EventLogLimits()
        limits.bufferBytes = 1_000
        limits.bufferRecords = 10
        limits.recordBytes = 900
        let log = try EventLog(directory: "log", nodeID: 1, files: files, limits: limits)
        files.holdSyncs()
        let outcomes = Outcomes()
        try log.append(numbered(0), onDurable: outcomes.callback(0))
        try await eventually("the first record is on its way") { files.heldSyncs == 1 }
        // By count.
        for i in 1...10 { try log.append(numbered(i), onDurable: outcomes.callback(i)) }
        #expect(throws: EventLogError.full) { try log.append(numbered(11)) }
        #expect(EventLogError.full.isRetryable)
        #expect(log.statistics.refusedFull == 1)
        files.releaseSyncs()
        try await eventually("all are durable") { outcomes.good.count == 11 }
        // By bytes.
        files.holdSyncs()
        try log.append(numbered(11), onDurable: outcomes.callback(11))
        try await eventually("one is on its way") { files.heldSyncs == 1 }
        try log.append(numbered(12, size: 900))
        #expect(throws: EventLogError.full) { try log.append(numbered(13, size: 100)) }
        files.releaseSyncs()
        try await log.appendDurably(numbered(13))
        log.close()
        let reader = try EventLogReader(directory: "log", files: files)
        #expect(try readAll(reader).compactMap(number(of:)) == Array(0...13))
    }

    @Test func aBatchIsAddedWhollyOrNotAtAll() async throws {
        let files = UnreliableFiles()
        var limits = EventLogLimits()
        limits.bufferRecords = 10
        let log = try EventLog(directory: "log", nodeID: 1, files: files, limits: limits)
        var batch = LogBatch()
        for i in 0..<8 { batch.add(numbered(i)) }
        files.holdSyncs()
        try log.append(numbered(100), onDurable: { _ in })
        try await eventually("the first record is on its way") { files.heldSyncs == 1 }
        let outcomes = Outcomes()
        try log.append(batch, onDurable: outcomes.callback(8))
        #expect(throws: EventLogError.full) { try log.append(batch) }
        files.releaseSyncs()
        try await eventually("the batch is durable") { outcomes.good == [8] }
        batch.removeAll()
        #expect(throws: EventLogError.recordSize(0)) { try log.append(batch) }
        batch.add([])
        #expect(throws: EventLogError.recordSize(0)) { try log.append(batch) }
        log.close()
        let reader = try EventLogReader(directory: "log", files: files)
        #expect(try readAll(reader).compactMap(number(of:)) == [100] + Array(0..<8))
    }

    @Test func recordsOfNoBytesOrTooManyAreRefused() throws {
        let log = try EventLog(directory: "log", nodeID: 1, files: UnreliableFiles())
        #expect(throws: EventLogError.recordSize(0)) { try log.append([]) }
        #expect(throws: EventLogError.recordSize(1 << 20 + 1)) {
            try log.append([UInt8](repeating: 0, count: 1 << 20 + 1))
        }
        log.close()
        #expect(throws: EventLogError.closed) { try log.append([1]) }
        log.close()
    }

    @Test func aFailedSyncStopsTheLogForGood() async throws {
        let files = UnreliableFiles()
        let log = try EventLog(directory: "log", nodeID: 1, files: files)
        try await log.appendDurably(numbered(0))
        let syncsBefore = files.syncs
        files.holdSyncs()
        let outcomes = Outcomes()
        try log.append(numbered(1), onDurable: outcomes.callback(1))
        try await eventually("the record waits for its sync") { files.heldSyncs == 1 }
        try log.append(numbered(2), onDurable: outcomes.callback(2))
        files.setFaults(.init(failSync: 1))
        files.releaseSyncs()
        try await eventually("both are told") { outcomes.bad.count == 2 }
        #expect(outcomes.good.isEmpty)
        let failure = EventLogError.failed(LogFileError(operation: "fdatasync", errno: 5))
        #expect(outcomes.bad.allSatisfy { $0.1 == failure })
        // Even when the disk is well again.
        files.setFaults(.init())
        #expect(throws: failure) { try log.append(numbered(3)) }
        #expect(log.statistics.hasFailed)
        log.close()
        #expect(files.syncs == syncsBefore + 1)
    }

    @Test func aFullDiskStopsTheLogForGood() async throws {
        let files = UnreliableFiles()
        let log = try EventLog(directory: "log", nodeID: 1, files: files)
        try await log.appendDurably(numbered(0))
        try await eventually("the writer is idle") {
            try readAll(EventLogReader(directory: "log", files: files)).count == 1
        }
        files.setFaults(.init(failWrite: 1))
        await #expect(throws: EventLogError.failed(LogFileError(operation: "write", errno: 28))) {
            try await log.appendDurably(numbered(1))
        }
        files.setFaults(.init())
        #expect(throws: EventLogError.self) { try log.append(numbered(2)) }
        log.close()
        files.killProcess()
        let again = try EventLog(directory: "log", nodeID: 1, files: files)
        try await again.appendDurably(numbered(1))
        again.close()
        #expect(
            try readAll(EventLogReader(directory: "log", files: files)).compactMap(number(of:)) == [0, 1])
    }
}
