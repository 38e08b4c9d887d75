import AdModel
import Decisioning
import Postgres

/// What is newer than the serving data that somebody holds: the rows that changed, not all rows.
public struct ServingChanges: Sendable {
    /// Control version that the data have afterwards.
    public var version: Int64
    public var checkedAt: Timestamp
    /// Line items by id, as they are now; nil = they do not serve any more.
    public var lineItems: [Int32: SnapshotInput.LineItem?] = [:]
    /// All creative versions of `lineItems`.
    public var creatives: [ServingCreative] = []
    public var products: [SnapshotInput.Product] = []
    /// Of `products`, what an answer shows of those that are promoted.
    public var shown: [Int32: ServingProduct] = [:]
    public var removedProducts: Set<Int32> = []
    /// Products that were not promoted before: their stock is not known yet.
    public var newlyPromoted: [Int32] = []
    /// New ones, and those with other caps.
    public var advertisers: [SnapshotInput.Advertiser] = []
    /// Advertisers whose money changed.
    public var wallets: Set<Int32> = []
    var settings: ServingSettings?
    /// When the settings were read, if they were.
    var settingsReadAt: Timestamp?

    /// True when decisions are made from the same as before.
    public var isEmpty: Bool {
        lineItems.isEmpty && products.isEmpty && removedProducts.isEmpty && advertisers.isEmpty && settings == nil
    }

    init(version: Int64, checkedAt: Timestamp) {
        self.version = version
        self.checkedAt = checkedAt
    }
}

extension SnapshotLoader {
    /// More changed rows than this are read faster as a whole.
    public static let changedRowLimit = 50_000
    /// Validity by date is looked at this often.
    public static let datesEvery = Timestamp.Span.seconds(1)
    /// Settings are read again this often without a change: aliases and zones change with the calendar.
    public static let settingsEvery = Timestamp.Span.minutes(1)
    /// Versions whose changes are kept.
    public static let keptVersions: Int64 = 100_000

    /// What changed since `data` were read; nil when that is not known any more, or is so much that everything has to
    /// be read again.
    public func changes(since data: ServingData, now: Timestamp) async throws -> ServingChanges? {
        let mediaBaseURL = mediaBaseURL
        let contextProducts = contextProducts
        return try await pool.transaction(.repeatableRead) { connection in
            var reading = ChangeReading(
                data: data, now: now, mediaBaseURL: mediaBaseURL, contextLimit: contextProducts)
            return try reading.read(connection)
        }
    }

    /// Forgets changes that no node is likely to ask for.
    public func pruneChanges(keeping versions: Int64 = Self.keptVersions) async throws {
        _ = try await pool.withConnection {
            try $0.query("select prune_control_changes($1)", [.int8(versions)])
            return try $0.query(
                "select prune_serving_history(now() - make_interval(days => $1))", [.int4(Self.keptDays)])
        }
    }
}

/// One look at what changed, in one transaction.
private struct ChangeReading {
    let data: ServingData
    let now: Timestamp
    let mediaBaseURL: String
    let contextLimit: Int
    var ids: [String: Set<Int32>] = [:]
    var readsSettings = false

    mutating func read(_ connection: isolated PostgresConnection) throws -> ServingChanges? {
        let head = try connection.query(
            """
            select version, complete_since from control_version, control_history where stream = 'control'
            """
        ).single()
        let version = try head.int64("version")
        let known = data.input.version
        // A version from the future means another database: one that was restored.
        guard known <= version, known >= (try head.int64("complete_since")) else { return nil }
        var changes = ServingChanges(version: version, checkedAt: now)
        if known < version, !(try noteChanges(after: known, connection)) { return nil }
        let isDue = now - data.checkedAt >= SnapshotLoader.datesEvery || now < data.checkedAt
        if isDue { try noteDates(connection) }
        if !isDue { changes.checkedAt = data.checkedAt }
        let isOld = now - data.settingsReadAt >= SnapshotLoader.settingsEvery || now < data.settingsReadAt
        if readsSettings || isOld { try readSettings(connection, &changes) }
        if isOld { try noteUnclickable(connection) }
        changes.wallets = (ids["wallet"] ?? []).union(ids["advertiser"] ?? [])
        if let ids = ids["advertiser"] {
            let known = Set(data.input.advertisers.filter { ids.contains($0.id) })
            changes.advertisers = try ServingRows.advertisers(connection, ids: ids.sorted())
                .filter { !known.contains($0) }
        }
        try noteLinesOfNewProducts(connection)
        try readLineItems(connection, &changes)
        guard try readProducts(connection, &changes) else { return nil }
        return changes
    }

    /// False when it is too much to be named.
    private mutating func noteChanges(after known: Int64, _ connection: isolated PostgresConnection) throws -> Bool {
        let rows = try connection.query(
            """
            select distinct c.kind, c.row_id from control_commit k join control_change c on c.batch = k.batch
            where k.version > $1 limit \(SnapshotLoader.changedRowLimit + 1)
            """, [.int8(known)])
        guard rows.count <= SnapshotLoader.changedRowLimit else { return false }
        for row in rows {
            let kind = try row.string("kind")
            if kind == "setting" {
                readsSettings = true
            } else if let id = try row.int32IfPresent("row_id") {
                ids[kind, default: []].insert(id)
            } else {
                return false
            }
        }
        return true
    }

