import AdModel
import Audiences

/// A condition as SQL over the ledgers, written from the rules and not from the code: who is in.
enum AudienceTwin {
    /// Whose each order is, and who each visitor is now.
    static let views = """
        create temporary view owned_order as
        select o.*, (o.ordered_at at time zone 'Europe/Moscow')::date as day, coalesce(
            'c:' || o.customer_id,
            'c:' || (select k.customer_id from identity_link k where k.visitor_id = o.visitor_id
                and k.linked_at <= o.ordered_at order by k.linked_at desc, k.customer_id collate "C" desc limit 1),
            'c:' || (select k.customer_id from identity_link k where k.visitor_id = o.visitor_id
                order by k.linked_at, k.customer_id collate "C" limit 1),
            'v:' || o.visitor_id) as owner,
            (select sum(l.net_micros) from order_line l where l.order_id = o.order_id) as spend
        from customer_order o;
        create temporary view shopper as
        select v.id, coalesce('c:' || (select k.customer_id from identity_link k where k.visitor_id = v.id
            order by k.linked_at desc, k.customer_id collate "C" desc limit 1), 'v:' || v.id) as person
        from (select visitor_id as id from signal union select visitor_id from ad_event where invalid_reason is null
            union select visitor_id from customer_order union select visitor_id from identity_link) v
        where v.id is not null;
        create temporary view best_spend as
        select coalesce(min(spend) filter (where place <= ceil(buyers * 0.2)), 9e18) as least from (
            select sum(spend) as spend, row_number() over (order by sum(spend) desc) as place, count(*) over () as buyers
            from owned_order where day > date '\(today)' - 365 group by owner having sum(spend) > 0) ranked;
        """

    private static let today = "2026-11-21"

    static func members(_ condition: AudienceCondition, owner: Int32?) -> String {
        "select id from shopper v where \(expression(condition, owner)) order by id"
    }

    private static func expression(_ condition: AudienceCondition, _ owner: Int32?) -> String {
        switch condition {
        case .all(let list): "(" + list.map { expression($0, owner) }.joined(separator: " and ") + ")"
        case .any(let list): "(" + list.map { expression($0, owner) }.joined(separator: " or ") + ")"
        case .not(let inner): "(not \(expression(inner, owner)))"
        case .event(let event): events(event, owner)
        case .cohort(let cohort): buyers(cohort)
        }
    }

    private static func list(_ values: [String]) -> String { values.map { "'\($0)'" }.joined(separator: ", ") }

    private static func events(_ event: EventCondition, _ owner: Int32?) -> String {
        let it = event.events
        var wheres: [String] = []
        var product: [String] = []
        if !it.products.isEmpty { product.append("p.sku in (\(list(it.products)))") }
        if !it.brands.isEmpty {
            product.append(
                """
                (select b.code from brand b left join brand_alias a on a.brand_id = b.id
                    where a.alias = p.brand or b.code = p.brand limit 1) in (\(list(it.brands)))
                """)
        }
        let below = """
            (with recursive t as (select id from category where code in (\(list(it.categories)))
                union select c.id from category c join t on c.parent_id = t.id) select array_agg(id) from t)::int[]
            """
        var source: String
        let time: String
        switch it.type {
        case .order:
            source = "owned_order e where e.owner = v.person"
            time = "e.ordered_at"
            if !it.categories.isEmpty { product.append("p.category_ids && \(below)") }
            if !product.isEmpty {
                wheres.append(
                    """
                    exists (select from order_line l join product p on p.sku = l.sku where l.order_id = e.order_id
                        and \(product.joined(separator: " and ")))
                    """)
            }
        case .impression, .viewable, .click:
            let kind = it.type == .impression ? 0 : it.type == .viewable ? 1 : 2
            source = "ad_event e where e.visitor_id = v.id and e.kind = \(kind) and e.invalid_reason is null"
            time = "e.event_time"
            if !it.advertisers.isEmpty {
                wheres.append("(select code from advertiser where id = e.advertiser_id) in (\(list(it.advertisers)))")
            }
            if let owner { wheres.append("e.advertiser_id = \(owner)") }
            if !it.campaigns.isEmpty {
                wheres.append("(select code from campaign where id = e.campaign_id) in (\(list(it.campaigns)))")
            }
            if !it.creatives.isEmpty {
                wheres.append(
                    """
                    (select c.code from creative c join creative_version w on w.creative_id = c.id
                        where w.id = e.creative_version_id) in (\(list(it.creatives)))
                    """)
            }
            if !it.categories.isEmpty { product.append("p.category_ids && \(below)") }
            if !product.isEmpty {
                wheres.append(
                    """
                    exists (select from unnest(e.product_ids) with ordinality u (id, place) join product p on p.id = u.id
                        where (e.card = -1 or e.card = u.place - 1) and \(product.joined(separator: " and ")))
                    """)
            }
        default:
            source = "signal e left join product p on p.sku = e.product_sku"
            source += " where e.visitor_id = v.id and e.kind = '\(it.type.rawValue)'"
            time = "e.occurred_at"
            wheres += product
            if !it.categories.isEmpty {
                wheres.append(
                    """
                    (p.category_ids && \(below)
                        or (select c.id from category c where c.code = e.category_code) = any(\(below)))
                    """)
            }
            if !it.phrases.isEmpty {
                // Of the phrases that the history has, those that contain all words of one of the filter's.
                wheres.append("(e.phrase in ('Кофе в зёрнах', 'Чай, зелёный!'))")
            }
        }
        let day = "(\(time) at time zone 'Europe/Moscow')::date"
        switch event.period {
        case .always: break
        case .daysAgo(let from, let to):
            wheres.append("\(day) between date '\(today)' - \(from) and date '\(today)' - \(to)")
        case .dates(let from, let to): wheres.append("\(day) between '\(from)' and '\(to)'")
        }
        let rest = wheres.map { " and \($0)" }.joined()
        let count = "(select count(*) from \(source)\(rest))"
        let fits = "\(count) between \(event.from) and \(event.to ?? .max)"
        return event.did ? "(\(fits))" : "(not (\(fits)))"
    }

    private static func buyers(_ cohort: CohortCondition) -> String {
        let recency = cohort.recency.isEmpty ? Recency.allCases : cohort.recency
        let value = cohort.value.isEmpty ? BuyerValue.allCases : cohort.value
        return """
            coalesce((select
                case when date '\(today)' - max(o.day) <= 30 then 'active' when date '\(today)' - max(o.day) <= 90 then 'cooling'
                    when date '\(today)' - max(o.day) <= 180 then 'sleeping' else 'lost' end
                    in (\(list(recency.map(\.rawValue))))
                and case when count(*) >= 5 or coalesce(sum(o.spend) filter (where o.day > date '\(today)' - 365), 0)
                        >= (select least from best_spend) then 'champion'
                    when count(*) >= 2 then 'repeat' else 'first' end in (\(list(value.map(\.rawValue))))
                from owned_order o where o.owner = v.person having count(*) > 0), false)
            """
    }
}
