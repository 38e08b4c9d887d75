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
                        case .campaign:
                            json.member("campaign", row.campaignCode)
                            json.member("campaign_name", row.campaignName)
                        case .lineItem:
                            json.member("line_item", row.lineItemCode)
                            json.member("line_item_name", row.lineItemName)
                        case .policy: json.member("policy", row.policy)
                        case .channel: json.member("channel", row.channel)
                        case .interaction: json.member("interaction", row.interaction)
                        }
                    }
                    counts(&json, row.counts)
                }
            }
            // Numbers of two policies have no total.
            if report.policyTotals.count == 1 {
                json.member("totals") { counts(&$0, report.totals) }
            } else {
                json.member("totals", raw: nil)
            }
            json.member("policy_totals", array: report.policyTotals) { json, row in
                json.object { json in
                    json.member("policy", row.policy)
                    counts(&json, row.counts)
                }
            }
            methodology(&json, report.methodology)
            json.member("data_through", report.methodology.dataThrough)
            json.member("final", report.methodology.final)
            json.member("next_cursor", report.nextCursor)
        }
        return json.text
    }

    /// The metrics in the order of the registry, named as the columns of the CSV.
    private static func counts(_ json: inout JSONText, _ counts: PerformanceCounts) {
        for definition in MetricRegistry.all {
            let name = PerformanceCSV.column(of: definition.metric)
            let value = counts.value(of: definition.metric)
            if definition.unit == .ratio {
                json.member(name, decimal: value.map(Ratio.text(millionths:)))
            } else {
                json.member(name, value)
            }
        }
    }

    private static func methodology(_ json: inout JSONText, _ methodology: ReportMethodology) {
        json.member("methodology") { json in
            // The members of a report under one policy stay where they always were.
            let only = methodology.policies.count == 1 ? methodology.policies.first : nil
            json.member("policy", only?.policy)
            json.member("click_window_seconds", only?.clickWindowSeconds)
            json.member("view_window_seconds", only?.viewWindowSeconds)
            json.member("counted_view", only?.countedView)
            json.member("levels", array: only?.levels ?? []) { $0.string($1) }
            json.member("policies", array: methodology.policies) { json, policy in
                json.object { json in
                    json.member("policy", policy.policy)
                    json.member("click_window_seconds", policy.clickWindowSeconds)
                    json.member("view_window_seconds", policy.viewWindowSeconds)
                    json.member("counted_view", policy.countedView)
                    json.member("levels", policy.levels)
                    json.member("scope", policy.scope)
                    json.member("basis", policy.basis)
                    json.member("separate_interactions", policy.keepsInteractionsApart)
                    json.member("policy_hash", policy.hash)
                }
            }
            json.member("viewability", "50% of pixels for 1 second; in a shelf, of at least one card")
            json.member("sales_by", methodology.salesBy.rawValue)
            json.member("accounting_zone", methodology.accountingZone)
            json.member("currency", "RUB")
            json.member("vat", "excluded")
            json.member("inputs_hash", methodology.inputsHash)
            json.member("result_hash", methodology.resultHash)
            json.member("invalid_traffic_share", decimal: methodology.invalidShare.map(Ratio.text(millionths:)))
        }
    }
}
