import AdModel
import ArgumentParser
import FinanceExports
import Foundation
import Logging
import ORD
import ORDGateway
import Outbound
import Postgres
import Store

/// `nimb ord push`: sends a month to the operator, by the code that the worker uses.
struct ORDPushCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "push", abstract: "Send a closed month to the operator, or go on where a sending stopped.",
        discussion: """
            The newest version of the month is exported (the same bytes are the same export) and sent in the order in \
            which objects refer to each other. Every call is written down before it is made; after a call without an \
            answer the operator is asked what he has before anything is sent again, so the command may be ended at \
            any moment and repeated. What the operator has in the same form is not sent twice. The exit code is 0 when \
            he has everything; what he refused is listed with the field, and 1 is returned. What the register (ЕРИР) \
            says later is asked for by the worker, or by repeating the command.

              NIMB_ORD_TOKEN=… nimb ord push --month 2026-10 --ord-url https://api.ord.vk.com
            """)

    @OptionGroup var database: DatabaseOptions
    @OptionGroup var month: ORDMonthOption
    @OptionGroup var `operator`: OperatorArguments
    @OptionGroup var outbound: OutboundOptions
    @OptionGroup var node: NodeOptions

    @Option(help: "Calls under way at a time, 1 to 32.")
    var concurrency = 4
    @Flag(help: "Only export and queue; the worker sends.")
    var queueOnly = false

    func validate() throws {
        guard (1...32).contains(concurrency) else { throw ValidationError("--concurrency must be 1 to 32.") }
    }

    func run() async throws {
        let month = try month.month()
        let options = try `operator`.options()
        guard queueOnly || options != nil else {
            throw Refusal("name the operator with --ord-url, or use --queue-only.")
        }
        let pool = try database.pool(applicationName: "nimb ord push", maximumConnections: 6)
        let state = try await pool.closing { pool -> PushRecord.State in
            var push = try await start(month, pool)
            if let options, !queueOnly {
                var sending = MonthSender.Options()
                sending.concurrency = concurrency
                let client = OperatorClient(options: options, outbound: OutboundClient(policy: outbound.policy()))
                try await MonthSender(
                    pool: pool, client: client, options: sending, logger: node.logger("nimb.ord"),
                    clock: { SystemClock.now() }
                ).run()
                let code = push.code
                push = try await pool.transaction { db in try PushStore.find(code, on: db) }
            }
            let sent = push
            ORDConsole.say(sent)
            let refused = try await pool.transaction { db in
                try PushStore.items(of: sent, state: "refused", after: 0, limit: 100, on: db)
                    + PushStore.items(of: sent, erirStatus: "bad", after: 0, limit: 100, on: db)
            }
            for item in refused {
                let words =
                    ([item.errorCode, item.errorField, item.errorMessage].compactMap(\.self) + item.erirMessages)
                Console.warn("  \(item.stage.word) \(item.externalID): \(words.joined(separator: ": "))")
            }
            return push.state
        }
        if !queueOnly, ![.sent, .verified].contains(state) { throw ExitCode.failure }
    }

    /// A sending of the newest version: the one that goes on, or a new one.
    private func start(_ month: AccountingMonth, _ pool: PostgresPool) async throws -> PushRecord {
        let actor = ORDConsole.actor()
        do {
            return try await pool.transaction { db in
                let files = try MonthFiles.month(month, kktu: ORDConsole.kktu(on: db), now: actor.at, on: db)
                let bundle = try VKBundle.export(files)
                let zip = try MonthFormat.archive(bundle.suggestedName, bundle.files, manifest: bundle.manifest, nil)[0]
                let export = try MonthFiles.recordBundle(
                    bundle, zip: zip.bytes, of: month, edition: files.statement.edition, by: actor, on: db)
                let last = try PushStore.list(month: month, after: 0, limit: 500, on: db).last
                if let last, last.exportID == export.id, [.sending, .sent, .verified].contains(last.state) {
                    return last
                }
                let push = try PushStore.start(export, actor: actor.name, now: actor.at, on: db)
                try ORDConsole.audit("push.started", "push", push.code, on: db)
                return push
            }
        } catch let error as ORDError {
            ORDConsole.say(error.findings)
            throw Refusal("nothing is sent: the gate refuses \(month).")
        }
    }
}
