import AdModel
import Synchronization

/// The time of a whole installation: the machine's own, or one that a simulation moves.
///
/// Everything that stamps or compares instants is handed `now`; so a past that is made up is lived by the same code
/// that will serve afterwards, and nothing has to know which of the two it is.
final class InstallationClock: Sendable {
    private enum Mode {
        case machine
        /// So far from the machine's time, and going on with it: for setting things up in the past.
        case shifted(Timestamp.Span)
        /// Standing still until somebody moves it.
        case held(Timestamp)
    }

    private let mode: Mutex<Mode>

    /// The machine's time.
    init() { mode = Mutex(.machine) }

    /// Begins at an instant and goes on as fast as the machine's time does.
    init(beginningAt start: Timestamp) {
        mode = Mutex(.shifted(start - SystemClock.now()))
    }

    @Sendable func now() -> Timestamp {
        mode.withLock { mode in
            switch mode {
            case .machine: SystemClock.now()
            case .shifted(let span): SystemClock.now() + span
            case .held(let instant): instant
            }
        }
    }

    /// Stands still at an instant, unless that is in the past of what was told before: time never goes back.
    func hold(at instant: Timestamp) {
        mode.withLock { mode in
            let before =
                switch mode {
                case .machine: SystemClock.now()
                case .shifted(let span): SystemClock.now() + span
                case .held(let instant): instant
                }
            mode = .held(max(before, instant))
        }
    }

    /// Goes with the machine from now on.
    func release() { mode.withLock { $0 = .machine } }
}
