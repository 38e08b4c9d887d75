import AdModel
import Postgres

/// Lists with validity, one open row per owner: `campaign_version` and `line_item_version`.
enum VersionedLists {
    /// Makes the open version hold `columns`. The first version is valid since ever; a changed one is closed at `now`
    /// and the next begins there, so that a list changed later never re-credits earlier touches. True when written.
    static func put(
        table: String, owner: String, ownerID: Int32, _ columns: [VersionColumn], now: Timestamp,
        on db: isolated PostgresConnection
    ) throws -> Bool {
        let names = columns.map(\.name).joined(separator: ", ")
        let values = columns.indices.map { "$\($0 + 2)" }.joined(separator: ", ")
        let parameters: [PostgresValue] = [.int4(ownerID)] + columns.map(\.value)
        let open = try db.query(
            """
            select valid_from, row(\(names)) is distinct from row(\(values)) as differs from \(table)
            where \(owner) = $1 and valid_to = 'infinity' order by valid_from desc limit 1
            """, parameters
        ).first
        var from = Int64.min
        if let open {
            guard try open.bool("differs") else { return false }
            // A clock that stood still or went back must not make an empty or negative span.
            let started = try open.micros("valid_from")
            from = started == .min ? now.micros : max(now.micros, started + 1)
            try db.query(
                "update \(table) set valid_to = $2 where \(owner) = $1 and valid_to = 'infinity'",
                [.int4(ownerID), .timestamptz(micros: from)])
        }
        try db.query(
            "insert into \(table) (\(owner), \(names), valid_from) values ($1, \(values), $\(columns.count + 2))",
            parameters + [.timestamptz(micros: from)])
        return true
    }
}
