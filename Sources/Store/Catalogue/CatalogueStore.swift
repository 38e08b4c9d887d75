import AdModel
import Postgres

/// Replaces the catalogue of one location by a full feed.
public struct CatalogueStore: Sendable {
    private let pool: PostgresPool

    public init(pool: PostgresPool) { self.pool = pool }

    /// The retailer's accounting zone, in which a feed's date without zone is meant.
    public func accountingZone() async throws -> String {
        try await pool.withConnection { db in
            try db.query("select accounting_zone from retailer").first?.string("accounting_zone") ?? "Europe/Moscow"
        }
    }

    /// One transaction: `read` hands the offers one by one, they are copied to a staging table and then merged.
    /// Whatever is thrown, by `read` or by a check, leaves everything as it was.
    ///
    /// - Parameter removedShareLimit: how much of what can be bought in the location may vanish, in millionths.
    /// - Parameter dryRun: report, then undo.
    public func replace(
        storefront: String, location: String, removedShareLimit: Int64, now: Timestamp, dryRun: Bool = false,
        read: @Sendable (_ offer: (CatalogueOffer) throws -> Void) throws -> CatalogueFeedSummary
    ) async throws -> (summary: CatalogueFeedSummary, change: CatalogueChange) {
        do {
            return try await pool.transaction { db in
                // Imports follow each other: two of them would meet in the rows of shared products.
                try db.query("select pg_advisory_xact_lock(hashtext('nimb import'))")
                try db.query("set local statement_timeout = '1h'")
                try db.query("set local work_mem = '64MB'")
                guard let shop = try db.query("select id from storefront where code = $1", [.text(storefront)]).first
                else { throw CatalogueError.unknownStorefront(storefront) }
                guard let place = try db.query("select id from stock_location where code = $1", [.text(location)]).first
                else { throw CatalogueError.unknownLocation(location) }
                let merge = CatalogueMerge(
                    storefront: try shop.int32("id"), location: try place.int32("id"),
                    removedShareLimit: removedShareLimit, now: now)
                let result = try merge.run(read: read, on: db)
                if dryRun { throw DryRun(summary: result.summary, change: result.change) }
                return result
            }
        } catch let dry as DryRun {
            return (dry.summary, dry.change)
        }
    }

    private struct DryRun: Error {
        let summary: CatalogueFeedSummary
        let change: CatalogueChange
    }
}

/// The steps of one import, inside its transaction.
struct CatalogueMerge {
    let storefront: Int32
    let location: Int32
    let removedShareLimit: Int64
    let now: Timestamp

    func run(
        read: (_ offer: (CatalogueOffer) throws -> Void) throws -> CatalogueFeedSummary,
        on db: isolated PostgresConnection
    ) throws -> (summary: CatalogueFeedSummary, change: CatalogueChange) {
        var summary = try stage(read, on: db)
        var change = CatalogueChange()
        // Both sides of every join are whole tables whose sizes the planner may not know yet (a first import has no
        // statistics): a nested loop over them would take hours where a hash takes seconds.
        try db.query("set local enable_nestloop = off")
        let categoriesChanged = try writeCategories(summary.categories, on: db)
        try prepareProducts(&change, on: db)
        if change.duplicates > 0 { summary.badOffers["duplicate_id", default: 0] += change.duplicates }
        guard change.accepted > 0 else { throw CatalogueError.nothingAccepted }
        try checkRemovals(date: summary.date, &change, on: db)
        try writeProducts(&change, on: db)
        try writeStock(date: summary.date, &change, on: db)
        try db.query("set local enable_nestloop = on")
        try db.script("analyze product; analyze stock")
        change.lineItemsChanged = try PromotedProducts.refresh(now: now, on: db)
        if categoriesChanged || change.productsCreated + change.productsChanged + change.lineItemsChanged > 0 {
            change.controlVersion = try db.query("select bump_control_version('control') as v").single().int64("v")
        }
        let bad = summary.badOffers.sorted { $0.key < $1.key }.map { "\(JSONFragment.quoted($0.key)):\($0.value)" }
        try db.query(
            """
            insert into feed_import (storefront_id, location_id, feed_date, imported_at, offers, accepted, removed,
                bad_offers) values ($1, $2, $3, $4, $5, $6, $7, $8)
            """,
            [
                .int4(storefront), .int4(location), .timestamptz(micros: summary.date.micros),
                .timestamptz(micros: now.micros), .int(summary.offers), .int(change.accepted), .int(change.removed),
                .jsonb("{\(bad.joined(separator: ","))}"),
            ])
        // The temporary tables go now: their names must be free for the next import on this connection, also when
        // this one is part of a longer transaction.
        try db.script("drop table feed_offer, feed_product")
        return (summary, change)
    }

