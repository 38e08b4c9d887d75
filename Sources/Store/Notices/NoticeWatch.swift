import AdModel
import Postgres

/// Finds what nobody reports by himself: budgets and wallets that run out, line items that stand still. Each episode
/// is told once: the key of a notice names what must change before it is worth telling again. Needs the scope of the
/// system.
public enum NoticeWatch {
    /// How long an active line item may be without an impression.
    public static let patience = Timestamp.Span.hours(24)
    /// Shipping that is further behind than this says nothing about impressions.
    static let shippingDelay = Timestamp.Span.hours(1)
    /// Line items told of in one round.
    static let lineLimit = 500

    /// Four fifths, and all, of a line item's total budget. A budget that is raised begins a new episode.
    /// - Returns: how many notices are new.
    public static func budgets(now: Timestamp, on db: isolated PostgresConnection) throws -> Int {
        let rows = try db.query(
            """
            select l.code, l.advertiser_id, k.code as campaign, l.total_budget_micros as budget, s.spent_micros as spent,
                s.spent_micros > l.total_budget_micros
                    - greatest(1, case l.pricing when 'cpm' then l.bid_micros / 1000 else l.bid_micros end) as over
            from line_item l join line_item_spend s on s.line_item_id = l.id join campaign k on k.id = l.campaign_id
            where l.total_budget_micros > 0 and s.spent_micros::numeric * 5 >= l.total_budget_micros::numeric * 4
                and k.state in ('active', 'paused') and l.ends_at > $1
                and not exists (
                    select 1 from notice n
                    where n.dedupe_key = 'budget_100:' || l.code || ':' || l.total_budget_micros)
            order by l.id
            """, [.timestamptz(micros: now.micros)])
        var raised = 0
        for row in rows {
            let kind: NoticeKind = try row.bool("over") ? .budget100 : .budget80
            let budget = try row.int64("budget")
            let code = try row.string("code")
            let isNew = try Notices.raise(
                kind: kind, advertiser: try row.int32("advertiser_id"), object: "line_item", id: code,
                detailsJSON: try details(
                    [
                        ("campaign", .text(try row.string("campaign"))), ("budget_micros", .int8(budget)),
                        ("spent_micros", .int8(try row.int64("spent"))),
                    ], on: db),
                dedupeKey: "\(kind.rawValue):\(code):\(budget)", now: now, on: db)
            if isNew { raised += 1 }
        }
        return raised
    }

    /// Balance and credit below the advertiser's threshold: his own, or a day's spend of the last seven days. Money
    /// that comes in begins a new episode.
    /// - Returns: how many notices are new.
    public static func balances(now: Timestamp, on db: isolated PostgresConnection) throws -> Int {
        let today = try RetailerStore.today(now, on: db)
        let rows = try db.query(
            """
            select a.code, a.id, f.left as balance, f.threshold, f.entry
            from advertiser a
            cross join lateral (
                select \(SumSQL.clamped("""
                    \(SumSQL.funds) - coalesce((select spent_micros from advertiser_spend p
                        where p.advertiser_id = a.id), 0)
                    """)) as left,
                    coalesce(a.low_balance_micros, \(SumSQL.clamped("""
                        coalesce((select sum(c.amount_micros) from charge c where c.advertiser_id = a.id
                            and c.accounting_day >= $1::date - 7 and c.accounting_day < $1::date), 0) / 7
                        """))) as threshold,
                    coalesce((select max(w.id) from wallet_entry w
                        where w.advertiser_id = a.id and w.amount_micros > 0), 0) as entry
            ) f
            where f.left < f.threshold and exists (
                select 1 from campaign k where k.advertiser_id = a.id and k.state in ('active', 'approved'))
            order by a.id
            """, [.date(days: today.number)])
        var raised = 0
        for row in rows {
            let code = try row.string("code")
            let isNew = try Notices.raise(
                kind: .lowBalance, advertiser: try row.int32("id"), object: "advertiser", id: code,
                detailsJSON: try details(
                    [
                        ("balance_micros", .int8(try row.int64("balance"))),
                        ("threshold_micros", .int8(try row.int64("threshold"))),
                    ], on: db),
                dedupeKey: "low_balance:\(code):\(try row.int64("entry"))", now: now, on: db)
            if isNew { raised += 1 }
        }
        return raised
    }

    /// A JSON object out of scalar values, in the order given.
    static func details(_ members: [(String, PostgresValue)], on db: isolated PostgresConnection) throws -> String {
        var arguments: [String] = []
        for (index, member) in members.enumerated() {
            let type = if case .int8 = member.1 { "bigint" } else { "text" }
            arguments.append("'\(member.0)', $\(index + 1)::\(type)")
        }
        return try db.query(
            "select json_build_object(\(arguments.joined(separator: ", ")))::text as text", members.map(\.1)
        ).single().string("text")
    }
}
