import AdModel
import ArgumentParser
import ManagementAPI
import Postgres
import Store

/// `nimb explain`: why something was decided as it was.
struct ExplainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "Say why something was decided as it was.",
        subcommands: [ExplainDecisionCommand.self, ExplainOrderCommand.self])
}

/// `nimb explain order`: the winner of each line, every losing touch with its reason, and what was booked.
struct ExplainOrderCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "order", abstract: "Explain the attribution of an order, line by line.")

    @OptionGroup var database: DatabaseOptions

    @Argument(help: "The shop's id of the order; with --advertiser the blinded id of his files.")
    var order: String
    @Option(help: "Code of the storefront, where two of them use one id.")
    var storefront: String?
    @Option(help: "See it as this advertiser does: his own touches, rivals blinded.")
    var advertiser: String?
    @Flag(help: "Print JSON as GET /v1/orders/{id}/attribution answers it.")
    var json = false

    func run() async throws {
        let pool = try database.pool(applicationName: "nimb explain", maximumConnections: 1)
        let (id, storefront, code) = (order, storefront, advertiser)
        let found = try await pool.closing { pool in
            try await pool.transaction(.repeatableRead) { db -> OrderExplanation? in
                let viewer = try LedgerViewer.named(code, on: db)
                guard
                    let key = try OrderExplainer.find(id, storefront: storefront, viewer: viewer, on: db)
                else { return nil }
                return try OrderExplainer.explain(key, viewer: viewer, on: db)
            }
        }
        guard let found else { throw Refusal("there is no order \(order)") }
        if json { return Console.say(AttributionJSON.explanation(found)) }
        Self.lines(of: found).forEach(Console.say)
    }

    private static func lines(of it: OrderExplanation) -> [String] {
        var out = ["order \(it.orderID) of \(it.storefront), \(it.channel), \(it.orderedAt.rfc3339)"]
        for link in it.links { out.append("  link \(link.visitor) -> \(link.customer) at \(link.linkedAt.rfc3339)") }
        for a in it.adjustments {
            let line = a.lineNumber.map { "line \($0)" } ?? "every line"
            let units = a.units.map { ", \($0) units" } ?? ""
            let amount = a.amountMicros.map { ", \($0) micros" } ?? ""
            out.append("  \(a.kind) \(a.id ?? "") of \(line)\(units)\(amount) at \(a.occurredAt.rfc3339)")
        }
        for line in it.lines {
            out.append("line \(line.number): \(line.units) x \(line.sku), \(line.netAmountMicros) micros net")
            for contest in line.contests {
                out.append("  \(contest.policy) (\(AttributionJSON.hex(contest.policyHash).prefix(12)))")
                for winner in contest.winners {
                    let what =
                        winner.touch.isRival
                        ? "somebody else's" : "\(winner.units ?? 0) units, \(winner.amountMicros ?? 0) micros"
                    out.append("    won by \(text(winner.touch)) on \(winner.level): \(what)")
                }
                if contest.winners.isEmpty { out.append("    nobody won") }
                for loser in contest.losers { out.append("    \(loser.reason): \(text(loser.touch))") }
                if contest.losersOmitted > 0 { out.append("    and \(contest.losersOmitted) older touches") }
            }
            for row in line.postings {
                let reference = row.cause.reference.map { " \($0)" } ?? ""
                out.append(
                    "  booked \(row.kind) \(row.units) units, \(row.amountMicros) micros to \(row.campaign) under "
                        + "\(row.policy) in \(Publications.text(row.postingMonth)): \(row.cause.kind.rawValue)\(reference)"
                )
            }
        }
        out.append(it.ledgerAgrees ? "the ledger agrees" : "THE LEDGER DIFFERS: see nimb replay")
        return out
    }

    private static func text(_ touch: OrderExplanation.Touch) -> String {
        let who = touch.isRival ? "a rival's" : "\(touch.id ?? "") of \(touch.campaign ?? "")"
        return "\(touch.interaction) \(who) at \(touch.occurredAt.rfc3339)"
    }
}
