import EventLog
import Foundation
import Testing

@Suite struct SegmentRecordsTests {
    private func written(_ directory: TemporaryDirectory, _ records: [[UInt8]]) async throws {
        var limits = EventLogLimits()
        limits.segmentBytes = 4_000
        let log = try EventLog(directory: directory.path, nodeID: 7, limits: limits)
        for record in records { try await log.appendDurably(record) }
        log.close()
    }

    private func records(_ bytes: [UInt8]) throws -> (checked: [[UInt8]], again: [[UInt8]]) {
        try bytes.withUnsafeBytes { raw in
            let segment = try SegmentRecords(raw)
            var checked: [[UInt8]] = []
            try segment.forEach { checked.append(Array($0)) }
            var again: [[UInt8]] = []
            segment.forEachChecked { again.append(Array($0)) }
            return (checked, again)
        }
    }

    @Test func wholeSegmentsHoldWhatTheReaderReads() async throws {
        let directory = try TemporaryDirectory()
        let expected = (0..<300).map { numbered($0, size: 8 + $0 % 90) }
        try await written(directory, expected)
        var found: [[UInt8]] = []
        for name in try directory.segments {
            let bytes = [UInt8](try Data(contentsOf: URL(filePath: directory.path).appending(path: name)))
            let (checked, again) = try records(bytes)
            #expect(checked == again)
            found += checked
        }
        #expect(found == expected)
    }

    @Test func aTornTailEndsTheWalkAndDamageIsRefused() async throws {
        let directory = try TemporaryDirectory()
        try await written(directory, (0..<20).map { numbered($0) })
        let name = try #require(try directory.segments.first)
        let bytes = [UInt8](try Data(contentsOf: URL(filePath: directory.path).appending(path: name)))
        let whole = try records(bytes).checked
        for cut in [1, 7, 30, 100] {
            let some = try records(Array(bytes.dropLast(cut))).checked
            #expect(some.count <= whole.count && some == Array(whole.prefix(some.count)))
        }
        var damaged = bytes
        damaged[80] ^= 1
        #expect(throws: EventLogError.self) { try records(damaged) }
        #expect(throws: EventLogError.self) { try records(Array(bytes.dropFirst(3))) }
    }
}
