/// What open leases may still cost, as common table expressions. `$2` is the instant that is asked about.
enum OutstandingSQL {
    /// Defines `clock` (the accounting day of `$2`) and `line` (id, advertiser_id, spent,
    /// outstanding, outstanding_today of the chosen line items).
    /// - Parameter filter: fixed text that chooses rows of `line_item l`.
    static func lines(where filter: String) -> String {
        """
        clock as (
            select ($2::timestamptz at time zone accounting_zone)::date as day,
                (($2::timestamptz at time zone accounting_zone)::date)::timestamp at time zone accounting_zone
                    as day_begins,
                (($2::timestamptz at time zone accounting_zone)::date + 1)::timestamp at time zone accounting_zone
                    as day_ends,
                billing_deadline_impression as impression, billing_deadline_click as click
            from retailer
        ), chosen as materialized (
            -- Chosen first: else the leases of all line items are added up, and those of most thrown away.
            select l.id, l.advertiser_id from line_item l where \(filter)
        ), shipped as materialized (
            -- Once per node, not once per lease.
            select node_id, max(shipped_through) as through from log_checkpoint group by node_id
        ), open as (
            select b.line_item_id, sum(b.leased_micros - b.returned_micros)::bigint as committed,
                min(b.spent_before_micros) as spent_before,
                coalesce(sum(b.leased_micros - b.returned_micros) filter (where b.day = c.day), 0)::bigint
                    as committed_today,
                coalesce(min(b.spent_before_micros) filter (where b.day = c.day), 0) as spent_before_today
            from chosen h
            join budget_lease b on b.line_item_id = h.id
            cross join clock c
            left join shipped k on k.node_id = b.node_id
            where b.settles_at > $2 or b.settles_at > coalesce(k.through, '-infinity')
            group by b.line_item_id
        ), line as (
            select l.id, l.advertiser_id, coalesce(s.spent_micros, 0) as spent,
                greatest(0, coalesce(o.committed - (coalesce(s.spent_micros, 0) - o.spent_before), 0))
                    as outstanding,
                greatest(0, coalesce(
                    o.committed_today - (coalesce(s.spent_micros, 0) - o.spent_before_today), 0))
                    as outstanding_today
            from chosen l
            left join line_item_spend s on s.line_item_id = l.id
            left join open o on o.line_item_id = l.id
        )
        """
    }
}
