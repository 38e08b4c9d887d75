import AdModel
import Attribution
import Postgres

/// Everything that attribution must know to decide some orders, read from the tables in a fixed number of statements.
public struct AttributionWorld: Sendable {
    /// A touch and a policy under which it competes: its campaign's when it happened, or one for all campaigns.
    struct Candidate: Sendable {
        var touch: TouchRow
        var policy: String
    }

    var lines: [OrderLineRow] = []
    var adjustments: [AdjustmentRow] = []
    var candidates: [Candidate] = []
    var links: [IdentityLinkRow] = []
    var reference: AttributionReference
    var policies: PolicySet
    /// The rows that `reference` was made of.
    var referenceRows = ReferenceRows()
    /// By the id that the engine knows the order by.
    var orders: [AttributionID: OrderKey] = [:]

    /// Products, campaigns, aliases and grants as rows.
    struct ReferenceRows: Sendable {
        var products: [ProductRow] = []
        var campaigns: [CampaignVersionRow] = []
        var aliases: [BrandAliasRow] = []
        var grants: [BrandGrantRow] = []
    }

    /// How far around an order touches are read; without one, what can earn a credit is.
    public struct Reach: Sendable {
        public var before: Timestamp.Span
        public var after: Timestamp.Span

        public init(before: Timestamp.Span, after: Timestamp.Span) {
            self.before = before
            self.after = after
        }
    }

    /// The policy of a campaign that has no version at the time of a touch.
    static let fallbackPolicy = AttributionPolicy.default.name

    /// Order and adjustment ids are unique per storefront only; the engine gets them with the storefront in front.
    static func scoped(_ storefrontID: Int32, _ id: String) -> AttributionID { AttributionID("\(storefrontID)/\(id)") }

    /// The id without its storefront.
    static func unscoped(_ id: AttributionID) -> String {
        String(decoding: id.bytes.drop { $0 != 0x2F }.dropFirst(), as: UTF8.self)
    }

    /// The storefront in front of a scoped id.
    static func storefront(_ id: AttributionID) -> Int32? {
        Int32(String(decoding: id.bytes.prefix { $0 != 0x2F }, as: UTF8.self))
    }

    /// Reads what concerns these orders; unknown ones are left out.
    public static func load(
        _ keys: [OrderKey], reach: Reach? = nil, on connection: isolated PostgresConnection
    ) throws -> AttributionWorld {
        let parameters: [PostgresValue] = [.int4Array(keys.map(\.storefrontID)), .textArray(keys.map(\.orderID))]
        let policies = try Policies.installed(on: connection)
        var loaded = Loaded()
        try loaded.readLines(parameters, connection)
        try loaded.readAdjustments(parameters, connection)
        try loaded.readTouches(
            parameters, reach ?? Reach(before: policies.longestWindow, after: .seconds(0)), connection)
        try loaded.readLinks(connection)
        let versions = try loaded.readCampaigns(connection)
        let rows = try loaded.readReference(versions, connection)
        var world = AttributionWorld(
            reference: try AttributionReference(
                products: rows.products, campaigns: rows.campaigns, aliases: rows.aliases, grants: rows.grants),
            policies: policies)
        world.referenceRows = rows
        world.lines = loaded.lines
        world.adjustments = loaded.adjustments
        world.links = loaded.links
        world.orders = loaded.orders
        world.candidates = loaded.touches.flatMap { touch in
            let own = versions.first {
                $0.row.campaignID == touch.campaignID && $0.holds(at: touch.occurredAt)
            }?.policy
            return policies.contests(own: own ?? fallbackPolicy, at: touch.occurredAt).map {
                Candidate(touch: touch, policy: $0)
            }
        }
        return world
    }

    /// The credit rows that each policy's contest gives these orders now.
    func credits() throws -> [CreditRow] {
        var rows: [CreditRow] = []
        for name in Set(candidates.map(\.policy)).sorted() {
            let policy = try policies.rules(name)
            rows += try AttributionEngine.credits(
                input { $0.policy == name }, reference: reference, policy: policy)
        }
        return rows
    }

    /// The credit rows of one contest of every touch, whatever the policy of its campaign was.
    func credits(under policy: AttributionPolicy) throws -> [CreditRow] {
        try AttributionEngine.credits(input { _ in true }, reference: reference, policy: policy)
    }

    /// The orders with the touches that compete.
    func input(_ competes: (Candidate) -> Bool) -> AttributionInput {
        AttributionInput(
            lines: lines, touches: candidates.filter(competes).map(\.touch), links: links, adjustments: adjustments)
    }
}

private struct CampaignVersion {
    var row: CampaignVersionRow
    var policy: String

    func holds(at instant: Timestamp) -> Bool {
        (row.validFrom ?? instant) <= instant && row.validTo.map { instant < $0 } ?? true
    }
}

private struct Loaded {
    var lines: [OrderLineRow] = []
    var orders: [AttributionID: OrderKey] = [:]
    var adjustments: [AdjustmentRow] = []
    var touches: [TouchRow] = []
    var links: [IdentityLinkRow] = []

