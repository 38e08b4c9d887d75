import AdModel
import Measurement
import Postgres

/// Tells which events are the first of their kind for their ad as a whole: cards have events of their own, but an ad
/// is viewable once and costs one click.
enum FirstOfAd {
    struct Ad: Hashable {
        var decision: DecisionID
        var ad: UInt8
    }

    /// One event for each ad that has events of this kind among `fresh` and had none before, in the log's order.
    ///
    /// - Parameters:
    ///   - fresh: events that this transaction has stored; every stored one of the kind is in it.
    ///   - ignoringInvalid: events found invalid afterwards do not count as having been there. A charge asks without:
    ///     what was charged and given back is not charged again for the same ad.
    static func events(
        _ kind: AdEventKind, of fresh: [AdEventRecord], ignoringInvalid: Bool = false,
        on connection: isolated PostgresConnection
    ) throws -> [AdEventRecord] {
        var first: [Ad: AdEventRecord] = [:]
        var inBatch: [Ad: Int64] = [:]
        var order: [Ad] = []
        for event in fresh where event.kind == kind {
            let ad = Ad(decision: event.token.decisionID, ad: event.token.ad)
            inBatch[ad, default: 0] += 1
            if first[ad] == nil {
                first[ad] = event
                order.append(ad)
            }
        }
        guard !order.isEmpty else { return [] }
        let rows = try connection.query(
            """
            select a.decision_id, a.ad, count(*) as n
            from unnest($1::uuid[], $2::int2[], $3::int4[]) as t (id, ad, day)
            join ad_event a on a.decision_day = date '1970-01-01' + t.day and a.decision_id = t.id and a.ad = t.ad
                and a.kind = $4::int2 and (a.invalid_reason is null or not $5::bool)
            group by 1, 2
            """,
            [
                .array(order.map { .uuid(high: $0.decision.uuidHigh, low: $0.decision.low) }),
                .int2Array(order.map { Int16($0.ad) }), .int4Array(order.map(\.decision.day.number)),
                .int2(Int16(kind.rawValue)), .bool(ignoringInvalid),
            ])
        var new: Set<Ad> = []
        for row in rows {
            let id = try row.uuid(0)
            let ad = Ad(
                decision: DecisionID(issuedAt: Timestamp(micros: Int64(bitPattern: id.high)), low: id.low),
                ad: UInt8(try row.int16(1)))
            if try row.int64(2) == inBatch[ad] { new.insert(ad) }
        }
        return order.filter(new.contains).compactMap { first[$0] }
    }

    /// How many valid events of a kind each of these events' ads has; ads without any are missing.
    static func validCounts(
        _ kind: AdEventKind, of keys: [AdEventKey], on connection: isolated PostgresConnection
    ) throws -> [Ad: Int64] {
        let ads = Array(Set(keys.filter { $0.kind == kind }.map { Ad(decision: $0.decision, ad: $0.ad) }))
        guard !ads.isEmpty else { return [:] }
        let rows = try connection.query(
            """
            select a.decision_id, a.ad, count(*) as n
            from unnest($1::uuid[], $2::int2[], $3::int4[]) as t (id, ad, day)
            join ad_event a on a.decision_day = date '1970-01-01' + t.day and a.decision_id = t.id and a.ad = t.ad
                and a.kind = $4::int2 and a.invalid_reason is null
            group by 1, 2
            """,
            [
                .array(ads.map { .uuid(high: $0.decision.uuidHigh, low: $0.decision.low) }),
                .int2Array(ads.map { Int16($0.ad) }), .int4Array(ads.map(\.decision.day.number)),
                .int2(Int16(kind.rawValue)),
            ])
        var result: [Ad: Int64] = [:]
        for row in rows {
            let id = try row.uuid(0)
            result[
                Ad(
                    decision: DecisionID(issuedAt: Timestamp(micros: Int64(bitPattern: id.high)), low: id.low),
                    ad: UInt8(try row.int16(1)))] = try row.int64(2)
        }
        return result
    }
}
