import AdModel
import Postgres

/// One row of a list with validity: an alias of a brand, or a brand granted to an advertiser.
struct SeedSpan {
    /// The alias, or the brand's code for messages.
    var text: String
    /// The brand, for grants.
    var id: Int32?
    var validity: SeedValidity

    var value: PostgresValue { id.map { .int4($0) } ?? .text(text) }
    var from: Int64 { validity.from?.micros ?? .min }
    var to: Int64 { validity.to?.micros ?? .max }
}

extension SeedWriter {
    /// Makes the rows of one owner equal to the list. A row that left the list is closed now, because orders of the
    /// past keep the rule of their time; one that has not begun yet is deleted.
    func writeSpans(
        _ wanted: [SeedSpan], of what: String, table: String, textColumn: String, owner: String, ownerID: Int32,
        on db: isolated PostgresConnection
    ) throws {
        struct Stored {
            var id: Int32
            var value: PostgresValue
            var name: String
            var from: Int64
            var to: Int64
        }
        let isGrant = textColumn == "brand_id"
        let shown = isGrant ? "(select code from brand b where b.id = t.brand_id)" : "t.alias"
        var stored = try db.query(
            """
            select id, \(textColumn) as value, \(shown) as name, valid_from, valid_to from \(table) t
            where \(owner) = $1 order by id
            """, [.int4(ownerID)]
        ).map { row in
            Stored(
                id: try row.int32("id"),
                value: isGrant ? .int4(try row.int32("value")) : .text(try row.string("value")),
                name: try row.string("name"), from: try row.micros("valid_from"), to: try row.micros("valid_to"))
        }
        for span in wanted {
            // The same start: it is the same row, whose end may have been set later.
            if let index = stored.firstIndex(where: {
                $0.value == span.value && $0.from == span.from && $0.to == span.to
            })
                ?? stored.firstIndex(where: {
                    $0.value == span.value && $0.from == span.from && ($0.to == .max || $0.to > now.micros)
                })
            {
                let row = stored.remove(at: index)
                if row.to != span.to {
                    try db.query(
                        "update \(table) set valid_to = $2 where id = $1",
                        [.int4(row.id), .timestamptz(micros: span.to)])
                    count(.updated, "\(what): \(span.text)")
                } else {
                    count(.unchanged, "")
                }
                continue
            }
            // A row that was closed by an earlier run comes back from now on, not for the time in between.
            let wasClosed = stored.contains { $0.value == span.value && $0.from == span.from && $0.to <= now.micros }
            // An alias that was another brand's is this one's from now on: it cannot mean both at one time.
            let wasOthers =
                try !isGrant
                && db.query(
                    """
                    select 1 from brand_alias where alias = $1 and brand_id <> $2 and valid_from < $3 and $4 < valid_to
                    """,
                    [
                        span.value, .int4(ownerID), .timestamptz(micros: span.to), .timestamptz(micros: span.from),
                    ]
                ).first != nil
            if wasClosed || wasOthers,
                let open = stored.firstIndex(where: {
                    $0.value == span.value && $0.from > span.from && $0.to == span.to
                })
            {
                stored.remove(at: open)
                count(.unchanged, "")
                continue
            }
            try db.query(
                "insert into \(table) (\(owner), \(textColumn), valid_from, valid_to) values ($1, $2, $3, $4)",
                [
                    .int4(ownerID), span.value,
                    .timestamptz(micros: wasClosed || wasOthers ? max(now.micros, span.from) : span.from),
                    .timestamptz(micros: span.to),
                ])
            count(.created, "\(what): \(span.text)")
        }
        for row in stored where row.to > now.micros {
            if row.from >= now.micros {
                try db.query("delete from \(table) where id = $1", [.int4(row.id)])
            } else {
                try db.query(
                    "update \(table) set valid_to = $2 where id = $1",
                    [.int4(row.id), .timestamptz(micros: now.micros)])
            }
            count(.updated, "\(what): \(row.name) closed")
        }
    }
}
