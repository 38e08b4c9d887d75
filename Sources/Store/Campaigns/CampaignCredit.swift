import AdModel
import Attribution
import Postgres

/// What attribution may credit to a campaign beyond the products that it promotes (HALO), as written.
public struct CreditedProducts: Equatable, Sendable {
    /// SKUs, groups or categories of one list; brands.
    public static let listLimit = 5_000
    public static let brandLimit = 1_000

    /// Codes of brands, all products of which count.
    public var brands: [String] = []
    public var skus: [String] = []
    /// Groups of variants.
    public var groups: [String] = []
    /// Categories, each with its subtree.
    public var categories: [String] = []

    public init(brands: [String] = [], skus: [String] = [], groups: [String] = [], categories: [String] = []) {
        self.brands = brands
        self.skus = skus
        self.groups = groups
        self.categories = categories
    }
}

/// One span of what attribution reads of a campaign.
public struct CreditVersion: Equatable, Sendable {
    /// nil = since ever.
    public var validFrom: Timestamp?
    /// nil = still in force.
    public var validTo: Timestamp?
    public var policy: String
    public var credited: CreditedProducts
    /// SKUs that the list meant, groups resolved.
    public var resolvedSKUs: Int
}

/// Credited products and policy, versioned: in force from the change on, never before.
public enum CampaignCredit {
    /// Versions that are told.
    public static let historyLimit = 500

    /// Names of the policies that a campaign may choose.
    public static func policies(on db: isolated PostgresConnection) throws -> [String] {
        try Policies.allowed(on: db).map(\.name)
    }

    /// Notes what is not inside the brands granted to the advertiser, and a policy that the retailer does not allow
    /// (the one that is in force may stay).
    static func check(
        _ credited: CreditedProducts, policy: String, was current: String? = nil, advertiser: Int32, now: Timestamp,
        _ problems: inout FieldProblems, on db: isolated PostgresConnection
    ) throws {
        let installed = try policies(on: db)
        if policy != current, !installed.contains(policy) {
            problems.add("policy", "not_allowed", "Must be one of \(installed.joined(separator: ", ")).")
        }
        guard credited != CreditedProducts() else { return }
        let granted = try GrantedBrands.load(of: advertiser, now: now, on: db)
        granted.check(brands: credited.brands, field: "credited.brands", &problems)
        try granted.check(skus: credited.skus, field: "credited.skus", &problems, on: db)
        try KnownCodes.check(
            credited.categories, table: "category", field: "credited.categories", &problems, on: db)
        let foreign = try db.query(
            """
            select w.place::int as place from unnest($1::text[]) with ordinality w (code, place)
            where not exists (select 1 from product p where p.group_id = w.code and p.brand = any($2::text[]))
            order by w.place limit \(FieldProblems.limit)
            """, [.textArray(credited.groups), .textArray(granted.spellings)])
        for row in foreign {
            let place = Int(try row.int32("place")) - 1
            problems.add(
                "credited.groups[\(place)]", "not_granted",
                "“\(credited.groups[place].prefix(128))” holds no product of a brand granted to the advertiser.")
        }
    }

    /// Makes it the open version. True when it differs from the one before.
    @discardableResult
    static func put(
        _ credited: CreditedProducts, policy: String, campaign: Int32, now: Timestamp,
        on db: isolated PostgresConnection
    ) throws -> Bool {
        var listed = Set(credited.skus)
        if !credited.groups.isEmpty {
            for row in try db.query(
                "select sku from product where group_id = any($1::text[])", [.textArray(credited.groups)])
            {
                listed.insert(try row.string("sku"))
            }
        }
        func sorted(_ texts: some Sequence<String>) -> [String] {
            texts.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        }
        return try VersionedLists.put(
            table: "campaign_version", owner: "campaign_id", ownerID: campaign,
            [
                VersionColumn("policy", policy), VersionColumn("brand_codes", sorted(credited.brands)),
                VersionColumn("listed_skus", sorted(listed)),
                VersionColumn("listed_categories", sorted(credited.categories)),
                VersionColumn("listed_groups", sorted(credited.groups)),
                VersionColumn("named_skus", credited.groups.isEmpty ? .null : .textArray(sorted(credited.skus))),
            ], now: now, on: db)
    }

    /// Resolves the groups of every open version again after the catalogue changed. Returns how many changed.
    static func refresh(now: Timestamp, on db: isolated PostgresConnection) throws -> Int {
        let rows = try db.query(
            """
            select campaign_id, \(columns) from campaign_version v
            where valid_to = 'infinity' and cardinality(listed_groups) > 0 order by campaign_id
            """)
        var changed = 0
        for row in rows {
            let version = try read(row)
            if try put(
                version.credited, policy: version.policy, campaign: try row.int32("campaign_id"), now: now, on: db)
            {
                changed += 1
            }
        }
        return changed
    }

    /// The versions of a campaign, newest first.
    public static func history(of campaign: Int32, on db: isolated PostgresConnection) throws -> [CreditVersion] {
        try db.query(
            """
            select \(columns) from campaign_version v where campaign_id = $1 order by valid_from desc
            limit \(historyLimit)
            """, [.int4(campaign)]
        ).map(read)
    }

    /// The version in force; a campaign without any has the default policy and lists nothing.
    static func current(of campaign: Int32, on db: isolated PostgresConnection) throws -> CreditVersion {
        try db.query(
            "select \(columns) from campaign_version v where campaign_id = $1 and valid_to = 'infinity'",
            [.int4(campaign)]
        ).first.map(read)
            ?? CreditVersion(policy: "default@1", credited: CreditedProducts(), resolvedSKUs: 0)
    }

    private static let columns = """
        v.valid_from, v.valid_to, v.policy, v.brand_codes, coalesce(v.named_skus, v.listed_skus) as skus,
        v.listed_groups, v.listed_categories, cardinality(v.listed_skus)::int as resolved
        """

    private static func read(_ row: PostgresRow) throws -> CreditVersion {
        let from = try row.micros("valid_from")
        let to = try row.micros("valid_to")
        return CreditVersion(
            validFrom: from == .min ? nil : Timestamp(micros: from), validTo: to == .max ? nil : Timestamp(micros: to),
            policy: try row.string("policy"),
            credited: CreditedProducts(
                brands: try row.stringArray("brand_codes"), skus: try row.stringArray("skus"),
                groups: try row.stringArray("listed_groups"), categories: try row.stringArray("listed_categories")),
            resolvedSKUs: Int(try row.int32("resolved")))
    }
}
