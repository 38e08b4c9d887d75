import AdModel
import Glibc

/// The time of this machine, as the clock that is handed to everything that needs one.
enum SystemClock {
    static func now() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(micros: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000)
    }
}