    mutating func readLines(_ keys: [PostgresValue], _ connection: isolated PostgresConnection) throws {
        // The customer is the shopper where both are known: the visitor was linked to him at that very instant.
        let rows = try connection.query(
            """
            select o.storefront_id, o.order_id, coalesce(o.customer_id, o.visitor_id, '') as shopper, o.channel,
                o.ordered_at, l.line_no, l.sku, l.units, l.net_micros
            from unnest($1::int4[], $2::text[]) as t (s, i)
            join customer_order o on o.storefront_id = t.s and o.order_id = t.i
            join order_line l on l.storefront_id = o.storefront_id and l.order_id = o.order_id
            """, keys)
        lines.reserveCapacity(rows.count)
        for row in rows {
            let key = OrderKey(storefrontID: try row.int32(0), orderID: try row.string(1))
            let id = AttributionWorld.scoped(key.storefrontID, key.orderID)
            orders[id] = key
            lines.append(
                OrderLineRow(
                    orderID: id, lineNumber: Int64(try row.int32(5)), shopperID: AttributionID(try row.string(2)),
                    orderedAt: Timestamp(micros: try row.micros(4)),
                    channel: OrderChannel(rawValue: try row.string(3)) ?? .online,
                    sku: AttributionID(try row.string(6)), units: Int64(try row.int32(7)),
                    netAmountMicros: try row.int64(8)))
        }
    }

    mutating func readAdjustments(_ keys: [PostgresValue], _ connection: isolated PostgresConnection) throws {
        let rows = try connection.query(
            """
            select a.storefront_id, a.adjustment_id, a.order_id, a.line_no, a.occurred_at, a.kind, a.units,
                a.amount_micros
            from unnest($1::int4[], $2::text[]) as t (s, i)
            join order_adjustment a on a.storefront_id = t.s and a.order_id = t.i
            """, keys)
        for row in rows {
            let storefrontID = try row.int32(0)
            adjustments.append(
                AdjustmentRow(
                    adjustmentID: AttributionWorld.scoped(storefrontID, try row.string(1)),
                    orderID: AttributionWorld.scoped(storefrontID, try row.string(2)),
                    lineNumber: try row.int32IfPresent(3).map(Int64.init),
                    occurredAt: Timestamp(micros: try row.micros(4)),
                    kind: AdjustmentKind(rawValue: try row.string(5)) ?? .return,
                    units: try row.int32IfPresent(6).map(Int64.init), amountMicros: try row.int64IfPresent(7)))
        }
    }

    mutating func readTouches(
        _ keys: [PostgresValue], _ reach: AttributionWorld.Reach, _ connection: isolated PostgresConnection
    ) throws {
        let rows = try connection.query(
            """
            with bought as (
                select distinct o.ordered_at, coalesce(o.customer_id, o.visitor_id) as id
                from unnest($1::int4[], $2::text[]) as t (s, i)
                join customer_order o on o.storefront_id = t.s and o.order_id = t.i
                where coalesce(o.customer_id, o.visitor_id) is not null
            ), customer as (
                select ordered_at, id from bought
                union select b.ordered_at, l.customer_id from bought b join identity_link l on l.visitor_id = b.id
            ), related as (
                select ordered_at, id from customer
                union select c.ordered_at, l.visitor_id from customer c join identity_link l on l.customer_id = c.id
            ), found as (
                select distinct t.touch_id from related r
                join touch t on t.visitor_id = r.id
                    and t.occurred_at between r.ordered_at - $3::int8 * interval '1 microsecond'
                        and r.ordered_at + $4::int8 * interval '1 microsecond'
            )
            select t.touch_id, t.visitor_id, t.occurred_at, t.kind, t.rendered_only, t.advertiser_id, t.campaign_id,
                t.line_item_id, t.promoted_skus, t.invalid_reason is not null as invalid
            from found f join touch t on t.touch_id = f.touch_id
            """, keys + [.int8(reach.before.micros), .int8(reach.after.micros)])
        touches.reserveCapacity(rows.count)
        for row in rows {
            let kind = Interaction(rawValue: try row.string(3)) ?? .view
            touches.append(
                TouchRow(
                    touchID: AttributionID(try row.string(0)), shopperID: AttributionID(try row.string(1)),
                    occurredAt: Timestamp(micros: try row.micros(2)), kind: kind,
                    view: kind == .click ? nil : try row.bool(4) ? .rendered : .viewable,
                    isInvalid: try row.bool(9),
                    advertiserID: AttributionID(try row.int32(5)), campaignID: AttributionID(try row.int32(6)),
                    lineItemID: AttributionID(try row.int32(7)),
                    promotedSKUs: try row.stringArray(8).map { AttributionID($0) }))
        }
    }

    mutating func readLinks(_ connection: isolated PostgresConnection) throws {
        let shoppers = Set(touches.map(\.shopperID)).union(lines.map(\.shopperID)).filter { !$0.isAbsent }
        let rows = try connection.query(
            "select visitor_id, customer_id, linked_at from identity_link where visitor_id = any($1::text[])",
            [.textArray(shoppers.map(\.text).sorted())])
        for row in rows {
            links.append(
                IdentityLinkRow(
                    visitorID: AttributionID(try row.string(0)), customerID: AttributionID(try row.string(1)),
                    linkedAt: Timestamp(micros: try row.micros(2))))
        }
    }

