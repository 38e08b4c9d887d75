import AdModel

/// The buffer that producers fill and the thread that makes it durable.
///
/// `@unchecked Sendable`: everything under "guarded" is touched only with `signal` locked; everything under "writer"
/// only by the writer's thread after `init`.
final class LogWriter: @unchecked Sendable {
    typealias Waiter = @Sendable (Result<Void, EventLogError>) -> Void

    struct Start {
        var header: LogFormat.Header
        var file: any LogFile
        var segmentStart: UInt64
        var end: UInt64
    }

    private enum Sleep { case awake, idle, timed }

    private let signal = LogSignal()
    private let limits: EventLogLimits
    private let directory: LogDirectory

    // Guarded.
    private var filling: LogBuffer
    private var sleep = Sleep.awake
    private var isClosing = false
    private var isFinished = false
    private var failure: EventLogError?
    private var durable: UInt64
    private var counters = EventLogStatistics()

    // Writer.
    private var spare: LogBuffer
    private var header: LogFormat.Header
    private var file: any LogFile
    private var segmentStart: UInt64
    private var end: UInt64
    /// Position up to which a fdatasync has completed.
    private var synced: UInt64
    /// True when the last frame of the file is a marker for `synced`.
    private var hasMarker = false

    init(_ directory: LogDirectory, _ start: Start, _ limits: EventLogLimits) throws(EventLogError) {
        self.directory = directory
        self.limits = limits
        filling = LogBuffer(capacity: limits.bufferBytes)
        spare = LogBuffer(capacity: limits.bufferBytes)
        header = start.header
        file = start.file
        segmentStart = start.segmentStart
        end = start.end
        synced = start.end
        durable = start.end
        do throws(LogFileError) {
            // Tells readers at once what recovery made durable.
            try writeMarker()
            try file.sync()
        } catch {
            throw .failed(error)
        }
        guard startThread({ [self] in run() }) else {
            throw .failed(LogFileError(operation: "pthread_create", errno: 11))
        }
    }

    var durableEnd: UInt64 {
        signal.lock()
        defer { signal.unlock() }
        return durable
    }

    var statistics: EventLogStatistics {
        signal.lock()
        defer { signal.unlock() }
        var copy = counters
        copy.waitingBytes = filling.used
        return copy
    }

    // MARK: Producers

    func append(_ bytes: UnsafeRawBufferPointer, _ waiter: Waiter?) throws(EventLogError) {
        guard (1...limits.recordBytes).contains(bytes.count) else { throw .recordSize(bytes.count) }
        let length = UInt32(bytes.count)
        let checksum = LogFormat.checksum(length: length, bytes)
        try add(LogFormat.frameHeader + bytes.count, records: 1, waiter) { target in
            target.storeBytes(of: length.littleEndian, toByteOffset: 0, as: UInt32.self)
            target.storeBytes(of: checksum.littleEndian, toByteOffset: 4, as: UInt32.self)
            UnsafeMutableRawBufferPointer(rebasing: target[LogFormat.frameHeader...]).copyMemory(from: bytes)
        }
    }

    func append(_ batch: borrowing LogBatch, _ waiter: Waiter?) throws(EventLogError) {
        guard !batch.hasEmpty, batch.longest <= limits.recordBytes, batch.count > 0 else {
            throw .recordSize(batch.hasEmpty ? 0 : batch.longest)
        }
        let frames = batch.frames
        try add(frames.count, records: batch.count, waiter) { target in
            frames.withUnsafeBytes { target.copyMemory(from: $0) }
        }
    }

    private func add(
        _ size: Int, records: Int, _ waiter: Waiter?, _ fill: (UnsafeMutableRawBufferPointer) -> Void
    ) throws(EventLogError) {
        signal.lock()
        if let failure {
            signal.unlock()
            throw failure
        }
        if isClosing {
            signal.unlock()
            throw .closed
        }
        guard size <= filling.free, filling.records + records <= limits.bufferRecords else {
            counters.refusedFull += 1
            signal.unlock()
            throw .full
        }
        if filling.used == 0 { filling.openedAt = LogSignal.now() }
        fill(filling.reserve(size))
        filling.records += records
        if let waiter { filling.waiters.append(waiter) }
        let wakes =
            switch sleep {
            case .awake: false
            case .idle: true
            case .timed: waiter != nil || filling.used >= limits.lazyBytes
            }
        if wakes { sleep = .awake }
        signal.unlock()
        if wakes { signal.wakeAll() }
    }

    func close() {
        signal.lock()
        isClosing = true
        sleep = .awake
        signal.wakeAll()
        while !isFinished { signal.wait() }
        signal.unlock()
    }

    // MARK: The writer's thread

    private func run() {
        while let batch = nextBatch() {
            let began = LogSignal.now()
            do throws(LogFileError) {
                try commit(batch)
            } catch {
                fail(error, batch)
                break
            }
            let took = LogSignal.now() - began
            signal.lock()
            durable = synced
            counters.records += UInt64(batch.records)
            counters.bytes += UInt64(batch.used)
            counters.syncs += 1
            counters.syncNanoseconds += took
            counters.longestSyncNanoseconds = max(counters.longestSyncNanoseconds, took)
            signal.unlock()
            for waiter in batch.waiters { waiter(.success(())) }
            batch.reset()
            spare = batch
            if !publishWhenIdle() { break }
        }
        finish()
    }

