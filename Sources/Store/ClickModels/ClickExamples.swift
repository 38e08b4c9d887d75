import AdModel
import ClickModel
import Measurement
import Postgres

/// The examples of a click model: every impression of the ledger, with what its decision record says it was predicted
/// from, and whether it was clicked. Records carry the features because profiles and stock have moved on since.
///
/// Only valid events count. The order is that of the decisions' ids, so that the same tables give the same examples in
/// the same order, whenever and however often they are read.
public enum ClickExamples {
    /// Reads the impressions of the decisions made from `from` until `until` (exclusive), one by one. Records of
    /// versions that did not keep features are left out.
    public static func read(
        from: Timestamp, until: Timestamp, on db: isolated PostgresConnection,
        _ body: (ClickExample, _ decidedAt: Timestamp) throws -> Void
    ) throws {
        var formats: [Int32: UInt32] = [:]
        for row in try db.query(
            "select v.id, c.format from creative_version v join creative c on c.id = v.creative_id")
        {
            formats[try row.int32("id")] = ClickFeature.hash(try row.string("format"))
        }
        // Four weeks of a large shop take longer than a request may.
        try db.query("set local statement_timeout = '1h'")
        try db.forEachRow(
            """
            select d.body, e.seen, coalesce(e.clicked, '{}') as clicked
            from decision d cross join lateral (
                select array_agg(line_item_id) filter (where kind = \(AdEventKind.impression.rawValue)) as seen,
                    array_agg(line_item_id) filter (where kind = \(AdEventKind.click.rawValue)) as clicked
                from ad_event a
                where a.decision_day = d.decision_day and a.decision_id = d.decision_id and a.invalid_reason is null
            ) e
            where e.seen is not null and d.decision_day between $3 and $4 and d.decided_at >= $1 and d.decided_at < $2
            order by d.decision_day, d.decision_id
            """,
            [
                .timestamptz(micros: from.micros), .timestamptz(micros: until.micros),
                .date(days: from.utcDay), .date(days: until.utcDay),
            ]
        ) { row in
            let seen = try row.int32Array("seen")
            guard case .decision(let record)? = try? LogRecordCodec.decode(try row.bytes("body")) else {
                return
            }
            let clicked = try row.int32Array("clicked")
            for example in examples(record, seen: seen, clicked: clicked, formats: formats) {
                try body(example, record.id.issuedAt)
            }
        }
    }

    /// The impressions of one decision, in the order of its slots.
    static func examples(
        _ record: DecisionRecord, seen: [Int32], clicked: [Int32], formats: [Int32: UInt32]
    ) -> [ClickExample] {
        guard let prediction = record.prediction else { return [] }
        var examples: [ClickExample] = []
        for slot in record.slots {
            // A line item is at most once on a page.
            for (position, ad) in slot.ads.enumerated() where seen.contains(ad.lineItemID) {
                guard let format = formats[ad.creativeVersionID] else { continue }
                let parts = ClickParts(raw: ad.parts)
                let context = ClickContext(
                    placementID: slot.placementID, format: format, creativeVersionID: ad.creativeVersionID,
                    position: UInt8(min(position, 15)), category: parts.category, brand: parts.brand,
                    device: record.device, hour: prediction.hour, price: parts.price, isKnown: prediction.isKnown)
                examples.append(ClickExample(context, isClicked: clicked.contains(ad.lineItemID)))
            }
        }
        return examples
    }
}

extension Timestamp {
    /// Days since 1970-01-01 of the UTC day.
    fileprivate var utcDay: Int32 { Int32(clamping: floorDivide(micros, 86_400_000_000)) }
}
