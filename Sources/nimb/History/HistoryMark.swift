import AdModel
import Foundation

/// Remembers across starts whether the made-up past of a demo installation was lived to its end. A past that was
/// interrupted is no past: the installation is made anew.
struct HistoryMark {
    enum State: String {
        /// Being lived, or interrupted.
        case running
        case done
        /// Nobody wanted one.
        case none
    }

    /// Name of the environment variable with the days to live; 0 = none.
    static let variable = "NIMB_DEMO_DAYS"
    static let defaultDays = 30
    static let mostDays = 60

    /// Name of the environment variable with the page views of an average day.
    static let viewsVariable = "NIMB_DEMO_VIEWS"
    static let defaultViews = 2_800

    let home: URL

    private var file: URL { home.appendingPathComponent("history") }

    /// nil = nothing was begun here.
    var state: State? {
        guard let text = try? String(contentsOf: file, encoding: .utf8) else { return nil }
        return State(rawValue: text.trimmingCharacters(in: .whitespacesAndNewlines))
    }

    func write(_ state: State) throws {
        try Data((state.rawValue + "\n").utf8).write(to: file, options: .atomic)
    }

    /// The days that the environment asks for.
    static func days(_ environment: [String: String] = ProcessInfo.processInfo.environment) throws -> Int {
        try number(variable, environment, defaultDays, 0...mostDays, "the days that the demo shop has been open")
    }

    /// Page views of an average day that the environment asks for.
    static func views(_ environment: [String: String] = ProcessInfo.processInfo.environment) throws -> Int {
        try number(viewsVariable, environment, defaultViews, 50...20_000, "the page views of a day in the demo shop")
    }

    private static func number(
        _ name: String, _ environment: [String: String], _ standard: Int, _ range: ClosedRange<Int>, _ meaning: String
    ) throws -> Int {
        guard let text = environment[name], !text.isEmpty else { return standard }
        guard let value = Int(text), range.contains(value) else {
            throw Refusal("\(name) is the number of \(meaning): \(range.lowerBound) to \(range.upperBound).")
        }
        return value
    }

    /// Midnight of the demo's accounting zone so many days before an instant.
    static func opening(days: Int, before now: Timestamp) -> Timestamp {
        let offset = Timestamp.Span.hours(3)
        let today = floorDivide((now + offset).micros, 86_400_000_000)
        return Timestamp(micros: (today - Int64(days)) * 86_400_000_000) - offset
    }
}
