import AdModel
import Attribution
import Billing
import Postgres

/// An advertiser's own ledger as the files that `nimb attribute` reads, with shoppers and orders blinded and rivals
/// reduced to what decides: from these files alone his credits reproduce.
///
/// There is a folder for each policy that his touches compete under, because each policy is a contest of its own.
public enum LedgerFiles {
    /// Bytes that an export holds at most when it is made in memory (the API's).
    public static let memoryLimit = 256 << 20

    /// What an export is of.
    public struct Request: Sendable {
        public var advertiserID: Int32
        /// Accounting days of the orders, both included.
        public var from: Day
        public var to: Day

        public init(advertiserID: Int32, from: Day, to: Day) {
            self.advertiserID = advertiserID
            self.from = from
            self.to = to
        }
    }

    /// What an export held.
    public struct Summary: Equatable, Sendable {
        public var policies: [String] = []
        public var orders = 0
        public var lines = 0
        public var touches = 0
        public var rivals = 0
        /// Rows of all `credits.csv`.
        public var credits = 0
    }

    /// Writes the files, piece by piece.
    ///
    /// The caller's transaction must see every tenant: rivals decide. Everything that is written is the advertiser's
    /// own or blinded.
    /// - Throws: `Refusal` when there is no such advertiser; what the sink throws.
    public static func write(
        _ request: Request, on connection: isolated PostgresConnection,
        to sink: any LedgerFileSink
    ) throws -> Summary {
        let zone = try InstallationZone.read(on: connection)
        guard
            let blinding = try Blinding.load([request.advertiserID], on: connection)[request.advertiserID],
            let code = try connection.query(
                "select code from advertiser where id = $1", [.int4(request.advertiserID)]
            ).first?.string(0)
        else { throw Refusal.notFound }
        let installed = try Policies.installed(on: connection)
        let start = zone.start(of: request.from)
        let end = zone.start(of: request.to + 1)
        let own = try OwnTouches.load(
            of: request.advertiserID, from: start - installed.longestWindow, to: end, installed, on: connection)
        var summary = Summary()
        summary.policies = own.policies
        var writer = LedgerFileWriter(
            advertiserID: AttributionID(request.advertiserID), advertiserCode: code, blinding: blinding,
            names: try AttributionNames.load(campaigns: own.campaigns, on: connection), sink: sink)
        for name in own.policies { try writer.begin(name) }
        summary.touches = try own.forEach(
            of: request.advertiserID, from: start - installed.longestWindow, to: end, installed, on: connection
        ) { policy, touch in try writer.touch(touch, policy) }
        let range = OrderRounds.Range(from: request.from, to: request.to)
        try OrderRounds.forEach(range, zone: zone, on: connection) { keys in
            let decided = try DecidedRound.decide(keys, under: nil, on: connection)
            let booked = try LedgerRows.parts(of: keys, on: connection).filter {
                $0.advertiserID == AttributionID(request.advertiserID)
            }
            for part in decided.parts {
                for name in own.policies {
                    try writer.round(part.world, policy: try installed.rules(name), summary: &summary)
                }
            }
            writer.credits(booked)
        }
        try own.writeReference(&writer, advertiserID: request.advertiserID, on: connection)
        try writer.finish(&summary, request: request)
        return summary
    }
}

/// Takes the files of an export as they come; parts of a file follow each other, files take turns.
public protocol LedgerFileSink: AnyObject {
    /// Adds bytes to the file of that path, `default@1/lines.csv`; the first bytes make it.
    func append(_ bytes: [UInt8], to path: String) throws
}

/// Keeps an export in memory, up to `LedgerFiles.memoryLimit`.
public final class LedgerFileMemory: LedgerFileSink {
    /// Bytes by path.
    public private(set) var files: [String: [UInt8]] = [:]
    private var size = 0

    public init() {}

    /// - Throws: `Refusal` when the export gets too large.
    public func append(_ bytes: [UInt8], to path: String) throws {
        size += bytes.count
        guard size <= LedgerFiles.memoryLimit else {
            throw Refusal(
                .rangeTooLong, field: "to",
                "The files are larger than \(LedgerFiles.memoryLimit >> 20) MiB; ask for fewer days, or let the retailer "
                    + "run nimb report ledger-files.")
        }
        files[path, default: []] += bytes
    }
}

/// Policies, campaigns and touches of one advertiser.
private struct OwnTouches {
    var policies: [String] = []
    var campaigns: [Int32] = []
    private var versions: [Int32: [(from: Int64, to: Int64, policy: String)]] = [:]

