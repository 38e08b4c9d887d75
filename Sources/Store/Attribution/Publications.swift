import AdModel
import Attribution
import Billing
import Crypto
import Postgres

/// A month's attribution as it was told: one version of its numbers.
public struct Publication: Equatable, Sendable {
    public var id: Int64
    /// Public id, `pub-…`.
    public var code: String
    /// First day of the month.
    public var month: Day
    public var version: Int32
    public var publishedAt: Timestamp
    /// Who published, as the audit log names him.
    public var publishedBy: String
    public var note: String?
    /// The version is what the ledger's rows up to this one sum to.
    public var throughCreditID: Int64
    /// Everything received before is in it.
    public var dataThrough: Timestamp
    public var orders: Int64
    /// SHA-256 of every row that the recomputation read.
    public var inputsHash: [UInt8]
    /// SHA-256 of the texts of the policies that decided.
    public var policyHash: [UInt8]
    /// SHA-256 of the net position of the month's orders.
    public var resultHash: [UInt8]
    /// SHA-256 of the rows posted to the month; the same in every version.
    public var postingHash: [UInt8]
}

/// One advertiser's part of a publication under one policy.
public struct PublicationShare: Equatable, Sendable {
    public var advertiser: String
    public var policy: String
    /// Rows of the net position.
    public var entries: Int64
    public var units: Int64
    public var amountMicros: Int64
    /// SHA-256 of these rows.
    public var resultHash: [UInt8]
}

/// Publishes months and lists what was published.
public enum Publications {
    /// First days of the published months.
    static func months(on connection: isolated PostgresConnection) throws -> Set<Day> {
        var result: Set<Day> = []
        for row in try connection.query("select distinct month from attribution_publication") {
            result.insert(Day(number: try row.days(0)))
        }
        return result
    }

    /// Publishes a month, or a restatement of one: its ledger is replayed, must agree, and is frozen as a version. The
    /// caller's transaction must see every tenant; shipping waits for it.
    ///
    /// - Throws: `Refusal` when the month is not over, events of it may still come, the ledger differs from a
    ///   recomputation, or the last version says the same already.
    public static func publish(
        month: Day, by actor: String, note: String? = nil, now: Timestamp, on connection: isolated PostgresConnection
    ) throws -> Publication {
        let zone = try InstallationZone.read(on: connection)
        guard month.civil.day == 1 else {
            throw Refusal.field("month", "out_of_range", "Give the month, for example 2026-10.")
        }
        try CheckpointStore.lockLedgers(on: connection)
        let range = OrderRounds.Range(month: month)
        let end = zone.start(of: range.to + 1)
        guard now >= end else {
            throw Refusal(.invalidState, field: "month", "\(text(month)) is not over; publish it after its last day.")
        }
        let through = try dataThrough(now: now, on: connection)
        guard through >= end else {
            throw Refusal(
                .invalidState, field: "month",
                "Events of \(text(month)) may still come: a node has shipped its log through \(through.rfc3339) only. "
                    + "Wait for it, or retire the node when it is lost.")
        }
        var shares: [ShareKey: ShareSum] = [:]
        let report = try LedgerReplay.run(range, policy: nil, auditsTouches: false, on: connection) { _, rows in
            for entry in NetPosition(rows).entries {
                let key = ShareKey(policy: entry.key.policy, advertiserID: Int32(entry.key.advertiserID.text) ?? 0)
                shares[key, default: ShareSum()].add(entry)
            }
        }
        guard report.agrees else {
            let first = report.differences.first.map { "\($0.storefront)/\($0.orderID)" } ?? "none"
            throw Refusal(
                .invalidState, field: "month",
                "The ledger differs from a recomputation in \(report.differing) orders, the first is \(first); "
                    + "see nimb replay.")
        }
        let posting = try postingHash(month, through: nil, on: connection)
        let cut = try connection.query("select coalesce(max(id), 0) from credit").single().int64(0)
        let result = try resultHash(month, through: cut, zone: zone, on: connection)
        let last = try latest(month, on: connection)
        if let last {
            guard last.postingHash == posting else {
                throw Refusal(
                    .invalidState, field: "month",
                    "Rows posted to \(text(month)) have changed since it was published; see nimb doctor ledger.")
            }
            guard last.resultHash != result else {
                throw Refusal(
                    .invalidState, field: "month", "Version \(last.version) of \(text(month)) says the same already.")
            }
        }
        let row = try connection.query(
            """
            insert into attribution_publication (code, month, version, published_at, published_by, note,
                through_credit_id, data_through, orders, inputs_hash, policy_hash, result_hash, posting_hash)
            values ($1, $2, $3, $4, $5, $6, $13, $7, $8, $9, $10, $11, $12) returning \(columns)
            """,
            [
                .text(Code.make("pub")), .date(days: month.number), .int4((last?.version ?? 0) + 1),
                .timestamptz(micros: now.micros), .text(actor), .text(orNull: note),
                .timestamptz(micros: through.micros), .int(report.orders), .bytea(report.inputsHash),
                .bytea(report.policyHash), .bytea(result), .bytea(posting), .int8(cut),
            ]
        ).single()
        let publication = try read(row)
        for (key, var sum) in shares {
            try connection.query(
                """
                insert into attribution_publication_share (publication_id, policy, advertiser_id, entries, units,
                    amount_micros, result_hash) values ($1, $2, $3, $4, $5, $6, $7)
                """,
                [
                    .int8(publication.id), .text(key.policy), .int4(key.advertiserID), .int8(sum.entries),
                    .int8(sum.units), .int8(sum.amount), .bytea(sum.finish()),
                ])
        }
        return publication
    }

