import AdModel
import EventLog
import Glibc
import Synchronization

/// A file system in memory that behaves as badly as a real one may: what no completed `sync` covers is lost, kept or
/// torn when the power goes; writes are short; a failed `sync` marks pages clean that never reached the disk; calls
/// fail; and everything can be held up.
final class UnreliableFiles: LogFileLayer {
    /// What may go wrong, each with a chance of one in so many calls (0 = never).
    struct Faults: Sendable {
        var shortWrites = 0
        /// The next so many calls of write succeed, then the power is gone.
        var callsUntilPowerLoss = Int.max
        var failSync = 0
        var failWrite = 0
    }

    fileprivate struct Node {
        var volatile: [UInt8] = []
        var durable: [UInt8] = []
        /// Ranges written since the last sync that count as dirty; a failed sync leaves none.
        var dirty: [Range<Int>] = []
    }

    fileprivate struct State {
        var nodes: [Int: Node] = [:]
        var nextNode = 0
        var names: [String: Int] = [:]
        var durableNames: [String: Int] = [:]
        var locks: Set<String> = []
        var faults = Faults()
        var random = SplitMix(0)
        var isOff = false
        var generation = 0
        var syncs = 0
        var failedSyncs = 0
    }

    fileprivate let state = Mutex(State())
    /// Syncs wait here while it is closed.
    private let gate = Gate()

    init(seed: UInt64 = 0, faults: Faults = Faults()) {
        state.withLock {
            $0.random = SplitMix(seed)
            $0.faults = faults
        }
    }

    var syncs: Int { state.withLock { $0.syncs } }
    var failedSyncs: Int { state.withLock { $0.failedSyncs } }
    func setFaults(_ faults: Faults) { state.withLock { $0.faults = faults } }
    func holdSyncs() { gate.close() }
    func releaseSyncs() { gate.open() }
    /// Syncs that wait at the gate.
    var heldSyncs: Int { gate.waiting }

    /// The process dies; the machine goes on. Descriptors of the old process fail.
    func killProcess() {
        state.withLock {
            $0.generation += 1
            $0.locks = []
            $0.isOff = false
        }
    }

    /// The power goes: what was not synced is lost, kept or torn as chance has it, page by page and name by name.
    func losePower() {
        state.withLock { state in
            state.generation += 1
            state.locks = []
            state.isOff = false
            // Renames and creations since the last directory sync happened or did not, each in turn.
            if state.names != state.durableNames, Bool.random(using: &state.random) {
                state.durableNames = state.names
            }
            state.names = state.durableNames
            for (id, old) in state.nodes {
                var node = old
                var disk = node.durable
                for range in node.dirty {
                    // A write reaches the disk in pieces, in any order, and the last piece may be torn.
                    var start = range.lowerBound
                    while start < range.upperBound {
                        let end = min(range.upperBound, start + Int.random(in: 1...64, using: &state.random))
                        if Bool.random(using: &state.random), end <= node.volatile.count {
                            if disk.count < end { disk += [UInt8](repeating: 0, count: end - disk.count) }
                            disk.replaceSubrange(start..<end, with: node.volatile[start..<end])
                        }
                        start = end
                    }
                }
                node.durable = disk
                node.volatile = disk
                node.dirty = []
                state.nodes[id] = node
            }
        }
    }

    /// Flips a bit of a file, in the cache and on disk: damage by age.
    func damage(_ name: String, at offset: Int) {
        state.withLock { state in
            guard let id = state.names[name] else { return }
            state.nodes[id]?.volatile[offset] ^= 0x10
            if let count = state.nodes[id]?.durable.count, offset < count { state.nodes[id]?.durable[offset] ^= 0x10 }
        }
    }

    func content(_ name: String) -> [UInt8] {
        state.withLock { state in state.names[name].flatMap { state.nodes[$0]?.volatile } ?? [] }
    }

    func setContent(_ name: String, _ bytes: [UInt8]) {
        state.withLock { state in
            let id = state.names[name] ?? state.nextNode
            if state.names[name] == nil { state.nextNode += 1 }
            state.names[name] = id
            state.durableNames[name] = id
            state.nodes[id] = Node(volatile: bytes, durable: bytes)
        }
    }

    var segments: [String] { state.withLock { $0.names.keys.filter { $0.hasSuffix(".log") }.sorted() } }
    func forget(_ name: String) { state.withLock { $0.names[name] = nil } }

    // MARK: LogFileLayer

    func createDirectory(_ path: String) throws(LogFileError) {}

    func list(_ directory: String) throws(LogFileError) -> [String] {
        try check("list")
        return state.withLock { state in
            state.names.keys.filter { $0.hasPrefix(directory + "/") }.map { String($0.dropFirst(directory.count + 1)) }
        }
    }

    func open(_ path: String, _ mode: LogFileMode) throws(LogFileError) -> any LogFile {
        if case .read = mode {} else { try check("open") }
        let opened: (Int, Int)? = state.withLock { state in
            if case .createNew = mode {
                guard state.names[path] == nil else { return nil }
                state.nodes[state.nextNode] = Node()
                state.names[path] = state.nextNode
                state.nextNode += 1
            }
            return state.names[path].map { ($0, state.generation) }
        }
        guard let opened else { throw LogFileError(operation: "open", errno: 2) }
        if case .read = mode { return UnreliableFile(self, opened.0, generation: nil, gate) }
        return UnreliableFile(self, opened.0, generation: opened.1, gate)
    }

    func rename(_ path: String, to newPath: String) throws(LogFileError) {
        try check("rename")
        state.withLock { state in
            state.names[newPath] = state.names[path]
            state.names[path] = nil
        }
    }