    /// What nobody wrote, but time has made or ended.
    private mutating func noteDates(_ connection: isolated PostgresConnection) throws {
        let now = now
        var ended: [Int32] = []
        data.input.lineItems.forEachPiece { items in
            for index in items.indices where items[index].endsAt <= now { ended.append(items[index].id) }
        }
        if !ended.isEmpty { ids["line_item", default: []].formUnion(ended) }
        // A clock that went back asks about the same span the other way round.
        let span = [min(data.checkedAt, now), max(data.checkedAt, now)]
        let rows = try connection.query(
            """
            select line_item_id from line_item_version where valid_from > $1 and valid_from <= $2
            union select line_item_id from line_item_version where valid_to > $1 and valid_to <= $2
            union select c.line_item_id from creative_version v join creative c on c.id = v.creative_id
                where v.approved_at > $1 and v.approved_at <= $2
            """, span.map { .timestamptz(micros: $0.micros) })
        for row in rows { ids["line_item", default: []].insert(try row.int32("line_item_id")) }
    }

    /// Creatives that nobody can click any more need not be remembered.
    private mutating func noteUnclickable(_ connection: isolated PostgresConnection) throws {
        let span = Timestamp.Span.days(Int64(SnapshotLoader.clickableDays))
        let before = data.settingsReadAt
        if before >= now || before.micros == .min { return }
        let rows = try connection.query(
            "select id from line_item where ends_at > $1 and ends_at <= $2",
            [before - span, now - span].map { .timestamptz(micros: $0.micros) })
        for row in rows { ids["line_item", default: []].insert(try row.int32("id")) }
    }

    private mutating func readSettings(
        _ connection: isolated PostgresConnection, _ changes: inout ServingChanges
    ) throws {
        let settings = try ServingSettings(connection, now: now)
        let before = ServingSettings(data)
        changes.settingsReadAt = now
        guard settings != before else { return }
        changes.settings = settings
        let spellings = settings.spellings(differingFrom: before)
        guard !spellings.isEmpty else { return }
        let rows = try connection.query(
            "select id from product where brand = any($1)", [.textArray(spellings.sorted())])
        for row in rows { ids["product", default: []].insert(try row.int32("id")) }
    }

    /// A line item may have named a SKU before the catalogue knew it.
    private mutating func noteLinesOfNewProducts(_ connection: isolated PostgresConnection) throws {
        let new = (ids["product"] ?? []).filter { data.place(ofProduct: $0) == nil }
        guard !new.isEmpty else { return }
        let rows = try connection.query(
            """
            select distinct v.line_item_id from product p
            join line_item_version v on v.promoted_skus @> array[p.sku] where p.id = any($1)
            """, [.int4Array(new.sorted())])
        for row in rows { ids["line_item", default: []].insert(try row.int32("line_item_id")) }
    }

    private mutating func readLineItems(
        _ connection: isolated PostgresConnection, _ changes: inout ServingChanges
    ) throws {
        let campaigns = ids["campaign"] ?? []
        let creatives = ids["creative"] ?? []
        let counterparties = ids["counterparty"] ?? []
        if !campaigns.isEmpty || !creatives.isEmpty || !counterparties.isEmpty {
            let rows = try connection.query(
                """
                select id from line_item where campaign_id = any($1)
                union select line_item_id from creative where id = any($2)
                union select l.id from line_item l join advertiser a on a.id = l.advertiser_id
                    where a.counterparty_id = any($3)
                """,
                [.int4Array(campaigns.sorted()), .int4Array(creatives.sorted()), .int4Array(counterparties.sorted())])
            for row in rows { ids["line_item", default: []].insert(try row.int32("id")) }
        }
        // A creative that was removed is not found any more: its line item is known by its versions.
        let asked = (ids["line_item"] ?? []).sorted()
        guard !asked.isEmpty else { return }
        let instant = PostgresValue.timestamptz(micros: now.micros)
        for id in asked { changes.lineItems[id] = .some(nil) }
        let found = try ServingRows.creatives(
            connection, now: instant, mediaBaseURL: mediaBaseURL, lineItemIDs: asked)
        changes.creatives = found.all
        for var item in try ServingRows.lineItems(connection, now: instant, ids: asked) {
            item.creatives = found.serving[item.id] ?? []
            changes.lineItems[item.id] = .some(item)
        }
    }

    /// False when everything has to be read again.
    private mutating func readProducts(
        _ connection: isolated PostgresConnection, _ changes: inout ServingChanges
    ) throws -> Bool {
        var promoted: Set<Int32> = []
        for item in changes.lineItems.values.compactMap(\.self) { promoted.formUnion(item.promotedProductIDs) }
        changes.newlyPromoted = promoted.filter { data.products[$0] == nil }.sorted()
        let changed = (ids["product"] ?? []).union(changes.newlyPromoted)
        guard !changed.isEmpty else { return true }
        guard changed.count <= SnapshotLoader.changedRowLimit else { return false }
        var named = data
        changes.settings?.put(into: &named)
        let newly = Set(changes.newlyPromoted)
        var missing = changed
        var room = contextLimit - data.contextProducts
        for row in try ServingRows.shownProducts(
            connection, ids: changed.sorted(), brands: ServingRows.BrandNames(named))
        {
            var product = row.input
            missing.remove(product.id)
            let place = data.place(ofProduct: product.id)
            // The index finds products by SKU; one that was renamed has to be taken out under its old name.
            if let place, data.input.products[place].sku != product.sku { return false }
            if data.products[product.id] != nil || newly.contains(product.id) {
                changes.shown[product.id] = row.shown
            } else {
                product.fragment = []
                product.price = nil
                product.margin = 0
                if place == nil {
                    guard room > 0 else { continue }
                    room -= 1
                }
            }
            if let place, data.input.products[place] == product { continue }
            changes.products.append(product)
        }
        changes.removedProducts = missing.filter { data.place(ofProduct: $0) != nil }
        return true
    }
}
