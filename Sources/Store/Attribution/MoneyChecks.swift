/// Invariants of the charge ledger, its running totals and the daily counts (domain.md, 6).
enum MoneyChecks {
    static let all: [LedgerDoctor.Check] = [
        LedgerDoctor.Check(
            name: "spend_line_item", rule: "The running total of a line item is the sum of its charges.",
            sql: """
                select 'line item ' || coalesce(c.line_item_id, s.line_item_id) as id
                from (select line_item_id, sum(amount_micros) as sum from charge where kind <> 'rounding' group by 1) c
                full join line_item_spend s on s.line_item_id = c.line_item_id
                where coalesce(c.sum, 0) <> coalesce(s.spent_micros, 0)
                """),
        LedgerDoctor.Check(
            name: "spend_day", rule: "The running total of a line item's day is the sum of what was charged on it.",
            sql: """
                select 'line item ' || coalesce(c.line_item_id, s.line_item_id) || ' ' || coalesce(c.day, s.day) as id
                from (select line_item_id, accounting_day as day, sum(amount_micros) as sum from charge
                    where kind <> 'rounding' and corrects is null group by 1, 2) c
                full join line_item_day_spend s on s.line_item_id = c.line_item_id and s.day = c.day
                where coalesce(c.sum, 0) <> coalesce(s.spent_micros, 0)
                """),
        LedgerDoctor.Check(
            name: "spend_advertiser", rule: "The running total of an advertiser is the sum of his charges.",
            sql: """
                select 'advertiser ' || coalesce(c.advertiser_id, s.advertiser_id) as id
                from (select advertiser_id, sum(amount_micros) as sum from charge group by 1) c
                full join advertiser_spend s on s.advertiser_id = c.advertiser_id
                where coalesce(c.sum, 0) <> coalesce(s.spent_micros, 0)
                """),
        LedgerDoctor.Check(
            name: "within_budget", rule: "What was charged never exceeds the line item's budget.",
            sql: """
                select 'line item ' || l.id as id from line_item l join line_item_spend s on s.line_item_id = l.id
                where l.total_budget_micros is not null and s.spent_micros > l.total_budget_micros
                """),
        LedgerDoctor.Check(
            name: "within_wallet", rule: "What was charged never exceeds the wallet and the credit limit.",
            sql: """
                select 'advertiser ' || a.id as id from advertiser a join advertiser_spend s on s.advertiser_id = a.id
                where s.spent_micros - coalesce((select sum(r.amount_micros) from charge r
                    where r.advertiser_id = a.id and r.kind = 'rounding'), 0) > \(SumSQL.funds)
                """),
        LedgerDoctor.Check(
            name: "charge_of_event", rule: "A charge is for a stored event, in full or not at all.",
            sql: """
                select 'charge ' || c.id as id from charge c
                where c.kind in ('impression', 'click') and (c.amount_micros not in (0, c.price_micros) or not exists (
                    select 1 from ad_event e where e.decision_day = c.decision_day and e.decision_id = c.decision_id
                        and e.ad = c.ad and e.kind = case c.kind when 'click' then 2 else 0 end
                        and e.line_item_id = c.line_item_id and e.advertiser_id = c.advertiser_id))
                """),
        LedgerDoctor.Check(
            name: "invalid_not_charged", rule: "What only invalid events cost was given back.",
            sql: """
                select 'charge ' || c.id as id from charge c
                where c.kind in ('impression', 'click') and c.amount_micros + coalesce(
                        (select sum(r.amount_micros) from charge r where r.corrects = c.id), 0) > 0
                    and exists (select 1 from event_invalidation i where i.decision_day = c.decision_day
                        and i.decision_id = c.decision_id and i.ad = c.ad
                        and i.kind = case c.kind when 'click' then 2 else 0 end)
                    and not exists (
                        select 1 from ad_event e where e.decision_day = c.decision_day and e.decision_id = c.decision_id
                            and e.ad = c.ad and e.kind = case c.kind when 'click' then 2 else 0 end
                            and e.invalid_reason is null)
                """),
        LedgerDoctor.Check(
            name: "refund_refers_to_charge",
            rule: "A refund names a charge of the same line item and gives back no more than it took.",
            sql: """
                select 'charge ' || r.id as id from charge r left join charge c on c.id = r.corrects
                where r.kind = 'refund' and (c.id is null or r.amount_micros > 0 or c.line_item_id <> r.line_item_id
                    or c.advertiser_id <> r.advertiser_id or c.amount_micros + (
                        select sum(o.amount_micros) from charge o where o.corrects = c.id and o.kind = 'refund') < 0)
                """),
        LedgerDoctor.Check(
            name: "rollup_counts", rule: "Daily impressions and clicks are the valid events of the day.",
            sql: """
                select coalesce(e.day, p.day) || ' line item ' || coalesce(e.line_item_id, p.line_item_id) || ' version '
                    || coalesce(e.creative_version_id, p.creative_version_id) || ' placement '
                    || coalesce(e.placement_id, p.placement_id) as id
                from (select (event_time at time zone s.zone)::date as day, campaign_id, line_item_id,
                        creative_version_id, storefront_id, placement_id, count(*) filter (where kind = 0) as impressions,
                        count(*) filter (where kind = 2) as clicks
                    from ad_event cross join setting s where invalid_reason is null and kind in (0, 2)
                    group by 1, 2, 3, 4, 5, 6) e
                full join performance_day p on p.day = e.day and p.campaign_id = e.campaign_id
                    and p.line_item_id = e.line_item_id and p.creative_version_id = e.creative_version_id
                    and p.storefront_id = e.storefront_id and p.placement_id = e.placement_id
                where coalesce(e.impressions, 0) <> coalesce(p.impressions, 0)
                    or coalesce(e.clicks, 0) <> coalesce(p.clicks, 0)
                """),
        LedgerDoctor.Check(
            name: "rollup_viewable", rule: "Viewable ads are those with a valid viewable event, each once.",
            sql: """
                select 'line item ' || coalesce(e.line_item_id, p.line_item_id) || ' version '
                    || coalesce(e.creative_version_id, p.creative_version_id) as id
                from (select line_item_id, creative_version_id, storefront_id, placement_id,
                        count(distinct (decision_id, ad)) as n
                    from ad_event where kind = 1 and invalid_reason is null group by 1, 2, 3, 4) e
                full join (select line_item_id, creative_version_id, storefront_id, placement_id, sum(viewable) as n
                    from performance_day group by 1, 2, 3, 4) p
                    on p.line_item_id = e.line_item_id and p.creative_version_id = e.creative_version_id
                    and p.storefront_id = e.storefront_id and p.placement_id = e.placement_id
                where coalesce(e.n, 0) <> coalesce(p.n, 0)
                """),
        LedgerDoctor.Check(
            name: "rollup_invalid",
            rule: "Invalid traffic is what came invalid and what was found invalid, impressions and clicks.",
            sql: """
                select 'line item ' || coalesce(e.line_item_id, p.line_item_id) as id
                from (select line_item_id, count(*) as n from (
                        select line_item_id from invalid_event where kind in (0, 2)
                        union all
                        select e.line_item_id from event_invalidation i join ad_event e on e.decision_day = i.decision_day
                            and e.decision_id = i.decision_id and e.ad = i.ad and e.kind = i.kind and e.card = i.card
                        where i.kind in (0, 2)) found group by 1) e
                full join (select line_item_id, sum(invalid) as n from performance_day group by 1) p
                    on p.line_item_id = e.line_item_id
                where coalesce(e.n, 0) <> coalesce(p.n, 0)
                """),
        LedgerDoctor.Check(
            name: "invalid_marked", rule: "An event found invalid is marked with its reason wherever it is stored.",
            sql: """
                select i.touch_id as id from event_invalidation i
                left join ad_event e on e.decision_day = i.decision_day and e.decision_id = i.decision_id and e.ad = i.ad
                    and e.kind = i.kind and e.card = i.card
                left join touch t on t.touch_id = i.touch_id
                where e.invalid_reason is distinct from i.reason
                    or t.touch_id is not null and t.invalid_reason is distinct from i.reason
                """),
    ]
}
