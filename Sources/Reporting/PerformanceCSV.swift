/// The performance report as CSV: the same numbers as the JSON, RFC 4180, LF, UTF-8.
public enum PerformanceCSV {
    public static func render(_ report: PerformanceReport, dimensions: [ReportDimension]) -> String {
        var header: [String] = []
        for dimension in dimensions {
            switch dimension {
            case .day: header.append("day")
            case .campaign: header += ["campaign", "campaign_name"]
            case .lineItem: header += ["line_item", "line_item_name"]
            case .policy, .channel, .interaction: header.append(dimension.rawValue)
            }
        }
        header += Metric.allCases.map(column(of:))
        var text = header.joined(separator: ",") + "\n"
        for row in report.rows {
            var cells: [String] = []
            for dimension in dimensions {
                switch dimension {
                case .day: cells.append(CSVCell.text(row.day ?? ""))
                case .campaign:
                    cells += [CSVCell.text(row.campaignCode ?? ""), CSVCell.text(row.campaignName ?? "")]
                case .lineItem:
                    cells += [CSVCell.text(row.lineItemCode ?? ""), CSVCell.text(row.lineItemName ?? "")]
                case .policy: cells.append(CSVCell.text(row.policy ?? ""))
                case .channel: cells.append(CSVCell.text(row.channel ?? ""))
                case .interaction: cells.append(CSVCell.text(row.interaction ?? ""))
                }
            }
            cells += Metric.allCases.map { cell($0, row.counts) }
            text += cells.joined(separator: ",") + "\n"
        }
        return text
    }

    /// Name of a metric's column or member: money says its unit.
    public static func column(of metric: Metric) -> String {
        MetricRegistry.definition(of: metric).unit == .money ? metric.rawValue + "_micros" : metric.rawValue
    }

    private static func cell(_ metric: Metric, _ counts: PerformanceCounts) -> String {
        guard let value = counts.value(of: metric) else { return "" }
        return MetricRegistry.definition(of: metric).unit == .ratio
            ? Ratio.text(millionths: value) : CSVCell.number(value)
    }
}

extension PerformanceCounts {
    /// The metric as an integer: a count, micro-roubles or millionths; nil when there is nothing to divide by, or when
    /// it would add up what the policy keeps apart.
    public func value(of metric: Metric) -> Int64? {
        if keepsInteractionsApart, metric.joinsInteractions { return nil }
        return switch metric {
        case .impressions: impressions
        case .viewable: viewable
        case .clicks: clicks
        case .ctr: ctr
        case .spend: spendMicros
        case .overDelivery: overDeliveryMicros
        case .cpm: cpmMicros
        case .cpc: cpcMicros
        case .directOrders: direct.orders
        case .directUnits: direct.units
        case .directSales: direct.salesMicros
        case .haloOrders: halo.orders
        case .haloUnits: halo.units
        case .haloSales: halo.salesMicros
        case .basketOrders: basket.orders
        case .basketUnits: basket.units
        case .basketSales: basket.salesMicros
        case .clickOrders: click.orders
        case .clickUnits: click.units
        case .clickSales: click.salesMicros
        case .viewOrders: view.orders
        case .viewUnits: view.units
        case .viewSales: view.salesMicros
        case .orders: orders
        case .units: units
        case .sales: salesMicros
        case .returned: returnedMicros
        case .netSales: netMicros
        case .roas: roas
        case .costShare: costShare
        }
    }
}