    private struct ShareKey: Hashable {
        var policy: String
        var advertiserID: Int32
    }

    /// Sums and bytes of one advertiser under one policy.
    private struct ShareSum {
        var entries: Int64 = 0
        var units: Int64 = 0
        var amount: Int64 = 0
        private var digest = RowDigest("nimb attribution share/1")

        mutating func add(_ entry: NetPosition.Entry) {
            entries += 1
            units += entry.units
            amount += entry.amountMicros
            let key = entry.key
            digest.add(key.orderID)
            digest.add(key.lineNumber)
            digest.add(key.campaignID)
            digest.add(key.lineItemID)
            digest.add(key.touchID)
            digest.add(key.interaction.rawValue)
            digest.add(key.level.rawValue)
            digest.add(entry.units)
            digest.add(entry.amountMicros)
        }

        mutating func finish() -> [UInt8] { digest.finish() }
    }

    /// What every active node has shipped; an installation without nodes has shipped everything.
    private static func dataThrough(
        now: Timestamp, on connection: isolated PostgresConnection
    ) throws -> Timestamp {
        let row = try connection.query(
            """
            select min(through) from (
                select coalesce(max(k.shipped_through), '-infinity') as through
                from node n join log_checkpoint k on k.node_id = n.id where n.retired_at is null group by n.id) node
            """
        ).single()
        guard let micros = try row.microsIfPresent(0) else { return now }
        return Timestamp(micros: max(micros, 0))
    }

    /// SHA-256 of the rows posted to a month, in the order they were written.
    static func postingHash(
        _ month: Day, through: Int64?, on connection: isolated PostgresConnection
    ) throws -> [UInt8] {
        var digest = RowDigest("nimb attribution postings/1")
        try connection.forEachRow(
            """
            select id, storefront_id, order_id, line_no, policy, advertiser_id, campaign_id, line_item_id, touch_id,
                interaction, level, kind, units, amount_micros, ordered_at, touched_at, coalesce(adjustment_id, '') as a,
                cause, cause_at, recorded_at
            from credit where posting_month = $1 and ($2::int8 is null or id <= $2) order by id
            """, [.date(days: month.number), .int8(orNull: through)]
        ) { row in
            digest.add(try row.int64(0))
            digest.add(Int64(try row.int32(1)))
            digest.add(try row.string(2))
            digest.add(Int64(try row.int32(3)))
            digest.add(try row.string(4))
            for column in 5...7 { digest.add(Int64(try row.int32(column))) }
            for column in 8...11 { digest.add(try row.string(column)) }
            digest.add(Int64(try row.int32(12)))
            digest.add(try row.int64(13))
            digest.add(try row.micros(14))
            digest.add(try row.micros(15))
            digest.add(try row.string(16))
            digest.add(try row.string(17))
            digest.add(try row.micros(18))
            digest.add(try row.micros(19))
        }
        return digest.finish()
    }

