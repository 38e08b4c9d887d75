import AdModel
import Foundation
import Logging
import Postgres

/// The past of a demo installation over its starts: begun on the first one, lived once, begun anew when it was
/// interrupted.
struct DemoHistory {
    let home: URL
    let mark: HistoryMark
    let days: Int
    /// The time of setting up, and of the past.
    let clock: InstallationClock
    /// This start is the one that lives it.
    let isDue: Bool

    /// Looks at what earlier starts left; what an interrupted one left is removed.
    /// - Parameter adminURL: of the cluster's maintenance database.
    static func begin(home: URL, adminURL: String, now: Timestamp = SystemClock.now()) async throws -> DemoHistory {
        let days = try HistoryMark.days()
        let mark = HistoryMark(home: home)
        let admin = PostgresPool(PostgresOptions(url: adminURL, applicationName: "nimb dev"), maximumConnections: 1)
        let state = mark.state
        let isFirst: Bool
        do {
            if state == .running {
                Console.warn("nimb dev: the last start was interrupted in its history; beginning anew")
                try await admin.withConnection { try $0.script("drop database if exists nimb with (force)") }
                for name in ["log", "dev.env", "demo", "history.json"] {
                    try? FileManager.default.removeItem(at: home.appendingPathComponent(name))
                }
            }
            isFirst = try await admin.withConnection { db in
                try db.query("select 1 from pg_database where datname = 'nimb'").isEmpty
            }
            await admin.close()
        } catch {
            await admin.close()
            throw error
        }
        let isDue = isFirst && days > 0
        if isFirst { try mark.write(isDue ? .running : .none) }
        let clock =
            isDue ? InstallationClock(beginningAt: HistoryMark.opening(days: days, before: now)) : InstallationClock()
        return DemoHistory(home: home, mark: mark, days: days, clock: clock, isDue: isDue)
    }

    /// Lives the past, if this start is the one to do so, and says what came of it.
    /// - Parameter runtime: of the installation, which will serve afterwards.
    func live(_ runtime: NodeRuntime, shopKey: String, registersByStandIn: Bool, logger: Logger) async throws {
        guard isDue else { return }
        Console.warn(
            "nimb dev: \(days) days of history are lived once, on the first start (\(HistoryMark.variable)=0 skips)")
        var past = runtime
        past.clock = clock.now
        var run = HistoryRun(
            runtime: past, clock: clock, logger: logger, shopKey: shopKey, registersByStandIn: registersByStandIn)
        run.pageViewsPerDay = Double(try HistoryMark.views())
        let outcome = try await run.live()
        clock.release()
        let summary = try await HistorySummary.read(outcome, database: runtime.database)
        Console.warn(summary.page)
        try Data(HistorySummary.truthFile(outcome).utf8).write(
            to: home.appendingPathComponent("history.json"), options: .atomic)
        try mark.write(.done)
    }

    /// A key of the demo that the seed wrote down.
    func key(_ variable: String) throws -> String {
        let text = (try? String(contentsOf: home.appendingPathComponent("dev.env"), encoding: .utf8)) ?? ""
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix(variable + "=") }) else {
            throw Refusal("\(variable) is missing in \(home.path)/dev.env; delete \(home.path) and start again.")
        }
        return String(line.dropFirst(variable.count + 1)).trimmingCharacters(in: CharacterSet(charactersIn: "'\""))
    }
}