    /// Copies the offers as they come: neither side holds the feed in memory.
    private func stage(
        _ read: (_ offer: (CatalogueOffer) throws -> Void) throws -> CatalogueFeedSummary,
        on db: isolated PostgresConnection
    ) throws -> CatalogueFeedSummary {
        try db.script(
            """
            create temporary table feed_offer (position int, sku text, group_id text, name text, brand text, url text,
                picture_url text, categories text[], attributes jsonb, quantity int, price_micros bigint,
                old_price_micros bigint, purchase_price_micros bigint) on commit drop
            """)
        var summary: CatalogueFeedSummary?
        try db.copyIn(
            "feed_offer",
            [
                "position", "sku", "group_id", "name", "brand", "url", "picture_url", "categories", "attributes",
                "quantity", "price_micros", "old_price_micros", "purchase_price_micros",
            ]
        ) { writer in
            var position: Int32 = 0
            summary = try read { offer in
                position += 1
                try writer.row([
                    .int4(position), .text(offer.sku), .text(orNull: offer.groupID), .text(offer.name),
                    .text(orNull: offer.brand), .text(orNull: offer.url), .text(orNull: offer.pictureURL),
                    .textArray(offer.categoryCodes), .jsonb(offer.attributesJSON), .int4(offer.quantity),
                    .int8(offer.priceMicros), .int8(orNull: offer.oldPriceMicros),
                    .int8(orNull: offer.purchasePriceMicros),
                ])
            }
        }
        try db.script("analyze feed_offer")
        guard let summary else { throw CatalogueError.nothingAccepted }
        return summary
    }

    /// Parents are linked in a second step, so the order of the feed does not matter. True when something changed.
    private func writeCategories(_ categories: [CatalogueCategory], on db: isolated PostgresConnection) throws -> Bool {
        let codes = PostgresValue.textArray(categories.map(\.code))
        let named = try db.query(
            """
            with feed as (select * from unnest($1::text[], $2::text[]) as t (code, name)),
            renamed as (
                update category c set name = f.name from feed f where c.code = f.code and c.name <> f.name returning 1
            ), added as (
                insert into category (code, name) select code, name from feed f
                where not exists (select 1 from category c where c.code = f.code) returning 1
            )
            select (select count(*) from renamed) + (select count(*) from added) as changed
            """, [codes, .textArray(categories.map(\.name))]
        ).single().int("changed")
        let linked = try db.query(
            """
            update category c set parent_id = p.id
            from unnest($1::text[], $2::text[]) as f (code, parent) left join category p on p.code = f.parent
            where c.code = f.code and c.parent_id is distinct from p.id
            """, [codes, .textArray(categories.map { $0.parentCode ?? "" })])
        return named + linked.affected > 0
    }

    /// One row per SKU, the first of the feed, with the ids of its categories and of the product if there is one.
    private func prepareProducts(_ change: inout CatalogueChange, on db: isolated PostgresConnection) throws {
        try db.script(
            """
            analyze category;
            create temporary table feed_product on commit drop as
            select o.sku, o.group_id, o.name, o.brand, o.url, o.picture_url, o.attributes, o.quantity, o.price_micros,
                o.old_price_micros, o.purchase_price_micros, p.id as product_id,
                array(select c.id from category c where c.code = any(o.categories) order by c.id) as category_ids
            from (select distinct on (sku) * from feed_offer order by sku, position) o left join product p on p.sku = o.sku;
            analyze feed_product;
            """)
        let counts = try db.query(
            """
            select (select count(*) from feed_offer) as staged, count(*) as accepted,
                count(*) filter (where category_ids = '{}') as without_category
            from feed_product
            """
        ).single()
        change.accepted = try counts.int("accepted")
        change.duplicates = try counts.int("staged") - change.accepted
        change.withoutCategory = try counts.int("without_category")
    }

