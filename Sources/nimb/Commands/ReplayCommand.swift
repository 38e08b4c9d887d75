import AdModel
import ArgumentParser
import Attribution
import ManagementAPI
import Postgres
import Store

/// `nimb replay`: recomputes credits from orders and events and compares them with the ledger, byte for byte.
struct ReplayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay", abstract: "Recompute credits and compare them with the ledger.",
        discussion: """
            Without --policy each touch competes under its campaign's own policy; the exit code is 1 when a net position \
            or a touch differs, and the first 100 offending orders are named. With --policy everything competes under \
            that one: the answer sets both side by side per campaign and names the orders that move.
            """)

    @OptionGroup var database: DatabaseOptions
    @OptionGroup var range: DayRange
    @Option(help: "Code of the only storefront wanted.")
    var storefront: String?
    @Option(help: "What if everything competed under this policy, such as sku-strict@1.")
    var policy: String?
    @Flag(help: "Append what the ledger lacks, after reference data was corrected. Published months stay as they are.")
    var repair = false
    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        if repair, policy != nil { throw ValidationError("--repair books what the policies in force say: no --policy") }
    }

    func run() async throws {
        let pool = try database.pool(applicationName: "nimb replay", maximumConnections: 1)
        let (days, storefront, policy, repair) = (range.days, storefront, policy, repair)
        let now = SystemClock.now()
        let (report, repaired) = try await pool.closing { pool in
            try await pool.transaction(repair ? .readCommitted : .repeatableRead) {
                db -> (LedgerReplay.Report, CreditSummary?) in
                var id: Int32?
                if let storefront {
                    guard
                        let row = try db.query("select id from storefront where code = $1", [.text(storefront)]).first
                    else { throw Refusal("there is no storefront \(storefront)") }
                    id = try row.int32(0)
                }
                var rules: AttributionPolicy?
                if let policy {
                    do { rules = try Policies.installed(on: db).rules(policy) } catch let error as AttributionError {
                        throw Refusal(error.message)
                    }
                }
                let range = OrderRounds.Range(from: days.from, to: days.to, storefrontID: id)
                let repaired = repair ? try LedgerReplay.repair(range, now: now, on: db) : nil
                return (try LedgerReplay.run(range, policy: rules, on: db), repaired)
            }
        }
        if json { Console.say(AttributionJSON.replay(report)) } else { Self.say(report, repaired) }
        if policy == nil, !report.agrees { throw ExitCode.failure }
    }

    private static func say(_ it: LedgerReplay.Report, _ repaired: CreditSummary?) {
        if let repaired { Console.say("repaired: \(repaired.rows) rows appended") }
        Console.say(
            "orders \(it.orders), refused \(it.refused), net rows \(it.ledgerEntries) booked, \(it.resultEntries) replayed"
        )
        Console.say("policies    \(it.policies.joined(separator: " "))")
        Console.say("inputs      \(AttributionJSON.hex(it.inputsHash))")
        Console.say("policy      \(AttributionJSON.hex(it.policyHash))")
        Console.say("ledger      \(AttributionJSON.hex(it.ledgerHash))")
        Console.say("result      \(AttributionJSON.hex(it.resultHash))")
        if it.policy != nil {
            for (name, shares) in [("booked", it.booked), ("replayed", it.replayed)] {
                for share in shares {
                    Console.say(
                        "\(name) \(share.advertiser) \(share.campaign) \(share.policy) \(share.interaction): "
                            + "\(share.sums.orders) orders, \(share.sums.units) units, \(share.sums.amountMicros) micros"
                    )
                }
            }
        }
        for it in it.differences {
            Console.say("\(it.storefront)/\(it.orderID)")
            for row in it.ledger { Console.say("  - \(row)") }
            for row in it.replay { Console.say("  + \(row)") }
        }
        for touch in it.touches.touches { Console.say("touch \(touch.id) \(touch.problem)") }
        if it.policy != nil {
            Console.say("\(it.differing) orders move")
        } else {
            Console.say(
                it.agrees
                    ? "the ledger agrees"
                    : "THE LEDGER DIFFERS: \(it.differing) orders, \(it.touches.count) touches")
        }
    }
}