    /// Sleeps until there is something to write; nil when the log closes and nothing is left.
    private func nextBatch() -> LogBuffer? {
        signal.lock()
        defer { signal.unlock() }
        while true {
            if filling.used > 0 {
                let due = filling.openedAt + UInt64(limits.lazyDelay.micros) * 1_000
                if !filling.waiters.isEmpty || isClosing || filling.used >= limits.lazyBytes || LogSignal.now() >= due {
                    break
                }
                sleep = .timed
                signal.wait(until: due)
            } else if isClosing {
                return nil
            } else {
                sleep = .idle
                signal.wait()
            }
            sleep = .awake
        }
        let batch = filling
        filling = spare
        return batch
    }

    private func commit(_ batch: LogBuffer) throws(LogFileError) {
        if end - segmentStart >= limits.segmentBytes { try roll() }
        let bytes = batch.framed(marker: hasMarker ? nil : (durable: synced, position: end))
        try file.writeFully(bytes, at: offset(of: end))
        try file.sync()
        end += UInt64(bytes.count)
        synced = end
        hasMarker = false
    }

    /// A marker of its own, when no batch follows at once that would carry it. False when that failed.
    private func publishWhenIdle() -> Bool {
        signal.lock()
        let isIdle = filling.waiters.isEmpty && filling.used < limits.lazyBytes
        signal.unlock()
        guard isIdle else { return true }
        do throws(LogFileError) {
            try writeMarker()
            return true
        } catch {
            fail(error, nil)
            return false
        }
    }

    private func writeMarker() throws(LogFileError) {
        guard !hasMarker else { return }
        var marker = [UInt8](repeating: 0, count: LogFormat.markerSize)
        let result = marker.withUnsafeMutableBytes { raw in
            LogFormat.writeMarker(into: raw, durable: synced, position: end)
            return Result { () throws(LogFileError) in
                try file.writeFully(UnsafeRawBufferPointer(raw), at: offset(of: end))
            }
        }
        try result.get()
        end += UInt64(LogFormat.markerSize)
        hasMarker = true
    }

    private func roll() throws(LogFileError) {
        // The last marker may not be on disk yet; the next segment's position counts it.
        if end != synced {
            try file.sync()
            synced = end
        }
        header.firstPosition = end
        let next = try directory.create(header)
        file.close()
        file = next
        segmentStart = end
        hasMarker = false
        signal.lock()
        counters.segments += 1
        signal.unlock()
    }

    private func offset(of position: UInt64) -> UInt64 { UInt64(LogFormat.headerSize) + position - segmentStart }

    /// Fail stop: nobody is acknowledged any more, now or later, and the file is never synced again.
    private func fail(_ error: LogFileError, _ batch: LogBuffer?) {
        signal.lock()
        failure = .failed(error)
        counters.hasFailed = true
        var waiters = batch?.waiters ?? []
        waiters += filling.waiters
        filling.reset()
        signal.unlock()
        for waiter in waiters { waiter(.failure(.failed(error))) }
    }

    private func finish() {
        if failure == nil {
            // Evidence for the next start that all of this was durable. Nothing depends on it, so a failure is none.
            do throws(LogFileError) {
                try writeMarker()
                try file.sync()
            } catch {
                signal.lock()
                counters.hasFailed = true
                signal.unlock()
            }
        }
        file.close()
        signal.lock()
        isFinished = true
        signal.wakeAll()
        signal.unlock()
    }
}

/// One of the two buffers: frames behind room for a marker.
final class LogBuffer {
    private let memory: UnsafeMutableRawBufferPointer
    private(set) var used = 0
    var records = 0
    var waiters: [LogWriter.Waiter] = []
    /// When the first of its records came, monotonic nanoseconds.
    var openedAt: UInt64 = 0

    init(capacity: Int) {
        memory = .allocate(byteCount: capacity + LogFormat.markerSize, alignment: 16)
    }

    deinit { memory.deallocate() }

    var free: Int { memory.count - LogFormat.markerSize - used }

    func reserve(_ size: Int) -> UnsafeMutableRawBufferPointer {
        let start = LogFormat.markerSize + used
        used += size
        return UnsafeMutableRawBufferPointer(rebasing: memory[start..<(start + size)])
    }

    /// All frames, with a marker in front when one is asked for.
    func framed(marker: (durable: UInt64, position: UInt64)?) -> UnsafeRawBufferPointer {
        let end = LogFormat.markerSize + used
        guard let marker else { return UnsafeRawBufferPointer(rebasing: memory[LogFormat.markerSize..<end]) }
        LogFormat.writeMarker(
            into: UnsafeMutableRawBufferPointer(rebasing: memory[0..<LogFormat.markerSize]),
            durable: marker.durable, position: marker.position)
        return UnsafeRawBufferPointer(rebasing: memory[0..<end])
    }

    func reset() {
        used = 0
        records = 0
        waiters.removeAll(keepingCapacity: true)
    }
}
