import Reporting

/// The statement of the performance report, one per combination of dimensions.
///
/// Parameters: 1 advertiser, 2 first day, 3 last day, 4 campaign or null, 5 policies, 6 accounting zone, 7 and 8 the
/// instants of the range, 9 limit, 10 offset, 11 channel or null; where lines are counted once, 12: those of the policies
/// that credit one line to several campaigns.
enum PerformanceSQL {
    /// Counted from the events and the charge ledger.
    private static let delivery = ["impressions", "viewable", "clicks", "spend", "over_delivery"]
    /// Counted from the credit ledger: of each part of it, and of all.
    private static let parts = ["direct", "halo", "basket", "click", "view"]
    private static let sales =
        parts.flatMap { ["\($0)_orders", "\($0)_units", "\($0)_sales"] } + ["orders", "returned"]

    static func rows(by dimensions: [ReportDimension], salesBy: SalesDate) -> String {
        // Only fixed words are composed here; nothing of the request enters the text. The constant key makes every
        // combination of dimensions, none included, one and the same statement.
        let keys = ["one"] + dimensions.filter { !$0.isOfSales }.map(column)
        let apart = dimensions.filter(\.isOfSales).map(column)
        let countsOnce = countsOnce(dimensions)
        let date = salesBy == .orderDate ? "ordered_at" : "touched_at"
        let all = (keys + apart).joined(separator: ", ")
        let factKeys = keys.joined(separator: ", ")
        let shown = (delivery + sales).map { "\(SumSQL.clamped("coalesce(\($0), 0)")) as \($0)" }
        return """
            with credited as (
                select 1 as one, policy, channel, interaction, (\(date) at time zone $6::text)::date as day, campaign_id,
                    line_item_id, storefront_id, order_id, line_no,
                    case when level in ('sku', 'variant') then 'direct' when level in ('listed', 'brand') then 'halo'
                        else 'basket' end as share,
                    coalesce(sum(units) filter (where adjustment_id is null), 0) as units,
                    coalesce(sum(amount_micros) filter (where adjustment_id is null), 0) as sales,
                    coalesce(-sum(amount_micros) filter (where adjustment_id is not null), 0) as returned
                from credit
                where advertiser_id = $1 and policy = any($5::text[]) and \(date) >= $7 and \(date) < $8
                    and ($4::int4 is null or campaign_id = $4) and ($11::text is null or channel = $11)
                group by 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
            ), sale as (\(countsOnce ? once(keys + apart) : "select * from credited")
            ), fact as (
                select 1 as one, day, campaign_id, line_item_id, impressions, viewable, clicks, 0::numeric as spend,
                    0::numeric as over_delivery
                from performance_day
                where advertiser_id = $1 and day between $2 and $3 and ($4::int4 is null or campaign_id = $4)
                union all
                select 1, accounting_day, campaign_id, line_item_id, 0, 0, 0, amount_micros,
                    case when reason like 'over\\_%' then price_micros - amount_micros else 0 end
                from charge
                where advertiser_id = $1 and accounting_day between $2 and $3
                    and ($4::int4 is null or campaign_id = $4)
            ), delivered as (
                select \(factKeys), \(delivery.map { "sum(\($0)) as \($0)" }.joined(separator: ", "))
                from fact group by \(factKeys)
            ), sold as (
                select \(all), \(salesSums) from sale group by \(all)
            ), frame as (
                select * from (select \(factKeys) from delivered union select \(factKeys) from sold) k\(frames(dimensions))
            )
            select \((names(dimensions) + shown).joined(separator: ", "))
            from frame left join delivered using (\(factKeys)) left join sold using (\(all))\(joins(dimensions))
            \(order(dimensions)) limit $9 offset $10
            """
    }

    /// Whether the rows do not tell campaigns apart, so that a line credited to several of them must count once.
    static func countsOnce(_ dimensions: [ReportDimension]) -> Bool {
        !dimensions.contains(.campaign) && !dimensions.contains(.lineItem)
    }

    private static func column(_ dimension: ReportDimension) -> String {
        switch dimension {
        case .day: "day"
        case .campaign: "campaign_id"
        case .lineItem: "line_item_id"
        case .policy: "policy"
        case .channel: "channel"
        case .interaction: "interaction"
        }
    }

    /// A line that a policy credits to several campaigns counts once in a row that does not tell them apart: by its
    /// strongest share.
    private static func once(_ keys: [String]) -> String {
        let partition = Set(keys).union(["policy", "interaction", "storefront_id", "order_id", "line_no"]).sorted()
        return """
            select * from (
                select *, row_number() over (
                    partition by \(partition.joined(separator: ", "))
                    order by units > 0 desc, array_position(array['direct', 'halo', 'basket'], share), campaign_id,
                        line_item_id) as place
                from credited) ranked
            where place = 1 or not (policy = any($12::text[]))
            """
    }

    private static var salesSums: String {
        var sums: [String] = []
        for part in parts {
            let holds = part == "click" || part == "view" ? "interaction = '\(part)'" : "share = '\(part)'"
            sums += [
                "count(distinct (storefront_id, order_id)) filter (where \(holds) and units > 0) as \(part)_orders",
                "sum(units) filter (where \(holds)) as \(part)_units",
                "sum(sales) filter (where \(holds)) as \(part)_sales",
            ]
        }
        sums.append("count(distinct (storefront_id, order_id)) filter (where units > 0) as orders")
        sums.append("sum(returned) as returned")
        return sums.joined(separator: ", ")
    }

    /// Every policy, channel and interaction of every row, so that what sold nothing is seen to have sold nothing.
    private static func frames(_ dimensions: [ReportDimension]) -> String {
        dimensions.map { dimension in
            switch dimension {
            case .day, .campaign, .lineItem: ""
            case .policy: " cross join unnest($5::text[]) as p (policy)"
            case .channel:
                " cross join (select c as channel from unnest(array['online', 'offline']) c "
                    + "where $11::text is null or c = $11) c"
            case .interaction: " cross join unnest(array['click', 'view']) as i (interaction)"
            }
        }.joined()
    }

    private static func names(_ dimensions: [ReportDimension]) -> [String] {
        dimensions.flatMap { dimension in
            switch dimension {
            case .campaign: ["c.code as campaign_code", "c.name as campaign_name"]
            case .lineItem: ["l.code as line_item_code", "l.name as line_item_name"]
            case .day, .policy, .channel, .interaction: [column(dimension)]
            }
        }
    }

    private static func joins(_ dimensions: [ReportDimension]) -> String {
        (dimensions.contains(.campaign) ? " join campaign c on c.id = frame.campaign_id" : "")
            + (dimensions.contains(.lineItem) ? " join line_item l on l.id = frame.line_item_id" : "")
    }

    private static func order(_ dimensions: [ReportDimension]) -> String {
        let columns = dimensions.map { dimension in
            switch dimension {
            case .campaign: "c.code collate \"C\""
            case .lineItem: "l.code collate \"C\""
            case .policy: "array_position($5::text[], policy)"
            case .day, .channel, .interaction: column(dimension)
            }
        }
        return columns.isEmpty ? "" : "order by " + columns.joined(separator: ", ")
    }
}
