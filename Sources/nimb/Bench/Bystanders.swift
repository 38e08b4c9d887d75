import Foundation
import Glibc

/// How much of the machine programs that take no part in a measurement used while it ran.
///
/// Time in user mode only: the kernel's work for the sockets of the contestants is booked on nobody in particular.
struct Bystanders {
    /// More than this share of all cores means that a run was disturbed.
    static let limit = 0.05

    private let contestants: [Int32]
    private let start = ContinuousClock.now
    private let before: Double

    /// Begins to watch; `contestants` are process ids, this process is always one.
    init(beside contestants: [Int32]) {
        self.contestants = contestants + [getpid()]
        before = Self.others(than: self.contestants)
    }

    /// Share of all cores, 0 to 1, since the start.
    var share: Double {
        let elapsed = ContinuousClock.now - start
        let seconds = Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) / 1e18
        return (Self.others(than: contestants) - before) / seconds / Double(sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    }

    var wereQuiet: Bool { share < Self.limit }

    /// Whether the machine had a core to spare on average over the last minute.
    static var hadRoom: Bool {
        var load = [0.0]
        return getloadavg(&load, 1) == 1 && load[0] <= Double(sysconf(Int32(_SC_NPROCESSORS_ONLN))) + 0.5
    }

    /// Seconds in user mode, and stolen by the host, of everything but the given processes.
    private static func others(than contestants: [Int32]) -> Double {
        let all = fields("/proc/stat", after: "cpu ")
        // user, nice, ..., steal
        guard all.count > 7 else { return 0 }
        let ours = contestants.reduce(0.0) { $0 + (fields("/proc/\($1)/stat", after: ") ").dropFirst(11).first ?? 0) }
        return (all[0] + all[1] + all[7] - ours) / 100
    }

    private static func fields(_ path: String, after mark: String) -> [Double] {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8), let end = text.range(of: mark)?.upperBound
        else { return [] }
        return text[end...].prefix { $0 != "\n" }.split(separator: " ").map { Double($0) ?? 0 }
    }
}
