import AdModel
import Attribution
import Billing
import Postgres
import Reporting

/// Why a report could not be made.
public enum ReportStoreError: Error, Equatable, Sendable {
    /// There is no such campaign, or it is another advertiser's: the two look alike.
    case unknownCampaign
    /// The retailer is not set up; seed it first.
    case noRetailer
    /// A number of the report is beyond what can be shown; only absurd amounts in orders lead there.
    case numberTooLarge

    /// Stable word of the error.
    public var code: String {
        switch self {
        case .unknownCampaign: "unknown_campaign"
        case .noRetailer: "no_retailer"
        case .numberTooLarge: "number_too_large"
        }
    }

    public var isRetryable: Bool { false }
}

/// Reads the performance report of one advertiser from the ledgers and rollups.
public enum PerformanceStore {
    /// The accounting day of an instant.
    public static func today(at now: Timestamp, on db: isolated PostgresConnection) throws -> Day {
        try zone(on: db).day(of: now)
    }

    /// One page of rows, totals over the whole range and the methodology, all of one snapshot of the database.
    ///
    /// Every statement names the advertiser, so no parameter can reach the rows of another one.
    public static func report(
        for advertiserID: Int32, _ query: PerformanceQuery, on connection: isolated PostgresConnection
    ) throws -> PerformanceReport {
        let zone = try Self.zone(on: connection)
        var campaignID: Int32?
        if let code = query.campaignCode {
            guard
                let row = try connection.query(
                    "select id from campaign where code = $1 and advertiser_id = $2",
                    [.text(code), .int4(advertiserID)]
                ).first
            else { throw ReportStoreError.unknownCampaign }
            campaignID = try row.int32("id")
        }
        let base: [PostgresValue] = [
            .int4(advertiserID), .date(days: query.from.number), .date(days: query.to.number),
            campaignID.map(PostgresValue.int4) ?? .null, .text(query.policy), .text(zone.identifier),
            .timestamptz(micros: zone.start(of: query.from).micros),
            .timestamptz(micros: zone.start(of: query.to + 1).micros),
        ]
        // One row more than asked for says whether there is a next page.
        let page = try connection.query(
            PerformanceSQL.rows(by: query.dimensions),
            base + [.int8(Int64(query.limit) + 1), .int8(Int64(query.offset))])
        var rows: [PerformanceRow] = []
        rows.reserveCapacity(page.count)
        for row in page.prefix(query.limit) { rows.append(try Self.row(row, query.dimensions)) }
        var totals = PerformanceCounts()
        if let row = try connection.query(PerformanceSQL.rows(by: []), base + [.int8(1), .int8(0)]).first {
            totals = try Self.counts(row)
        }
        let traffic = try connection.query(
            """
            select \(SumSQL.clamped("coalesce(sum(impressions + clicks), 0)")) as valid,
                \(SumSQL.clamped("coalesce(sum(invalid), 0)")) as invalid
            from performance_day
            where advertiser_id = $1 and day between $2 and $3 and ($4::int4 is null or campaign_id = $4)
            """, Array(base.prefix(4)))
        let valid = try traffic[0].int64("valid")
        let invalid = try traffic[0].int64("invalid")
        let through = try connection.query(
            """
            select min(through) as through from (
                select max(k.shipped_through) as through from log_checkpoint k join node n on n.id = k.node_id
                where n.retired_at is null group by k.node_id) node
            """)
        let policy = try AttributionPolicy.preset(query.policy)
        return PerformanceReport(
            rows: rows, totals: totals,
            methodology: ReportMethodology(
                policy: policy.name, clickWindowSeconds: policy.clickWindow.map { $0.micros / 1_000_000 },
                viewWindowSeconds: policy.viewWindow.map { $0.micros / 1_000_000 },
                countedView: policy.viewWindow == nil ? nil : policy.viewCounting.rawValue,
                levels: policy.levels.map(\.rawValue), accountingZone: zone.identifier,
                invalidShare: Ratio.millionths(invalid, valid + invalid),
                dataThrough: try through.first?.microsIfPresent("through").flatMap(Self.instant),
                // Months are not closed yet, so returns and late touches can still move any number.
                final: false),
            nextCursor: page.count > query.limit ? query.cursor(at: query.offset + query.limit) : nil)
    }

    private static func zone(on connection: isolated PostgresConnection) throws -> AccountingZone {
        guard let retailer = try connection.query("select accounting_zone from retailer").first,
            let zone = AccountingZone(try retailer.string("accounting_zone"))
        else { throw ReportStoreError.noRetailer }
        return zone
    }

    /// A node that has shipped nothing stands at minus infinity, which has no RFC 3339 form.
    private static func instant(_ micros: Int64) -> String? {
        micros == .min ? nil : Timestamp(micros: micros).rfc3339
    }

    private static func row(_ row: PostgresRow, _ dimensions: [ReportDimension]) throws -> PerformanceRow {
        var result = PerformanceRow(counts: try counts(row))
        for dimension in dimensions {
            switch dimension {
            case .day: result.day = Day(number: try row.days("day")).description
            case .campaign:
                result.campaignCode = try row.string("campaign_code")
                result.campaignName = try row.string("campaign_name")
            case .lineItem:
                result.lineItemCode = try row.string("line_item_code")
                result.lineItemName = try row.string("line_item_name")
            }
        }
        return result
    }

    private static func counts(_ row: PostgresRow) throws -> PerformanceCounts {
        var counts = PerformanceCounts()
        counts.impressions = try sum(row, "impressions")
        counts.viewable = try sum(row, "viewable")
        counts.clicks = try sum(row, "clicks")
        counts.spendMicros = try sum(row, "spend")
        counts.overDeliveryMicros = try sum(row, "over_delivery")
        counts.direct = try share(row, "direct")
        counts.halo = try share(row, "halo")
        counts.basket = try share(row, "basket")
        counts.orders = try sum(row, "orders")
        counts.returnedMicros = try sum(row, "returned")
        return counts
    }

    /// A sum that was clamped is no number to show.
    private static func sum(_ row: PostgresRow, _ name: String) throws -> Int64 {
        let value = try row.int64(name)
        guard value.magnitude < SumSQL.limit.magnitude else { throw ReportStoreError.numberTooLarge }
        return value
    }

    private static func share(_ row: PostgresRow, _ name: String) throws -> PerformanceCounts.Share {
        PerformanceCounts.Share(
            orders: try sum(row, "\(name)_orders"), units: try sum(row, "\(name)_units"),
            salesMicros: try sum(row, "\(name)_sales"))
    }
}
