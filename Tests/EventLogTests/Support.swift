import EventLog
import Foundation
import Synchronization
import Testing

/// SplitMix64: a small seeded generator, so that a failing case can be run again.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    init(_ seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// A directory of the real file system that goes away with the object.
final class TemporaryDirectory: Sendable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appending(path: "nimb-log-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    var segments: [String] {
        get throws {
            try FileManager.default.contentsOfDirectory(atPath: path).filter { $0.hasSuffix(".log") }.sorted()
        }
    }
}

/// Record number `n`: its number, then bytes that follow from it, so that any mix-up shows.
func numbered(_ n: Int, size: Int = 40) -> [UInt8] {
    var bytes = withUnsafeBytes(of: UInt64(n).littleEndian) { Array($0) }
    bytes += (8..<max(8, size)).map { UInt8(truncatingIfNeeded: n &* 31 &+ $0) }
    return bytes
}

/// The number of such a record, nil when its bytes are not what they should be.
func number(of bytes: [UInt8]) -> Int? {
    guard bytes.count >= 8 else { return nil }
    let n = Int(bytes.withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) })
    return numbered(n, size: bytes.count) == bytes ? n : nil
}

/// Everything that a reader gets from a position on.
func readAll(
    _ reader: EventLogReader, from start: UInt64 = 0, maximumRecords: Int = 1_000, maximumBytes: Int = 1 << 20
) throws -> [[UInt8]] {
    var position = start
    var records: [[UInt8]] = []
    while true {
        let read = try reader.read(from: position, maximumRecords: maximumRecords, maximumBytes: maximumBytes)
        if read.records.isEmpty { return records }
        #expect(read.next > position && read.next == read.records.last?.end)
        records += read.records.map(\.bytes)
        position = read.next
    }
}

/// Polls a condition until it holds, at most ten seconds.
func eventually(_ what: String, _ condition: () throws -> Bool) async throws {
    let deadline = ContinuousClock.now + .seconds(10)
    while try !condition() {
        guard ContinuousClock.now < deadline else {
            Issue.record("\(what) did not come true")
            return
        }
        await Task.yield()
    }
}

/// Counts callbacks by outcome.
final class Outcomes: Sendable {
    private let state = Mutex<(good: [Int], bad: [(Int, EventLogError)])>(([], []))

    func callback(_ n: Int) -> @Sendable (Result<Void, EventLogError>) -> Void {
        { [self] result in
            state.withLock { state in
                switch result {
                case .success: state.good.append(n)
                case .failure(let error): state.bad.append((n, error))
                }
            }
        }
    }

    var good: [Int] { state.withLock { $0.good } }
    var bad: [(Int, EventLogError)] { state.withLock { $0.bad } }
}
