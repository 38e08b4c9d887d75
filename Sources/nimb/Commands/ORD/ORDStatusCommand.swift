import AdModel
import ArgumentParser
import ORD
import Postgres
import Store

/// `nimb ord status`: where months stand and what is missing.
struct ORDStatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show where each month stands, or all about one.",
        discussion: """
            A month goes open -> frozen -> reconciled -> acts_issued -> exported -> accepted. Of one month it shows the \
            sums that have to agree, what stands between it and the next step (each with the rows to look at), \
            the levy and the deadline. The exit code is 1 when something blocks the month.

              nimb ord status
              nimb ord status --month 2026-10
            """)

    @OptionGroup var database: DatabaseOptions

    @Option(help: "Calendar month in the accounting zone, YYYY-MM; without it all months.")
    var month: String?

    func validate() throws {
        guard month.map({ AccountingMonth($0) != nil }) ?? true else {
            throw ValidationError("--month must be a calendar month such as 2026-11")
        }
    }

    func run() async throws {
        let pool = try database.pool(applicationName: "nimb ord status", maximumConnections: 1)
        let wanted = month.flatMap { AccountingMonth($0) }
        let now = SystemClock.now()
        let isBlocked = try await pool.closing { pool in
            try await pool.transaction(.repeatableRead) { db in
                guard let wanted else {
                    for status in try MonthOverview.list(on: db) {
                        let due = Deadlines.statistics(of: status.month)
                        Console.say("\(status.month)  \(status.state.rawValue)  version \(status.version)  due \(due)")
                    }
                    return false
                }
                let month = try MonthOverview.read(wanted, kktu: ORDConsole.kktu(on: db), now: now, on: db)
                say(month)
                for push in try PushStore.list(month: wanted, after: 0, limit: 100, on: db) { ORDConsole.say(push) }
                return !month.blocking.isEmpty || !month.conditions.isEmpty
            }
        }
        if isBlocked { throw ExitCode.failure }
    }

    private func say(_ month: MonthOverview) {
        let totals = month.totals
        Console.say("\(month.month) is \(month.status.state.rawValue), version \(month.status.version)")
        Console.say("  ledger \(totals.ledger), rounding \(totals.rounding), shows \(totals.shows)")
        Console.say(
            "  \(totals.acts) acts: \(totals.actsExcludingVAT) without VAT, VAT \(totals.actsVAT), with VAT "
                + "\(totals.actsIncludingVAT)")
        Console.say("  \(totals.rows) rows: \(totals.statisticsExcludingVAT) without VAT, VAT \(totals.statisticsVAT)")
        Console.say("  due \(month.due)\(month.isOverdue ? ", overdue" : "")")
        for levy in month.levy {
            Console.say("  levy of \(levy.quarter): \(levy.levy) of \(levy.base), pay by \(levy.quarter.payBy)")
        }
        if month.pending.rows > 0 {
            Console.say("  \(month.pending.rows) later rows (\(month.pending.amount)) correct it: make a new version")
        }
        for condition in month.conditions { Console.say("  \(condition.code.rawValue): \(condition.message)") }
        if month.blocking.isEmpty {
            Console.say("  the gate finds nothing that blocks")
        } else {
            Console.say("  \(month.blocking.count) findings block:")
            ORDConsole.say(month.blocking)
        }
    }
}
