import Synchronization

/// One line for a step of the setup when it begins, one for every hundred things, one when it is done.
final class DemoProgress: Sendable {
    /// Things between two lines.
    static let step = 100

    private let what: String
    private let started = ContinuousClock.now
    private let count = Mutex(0)

    init(_ what: String) {
        self.what = what
        Console.warn("nimb dev: \(what)")
    }

    /// One more thing is made or changed.
    func tell() {
        let reached = count.withLock { count in
            count += 1
            return count
        }
        if reached.isMultiple(of: Self.step) { Console.warn("nimb dev:   \(reached)…") }
    }

    /// - Parameter result: what came of it.
    func finish(_ result: String) {
        let tenths = (ContinuousClock.now - started) / .milliseconds(100)
        Console.warn("nimb dev:   \(result), \(Int(tenths) / 10).\(Int(tenths) % 10) s")
    }
}
