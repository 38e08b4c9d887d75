import AdModel
import Measurement
import Postgres

/// What pages asked for, kept for planning: a fixed part of all shoppers, with all of their requests, for 28 days. By
/// shopper, so that distinct ones can be counted; requests without one are drawn by their decision.
public enum RequestSample {
    /// Days that are kept beside the current one.
    public static let keptDays: Int32 = 28

    /// Keeps the decisions that belong to the sample. Old partitions go when a new day begins.
    public static func write(
        _ decisions: [RecordBatch.Decision], on connection: isolated PostgresConnection
    ) throws {
        guard !decisions.isEmpty else { return }
        let parts = try connection.query("select sample_parts from planning_setting").first?.int32("sample_parts") ?? 16
        let kept = decisions.filter { belongs($0.record, parts: UInt64(parts)) }
        guard !kept.isEmpty else { return }
        let days = Set(kept.map { $0.record.id.day })
        let isThere = try connection.query(
            "select to_regclass('request_sample_' || to_char(date '1970-01-01' + $1::int, 'YYYYMMDD')) is not null as it",
            [.int4(days.max()?.number ?? 0)]
        ).single().bool("it")
        // Removed before those of this batch are made: a replay may bring days that are older still.
        if !isThere, let newest = days.max() { try prune(before: newest, on: connection) }
        try LedgerPartitions.ensure(days.sorted().map { ("request_sample", $0) }, on: connection)
        let values: [PostgresValue] = [
            .array(kept.map { .uuid(high: $0.record.id.uuidHigh, low: $0.record.id.low) }),
            .int4Array(kept.map { $0.record.id.day.number }),
            .array(kept.map { .timestamptz(micros: $0.record.id.issuedAt.micros) }),
            .int4Array(kept.map(\.record.storefrontID)), .textArray(kept.map(\.record.pageType.rawValue)),
            .textArray(kept.map(\.record.device.rawValue)),
            .array(kept.map { .text(orNull: $0.record.context?.region) }),
            .int4Array(kept.map { $0.record.context?.categoryID ?? 0 }),
            .int4Array(kept.map { $0.record.context?.brandID ?? 0 }),
            .array(kept.map { $0.record.visitorID.map { .int8(Int64(bitPattern: hash($0))) } ?? .null }),
            .textArray(kept.map { "{\($0.record.slots.map { String($0.placementID) }.joined(separator: ","))}" }),
        ]
        try connection.query(
            """
            insert into request_sample (day, decision_id, decided_at, storefront_id, page_type, device, region,
                category_id, brand_id, visitor, placement_ids, parts)
            select date '1970-01-01' + d, i, t, s, p, v, nullif(r, ''), nullif(c, 0), nullif(b, 0), h, l::int[],
                $12::int
            from unnest($1::uuid[], $2::int4[], $3::timestamptz[], $4::int4[], $5::text[], $6::text[], $7::text[],
                $8::int4[], $9::int4[], $10::int8[], $11::text[]) as u (i, d, t, s, p, v, r, c, b, h, l)
            on conflict do nothing
            """, values + [.int4(parts)])
    }

    /// Removes days beyond the kept ones.
    public static func prune(before today: Day, on connection: isolated PostgresConnection) throws {
        try connection.query(
            "select drop_old_request_samples(date '1970-01-01' + $1::int)", [.int4(today.number - keptDays)])
    }

    private static func belongs(_ record: DecisionRecord, parts: UInt64) -> Bool {
        let number = record.visitorID.map(hash) ?? mixed(record.id.low ^ UInt64(bitPattern: record.id.issuedAt.micros))
        // The upper bits: the lower ones tell shoppers apart.
        return (number >> 32) % max(parts, 1) == 0
    }

    /// The same on every node and in every run: FNV-1a, mixed.
    static func hash(_ text: String) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        return mixed(hash)
    }

    private static func mixed(_ value: UInt64) -> UInt64 {
        var hash = value
        hash = (hash ^ hash >> 30) &* 0xBF58_476D_1CE4_E5B9
        hash = (hash ^ hash >> 27) &* 0x94D0_49BB_1331_11EB
        return hash ^ hash >> 31
    }
}
