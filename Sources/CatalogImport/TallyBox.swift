import Synchronization

/// Carries the counts out of the closure that the database's thread runs.
final class TallyBox: Sendable {
    private let held = Mutex(FeedTally())

    var tally: FeedTally { held.withLock { $0 } }
    func set(_ tally: FeedTally) { held.withLock { $0 = tally } }
}
