import EventLog
import Foundation
import Synchronization

/// How many records a second the event log makes durable, beside what the disk gives: raw appends of 64 KiB, each
/// followed by fdatasync, in the same rotation.
struct LogBench {
    /// A directory on the disk to measure; its content is removed.
    var directory: String
    var seconds: Double
    var recordBytes = 200

    struct Outcome: Sendable {
        var perSecond = 0.0
        /// Microseconds from `append` to its acknowledgement.
        var meanWait = 0.0
        var p50 = 0.0
        var p99 = 0.0
        /// Records per fdatasync.
        var batch = 0.0
    }

    /// The yardstick.
    func raw() throws -> Outcome {
        try prepare()
        let file = try SystemLogFiles().open(directory + "/raw", .createNew)
        defer { file.close() }
        let block = [UInt8](repeating: 0x5A, count: 65_536)
        var waits: [Double] = []
        var offset: UInt64 = 0
        let start = ContinuousClock.now
        while (ContinuousClock.now - start).inUs < seconds * 1e6 {
            let began = ContinuousClock.now
            let result = block.withUnsafeBytes { raw in
                Result { () throws(LogFileError) in try file.write(raw, at: offset) }
            }
            offset += UInt64(try result.get())
            try file.sync()
            waits.append((ContinuousClock.now - began).inUs)
        }
        return Self.outcome(&waits, seconds: (ContinuousClock.now - start).inUs / 1e6, syncs: nil)
    }

    /// As many producers, each of which appends its next record when the last one is durable. One thread drives them
    /// all, as an event loop drives its connections.
    func durable(producers: Int) throws -> Outcome {
        try prepare()
        let log = try EventLog(directory: directory + "/log", nodeID: 1)
        let mailbox = Mailbox()
        let record = [UInt8](repeating: 0x5A, count: recordBytes)
        var started = [ContinuousClock.Instant](repeating: .now, count: producers)
        var waits: [Double] = []
        waits.reserveCapacity(1 << 20)
        let start = ContinuousClock.now
        var now = start
        for producer in 0..<producers {
            try log.append(record) { _ in mailbox.put(producer) }
        }
        var ready: [Int] = []
        while (now - start).inUs < seconds * 1e6 {
            mailbox.take(&ready)
            now = .now
            for producer in ready {
                waits.append((now - started[producer]).inUs)
                started[producer] = now
                try log.append(record) { _ in mailbox.put(producer) }
            }
        }
        let elapsed = (now - start).inUs / 1e6
        let syncs = log.statistics.syncs
        log.close()
        return Self.outcome(&waits, seconds: elapsed, syncs: syncs)
    }

    private func prepare() throws {
        try? FileManager.default.removeItem(atPath: directory)
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    }

    private static func outcome(_ waits: inout [Double], seconds: Double, syncs: UInt64?) -> Outcome {
        waits.sort()
        guard !waits.isEmpty else { return Outcome() }
        return Outcome(
            perSecond: Double(waits.count) / seconds, meanWait: waits.reduce(0, +) / Double(waits.count),
            p50: waits[waits.count / 2], p99: waits[waits.count * 99 / 100],
            batch: syncs.map { Double(waits.count) / Double(max(1, $0)) } ?? 1)
    }

    /// Acknowledged producers, on their way from the log's thread to the driver.
    private final class Mailbox: Sendable {
        private let state = Mutex<[Int]>([])
        private let bell = DispatchSemaphore(value: 0)

        func put(_ producer: Int) {
            let isFirst = state.withLock { waiting in
                waiting.append(producer)
                return waiting.count == 1
            }
            if isFirst { bell.signal() }
        }

        func take(_ out: inout [Int]) {
            out.removeAll(keepingCapacity: true)
            bell.wait()
            let taken = state.withLock { waiting in
                let taken = waiting
                waiting = []
                return taken
            }
            out.append(contentsOf: taken)
        }
    }
}

extension Duration {
    /// The length in us.
    var inUs: Double { Double(components.seconds) * 1e6 + Double(components.attoseconds) / 1e12 }
}
