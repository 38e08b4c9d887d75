import AdModel
import Reporting

/// The performance report as JSON, exactly as `management.yaml` describes it.
enum PerformanceJSON {
    static func render(_ report: PerformanceReport, _ query: PerformanceQuery) -> String {
        var json = JSONText()
        json.object { json in
            json.member("from", query.from.description)
            json.member("to", query.to.description)
            json.member("by", array: query.dimensions) { $0.string($1.rawValue) }
            json.member("rows", array: report.rows) { json, row in
                json.object { json in
                    for dimension in query.dimensions {
                        switch dimension {
                        case .day: json.member("day", row.day)
                        case .campaign: named(&json, "campaign", row.campaignCode, row.campaignName)
                        case .lineItem: named(&json, "line_item", row.lineItemCode, row.lineItemName)
                        }
                    }
                    counts(&json, row.counts)
                }
            }
            json.member("totals") { counts(&$0, report.totals) }
            methodology(&json, report.methodology)
            json.member("data_through", report.methodology.dataThrough)
            json.member("final", report.methodology.final)
            json.member("next_cursor", report.nextCursor)
        }
        return json.text
    }

    private static func named(_ json: inout JSONText, _ member: String, _ code: String?, _ name: String?) {
        json.member(member) {
            $0.member("code", code)
            $0.member("name", name)
        }
    }

    private static func counts(_ json: inout JSONText, _ counts: PerformanceCounts) {
        json.member("impressions", counts.impressions)
        json.member("viewable", counts.viewable)
        json.member("clicks", counts.clicks)
        json.member("ctr", decimal: counts.ctr.map(Ratio.text(millionths:)))
        json.member("spend_micros", counts.spendMicros)
        json.member("over_delivery_micros", counts.overDeliveryMicros)
        json.member("cpm_micros", counts.cpmMicros)
        json.member("cpc_micros", counts.cpcMicros)
        for (name, share) in [("direct", counts.direct), ("halo", counts.halo), ("basket", counts.basket)] {
            json.member(name) {
                $0.member("orders", share.orders)
                $0.member("units", share.units)
                $0.member("sales_micros", share.salesMicros)
            }
        }
        json.member("orders", counts.orders)
        json.member("units", counts.units)
        json.member("sales_micros", counts.salesMicros)
        json.member("returned_micros", counts.returnedMicros)
        json.member("net_micros", counts.netMicros)
        json.member("roas", decimal: counts.roas.map(Ratio.text(millionths:)))
        json.member("cost_share", decimal: counts.costShare.map(Ratio.text(millionths:)))
    }

    private static func methodology(_ json: inout JSONText, _ methodology: ReportMethodology) {
        json.member("methodology") { json in
            json.member("policy", methodology.policy)
            json.member("click_window_seconds", methodology.clickWindowSeconds)
            json.member("view_window_seconds", methodology.viewWindowSeconds)
            json.member("counted_view", methodology.countedView)
            json.member("levels", array: methodology.levels) { $0.string($1) }
            json.member("viewability", "50% of pixels for 1 second; in a shelf, of at least one card")
            json.member("sales_by", "order_date")
            json.member("accounting_zone", methodology.accountingZone)
            json.member("currency", "RUB")
            json.member("vat", "excluded")
            json.member("invalid_traffic_share", decimal: methodology.invalidShare.map(Ratio.text(millionths:)))
        }
    }
}
