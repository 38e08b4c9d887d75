import AdModel
import Crypto
import ORD
import Postgres

/// A file that was made of a month.
public struct ExportRecord: Equatable, Sendable {
    public var id: Int64
    public var code: String
    public var month: AccountingMonth
    /// 0 = the first one; n = the n-th correction of the month.
    public var correction: Int
    /// `vk`, `mediascout`, `ozon`, …
    public var profile: String
    public var fileName: String
    public var sha256: [UInt8]
    /// Of the bundle's manifest; nil for files without one.
    public var manifestSHA256: [UInt8]?
    /// Made of a month that is not frozen yet; it is never sent.
    public var isRehearsal: Bool
    public var madeAt: Timestamp
    public var actor: String
    /// Calls to the operator that it holds.
    public var lines: Int64
}

/// The files that were made of months. Nothing in them changes afterwards.
public enum ExportStore {
    /// Lines of one export, at most.
    public static let lineLimit = 500_000

    /// Keeps what was written. The same bytes again are the same export.
    /// - Parameters:
    ///   - file: the ZIP's (or other file's) name and bytes.
    ///   - bundle: the files inside, when the operator can be sent what they say.
    ///   - correction: 0 for a month's first version.
    /// - Throws: `too_many`-like `invalid_state` when there are more lines than are kept.
    public static func record(
        month: AccountingMonth, correction: Int = 0, profile: String, fileName: String, bytes: [UInt8],
        bundle: [(name: String, bytes: [UInt8])] = [], isRehearsal: Bool, actor: String, now: Timestamp,
        on db: isolated PostgresConnection
    ) throws -> ExportRecord {
        let sha256 = Array(SHA256.hash(data: bytes))
        let known = try db.query(
            """
                        select code from ord_export
            where month = $1 and profile = $2 and correction = $3 and file_sha256 = $4 and rehearsal = $5
            order by id desc limit 1
            """,
            [
                .date(days: month.first.number), .text(profile), .int(correction), .bytea(sha256), .bool(isRehearsal),
            ]
        ).first
        if let known { return try find(try known.string("code"), on: db) }
        let lines = try BundleLine.read(bundle)
        guard lines.count <= lineLimit else {
            throw Refusal(.limitReached, "The month has more than \(lineLimit) lines to send.")
        }
        let manifest = bundle.first { $0.name == "manifest.json" }.map { Array(SHA256.hash(data: $0.bytes)) }
        let code = Code.make("exp")
        let id = try db.query(
            """
                        insert into ord_export (code, month, correction, profile, file_name, file_sha256, manifest_sha256,
                rehearsal, made_at, actor)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) returning id
            """,
            [
                .text(code), .date(days: month.first.number), .int(correction), .text(profile), .text(fileName),
                .bytea(sha256), .bytea(orNull: manifest), .bool(isRehearsal), .timestamptz(micros: now.micros),
                .text(actor),
            ]
        ).single().int64("id")
        if !lines.isEmpty {
            try db.copyStaged(
                "ord_export_line",
                ["export_id", "place", "stage", "external_id", "method", "path", "body", "body_sha256"]
            ) { writer in
                for (place, line) in lines.enumerated() {
                    try writer.row([
                        .int8(id), .int4(Int32(place)), .int2(line.stage.rawValue), .text(line.externalID),
                        .text(line.method), .text(line.path), .text(String(decoding: line.body, as: UTF8.self)),
                        .bytea(line.fingerprint),
                    ])
                }
            }
        }
        return try find(code, on: db)
    }

    /// One export; `not_found` when there is none.
    public static func find(_ code: String, on db: isolated PostgresConnection) throws -> ExportRecord {
        guard let row = try db.query("\(columns) where e.code = $1", [.text(code)]).first else {
            throw Refusal.notFound
        }
        return try record(row)
    }

    /// Exports of a month, oldest first.
    public static func list(
        month: AccountingMonth, after: Int64 = 0, limit: Int64 = 500, on db: isolated PostgresConnection
    ) throws -> [ExportRecord] {
        try db.query(
            "\(columns) where e.month = $1 and e.id > $2 order by e.id limit $3",
            [.date(days: month.first.number), .int8(after), .int8(limit)]
        ).map(record)
    }

    /// The newest bundle of a month that may be sent; nil when there is none.
    public static func newestBundle(
        of month: AccountingMonth, on db: isolated PostgresConnection
    ) throws -> ExportRecord? {
        try db.query(
            """
            \(columns) where e.month = $1 and e.profile = 'vk' and not e.rehearsal
            order by e.correction desc, e.id desc limit 1
            """, [.date(days: month.first.number)]
        ).first.map(record)
    }

    /// Lines of an export, in order of sending.
    public static func lines(of export: Int64, on db: isolated PostgresConnection) throws -> [BundleLine] {
        try db.query(
            "select stage, external_id, method, path, body from ord_export_line where export_id = $1 order by place",
            [.int8(export)]
        ).map { row in
            BundleLine(
                stage: BundleLine.Stage(rawValue: try row.int16("stage")) ?? .persons,
                externalID: try row.string("external_id"), method: try row.string("method"),
                path: try row.string("path"), body: Array(try row.string("body").utf8))
        }
    }

    private static let columns = """
        select e.*, (select count(*) from ord_export_line l where l.export_id = e.id) as lines from ord_export e
        """

    private static func record(_ row: PostgresRow) throws -> ExportRecord {
        let first = Day(number: try row.days("month"))
        guard let month = AccountingMonth(containing: first) else {
            throw FinanceError(code: "month", message: "an export of no month")
        }
        return ExportRecord(
            id: try row.int64("id"), code: try row.string("code"), month: month,
            correction: try row.int("correction"), profile: try row.string("profile"),
            fileName: try row.string("file_name"), sha256: try row.bytes("file_sha256"),
            manifestSHA256: try row.bytesIfPresent("manifest_sha256"), isRehearsal: try row.bool("rehearsal"),
            madeAt: Timestamp(micros: try row.micros("made_at")), actor: try row.string("actor"),
            lines: try row.int64("lines"))
    }
}
