import AdModel
import ORD
import Postgres

/// A manifest that left the house.
public struct MonthExport: Equatable, Sendable {
    public var version: Int32
    /// 32 bytes.
    public var manifestSHA256: [UInt8]
    public var at: Timestamp
    public var actor: String
}

/// What of a month was exported.
public enum MonthExports {
    /// Exports of a month, oldest first.
    public static func list(_ month: AccountingMonth, on db: isolated PostgresConnection) throws -> [MonthExport] {
        try db.query(
            "select version, manifest_sha256, at, actor from month_export where month = $1 order by id limit 1000",
            [.date(days: month.first.number)]
        ).map { row in
            MonthExport(
                version: try row.int32("version"), manifestSHA256: try row.bytes("manifest_sha256"),
                at: Timestamp(micros: try row.micros("at")), actor: try row.string("actor"))
        }
    }

    /// Which edition a version is: what it corrects, and which manifest it supersedes.
    static func edition(
        _ month: AccountingMonth, version: Int32, reason: String?, on db: isolated PostgresConnection
    ) throws -> MonthStatement.Edition {
        let earlier = try list(month, on: db).filter { $0.version < version }
        return MonthStatement.Edition(
            version: Int(version), correction: Set(earlier.map(\.version)).count,
            supersedes: earlier.last.map { Hex.text($0.manifestSHA256) }, reason: reason)
    }

    /// First exported `date_start_actual` of each row (R14).
    static func actualStarts(_ month: AccountingMonth, on db: isolated PostgresConnection) throws -> [String: Day] {
        var days: [String: Day] = [:]
        for row in try db.query(
            """
            select distinct on (creative, pad) creative, pad, (body ->> 'actualStart')::date as day from month_row r
            where month = $1 and exists (
                select 1 from month_export e where e.month = r.month and e.version = r.version)
            order by creative, pad, version
            """, [.date(days: month.first.number)])
        {
            days["\(try row.string("creative"))__\(try row.string("pad"))"] = Day(number: try row.days("day"))
        }
        return days
    }
}