    func readCampaigns(_ connection: isolated PostgresConnection) throws -> [CampaignVersion] {
        let ids = Set(touches.map(\.campaignID)).compactMap { Int32($0.text) }.sorted()
        guard !ids.isEmpty else { return [] }
        let rows = try connection.query(
            """
            select v.campaign_id, c.advertiser_id, v.valid_from, v.valid_to, v.policy, v.brand_codes, v.listed_skus,
                v.listed_categories
            from campaign_version v join campaign c on c.id = v.campaign_id where v.campaign_id = any($1::int4[])
            order by v.campaign_id, v.valid_from
            """, [.int4Array(ids)])
        return try rows.map { row in
            CampaignVersion(
                row: CampaignVersionRow(
                    campaignID: AttributionID(try row.int32(0)), advertiserID: AttributionID(try row.int32(1)),
                    brandIDs: try row.stringArray(5).map { AttributionID($0) },
                    listedSKUs: try row.stringArray(6).map { AttributionID($0) },
                    listedCategoryIDs: try row.stringArray(7).map { AttributionID($0) },
                    validFrom: Self.open(try row.micros(2)), validTo: Self.open(try row.micros(3))),
                policy: try row.string(4))
        }
    }

    func readReference(
        _ versions: [CampaignVersion], _ connection: isolated PostgresConnection
    ) throws -> AttributionWorld.ReferenceRows {
        let campaigns = versions.map(\.row)
        let bought = Set(lines.map(\.sku))
        let skus = bought.union(touches.flatMap(\.promotedSKUs))
        let needsCategories = campaigns.contains { !$0.listedCategoryIDs.isEmpty }
        let rows = try connection.query(
            "select sku, group_id, brand, category_ids from product where sku = any($1::text[])",
            [.textArray(skus.map(\.text).sorted())])
        var leaves: Set<Int32> = []
        if needsCategories { for row in rows { leaves.formUnion(try row.int32Array(3)) } }
        let codes = try Self.categoryCodes(leaves, connection)
        let products = try rows.map { row in
            ProductRow(
                sku: AttributionID(try row.string(0)), groupID: AttributionID(try row.stringIfPresent(1) ?? ""),
                brandID: AttributionID(try row.stringIfPresent(2) ?? ""),
                categoryIDs: try row.int32Array(3).flatMap { codes[$0] ?? [] })
        }
        let grants = try readGrants(connection)
        let spellings = Set(
            products.map(\.brandID) + campaigns.flatMap(\.brandIDs) + grants.map(\.brandID)
        ).filter { !$0.isAbsent }
        let aliases = try connection.query(
            """
            select a.alias, b.code, a.valid_from, a.valid_to from brand_alias a join brand b on b.id = a.brand_id
            where a.alias = any($1::text[])
            """, [.textArray(spellings.map(\.text).sorted())]
        ).map { row in
            BrandAliasRow(
                alias: AttributionID(try row.string(0)), brandID: AttributionID(try row.string(1)),
                validFrom: Self.open(try row.micros(2)), validTo: Self.open(try row.micros(3)))
        }
        return AttributionWorld.ReferenceRows(
            products: products, campaigns: campaigns, aliases: aliases, grants: grants)
    }

    private func readGrants(_ connection: isolated PostgresConnection) throws -> [BrandGrantRow] {
        let ids = Set(touches.map(\.advertiserID)).compactMap { Int32($0.text) }.sorted()
        return try connection.query(
            """
            select g.advertiser_id, b.code, g.valid_from, g.valid_to from brand_grant g
            join brand b on b.id = g.brand_id where g.advertiser_id = any($1::int4[])
            """, [.int4Array(ids)]
        ).map { row in
            BrandGrantRow(
                advertiserID: AttributionID(try row.int32(0)), brandID: AttributionID(try row.string(1)),
                validFrom: Self.open(try row.micros(2)), validTo: Self.open(try row.micros(3)))
        }
    }

    /// Codes of categories and of all their ancestors (rule 5b).
    private static func categoryCodes(
        _ ids: Set<Int32>, _ connection: isolated PostgresConnection
    ) throws -> [Int32: [AttributionID]] {
        guard !ids.isEmpty else { return [:] }
        var result: [Int32: [AttributionID]] = [:]
        let rows = try connection.query(
            """
            with recursive up as (
                select id as leaf, id, code, parent_id from category where id = any($1::int4[])
                union select up.leaf, c.id, c.code, c.parent_id from up join category c on c.id = up.parent_id
            ) select leaf, code from up
            """, [.int4Array(ids.sorted())])
        for row in rows { result[try row.int32(0), default: []].append(AttributionID(try row.string(1))) }
        return result
    }

    /// An infinite end of a validity is an open one.
    private static func open(_ micros: Int64) -> Timestamp? {
        micros == .min || micros == .max ? nil : Timestamp(micros: micros)
    }
}
