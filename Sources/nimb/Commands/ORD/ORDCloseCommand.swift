import AdModel
import ArgumentParser
import ORD
import Postgres
import Store

/// `nimb ord close`: freezes a month, passes the gate and issues its acts.
struct ORDCloseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "close", abstract: "Freeze a month, reconcile it and issue its acts.",
        discussion: """
            Goes as far as it can and can be repeated: each step that is done stays done. It stops at the first step \
            whose conditions are not met, names every one of them, and the exit code is 1. A month may be frozen 72 \
            hours after its end, when every node has shipped its log; a node that is gone for good is declared lost \
            over the API, by name and with a reason.

              nimb ord close --month 2026-10
              nimb ord push --month 2026-10 --ord-url https://api.ord.vk.com
            """)

    @OptionGroup var database: DatabaseOptions
    @OptionGroup var month: ORDMonthOption

    func run() async throws {
        let month = try month.month()
        let pool = try database.pool(applicationName: "nimb ord close", maximumConnections: 1)
        let isDone = try await pool.closing { pool in
            do {
                while try await step(month, pool) {}
                return true
            } catch let refusal as Store.Refusal {
                ORDConsole.say(refusal)
                return false
            }
        }
        if !isDone { throw ExitCode.failure }
    }

    /// Takes the next step; false when there is none to take.
    private func step(_ month: AccountingMonth, _ pool: PostgresPool) async throws -> Bool {
        let actor = ORDConsole.actor()
        return try await pool.transaction { db in
            let state = try MonthClose.state(of: month, on: db)
            switch state {
            case .open: try MonthClose.freeze(month, by: actor, on: db)
            case .frozen: try MonthClose.reconcile(month, kktu: ORDConsole.kktu(on: db), by: actor, on: db)
            case .reconciled: try MonthClose.issueActs(month, by: actor, on: db)
            case .returned: try MonthClose.returnToFrozen(month, reason: "taken up again", by: actor, on: db)
            case .actsIssued, .exported, .accepted:
                Console.say("\(month) is \(state.rawValue)")
                return false
            }
            let after = try MonthClose.state(of: month, on: db)
            Console.say("\(month): \(state.rawValue) -> \(after.rawValue)")
            return true
        }
    }
}
