/// Invariants of the credit ledger that the database can check (attribution.md).
enum CreditChecks {
    /// What every check may read beside the tables: `net` sums the ledger as rule 20 does, `living` is what is left.
    static let preamble = """
        net as (
            select storefront_id, order_id, line_no, policy, advertiser_id, campaign_id, line_item_id, touch_id,
                interaction, level, sum(units) as units, sum(amount_micros) as amount, min(ordered_at) as ordered_at,
                min(touched_at) as touched_at, min(id) as first_id
            from credit group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
        ), living as (select * from net where units <> 0 or amount <> 0)
        """

    private static let line = "storefront_id || '/' || order_id || '/' || line_no"

    static let all: [LedgerDoctor.Check] = [
        LedgerDoctor.Check(
            name: "credit_sign",
            rule: "A credit adds, a reversal takes, and each moves something.",
            sql: """
                select 'credit ' || id as id from credit
                where case kind when 'credit' then units < 0 or amount_micros < 0 else units > 0 or amount_micros > 0 end
                    or units = 0 and amount_micros = 0
                """),
        LedgerDoctor.Check(
            name: "reversal_refers_to_credit",
            rule: "Every reversal follows a credit of the same line, policy, touch and level.",
            sql: """
                select 'credit ' || r.id as id from credit r where r.kind = 'reversal' and not exists (
                    select 1 from credit c where c.storefront_id = r.storefront_id and c.order_id = r.order_id
                        and c.line_no = r.line_no and c.policy = r.policy and c.touch_id = r.touch_id
                        and c.interaction = r.interaction and c.level = r.level and c.campaign_id = r.campaign_id
                        and c.line_item_id = r.line_item_id and c.kind = 'credit' and c.id < r.id)
                """),
        LedgerDoctor.Check(
            name: "net_not_negative", rule: "No touch's net on a line is below zero.",
            sql: "select \(line) || ' ' || policy as id from net where units < 0 or amount < 0"),
        LedgerDoctor.Check(
            name: "one_winner",
            rule: "One winner per line and policy, or per advertiser or campaign where the policy says so.",
            sql: """
                select \(line) || ' ' || policy as id from living l left join policy p on p.name = l.policy
                group by storefront_id, order_id, line_no, policy, case p.scope when 'advertiser' then advertiser_id
                    when 'campaign' then campaign_id end, case when p.separate then interaction end
                having count(*) > 1
                """),
        LedgerDoctor.Check(
            name: "line_exists", rule: "What is credited was sold.",
            sql: """
                select l.storefront_id || '/' || l.order_id || '/' || l.line_no as id from living l
                left join order_line o on o.storefront_id = l.storefront_id and o.order_id = l.order_id
                    and o.line_no = l.line_no
                where o.line_no is null
                """),
        LedgerDoctor.Check(
            name: "order_facts", rule: "A row carries the order's own time and channel.",
            sql: """
                select 'credit ' || c.id as id from credit c
                join customer_order o on o.storefront_id = c.storefront_id and o.order_id = c.order_id
                where c.ordered_at <> o.ordered_at or c.channel <> o.channel
                """),
        LedgerDoctor.Check(
            name: "touch_lives", rule: "Every net credit has a touch that exists and is valid.",
            sql: """
                select l.touch_id as id from living l left join touch t on t.touch_id = l.touch_id
                where t.touch_id is null or t.invalid_reason is not null group by 1
                """),
        LedgerDoctor.Check(
            name: "touch_belongs", rule: "The touch is of the credited campaign, line item, kind and time.",
            sql: """
                select 'credit ' || c.id as id from credit c join touch t on t.touch_id = c.touch_id
                where (t.advertiser_id, t.campaign_id, t.line_item_id, t.kind, t.occurred_at)
                    is distinct from (c.advertiser_id, c.campaign_id, c.line_item_id, c.interaction, c.touched_at)
                """),
        LedgerDoctor.Check(
            name: "touch_in_window",
            rule: "The touch came before the order, in the policy's window, and counts for it.",
            sql: """
                select \(qualified) || ' ' || l.touch_id as id from living l left join policy p on p.name = l.policy
                left join touch t on t.touch_id = l.touch_id
                where p.name is null or l.touched_at > l.ordered_at
                    or case l.interaction when 'click' then p.click else p.view end is null
                    or l.touched_at < l.ordered_at - case l.interaction when 'click' then p.click else p.view end
                        * interval '1 microsecond'
                    or l.interaction = 'view' and t.rendered_only is distinct from (p.counted = 'rendered')
                """),
        LedgerDoctor.Check(
            name: "level_in_policy", rule: "The match level is one of the policy's.",
            sql: """
                select \(qualified) || ' ' || l.policy as id from living l left join policy p on p.name = l.policy
                where p.name is null or not l.level = any (string_to_array(p.levels, ' '))
                """),
        LedgerDoctor.Check(
            name: "policy_in_force",
            rule: "The policy was the campaign's, or one for all campaigns, when the touch happened.",
            sql: """
                select \(qualified) || ' ' || l.policy as id from living l
                where not coalesce((select v.policy from campaign_version v where v.campaign_id = l.campaign_id
                        and v.valid_from <= l.touched_at and l.touched_at < v.valid_to limit 1), 'default@1') = l.policy
                    and not exists (select 1 from policy_for_all a where a.policy = l.policy
                        and a.valid_from <= l.touched_at and l.touched_at < a.valid_to)
                """),
        LedgerDoctor.Check(
            name: "campaign_in_force", rule: "Halo needs a version of the campaign in force when the touch happened.",
            sql: """
                select \(qualified) || ' ' || l.policy as id from living l
                where l.level in ('listed', 'brand') and not exists (
                    select 1 from campaign_version v where v.campaign_id = l.campaign_id
                        and v.valid_from <= l.touched_at and l.touched_at < v.valid_to)
                """),
        LedgerDoctor.Check(
            name: "halo_within_grant",
            rule: "Halo stays within brands granted to the advertiser when the order was made.",
            sql: """
                select \(qualified) || ' ' || l.policy as id from living l
                where l.level in ('listed', 'brand') and not exists (
                    select 1 from order_line o join product p on p.sku = o.sku
                    left join brand_alias a on a.alias = p.brand and a.valid_from <= l.ordered_at
                        and l.ordered_at < a.valid_to
                    join brand b on b.id = a.brand_id or a.id is null and b.code = p.brand
                    join brand_grant g on g.brand_id = b.id and g.advertiser_id = l.advertiser_id
                        and g.valid_from <= l.ordered_at and l.ordered_at < g.valid_to
                    where o.storefront_id = l.storefront_id and o.order_id = l.order_id and o.line_no = l.line_no)
                """),
        LedgerDoctor.Check(
            name: "tenant", rule: "No credit crosses tenants: campaign and line item are the advertiser's.",
            sql: """
                select 'credit ' || c.id as id from credit c join campaign k on k.id = c.campaign_id
                join line_item i on i.id = c.line_item_id
                where k.advertiser_id <> c.advertiser_id or i.advertiser_id <> c.advertiser_id
                    or i.campaign_id <> c.campaign_id
                """),
        LedgerDoctor.Check(
            name: "posting_month",
            rule: "A row posts to the month of its cause, or of its recording when that month was published by then.",
            sql: """
                select 'credit ' || c.id as id from (
                    select c.id, c.posting_month, date_trunc('month', c.cause_at at time zone s.zone)::date as cause,
                        date_trunc('month', c.recorded_at at time zone s.zone)::date as recorded
                    from credit c cross join setting s) c
                left join attribution_publication p on p.month = c.cause and p.version = 1
                where case when p.through_credit_id < c.id
                    then c.posting_month <> c.recorded and not exists (
                        select 1 from attribution_publication q where q.month = c.recorded and q.through_credit_id < c.id)
                    else c.posting_month <> c.cause end
                """),
    ]

    private static let qualified = "l.storefront_id || '/' || l.order_id || '/' || l.line_no"
}
