import AdModel
import Foundation
import Postgres
import Simulator
import Store

/// What a made-up past amounts to: the ledgers on one screen, beside what the simulator knows to be true.
struct HistorySummary {
    var outcome: HistoryRun.Outcome
    var impressions: Int64 = 0
    var viewables: Int64 = 0
    var clicks: Int64 = 0
    var invalid: Int64 = 0
    var orders: Int64 = 0
    var spent = Micros.zero
    var direct = Micros.zero
    var halo = Micros.zero

    static func read(_ outcome: HistoryRun.Outcome, database: PostgresOptions) async throws -> HistorySummary {
        let pool = PostgresPool(database.asSystem, maximumConnections: 1)
        let read = try await pool.transaction { db in
            var summary = HistorySummary(outcome: outcome)
            let events = try db.query(
                """
                select count(distinct (decision_id, ad)) filter (where kind = 0) as impressions,
                    count(distinct (decision_id, ad)) filter (where kind = 1) as viewables,
                    count(distinct (decision_id, ad)) filter (where kind = 2) as clicks,
                    (select count(*) from invalid_event) as invalid
                from ad_event
                """
            ).single()
            summary.impressions = try events.int64("impressions")
            summary.viewables = try events.int64("viewables")
            summary.clicks = try events.int64("clicks")
            summary.invalid = try events.int64("invalid")
            let money = try db.query(
                """
                select (select coalesce(sum(amount_micros), 0)::bigint from charge) as spent,
                    (select count(*) from customer_order) as orders,
                    coalesce(sum(amount_micros) filter (where level in ('sku', 'variant')), 0)::bigint as direct,
                    coalesce(sum(amount_micros) filter (where level in ('listed', 'brand')), 0)::bigint as halo
                from credit where policy = 'default@1'
                """
            ).single()
            summary.spent = Micros(try money.int64("spent"))
            summary.orders = try money.int64("orders")
            summary.direct = Micros(try money.int64("direct"))
            summary.halo = Micros(try money.int64("halo"))
            return summary
        }
        await pool.close()
        return read
    }

    /// One screen for whoever has waited.
    var page: String {
        let truth = outcome.truth
        let days = Int(((outcome.to - outcome.from).micros + 43_200_000_000) / 86_400_000_000)
        let rate = impressions == 0 ? 0 : Double(clicks) * 100 / Double(impressions)
        return """

              \(days) days of history in \(HistoryProgress.oneDigit(outcome.seconds)) s

              page views     \(Self.grouped(truth.pageViews)) in \(Self.grouped(truth.sessions)) sessions
              impressions    \(Self.grouped(impressions)), \(Self.grouped(viewables)) seen, \(Self.grouped(invalid)) events invalid
              clicks         \(Self.grouped(clicks)) (\(HistoryProgress.twoDigits(rate)) %)
              orders         \(Self.grouped(orders)), \(Self.grouped(truth.units)) units, \(Self.grouped(truth.returnedUnits)) sent back
              spend          \(Self.roubles(spent))
              direct sales   \(Self.roubles(direct))
              halo sales     \(Self.roubles(halo))
              true effect    \(Self.grouped(truth.total.causedUnits)) units, \(Self.roubles(truth.total.causedNet)) would not have been sold without ads
            """
    }

    private static func roubles(_ amount: Micros) -> String { "\(grouped(amount.value / 1_000_000)) RUB" }

    private static func grouped(_ value: Int64) -> String {
        var digits = Array(String(abs(value)))
        var index = digits.count - 3
        while index > 0 {
            digits.insert(" ", at: index)
            index -= 3
        }
        return (value < 0 ? "-" : "") + String(digits)
    }

    /// The simulator's own count, kept beside the installation so that reports can be compared with it.
    static func truthFile(_ outcome: HistoryRun.Outcome) -> String {
        func ads(_ it: Truth.Ads) -> [String: Int64] {
            [
                "impressions": it.impressions, "viewables": it.viewables, "clicks": it.clicks,
                "caused_units": it.causedUnits, "caused_halo_units": it.causedHaloUnits,
                "caused_net_micros": it.causedNet.value,
            ]
        }
        let truth = outcome.truth
        let document: [String: Any] = [
            "from": outcome.from.rfc3339, "to": outcome.to.rfc3339, "seconds": outcome.seconds,
            "page_views": truth.pageViews, "sessions": truth.sessions, "orders": truth.orders, "units": truth.units,
            "net_micros": truth.net.value, "returned_units": truth.returnedUnits, "stock_outs": truth.stockOuts,
            "total": ads(truth.total),
            "line_items": Dictionary(uniqueKeysWithValues: truth.byLineItem.map { ("\($0)", ads($1)) }),
            "campaigns": Dictionary(uniqueKeysWithValues: truth.byCampaign.map { ("\($0)", ads($1)) }),
            "invalid": Dictionary(uniqueKeysWithValues: truth.invalid.map { ($0.rawValue, $1) }),
        ]
        let data = try? JSONSerialization.data(withJSONObject: document, options: [.prettyPrinted, .sortedKeys])
        return String(decoding: data ?? Data("{}".utf8), as: UTF8.self) + "\n"
    }
}
