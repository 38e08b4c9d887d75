import Reporting

/// The statement of the performance report, one per combination of dimensions.
///
/// Parameters: 1 advertiser, 2 first day, 3 last day, 4 campaign or null, 5 policy, 6 accounting zone, 7 and 8
/// the instants of the range, 9 limit, 10 offset.
enum PerformanceSQL {
    static func rows(by dimensions: [ReportDimension]) -> String {
        // Only fixed words are composed here; nothing of the request enters the text.
        var keys: [String] = []
        var saleKeys: [String] = []
        var names: [String] = []
        var joins = ""
        var order: [String] = []
        for dimension in dimensions {
            switch dimension {
            case .day:
                keys.append("day")
                names.append("f.day")
                order.append("f.day")
            case .campaign:
                keys.append("campaign_id")
                names += ["c.code as campaign_code", "c.name as campaign_name"]
                joins += " join campaign c on c.id = f.campaign_id"
                order.append("c.code collate \"C\"")
            case .lineItem:
                keys.append("line_item_id")
                names += ["l.code as line_item_code", "l.name as line_item_name"]
                joins += " join line_item l on l.id = f.line_item_id"
                order.append("l.code collate \"C\"")
            }
        }
        saleKeys = keys
        let select = keys.isEmpty ? "" : keys.joined(separator: ", ") + ", "
        let group = keys.isEmpty ? "" : "group by " + keys.joined(separator: ", ")
        let saleGroup = saleKeys.isEmpty ? "having count(*) > 0" : "group by " + saleKeys.joined(separator: ", ")
        let outerNames = names.isEmpty ? "" : names.joined(separator: ", ") + ", "
        let outerOrder = order.isEmpty ? "" : "order by " + order.joined(separator: ", ")
        let measures = [
            "impressions", "viewable", "clicks", "spend", "over_delivery", "direct_orders", "direct_units",
            "direct_sales", "halo_orders", "halo_units", "halo_sales", "basket_orders", "basket_units",
            "basket_sales", "orders", "returned",
        ]
        let sums = measures.map { "\(SumSQL.clamped("coalesce(sum(\($0)), 0)")) as \($0)" }.joined(separator: ", ")
        let shown = measures.map { "f.\($0)" }.joined(separator: ", ")
        return """
            with sale as (
                select (ordered_at at time zone $6::text)::date as day, campaign_id, line_item_id, storefront_id,
                    order_id,
                    case when level in ('sku', 'variant') then 'direct' when level in ('listed', 'brand') then 'halo'
                        else 'basket' end as share,
                    coalesce(sum(units) filter (where adjustment_id is null), 0) as units,
                    coalesce(sum(amount_micros) filter (where adjustment_id is null), 0) as sales,
                    coalesce(-sum(amount_micros) filter (where adjustment_id is not null), 0) as returned
                from credit
                where advertiser_id = $1 and policy = $5 and ordered_at >= $7 and ordered_at < $8
                    and ($4::int4 is null or campaign_id = $4)
                group by 1, 2, 3, 4, 5, line_no, 6
            ), fact as (
                select day, campaign_id, line_item_id, impressions, viewable, clicks, 0::numeric as spend,
                    0::numeric as over_delivery
                from performance_day
                where advertiser_id = $1 and day between $2 and $3 and ($4::int4 is null or campaign_id = $4)
                union all
                select accounting_day, campaign_id, line_item_id, 0, 0, 0, amount_micros,
                    case when reason like 'over\\_%' then price_micros - amount_micros else 0 end
                from charge
                where advertiser_id = $1 and accounting_day between $2 and $3
                    and ($4::int4 is null or campaign_id = $4)
            ), counted as (
                select \(select)sum(impressions) as impressions, sum(viewable) as viewable, sum(clicks) as clicks,
                    sum(spend) as spend, sum(over_delivery) as over_delivery, 0 as direct_orders, 0 as direct_units,
                    0 as direct_sales, 0 as halo_orders, 0 as halo_units, 0 as halo_sales, 0 as basket_orders,
                    0 as basket_units, 0 as basket_sales, 0 as orders, 0 as returned
                from fact \(group)
                union all
                select \(select)0, 0, 0, 0, 0,
                    count(distinct (storefront_id, order_id)) filter (where share = 'direct' and units > 0),
                    sum(units) filter (where share = 'direct'), sum(sales) filter (where share = 'direct'),
                    count(distinct (storefront_id, order_id)) filter (where share = 'halo' and units > 0),
                    sum(units) filter (where share = 'halo'), sum(sales) filter (where share = 'halo'),
                    count(distinct (storefront_id, order_id)) filter (where share = 'basket' and units > 0),
                    sum(units) filter (where share = 'basket'), sum(sales) filter (where share = 'basket'),
                    count(distinct (storefront_id, order_id)) filter (where units > 0), sum(returned)
                from sale \(saleGroup)
            ), f as (
                select \(select)\(sums) from counted \(group)
            )
            select \(outerNames)\(shown) from f\(joins) \(outerOrder) limit $9 offset $10
            """
    }
}
