import AdModel
import Dispatch
import EventLog
import Synchronization
import Testing

/// The promise of the log, against a file system that keeps none beyond the letter.
@Suite struct PowerLossTests {
    /// How one life of the process ends.
    private enum End: CaseIterable { case powerLoss, kill, orderly, diskError }

    @Test(arguments: 0..<8)
    func whatWasAcknowledgedIsRecoveredInOrderWithoutGarbage(_ block: Int) throws {
        for seed in UInt64(block * 60)..<UInt64(block * 60 + 60) {
            try live(seed)
        }
    }

    @Test func aRollInterruptedAnywhereLosesNothingThatCameLater() throws {
        var limits = EventLogLimits()
        limits.segmentBytes = 100
        for calls in 0..<80 {
            for seed in UInt64(0)..<4 {
                let files = UnreliableFiles(seed: seed)
                files.setFaults(.init(callsUntilPowerLoss: calls))
                let outcomes = Outcomes()
                var next = 0
                // The process is killed somewhere, for example between the rename of a segment and the fsync of its
                // directory; the machine goes on.
                if let log = try? EventLog(directory: "log", nodeID: 1, files: files, limits: limits) {
                    while next < 12, (try? append(log, next, outcomes)) != nil { next += 1 }
                    log.close()
                }
                files.setFaults(.init())
                files.killProcess()
                // The next life acknowledges more without another roll; then the power goes.
                let log = try EventLog(directory: "log", nodeID: 1, files: files)
                for n in 100..<103 { try append(log, n, outcomes) }
                log.close()
                files.losePower()
                let again = try EventLog(directory: "log", nodeID: 1, files: files, limits: limits)
                let found = try readAll(EventLogReader(directory: "log", files: files)).compactMap(number(of:))
                #expect(Set(outcomes.good).isSubset(of: found), "killed after \(calls) calls, seed \(seed)")
                #expect(found.suffix(3) == [100, 101, 102])
                again.close()
            }
        }
    }

    /// Appends and waits for the answer.
    private func append(_ log: EventLog, _ n: Int, _ outcomes: Outcomes) throws {
        let answered = DispatchSemaphore(value: 0)
        let callback = outcomes.callback(n)
        let failed = Mutex(false)
        try log.append(numbered(n)) { result in
            callback(result)
            if case .failure = result { failed.withLock { $0 = true } }
            answered.signal()
        }
        answered.wait()
        if failed.withLock({ $0 }) { throw EventLogError.closed }
    }

    private func live(_ seed: UInt64) throws {
        var random = SplitMix(seed)
        let files = UnreliableFiles(seed: seed)
        var limits = EventLogLimits()
        limits.segmentBytes = UInt64.random(in: 100...3_000, using: &random)
        limits.recordBytes = 400
        limits.lazyDelay = .init(micros: 100)
        // Numbers that are in the log for certain, and everything that later lives may find.
        var recovered: [Int] = []
        var next = 0
        var shipped: UInt64 = 0
        var shippedNumbers: [Int] = []
        for _ in 0..<5 {
            let end = End.allCases.randomElement(using: &random) ?? .kill
            var faults = UnreliableFiles.Faults()
            faults.shortWrites = Int.random(in: 0...4, using: &random)
            if end == .powerLoss || end == .kill { faults.callsUntilPowerLoss = Int.random(in: 0...60, using: &random) }
            if end == .diskError {
                faults.failSync = Int.random(in: 3...20, using: &random)
                faults.failWrite = Int.random(in: 0...20, using: &random)
            }
            files.setFaults(faults)
            let first = next
            let outcomes = Outcomes()
            // Opening may itself be what the power loss interrupts.
            if let log = try? EventLog(directory: "log", nodeID: 1, files: files, limits: limits) {
                for _ in 0..<Int.random(in: 1...60, using: &random) {
                    let size = Int.random(in: 8...400, using: &random)
                    let callback = Bool.random(using: &random) ? outcomes.callback(next) : nil
                    guard (try? log.append(numbered(next, size: size), onDurable: callback)) != nil else { break }
                    next += 1
                    if Int.random(in: 0..<8, using: &random) == 0 {
                        // A worker ships what it can see, in the midst of it.
                        if let reader = try? EventLogReader(directory: "log", files: files, limits: limits),
                            let read = try? reader.read(from: shipped, maximumRecords: 7)
                        {
                            shipped = read.next
                            shippedNumbers += read.records.compactMap { number(of: $0.bytes) }
                        }
                    }
                }
                log.close()
            }
            files.setFaults(.init())
            // A failing disk is followed by a mere restart as often: what its cache shows is not on disk then.
            let losesPower = end == .powerLoss || end == .diskError && Bool.random(using: &random)
            if losesPower { files.losePower() } else { files.killProcess() }

            let log = try EventLog(directory: "log", nodeID: 1, files: files, limits: limits)
            let reader = try EventLogReader(directory: "log", files: files, limits: limits)
            let found = try readAll(reader, maximumRecords: Int.random(in: 1...50, using: &random))
                .map { number(of: $0) }
            #expect(!found.contains(nil), "garbage, seed \(seed)")
            let numbers = found.compactMap { $0 }
            // What was there before, then a gapless run of what this life appended.
            let expected = recovered + Array(first..<next)
            #expect(numbers == Array(expected.prefix(numbers.count)), "order, seed \(seed)")
            #expect(numbers.count >= recovered.count, "lost an older record, seed \(seed)")
            #expect(Set(outcomes.good).isSubset(of: numbers), "lost an acknowledged record, seed \(seed)")
            #expect(
                shippedNumbers == Array(numbers.prefix(shippedNumbers.count)), "shipped what was lost, seed \(seed)")
            if end == .orderly { #expect(numbers.count == expected.count, "seed \(seed)") }
            // The next life numbers on from what is there.
            recovered = numbers
            next = (numbers.last ?? -1) + 1
            log.close()
            files.killProcess()
        }
    }
}
