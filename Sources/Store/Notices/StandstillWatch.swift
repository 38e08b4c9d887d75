import AdModel
import Decisioning
import Measurement
import Postgres

/// Line items that should be shown and are not, with the likeliest reason.
public enum StandstillWatch {
    /// Decisions that are looked at for reasons, newest first.
    static let decisionLimit = 2_000

    private struct Line {
        var id: Int32
        var code: String
        var campaign: String
        var advertiserID: Int32
        /// Names the episode: the last day with an impression, or when it became active.
        var since: String
        var known: String?
    }

    /// Tells of each active line item in flight without an impression for `NoticeWatch.patience`, once until it is
    /// shown again. Says nothing while shipping is behind: what is not shipped is not known.
    /// - Returns: how many notices are new.
    public static func round(now: Timestamp, on db: isolated PostgresConnection) throws -> Int {
        guard try isShipped(now, on: db) else { return 0 }
        var lines = try still(now, on: db)
        lines = try lines.filter { line in
            try db.query(
                "select 1 from notice where dedupe_key = $1", [.text(key(line))]
            ).isEmpty
        }
        guard !lines.isEmpty else { return 0 }
        let reasons = try reasons(of: Set(lines.filter { $0.known == nil }.map(\.id)), now, on: db)
        var raised = 0
        for line in lines {
            let reason = line.known ?? reasons[line.id] ?? "no_matching_requests"
            let isNew = try Notices.raise(
                kind: .notDelivering, advertiser: line.advertiserID, object: "line_item", id: line.code,
                detailsJSON: try NoticeWatch.details(
                    [
                        ("campaign", .text(line.campaign)), ("reason", .text(reason)), ("since", .text(line.since)),
                    ], on: db),
                dedupeKey: key(line), now: now, on: db)
            if isNew { raised += 1 }
        }
        return raised
    }

    private static func key(_ line: Line) -> String { "not_delivering:\(line.code):\(line.since)" }

    private static func isShipped(_ now: Timestamp, on db: isolated PostgresConnection) throws -> Bool {
        try db.query(
            """
            select coalesce(bool_and(coalesce(k.through, '-infinity') >= $1), false) as shipped
            from node n left join (
                select node_id, max(shipped_through) as through from log_checkpoint group by node_id
            ) k on k.node_id = n.id
            where n.retired_at is null
            """, [.timestamptz(micros: (now - NoticeWatch.shippingDelay).micros)]
        ).single().bool("shipped")
    }

    private static func still(_ now: Timestamp, on db: isolated PostgresConnection) throws -> [Line] {
        let since = now - NoticeWatch.patience
        let day = try RetailerStore.today(since, on: db)
        return try db.query(
            """
            with live as (
                select l.*, k.code as campaign, greatest(l.starts_at, t.at) as active_at
                from line_item l join campaign k on k.id = l.campaign_id
                left join lateral (
                    select max(changed_at) as at from campaign_transition t
                    where t.campaign_id = k.id and t.to_state = 'active'
                ) t on true
                where k.state = 'active' and not l.paused and l.ends_at > $1 and l.tier <> 'house'
                    and greatest(l.starts_at, t.at) <= $2
            ), candidate as (
                -- Shown today: nothing to tell. The events decide about the rest.
                select l.* from live l where not exists (
                    select 1 from performance_day p
                    where p.line_item_id = l.id and p.advertiser_id = l.advertiser_id and p.impressions > 0
                        and p.day > $3::date)
            ), shown as (
                select distinct e.line_item_id from ad_event e
                where e.kind = 0 and e.event_time > $2 and e.decision_day >= ($2 at time zone 'UTC')::date - 1
                    and e.line_item_id in (
                        select c.id from candidate c join performance_day p on p.line_item_id = c.id
                            and p.advertiser_id = c.advertiser_id
                        where p.impressions > 0 and p.day = $3::date)
            )
            select c.id, c.code, c.campaign, c.advertiser_id,
                coalesce((select max(p.day)::text from performance_day p where p.line_item_id = c.id
                    and p.advertiser_id = c.advertiser_id and p.impressions > 0),
                    to_char(c.active_at at time zone 'UTC', 'YYYY-MM-DD')) as since,
                case
                    when not exists (select 1 from creative v join creative_version w on w.creative_id = v.id
                        where v.line_item_id = c.id and w.approved_at is not null and w.erid is not null
                            and w.erid_status is distinct from 'bad') then 'no_erid'
                    when c.total_budget_micros <= coalesce((select spent_micros from line_item_spend s
                        where s.line_item_id = c.id), 0) then 'no_budget'
                    when \(SumSQL.funds) <= coalesce((select spent_micros from advertiser_spend s
                        where s.advertiser_id = a.id), 0) then 'no_budget'
                    when cardinality(v.promoted_skus) > 0 and not exists (
                        select 1 from product p join stock s on s.product_id = p.id
                        where p.sku = any (v.promoted_skus) and s.quantity > 0) then 'out_of_stock'
                end as known
            from candidate c join advertiser a on a.id = c.advertiser_id
            left join line_item_version v on v.line_item_id = c.id and v.valid_from <= $1 and v.valid_to > $1
            where c.id not in (select line_item_id from shown)
            order by c.id limit \(NoticeWatch.lineLimit)
            """,
            [.timestamptz(micros: now.micros), .timestamptz(micros: since.micros), .date(days: day.number)]
        ).map { row in
            Line(
                id: try row.int32("id"), code: try row.string("code"), campaign: try row.string("campaign"),
                advertiserID: try row.int32("advertiser_id"), since: try row.string("since"),
                known: try row.stringIfPresent("known"))
        }
    }

    /// What most often stopped each line item in the latest decisions that looked at it.
    private static func reasons(
        of lines: Set<Int32>, _ now: Timestamp, on db: isolated PostgresConnection
    ) throws -> [Int32: String] {
        guard !lines.isEmpty else { return [:] }
        let since = now - NoticeWatch.patience
        var counts: [Int32: [UInt8: Int]] = [:]
        try db.forEachRow(
            """
            select body from decision where decision_day >= ($1 at time zone 'UTC')::date and decided_at > $1
            order by decided_at desc limit \(decisionLimit)
            """, [.timestamptz(micros: since.micros)]
        ) { row in
            // A record of an older form says nothing; it must not hide the others.
            guard case .decision(let decision) = try? LogRecordCodec.decode(try row.bytes(0)) else { return }
            for slot in decision.slots {
                for loser in slot.losers where lines.contains(loser.lineItemID) {
                    counts[loser.lineItemID, default: [:]][loser.reason, default: 0] += 1
                }
            }
        }
        return counts.mapValues { counts in
            let top = counts.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key ?? 0
            let reason = NoFillReason(rawValue: top) ?? .none
            return reason == .none ? "outbid" : reason.name
        }
    }
}
