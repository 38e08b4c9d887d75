import AdModel
import ORD
import Postgres

/// A frozen version of a month: the statement as it was cut, its acts with their serials, and the rounding rows. Read
/// from rows that never change, whatever becomes of campaigns, creatives and contracts.
public struct FrozenMonth: Sendable {
    /// The one row of the ledger per act that makes it equal to the act (R17).
    public struct Rounding: Hashable, Sendable {
        /// External id of the act.
        public var actID: String
        /// Act less ledger, at most half a kopeck.
        public var amount: Micros
        /// The row that this version posted; nil when there was nothing (more) to round.
        public var chargeID: Int64?
    }

    /// Where the month stands now.
    public var status: MonthStatus
    /// From 1; `status.version` is the newest.
    public var version: Int32
    public var frozenAt: Timestamp
    public var frozenBy: String
    /// Why the version was made; nil for the first.
    public var reason: String?
    /// Complete: its `cut`, `serials`, `edition` and `overrides` are set.
    public var statement: MonthStatement
    /// Acts and statistics rows of the statement.
    public var settlement: Settlement
    public var roundings: [Rounding]
    /// What the levy did to acts, by external id: `no_tax, calculated, blocked`.
    public var levy: [String: String]
    /// What of the stored acts and rows does not follow from the stored statement any more; empty unless stored bytes
    /// were tampered with.
    public var integrity: [Finding]

    /// Everything the gate finds in this version.
    /// - Parameter today: the day in UTC.
    public func findings(kktu: KKTUDictionary, today: Day, profile: OperatorProfile = .vk) -> [Finding] {
        let settlement = profile == .vk ? settlement : Settlement(statement, profile: profile)
        return integrity + Gate.findings(statement, settlement, kktu: kktu, today: today)
    }

    /// How ledger and documents stand to each other.
    public var totals: MonthTotals { MonthTotals(statement, settlement) }

    /// Reads a version, the newest unless said otherwise; nil when the month is open or has no such version.
    public static func read(
        _ month: AccountingMonth, version: Int32? = nil, on db: isolated PostgresConnection
    ) throws -> FrozenMonth? {
        let status = try MonthClose.status(of: month, on: db)
        let wanted = version ?? status.version
        guard
            let row = try db.query(
                """
                select frozen_at, actor, reason, time_zone, cut_charge_id, cut_at, ledger_micros, shows
                from month_version where month = $1 and version = $2
                """, [.date(days: month.first.number), .int4(wanted)]
            ).first
        else { return nil }
        let reader = FrozenReader(month: month, version: wanted)
        let reason = try row.stringIfPresent("reason")
        var statement = MonthStatement(
            month: month, timeZone: try row.string("time_zone"),
            cut: MonthStatement.Cut(
                highestChargeID: try row.int64("cut_charge_id"), at: Timestamp(micros: try row.micros("cut_at"))),
            serials: try reader.serials(on: db), persons: try reader.objects("person", on: db),
            contracts: try reader.objects("contract", on: db), pads: try reader.objects("pad", on: db),
            creatives: try reader.objects("creative", on: db), media: try reader.objects("media", on: db),
            lineItems: try reader.objects("line_item", on: db), facts: try reader.facts(on: db),
            ledgerTotal: Micros(try row.int64("ledger_micros")), showsTotal: try row.int64("shows"))
        statement.cids = try reader.objects("cid", on: db)
        statement.agentReports = try reader.objects("commission", on: db)
        statement.actualStarts = try reader.days("actual_start", on: db)
        statement.actDates = try reader.days("act_date", on: db)
        let details: [FrozenDetails] = try reader.objects("details", on: db)
        statement.details = Dictionary(details.map { ($0.id, $0.details) }) { first, _ in first }
        statement.overrides = try MonthOverrides.list(month, on: db)
        statement.edition = try MonthExports.edition(month, version: wanted, reason: reason, on: db)
        let settlement = Settlement(statement)
        return FrozenMonth(
            status: status, version: wanted, frozenAt: Timestamp(micros: try row.micros("frozen_at")),
            frozenBy: try row.string("actor"), reason: reason, statement: statement, settlement: settlement,
            roundings: try reader.roundings(on: db), levy: try LevyLocks.statuses(month, on: db),
            integrity: try reader.integrity(settlement, on: db))
    }

    /// The newest version.
    /// - Throws: `Refusal` when the month is open.
    public static func require(
        _ month: AccountingMonth, on db: isolated PostgresConnection
    ) throws -> FrozenMonth {
        guard let frozen = try read(month, on: db) else {
            throw Refusal(.invalidState, field: "month", "\(month) is not frozen yet.")
        }
        return frozen
    }

