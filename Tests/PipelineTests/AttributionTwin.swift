/// `default@1` once more, as one statement over the tables: written apart from the engine, so that the two can
/// disagree.
enum AttributionTwin {
    /// Order, line, advertiser, campaign, line item, touch, interaction, level, units and amount of every credit.
    static let sql = """
        with recursive sale as (
            select l.storefront_id, l.order_id, l.line_no, l.sku, l.units, l.net_micros, o.ordered_at,
                coalesce(o.customer_id, o.visitor_id) as shopper
            from order_line l join customer_order o using (storefront_id, order_id)
            where coalesce(o.customer_id, o.visitor_id) is not null and l.units >= 1 and l.net_micros >= 0
        ), buyer as (
            select s.*, coalesce(
                (select k.customer_id from identity_link k where k.visitor_id = s.shopper and k.linked_at <= s.ordered_at
                 order by k.linked_at desc, k.customer_id collate "C" desc limit 1),
                (select k.customer_id from identity_link k where k.visitor_id = s.shopper
                 order by k.linked_at, k.customer_id collate "C" desc limit 1), s.shopper) as person
            from sale s
        ), contact as (
            select t.*, coalesce(
                (select k.customer_id from identity_link k where k.visitor_id = t.visitor_id
                    and k.linked_at <= t.occurred_at
                 order by k.linked_at desc, k.customer_id collate "C" desc limit 1),
                (select k.customer_id from identity_link k where k.visitor_id = t.visitor_id
                 order by k.linked_at, k.customer_id collate "C" desc limit 1), t.visitor_id) as person
            from touch t where not t.rendered_only
        ), candidate as (
            select b.*, c.touch_id, c.kind, c.occurred_at, c.advertiser_id, c.campaign_id, c.line_item_id, case
                when b.sku = any(c.promoted_skus) then 4
                when exists (select 1 from product p join product q on q.group_id = p.group_id
                             where p.sku = b.sku and p.group_id <> '' and q.sku = any(c.promoted_skus)) then 3
                when owner.owned is null then 0
                when exists (
                    select 1 from campaign_version v where v.campaign_id = c.campaign_id
                        and v.valid_from <= c.occurred_at and c.occurred_at < v.valid_to
                        and (b.sku = any(v.listed_skus) or exists (
                            with recursive up as (
                                select g.code, g.parent_id from product p join category g on g.id = any(p.category_ids)
                                where p.sku = b.sku
                                union select g.code, g.parent_id from up join category g on g.id = up.parent_id
                            ) select 1 from up where up.code = any(v.listed_categories)))) then 2
                when exists (
                    select 1 from campaign_version v, unnest(v.brand_codes) as named
                    where v.campaign_id = c.campaign_id and v.valid_from <= c.occurred_at
                        and c.occurred_at < v.valid_to
                        and coalesce((select r.code from brand_alias a join brand r on r.id = a.brand_id
                                      where a.alias = named and a.valid_from <= b.ordered_at
                                          and b.ordered_at < a.valid_to), named) = bought.brand) then 1
                else 0 end as strength
            from buyer b join contact c on c.person = b.person
                and c.occurred_at <= b.ordered_at
                and c.occurred_at >= b.ordered_at - case c.kind when 'click' then interval '336 hours'
                    else interval '24 hours' end
            left join lateral (
                select coalesce(r.code, p.brand) as brand from product p
                left join brand_alias a on a.alias = p.brand and a.valid_from <= b.ordered_at
                    and b.ordered_at < a.valid_to
                left join brand r on r.id = a.brand_id
                where p.sku = b.sku and p.brand <> '' limit 1) bought on true
            left join lateral (
                select true as owned from brand_grant g join brand r on r.id = g.brand_id
                where g.advertiser_id = c.advertiser_id and r.code = bought.brand
                    and g.valid_from <= b.ordered_at and b.ordered_at < g.valid_to limit 1) owner on true
        ), winner as (
            select distinct on (storefront_id, order_id, line_no) * from candidate where strength > 0
            order by storefront_id, order_id, line_no, strength desc, kind, occurred_at desc,
                touch_id collate "C" desc
        ), change as (
            select w.storefront_id, w.order_id, w.line_no, a.kind, a.units, a.amount_micros, row_number() over (
                partition by w.storefront_id, w.order_id, w.line_no
                order by a.occurred_at, a.adjustment_id collate "C") as n
            from winner w join order_adjustment a on a.storefront_id = w.storefront_id and a.order_id = w.order_id
                and (a.line_no = w.line_no or a.line_no is null)
        ), taken as (
            select storefront_id, order_id, line_no, 0::bigint as n, units::bigint as units,
                net_micros::numeric as amount from winner
            union all
            select t.storefront_id, t.order_id, t.line_no, c.n,
                case when c.kind = 'price' then t.units else t.units - least(coalesce(c.units, t.units), t.units) end,
                case when t.units = 0 then t.amount
                    when c.kind = 'price' then greatest(t.amount + c.amount_micros, 0)
                    when least(coalesce(c.units, t.units), t.units) = t.units then 0
                    else t.amount - least(coalesce(c.amount_micros,
                        div(t.amount * least(coalesce(c.units, t.units), t.units), t.units)), t.amount) end
            from taken t join change c on c.storefront_id = t.storefront_id and c.order_id = t.order_id
                and c.line_no = t.line_no and c.n = t.n + 1
        ), net as (
            select distinct on (storefront_id, order_id, line_no) * from taken
            order by storefront_id, order_id, line_no, n desc
        )
        select w.storefront_id, w.order_id, w.line_no, w.advertiser_id, w.campaign_id, w.line_item_id, w.touch_id,
            w.kind as interaction, (array['brand', 'listed', 'variant', 'sku'])[w.strength] as level,
            n.units, n.amount::bigint as amount
        from winner w join net n using (storefront_id, order_id, line_no) where n.units <> 0 or n.amount <> 0
        """

    /// The same columns from the ledger (rule 20).
    static let ledger = """
        select storefront_id, order_id, line_no, advertiser_id, campaign_id, line_item_id, touch_id, interaction,
            level, sum(units)::bigint as units, sum(amount_micros)::bigint as amount
        from credit where policy = 'default@1' group by 1, 2, 3, 4, 5, 6, 7, 8, 9
        having sum(units) <> 0 or sum(amount_micros) <> 0
        """
}