    /// SHA-256 of the net position of a publication's orders, from the ledger up to its cut.
    static func resultHash(
        of publication: Publication, zone: AccountingZone, on connection: isolated PostgresConnection
    ) throws -> [UInt8] {
        try resultHash(publication.month, through: publication.throughCreditID, zone: zone, on: connection)
    }

    private static func resultHash(
        _ month: Day, through: Int64, zone: AccountingZone, on connection: isolated PostgresConnection
    ) throws -> [UInt8] {
        var hash = SHA256()
        hash.update(data: Array(NetPosition.header.utf8))
        try OrderRounds.forEach(OrderRounds.Range(month: month), zone: zone, on: connection) { keys in
            let rows = try LedgerRows.parts(of: keys, through: through, on: connection)
            hash.update(data: NetPosition(rows).rows)
        }
        return Array(hash.finalize())
    }

    // MARK: Reading

    private static let columns = """
        id, code, month, version, published_at, published_by, note, through_credit_id, data_through, orders, inputs_hash,
        policy_hash, result_hash, posting_hash
        """

    static func read(_ row: PostgresRow) throws -> Publication {
        Publication(
            id: try row.int64("id"), code: try row.string("code"), month: Day(number: try row.days("month")),
            version: try row.int32("version"), publishedAt: Timestamp(micros: try row.micros("published_at")),
            publishedBy: try row.string("published_by"), note: try row.stringIfPresent("note"),
            throughCreditID: try row.int64("through_credit_id"),
            dataThrough: Timestamp(micros: try row.micros("data_through")), orders: try row.int64("orders"),
            inputsHash: try row.bytes("inputs_hash"), policyHash: try row.bytes("policy_hash"),
            resultHash: try row.bytes("result_hash"), postingHash: try row.bytes("posting_hash"))
    }

    /// Publications after an id, oldest first.
    public static func list(
        month: Day? = nil, after: Int64, limit: Int, on connection: isolated PostgresConnection
    ) throws -> [Publication] {
        try connection.query(
            """
            select \(columns) from attribution_publication where id > $1 and ($2::date is null or month = $2)
            order by id limit $3
            """, [.int8(after), .date(orNull: month?.number), .int(limit)]
        ).map(read)
    }

    /// The publication of that code.
    public static func find(_ code: String, on connection: isolated PostgresConnection) throws -> Publication? {
        try connection.query("select \(columns) from attribution_publication where code = $1", [.text(code)]).first
            .map(read)
    }

    /// The publication of that month and version.
    public static func find(
        month: Day, version: Int32, on connection: isolated PostgresConnection
    ) throws -> Publication? {
        try connection.query(
            "select \(columns) from attribution_publication where month = $1 and version = $2",
            [.date(days: month.number), .int4(version)]
        ).first.map(read)
    }

    /// The last version of a month.
    public static func latest(_ month: Day, on connection: isolated PostgresConnection) throws -> Publication? {
        try connection.query(
            "select \(columns) from attribution_publication where month = $1 order by version desc limit 1",
            [.date(days: month.number)]
        ).first.map(read)
    }

    /// The shares of a publication that the caller's tenant may see.
    public static func shares(
        of publicationID: Int64, on connection: isolated PostgresConnection
    ) throws -> [PublicationShare] {
        try connection.query(
            """
            select a.code, s.policy, s.entries, s.units, s.amount_micros, s.result_hash
            from attribution_publication_share s join advertiser a on a.id = s.advertiser_id
            where s.publication_id = $1 order by a.code collate "C", s.policy collate "C"
            """, [.int8(publicationID)]
        ).map { row in
            PublicationShare(
                advertiser: try row.string(0), policy: try row.string(1), entries: try row.int64(2),
                units: try row.int64(3), amountMicros: try row.int64(4), resultHash: try row.bytes(5))
        }
    }

    /// `2026-10`.
    public static func text(_ month: Day) -> String { String(month.description.prefix(7)) }
}
