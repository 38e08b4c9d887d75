import AdModel
import Attribution
import Billing
import Crypto
import Postgres
import Reporting

/// Why a report could not be made.
public enum ReportStoreError: Error, Equatable, Sendable {
    /// There is no such campaign, or it is another advertiser's: the two look alike.
    case unknownCampaign
    /// The retailer is not set up; seed it first.
    case noRetailer
    /// There is no policy of that name.
    case unknownPolicy(String)
    /// A number of the report is beyond what can be shown; only absurd amounts in orders lead there.
    case numberTooLarge

    /// Stable word of the error.
    public var code: String {
        switch self {
        case .unknownCampaign: "unknown_campaign"
        case .noRetailer: "no_retailer"
        case .numberTooLarge: "number_too_large"
        case .unknownPolicy: "unsupported_policy"
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

    /// IANA name of the zone that accounting days belong to.
    public static func accountingZone(on db: isolated PostgresConnection) throws -> String {
        try zone(on: db).identifier
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
        let installed = try Policies.installed(on: connection)
        let policies = try query.policies.map { code in
            guard let found = installed.policy(code) else { throw ReportStoreError.unknownPolicy(code) }
            return found.policy
        }
        let apart = Set(policies.filter(\.separatesInteractions).map(\.name))
        let base: [PostgresValue] = [
            .int4(advertiserID), .date(days: query.from.number), .date(days: query.to.number),
            campaignID.map(PostgresValue.int4) ?? .null, .textArray(query.policies), .text(zone.identifier),
            .timestamptz(micros: zone.start(of: query.from).micros),
            .timestamptz(micros: zone.start(of: query.to + 1).micros),
        ]
        let channel = query.channel.map(PostgresValue.text) ?? .null
        let repeating = PostgresValue.textArray(policies.filter { $0.scope == .campaign }.map(\.name))
        // One row more than asked for says whether there is a next page.
        let page = try connection.query(
            PerformanceSQL.rows(by: query.dimensions, salesBy: query.salesBy),
            base + [.int8(Int64(query.limit) + 1), .int8(Int64(query.offset)), channel]
                + (PerformanceSQL.countsOnce(query.dimensions) ? [repeating] : []))
        var rows: [PerformanceRow] = []
        rows.reserveCapacity(page.count)
        for row in page.prefix(query.limit) { rows.append(try Self.row(row, query.dimensions, query, apart)) }
        var totals = query.policies.map { PerformanceRow(policy: $0, counts: PerformanceCounts()) }
        for row in try connection.query(
            PerformanceSQL.rows(by: [.policy], salesBy: query.salesBy),
            base + [.int8(Int64(query.policies.count)), .int8(0), channel, repeating])
        {
            let total = try Self.row(row, [.policy], query, apart)
            if let at = totals.firstIndex(where: { $0.policy == total.policy }) { totals[at] = total }
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
        let through = try connection.query("select shipped_through() as through")[0].microsIfPresent("through")
        var report = PerformanceReport(
            rows: rows, policyTotals: totals,
            methodology: ReportMethodology(
                policies: policies.map(Self.methodology), salesBy: query.salesBy, accountingZone: zone.identifier,
                invalidShare: Ratio.millionths(invalid, valid + invalid), dataThrough: through.flatMap(Self.instant),
                inputsHash: try connection.query("select report_inputs_hash() as hash").single().string("hash"),
                // Months are not closed yet, so returns and late touches can still move any number.
                final: false),
            nextCursor: page.count > query.limit ? query.cursor(at: query.offset + query.limit) : nil)
        let csv = PerformanceCSV.render(report, dimensions: query.dimensions)
        report.methodology.resultHash = AttributionDigest.hex(Array(SHA256.hash(data: Array(csv.utf8))))
        return report
    }

    /// The policies under which the advertiser has credits; the default one when there are none.
    public static func creditedPolicies(
        of advertiserID: Int32, on connection: isolated PostgresConnection
    ) throws -> [String] {
        let rows = try connection.query(
            "select distinct policy collate \"C\" as policy from credit where advertiser_id = $1 order by 1",
            [.int4(advertiserID)])
        let found = try rows.map { try $0.string("policy") }
        return found.isEmpty ? [PerformanceQuery.defaultPolicy] : found
    }

    private static func methodology(_ policy: AttributionPolicy) -> PolicyMethodology {
        PolicyMethodology(
            policy: policy.name, clickWindowSeconds: policy.clickWindow.map { $0.micros / 1_000_000 },
            viewWindowSeconds: policy.viewWindow.map { $0.micros / 1_000_000 },
            countedView: policy.viewWindow == nil ? nil : policy.viewCounting.rawValue,
            levels: policy.levels.map(\.rawValue), scope: policy.scope.rawValue, basis: policy.basis.rawValue,
            keepsInteractionsApart: policy.separatesInteractions,
            hash: AttributionDigest.hex(AttributionDigest.policy(policy)))
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

    private static func row(
        _ row: PostgresRow, _ dimensions: [ReportDimension], _ query: PerformanceQuery, _ apart: Set<String>
    ) throws -> PerformanceRow {
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
            case .policy: result.policy = try row.string("policy")
            case .channel: result.channel = try row.string("channel")
            case .interaction: result.interaction = try row.string("interaction")
            }
        }
        let policy = result.policy ?? query.policies.first ?? ""
        result.counts.keepsInteractionsApart = result.interaction == nil && apart.contains(policy)
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
        counts.click = try share(row, "click")
        counts.view = try share(row, "view")
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
