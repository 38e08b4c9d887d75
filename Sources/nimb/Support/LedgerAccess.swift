import AdModel
import ArgumentParser
import Postgres
import Store

extension PostgresPool {
    /// Lends the pool and closes it, however the body ends. Refusals of the store become sentences for the console.
    func closing<R: Sendable>(_ body: (PostgresPool) async throws -> R) async throws -> R {
        do {
            let value = try await body(self)
            await close()
            return value
        } catch let refusal as Store.Refusal {
            await close()
            throw Refusal(refusal.detail)
        } catch {
            await close()
            throw error
        }
    }
}

extension LedgerViewer {
    /// The advertiser of that code; without one the retailer.
    static func named(_ advertiser: String?, on db: isolated PostgresConnection) throws -> LedgerViewer {
        guard let advertiser else { return .retailer }
        return .advertisers([try Self.id(advertiser, on: db)])
    }

    /// Internal id of the advertiser of that code.
    static func id(_ advertiser: String, on db: isolated PostgresConnection) throws -> Int32 {
        guard let row = try db.query("select id from advertiser where code = $1", [.text(advertiser)]).first else {
            throw Refusal("there is no advertiser \(advertiser)")
        }
        return try row.int32(0)
    }
}

/// Accounting days of orders, both included.
struct DayRange: ParsableArguments {
    @Option(help: "First accounting day of the orders, YYYY-MM-DD, included.")
    var from: String
    @Option(help: "Last accounting day of the orders, YYYY-MM-DD, included.")
    var to: String

    func validate() throws {
        guard let first = Day(from), let last = Day(to), first <= last else {
            throw ValidationError("--from and --to must be days such as 2026-11-01, --from not after --to")
        }
    }

    /// Checked by `validate`.
    var days: (from: Day, to: Day) { (Day(from) ?? Day(number: 0), Day(to) ?? Day(number: 0)) }
}

/// A month such as `2026-10`.
func parseMonth(_ text: String) throws -> Day {
    guard text.utf8.count == 7, let day = Day("\(text)-01") else {
        throw ValidationError("--month must be a month such as 2026-10")
    }
    return day
}