    func remove(_ path: String) throws(LogFileError) {
        try check("unlink")
        state.withLock { $0.names[path] = nil }
    }

    func syncDirectory(_ path: String) throws(LogFileError) {
        try check("fsync")
        state.withLock { $0.durableNames = $0.names }
    }

    func lock(_ path: String) throws(LogFileError) -> (any LogFile)? {
        state.withLock { state in
            guard state.locks.insert(path).inserted else { return nil }
            return UnreliableFile(self, -1, generation: state.generation, gate, lock: path)
        }
    }

    fileprivate func unlock(_ path: String, generation: Int?) {
        state.withLock { if $0.generation == generation { $0.locks.remove(path) } }
    }

    /// Every call that changes something counts towards the power loss.
    private func check(_ operation: String) throws(LogFileError) {
        let isGone = state.withLock { $0.spend() }
        if isGone { throw LogFileError(operation: operation, errno: 5) }
    }
}

extension UnreliableFiles.State {
    fileprivate mutating func spend() -> Bool {
        if isOff { return true }
        if faults.callsUntilPowerLoss != .max {
            faults.callsUntilPowerLoss -= 1
            if faults.callsUntilPowerLoss < 0 {
                faults.callsUntilPowerLoss = .max
                isOff = true
                return true
            }
        }
        return false
    }

    fileprivate mutating func happens(_ oneIn: Int) -> Bool {
        oneIn > 0 && Int.random(in: 0..<oneIn, using: &random) == 0
    }
}

private final class UnreliableFile: LogFile {
    private let files: UnreliableFiles
    private let node: Int
    /// nil for readers, which live in another process.
    private let generation: Int?
    private let gate: Gate
    private let lock: String?

    init(_ files: UnreliableFiles, _ node: Int, generation: Int?, _ gate: Gate, lock: String? = nil) {
        self.files = files
        self.node = node
        self.generation = generation
        self.gate = gate
        self.lock = lock
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(LogFileError) -> Int {
        let content = Array(bytes)
        let result: Int? = files.state.withLock { state in
            guard state.generation == generation else { return nil }
            let wasOff = state.isOff
            let isLast = state.spend()
            if wasOff { return nil }
            if !isLast, state.happens(state.faults.failWrite) { return nil }
            var count = content.count
            // The write that the power loss interrupts has been done in part.
            if isLast || state.happens(state.faults.shortWrites) {
                count = Int.random(in: 1...count, using: &state.random)
            }
            let start = Int(offset)
            guard var node = state.nodes[self.node] else { return nil }
            if node.volatile.count < start + count {
                node.volatile += [UInt8](repeating: 0, count: start + count - node.volatile.count)
            }
            node.volatile.replaceSubrange(start..<(start + count), with: content[0..<count])
            node.dirty.append(start..<(start + count))
            state.nodes[self.node] = node
            return isLast ? nil : count
        }
        guard let result else { throw LogFileError(operation: "write", errno: 28) }
        return result
    }

    func read(into bytes: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(LogFileError) -> Int {
        let content = files.state.withLock { state in
            state.nodes[node].map { node in
                Array(node.volatile.dropFirst(Int(offset)).prefix(bytes.count))
            } ?? []
        }
        bytes.copyBytes(from: content)
        return content.count
    }

    func sync() throws(LogFileError) {
        gate.pass()
        let isGood = files.state.withLock { state in
            state.syncs += 1
            guard state.generation == generation, !state.spend(), var node = state.nodes[self.node] else {
                return false
            }
            if state.happens(state.faults.failSync) {
                // What Linux does: the pages are clean now, their content only in memory.
                state.failedSyncs += 1
                node.dirty = []
                state.nodes[self.node] = node
                return false
            }
            for range in node.dirty {
                let end = min(range.upperBound, node.volatile.count)
                guard range.lowerBound < end else { continue }
                if node.durable.count < end {
                    node.durable += [UInt8](repeating: 0, count: end - node.durable.count)
                }
                node.durable.replaceSubrange(range.lowerBound..<end, with: node.volatile[range.lowerBound..<end])
            }
            if node.durable.count > node.volatile.count {
                node.durable.removeLast(node.durable.count - node.volatile.count)
            }
            node.dirty = []
            state.nodes[self.node] = node
            return true
        }
        guard isGood else { throw LogFileError(operation: "fdatasync", errno: 5) }
    }

    func truncate(to size: UInt64) throws(LogFileError) {
        let isGood = files.state.withLock { state in
            guard state.generation == generation, !state.spend() else { return false }
            state.nodes[node]?.volatile.removeSubrange(Int(size)...)
            return true
        }
        guard isGood else { throw LogFileError(operation: "ftruncate", errno: 5) }
    }

    func size() throws(LogFileError) -> UInt64 {
        UInt64(files.state.withLock { $0.nodes[node]?.volatile.count ?? 0 })
    }

    func modifiedAt() throws(LogFileError) -> Timestamp { Timestamp(micros: 1_000) }

    func close() {
        if let lock { files.unlock(lock, generation: generation) }
    }
}

/// Holds threads up while closed.
private final class Gate: Sendable {
    private let state = Mutex<(closed: Bool, waiting: Int)>((false, 0))

    var waiting: Int { state.withLock { $0.waiting } }
    func close() { state.withLock { $0.closed = true } }
    func open() { state.withLock { $0.closed = false } }

    func pass() {
        guard
            state.withLock({ state in
                if state.closed { state.waiting += 1 }
                return state.closed
            })
        else { return }
        while state.withLock({ $0.closed }) { sched_yield() }
        state.withLock { $0.waiting -= 1 }
    }
}