    private func checkRemovals(
        date: Timestamp, _ change: inout CatalogueChange, on db: isolated PostgresConnection
    ) throws {
        let counts = try db.query(
            """
            select count(*) as buyable, count(*) filter (where s.as_of <= $2 and f.product_id is null) as gone,
                count(*) filter (where s.as_of <= $2 and f.quantity = 0) as sold_out
            from stock s left join feed_product f on f.product_id = s.product_id
            where s.location_id = $1 and s.quantity > 0
            """, [.int4(location), .timestamptz(micros: date.micros)]
        ).single()
        let buyable = try counts.int("buyable")
        change.removed = try counts.int("gone")
        // A shop that marks everything as unavailable by mistake stops its ads as surely as one that leaves it out.
        let lost = change.removed + (try counts.int("sold_out"))
        guard Int64(lost) * 1_000_000 <= Int64(buyable) * removedShareLimit else {
            throw CatalogueError.removesTooMuch(removed: lost, buyable: buyable)
        }
    }

    private func writeProducts(_ change: inout CatalogueChange, on db: isolated PostgresConnection) throws {
        change.productsChanged = try db.query(
            """
            update product p set group_id = f.group_id, name = f.name, brand = f.brand, url = f.url,
                picture_url = f.picture_url, category_ids = f.category_ids, attributes = f.attributes,
                purchase_price_micros = f.purchase_price_micros, updated_at = $1
            from feed_product f where f.product_id = p.id
                and row(p.group_id, p.name, p.brand, p.url, p.picture_url, p.category_ids, p.attributes,
                    p.purchase_price_micros)
                is distinct from row(f.group_id, f.name, f.brand, f.url, f.picture_url, f.category_ids, f.attributes,
                    f.purchase_price_micros)
            """, [.timestamptz(micros: now.micros)]
        ).affected
        change.productsCreated = try db.query(
            """
            with added as (
                insert into product (sku, group_id, name, brand, url, picture_url, category_ids, attributes,
                    purchase_price_micros, updated_at)
                select sku, group_id, name, brand, url, picture_url, category_ids, attributes, purchase_price_micros, $1
                from feed_product where product_id is null returning id, sku
            )
            update feed_product f set product_id = a.id from added a where f.sku = a.sku
            """, [.timestamptz(micros: now.micros)]
        ).affected
    }

    /// A row that is newer than the feed stays: the shop has told more since. What vanished from the feed goes out of
    /// stock, it is not deleted, so that readers who follow the change numbers see it.
    private func writeStock(
        date: Timestamp, _ change: inout CatalogueChange, on db: isolated PostgresConnection
    ) throws {
        let number = try db.query("select bump_control_version('stock') as v").single().int64("v")
        let parameters: [PostgresValue] = [.int4(location), .timestamptz(micros: date.micros), .int8(number)]
        try db.query(
            """
            update stock s set quantity = f.quantity, price_micros = f.price_micros,
                old_price_micros = f.old_price_micros, as_of = $2, change_number = $3
            from feed_product f
            where s.location_id = $1 and s.product_id = f.product_id and s.as_of <= $2
            """, parameters)
        try db.query(
            """
            insert into stock (location_id, product_id, quantity, price_micros, old_price_micros, version, as_of,
                change_number)
            select $1, f.product_id, f.quantity, f.price_micros, f.old_price_micros, 0, $2, $3 from feed_product f
            where not exists (select 1 from stock s where s.location_id = $1 and s.product_id = f.product_id)
            """, parameters)
        try db.query(
            """
            update stock s set quantity = 0, as_of = $2, change_number = $3
            where s.location_id = $1 and s.quantity > 0 and s.as_of <= $2
                and not exists (select 1 from feed_product f where f.product_id = s.product_id)
            """, parameters)
        change.keptNewer = try db.query(
            """
            select count(*) as kept from stock s join feed_product f on f.product_id = s.product_id
            where s.location_id = $1 and s.as_of > $2
            """, [.int4(location), .timestamptz(micros: date.micros)]
        ).single().int("kept")
        change.stockVersion = number
    }
}