    static func load(
        of advertiserID: Int32, from: Timestamp, to: Timestamp, _ installed: PolicySet,
        on connection: isolated PostgresConnection
    ) throws -> OwnTouches {
        var own = OwnTouches()
        own.campaigns = try connection.query(
            "select id from campaign where advertiser_id = $1 order by id", [.int4(advertiserID)]
        ).map { try $0.int32(0) }
        for row in try connection.query(
            """
            select v.campaign_id, v.valid_from, v.valid_to, v.policy from campaign_version v
            join campaign c on c.id = v.campaign_id where c.advertiser_id = $1
            """, [.int4(advertiserID)])
        {
            own.versions[try row.int32(0), default: []].append(
                (try row.micros(1), try row.micros(2), try row.string(3)))
        }
        var found: Set<String> = []
        _ = try own.forEach(of: advertiserID, from: from, to: to, installed, on: connection) { policy, _ in
            found.insert(policy.name)
        }
        own.policies = found.sorted()
        return own
    }

    /// Calls the body with every valid touch that a policy counts, once for each policy it competes under; the number.
    func forEach(
        of advertiserID: Int32, from: Timestamp, to: Timestamp, _ installed: PolicySet,
        on connection: isolated PostgresConnection, _ body: (AttributionPolicy, TouchRow) throws -> Void
    ) throws -> Int {
        var count = 0
        try connection.forEachRow(
            """
            select touch_id, visitor_id, occurred_at, kind, rendered_only, campaign_id, line_item_id, promoted_skus
            from touch where advertiser_id = $1 and occurred_at >= $2 and occurred_at < $3 and invalid_reason is null
            order by occurred_at, touch_id collate "C"
            """, [.int4(advertiserID), .timestamptz(micros: from.micros), .timestamptz(micros: to.micros)]
        ) { row in
            let kind = Interaction(rawValue: try row.string(3)) ?? .view
            let at = try row.micros(2)
            let campaign = try row.int32(5)
            let view: AttributionPolicy.ViewCounting = try row.bool(4) ? .rendered : .viewable
            let policy = versions[campaign]?.first { $0.from <= at && at < $0.to }?.policy
            for name in installed.contests(
                own: policy ?? AttributionWorld.fallbackPolicy, at: Timestamp(micros: at))
            {
                let rules = try installed.rules(name)
                let window = kind == .click ? rules.clickWindow : rules.viewWindow
                guard window != nil, kind == .click || rules.viewCounting == view else { continue }
                count += 1
                try body(
                    rules,
                    TouchRow(
                        touchID: AttributionID(try row.string(0)), shopperID: AttributionID(try row.string(1)),
                        occurredAt: Timestamp(micros: at), kind: kind, advertiserID: AttributionID(advertiserID),
                        campaignID: AttributionID(campaign), lineItemID: AttributionID(try row.int32(6)),
                        promotedSKUs: try row.stringArray(7).map { AttributionID($0) }))
            }
        }
        return count
    }

    /// Campaign versions, grants, aliases and the products that matter.
    func writeReference(
        _ writer: inout LedgerFileWriter, advertiserID: Int32, on connection: isolated PostgresConnection
    ) throws {
        try connection.forEachRow(
            """
            select v.campaign_id, v.brand_codes, v.listed_skus, v.listed_categories, v.valid_from, v.valid_to
            from campaign_version v join campaign c on c.id = v.campaign_id where c.advertiser_id = $1
            order by v.campaign_id, v.valid_from
            """, [.int4(advertiserID)]
        ) { row in
            try writer.campaign(
                AttributionID(try row.int32(0)), brands: try row.stringArray(1), skus: try row.stringArray(2),
                categories: try row.stringArray(3), from: try row.micros(4), to: try row.micros(5))
        }
        try connection.forEachRow(
            """
            select b.code, g.valid_from, g.valid_to from brand_grant g join brand b on b.id = g.brand_id
            where g.advertiser_id = $1 order by b.code, g.valid_from
            """, [.int4(advertiserID)]
        ) { row in
            try writer.grant(try row.string(0), from: try row.micros(1), to: try row.micros(2))
        }
        try connection.forEachRow(
            """
            select a.alias, b.code, a.valid_from, a.valid_to from brand_alias a join brand b on b.id = a.brand_id
            order by a.alias, a.valid_from
            """
        ) { row in
            try writer.alias(
                try row.string(0), brand: try row.string(1), from: try row.micros(2), to: try row.micros(3))
        }
        // A product that was only promoted matters too: its group makes variants.
        let skus = writer.skus
        for chunk in stride(from: 0, to: skus.count, by: 10_000).map({ skus[$0..<min($0 + 10_000, skus.count)] }) {
            try connection.forEachRow(
                """
                select p.sku, coalesce(p.group_id, ''), coalesce(p.brand, ''), array(
                    with recursive up as (
                        select g.id, g.code, g.parent_id from category g where g.id = any(p.category_ids)
                        union select g.id, g.code, g.parent_id from up join category g on g.id = up.parent_id
                    ) select code from up order by code collate "C")
                from product p where p.sku = any($1::text[]) order by p.sku collate "C"
                """, [.textArray(Array(chunk))]
            ) { row in
                try writer.product(
                    try row.string(0), group: try row.string(1), brand: try row.string(2),
                    categories: try row.stringArray(3))
            }
        }
    }
}
