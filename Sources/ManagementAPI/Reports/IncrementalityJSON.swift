import AdModel
import Reporting
import Store

/// The report on a campaign's holdout as JSON, exactly as `incrementality.yaml` describes it.
public enum IncrementalityJSON {
    /// The whole document.
    public static func render(_ report: IncrementalityReport) -> String {
        var json = JSONText()
        json.object { members(&$0, report) }
        return json.text
    }

    static func members(_ json: inout JSONText, _ report: IncrementalityReport) {
        json.member("campaign", report.campaignCode)
        json.member("share_per_10000", report.holdoutShare)
        json.member("since", report.since?.rfc3339)
        json.member("window_days", report.windowDays)
        json.member("data_through", report.dataThrough)
        arm(&json, "exposed", report.exposed)
        arm(&json, "ghost", report.ghost)
        json.member("mixed_shoppers", report.mixedShoppers)
        json.member("needed") {
            $0.member("shoppers", LiftRule.leastShoppers)
            $0.member("buyers", LiftRule.leastBuyers)
        }
        switch report.verdict {
        case .estimated(let conversion, let roubles):
            json.member("verdict", "estimated")
            outcome(&json, "conversion", conversion, scale: 1, shoppers: report.exposed.moments.shoppers)
            outcome(&json, "sales", roubles, scale: 1_000_000, shoppers: report.exposed.moments.shoppers)
        case .notEnoughData, nil:
            json.member("verdict", report.verdict == nil ? "no_holdout" : "not_enough_data")
            json.member("conversion", raw: nil)
            json.member("sales", raw: nil)
        }
        json.member("methodology") {
            $0.member("interval", LiftRule.method)
            $0.member(
                "shopper", "Customer of the latest link, else visitor; seen on both sides = counted on neither")
            $0.member(
                "counted_from", "First auction that the campaign won for the shopper, served or held back (ghost ad)")
            $0.member(
                "counted_sales",
                "Order lines of promoted products, their variants and owned brands of the campaign, before returns")
            $0.member("currency", "RUB")
            $0.member("vat", "excluded")
        }
    }

    private static func arm(_ json: inout JSONText, _ name: String, _ arm: IncrementalityReport.Arm) {
        json.member(name) {
            $0.member("shoppers", arm.moments.shoppers)
            $0.member("buyers", arm.moments.buyers)
            $0.member("orders", arm.moments.orders)
            $0.member("units", arm.moments.units)
            $0.member("sales_micros", arm.moments.salesMicros)
            $0.member("maturing_shoppers", arm.maturing)
        }
    }

    /// Buyers are told as shares with six decimals, roubles as integer micro-roubles.
    private static func outcome(
        _ json: inout JSONText, _ name: String, _ lift: OutcomeLift, scale: Double, shoppers: Int64
    ) {
        func number(_ json: inout JSONText, _ name: String, _ value: Double) {
            if scale == 1 { decimal(&json, name, value) } else { json.member(name, whole(value * scale)) }
        }
        let unit = scale == 1 ? "" : "_micros"
        json.member(name) { json in
            number(&json, "exposed\(unit)", lift.exposedMean)
            number(&json, "ghost\(unit)", lift.ghostMean)
            json.member("difference\(unit)") { json in
                number(&json, "value", lift.difference.value)
                number(&json, "low", lift.difference.low)
                number(&json, "high", lift.difference.high)
            }
            json.member("lift") { json in
                decimal(&json, "value", lift.relative.value)
                decimal(&json, "low", lift.relative.low)
                decimal(&json, "high", lift.relative.high)
            }
            // What the exposed shoppers bought more than they would have.
            json.member("incremental\(unit)") { json in
                json.member("value", whole(lift.difference.value * scale * Double(shoppers)))
                json.member("low", whole(lift.difference.low * scale * Double(shoppers)))
                json.member("high", whole(lift.difference.high * scale * Double(shoppers)))
            }
            json.member("significant", lift.difference.isSignificant)
        }
    }

    private static func decimal(_ json: inout JSONText, _ name: String, _ value: Double) {
        json.member(name, decimal: Ratio.text(millionths: whole(value * 1_000_000)))
    }

    private static func whole(_ value: Double) -> Int64 {
        value.isNaN ? 0 : Int64(max(min(value.rounded(), 9e18), -9e18))
    }
}
