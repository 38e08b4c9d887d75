import AdModel
import Postgres

/// Derives touches from the stored events once more and compares them with the table that attribution reads.
public enum TouchAudit {
    /// Ids that findings name.
    public static let idLimit = 100

    /// Touches that are missing, different, or follow from no event.
    public struct Findings: Equatable, Sendable {
        public var count: Int64 = 0
        /// The first ids, each with `missing`, `different` or `unexpected`.
        public var touches: [(id: String, problem: String)] = []

        public static func == (a: Findings, b: Findings) -> Bool {
            a.count == b.count && a.touches.elementsEqual(b.touches) { $0 == $1 }
        }
    }

    /// Looks at touches from the first to before the second instant.
    static func run(
        from: Timestamp, to: Timestamp, limit: Int = idLimit, on connection: isolated PostgresConnection
    ) throws -> Findings {
        let rows = try connection.query(
            """
            with expected as (
                select replace(e.decision_id::text, '-', '') || '.' || e.ad || '.'
                        || (array['i', 'v', 'c'])[e.kind + 1] || case when e.card >= 0 then '.' || e.card else '' end
                        as touch_id,
                    e.visitor_id, e.event_time, case e.kind when 2 then 'click' else 'view' end as kind,
                    e.kind = 0 as rendered_only, e.advertiser_id, e.campaign_id, e.line_item_id, e.storefront_id,
                    e.invalid_reason,
                    case when cardinality(e.product_ids) = 0 then coalesce((
                            select v.promoted_skus from line_item_version v where v.line_item_id = e.line_item_id
                                and v.valid_from <= e.event_time and e.event_time < v.valid_to limit 1), '{}')
                        else coalesce((
                            select array_agg(p.sku order by u.n)
                            from unnest(case when e.card between 0 and cardinality(e.product_ids) - 1
                                then e.product_ids[e.card + 1:e.card + 1] else e.product_ids end)
                                with ordinality as u (id, n)
                            join product p on p.id = u.id), '{}') end as promoted_skus
                from ad_event e
                where e.event_time >= $1 and e.event_time < $2 and coalesce(e.visitor_id, '') <> ''
                    and e.decision_day between ($1 at time zone 'UTC')::date - 2 and ($2 at time zone 'UTC')::date
            ), stored as (
                select * from touch where occurred_at >= $1 and occurred_at < $2
            ), found as (
                select coalesce(e.touch_id, t.touch_id) as id, case when t.touch_id is null then 'missing'
                    when e.touch_id is null then 'unexpected' else 'different' end as problem
                from expected e full join stored t on t.touch_id = e.touch_id
                where (t.visitor_id, t.occurred_at, t.kind, t.rendered_only, t.advertiser_id, t.campaign_id,
                        t.line_item_id, t.storefront_id, t.promoted_skus, t.invalid_reason)
                    is distinct from (e.visitor_id, e.event_time, e.kind, e.rendered_only, e.advertiser_id,
                        e.campaign_id, e.line_item_id, e.storefront_id, e.promoted_skus, e.invalid_reason)
            )
            select id, problem, count(*) over () as n from found order by id collate "C" limit $3
            """, [.timestamptz(micros: from.micros), .timestamptz(micros: to.micros), .int(limit)])
        var findings = Findings()
        for row in rows {
            findings.count = try row.int64(2)
            findings.touches.append((try row.string(0), try row.string(1)))
        }
        return findings
    }
}
