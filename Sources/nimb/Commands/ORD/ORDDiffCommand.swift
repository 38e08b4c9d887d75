import AdModel
import ArgumentParser
import ORD
import Postgres
import Store

/// `nimb ord diff`: what a correction changes.
struct ORDDiffCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff", abstract: "Show what changed between two versions of a month.",
        discussion: """
            Each frozen version of a month is kept for good. Rows and acts that differ are shown with - as they were and \
            + as they are; without --from and --to the newest version is compared with the one before it.

              nimb ord diff --month 2026-10
              nimb ord diff --month 2026-10 --from 1 --to 3
            """)

    @OptionGroup var database: DatabaseOptions
    @OptionGroup var month: ORDMonthOption

    @Option(help: "Earlier version.")
    var from: Int32?
    @Option(help: "Later version.")
    var to: Int32?

    func run() async throws {
        let month = try month.month()
        let pool = try database.pool(applicationName: "nimb ord diff", maximumConnections: 1)
        let (from, to) = (from, to)
        try await pool.closing { pool in
            try await pool.transaction(.repeatableRead) { db in
                guard let after = try FrozenMonth.read(month, version: to, on: db) else {
                    throw Refusal("\(month) has no version \(to.map { "\($0)" } ?? "yet"): it is not frozen.")
                }
                guard let before = try FrozenMonth.read(month, version: from ?? after.version - 1, on: db) else {
                    throw Refusal("\(month) has no version \(from ?? after.version - 1) to compare with.")
                }
                say(after.changes(since: before), before, after)
            }
        }
    }

    private func say(_ diff: MonthDiff, _ before: FrozenMonth, _ after: FrozenMonth) {
        Console.say(
            "\(after.status.month): version \(before.version) -> \(after.version)"
                + (after.reason.map { ", because: \($0)" } ?? ""))
        for change in diff.rows {
            if let row = change.before { Console.say("- row \(change.id): \(text(row))") }
            if let row = change.after { Console.say("+ row \(change.id): \(text(row))") }
        }
        for change in diff.acts {
            if let act = change.before { Console.say("- \(change.id): \(act.services.excludingVAT)") }
            if let act = change.after { Console.say("+ \(change.id): \(act.services.excludingVAT)") }
        }
        Console.say("\(diff.rows.count) rows and \(diff.acts.count) acts differ")
    }

    private func text(_ row: StatisticsRow) -> String {
        "\(row.shows) shows, \(row.amount.map { $0.excludingVAT.description } ?? "no money"), "
            + "\(row.actualStart)..\(row.actualEnd)"
    }
}
