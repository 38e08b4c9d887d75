import AdModel
import ORD
import Postgres

/// A month cannot be read as it is.
public struct FinanceError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Stable code: `no_retailer`.
    public let code: String
    /// What to do.
    public let message: String
    public var isRetryable: Bool { false }
    public var description: String { message }
}

/// A month as the database holds it, ready for `VKBundle.export`.
public struct MonthReading: Sendable {
    public var statement: MonthStatement
    /// Contents of the media that the month's creatives use, by SHA-256 in lower-case hex.
    public var mediaBytes: [String: [UInt8]]
}

/// What finance reads: the ledger of a month with everything that it refers to.
public enum FinanceStore {
    /// Reads a month: its newest frozen version, or, while it is open, as it stands up to a complete point of the ledger.
    ///
    /// Two transactions: the first waits for charges in flight and notes the highest number; every row up to it is
    /// committed then, so a second export of the same rows is the same. The second reads everything in one snapshot.
    /// - Throws: `FinanceError`, `PostgresError`.
    public static func read(_ month: AccountingMonth, from pool: PostgresPool) async throws -> MonthReading {
        let highest = try await pool.transaction { db in
            // Readers and exports go on; writers wait for the moment that max(id) takes.
            try db.script("lock table charge in share mode")
            return try db.query("select coalesce(max(id), 0) as id from charge").single().int64("id")
        }
        return try await pool.transaction(.repeatableRead) { db in
            if let frozen = try FrozenMonth.read(month, on: db) {
                return MonthReading(statement: frozen.statement, mediaBytes: try frozen.mediaBytes(on: db))
            }
            return try MonthReader(month: month, highestChargeID: highest, on: db).read(on: db)
        }
    }
}

/// Reads one month inside one snapshot.
struct MonthReader {
    let month: AccountingMonth
    /// Rows of the ledger above it are left for the next export.
    let highestChargeID: Int64
    let zone: String
    let retailerPerson: String

    init(month: AccountingMonth, highestChargeID: Int64, on db: isolated PostgresConnection) throws {
        self.month = month
        self.highestChargeID = highestChargeID
        let rows = try db.query(
            "select accounting_zone, c.code from retailer join counterparty c on c.id = retailer.counterparty_id")
        guard let row = rows.first else {
            throw FinanceError(
                code: "no_retailer", message: "the database has no retailer yet: apply a seed file with `nimb seed`")
        }
        zone = try row.string("accounting_zone")
        retailerPerson = ExternalIDs.person(try row.string("code"))
    }

    /// First and last day, and the ledger's end: the parameters of every query about the month.
    var range: [PostgresValue] {
        [.date(days: month.first.number), .date(days: month.last.number), .int8(highestChargeID)]
    }

    func read(on db: isolated PostgresConnection) throws -> MonthReading {
        let statement = try statement(on: db)
        return MonthReading(
            statement: statement, mediaBytes: try Self.mediaBytes(Settlement(statement), statement, on: db))
    }

    /// Everything but the contents of media.
    func statement(on db: isolated PostgresConnection) throws -> MonthStatement {
        let facts = try facts(on: db)
        let totals = try totals(on: db)
        let lineItems = try lineItems(Set(facts.keys.map(\.lineItem)), on: db)
        let creatives = try creatives(ofLineItems: Array(lineItems.keys), lineItems, on: db)
        var statement = MonthStatement(
            month: month, timeZone: zone, cut: totals.cut, persons: try Self.persons(on: db),
            contracts: try contracts(on: db), pads: try pads(on: db), creatives: creatives.values,
            media: creatives.media,
            lineItems: lineItems.values.map(\.line).sorted { byteOrder($0.id, $1.id) },
            facts: facts.values.sorted(by: Self.stableOrder), ledgerTotal: totals.ledger, showsTotal: totals.shows)
        statement.cids = try cids(on: db)
        statement.agentReports = try agentReports(on: db)
        statement.actDates = try actDates(on: db)
        statement.details = try details(of: lineItems.values.compactMap(\.line.contractID), on: db)
        return statement
    }

    private static func stableOrder(_ a: MonthStatement.Fact, _ b: MonthStatement.Fact) -> Bool {
        if a.lineItemID != b.lineItemID { return byteOrder(a.lineItemID, b.lineItemID) }
        let (x, y) = (a.creativeID ?? "", b.creativeID ?? "")
        if x != y { return byteOrder(x, y) }
        let (p, q) = (a.padID ?? "", b.padID ?? "")
        return p != q ? byteOrder(p, q) : a.day < b.day
    }
}

/// External ids (R6): made of our immutable codes, never of names or serials.
enum ExternalIDs {
    static func person(_ code: String) -> String { "org-\(code)" }
    static func contract(_ code: String) -> String { "ctr-\(code)" }
    static func pad(_ code: String) -> String { "pad-\(code)" }
    static func creative(_ code: String, version: Int32) -> String { "cr-\(code)-v\(version)" }
}