    /// What changed from an earlier version to this one: the rows and acts to send, and those to delete (R25).
    public func changes(since earlier: FrozenMonth) -> MonthDiff {
        MonthDiff(before: earlier.settlement, after: settlement)
    }

    /// Contents of the media that the version's creatives use, by SHA-256 in lower-case hex.
    public func mediaBytes(on db: isolated PostgresConnection) throws -> [String: [UInt8]] {
        try MonthReader.mediaBytes(settlement, statement, on: db)
    }
}

/// Reads the rows of one frozen version.
struct FrozenReader {
    let month: AccountingMonth
    let version: Int32

    private var key: [PostgresValue] { [.date(days: month.first.number), .int4(version)] }

    func objects<T: Decodable>(_ kind: String, on db: isolated PostgresConnection) throws -> [T] {
        try db.query(
            "select body::text as body from month_object where month = $1 and version = $2 and kind = $3 order by place",
            key + [.text(kind)]
        ).map { try FrozenJSON.decode(T.self, try $0.string("body")) }
    }

    func days(_ kind: String, on db: isolated PostgresConnection) throws -> [String: Day] {
        let values: [FrozenDay] = try objects(kind, on: db)
        return Dictionary(values.map { ($0.id, $0.day) }) { first, _ in first }
    }

    func serials(on db: isolated PostgresConnection) throws -> [String: String] {
        var serials: [String: String] = [:]
        for row in try db.query("select contract, serial from month_act where month = $1 and version = $2", key) {
            serials[try row.string("contract")] = try row.string("serial")
        }
        return serials
    }

    func facts(on db: isolated PostgresConnection) throws -> [MonthStatement.Fact] {
        var facts: [MonthStatement.Fact] = []
        try db.forEachRow(
            """
            select line_item, creative, pad, day, shows, ledger_micros, billed_impressions, billed_clicks, first_charge_id
            from month_fact where month = $1 and version = $2 order by place
            """, key
        ) { row in
            facts.append(
                MonthStatement.Fact(
                    lineItemID: try row.string(0), creativeID: try row.stringIfPresent(1),
                    padID: try row.stringIfPresent(2), day: Day(number: try row.days(3)), shows: try row.int64(4),
                    ledger: Micros(try row.int64(5)), billedImpressions: try row.int64(6),
                    billedClicks: try row.int64(7), chargeID: try row.int64(8)))
        }
        return facts
    }

    func roundings(on db: isolated PostgresConnection) throws -> [FrozenMonth.Rounding] {
        try db.query(
            """
            select act, rounding_micros, rounding_charge_id from month_act where month = $1 and version = $2
            order by act collate "C"
            """, key
        ).map { row in
            FrozenMonth.Rounding(
                actID: try row.string("act"), amount: Micros(try row.int64("rounding_micros")),
                chargeID: try row.int64IfPresent("rounding_charge_id"))
        }
    }

    /// The acts and rows as they were stored, against those that follow from the statement.
    func integrity(_ settlement: Settlement, on db: isolated PostgresConnection) throws -> [Finding] {
        var findings: [Finding] = []
        var acts: [String: Act] = [:]
        for row in try db.query("select act, body::text as body from month_act where month = $1 and version = $2", key)
        {
            acts[try row.string("act")] = try FrozenJSON.decode(Act.self, try row.string("body"))
        }
        for act in settlement.acts where acts.removeValue(forKey: act.id) != act {
            findings.append(Self.altered("act \(act.id)"))
        }
        for id in acts.keys.sorted(by: byteOrder) { findings.append(Self.altered("act \(id)")) }
        var rows: [String: StatisticsRow] = [:]
        try db.forEachRow(
            "select creative, pad, body::text as body from month_row where month = $1 and version = $2", key
        ) { row in
            rows["\(try row.string(0)) \(try row.string(1))"] = try FrozenJSON.decode(
                StatisticsRow.self, try row.string(2))
        }
        for row in settlement.rows where rows.removeValue(forKey: "\(row.creativeID) \(row.padID)") != row {
            findings.append(Self.altered("statistics \(row.creativeID) \(row.padID)"))
        }
        for id in rows.keys.sorted(by: byteOrder) { findings.append(Self.altered("statistics \(id)")) }
        return findings
    }

    private static func altered(_ object: String) -> Finding {
        Finding(
            code: "frozen_differs", object: object,
            message: "the frozen document does not follow from the frozen statement: restore the database, or make a "
                + "correction")
    }
}
