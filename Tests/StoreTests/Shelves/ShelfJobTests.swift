import AdModel
import Decisioning
import Postgres
import Shelves
import Store
import TestKit
import Testing

/// The tables of shelves, from orders and views in the database to what serving loads.
@Suite("Shelf tables", .database) struct ShelfJobTests {
    static let now = ServingWorld.now

    private func world() async throws -> PostgresPool {
        let pool = TestDatabase.current.pool
        try await pool.withConnection {
            try $0.script(
                """
                insert into counterparty (code, kind, name, inn, roles) values
                    ('shop', 'juridical', 'ООО Полка', '7700000016', '{ors,publisher}');
                insert into retailer (code, name, counterparty_id) values ('polka', 'Полка', 1);
                insert into stock_location (code, name) values ('msk', 'Москва');
                insert into storefront (code, name, url, default_location_id)
                    values ('shop', 'Полка', 'https://shop.example', 1);
                insert into category (code, name) values ('food', 'Еда');
                insert into category (code, name, parent_id) values ('coffee', 'Кофе', 1), ('sweets', 'Сладкое', 1);
                insert into product (sku, name, brand, group_id, category_ids) values
                    ('c1', 'Кофе молотый', 'A', 'g1', '{1,2}'), ('c2', 'Кофе молотый большой', 'A', 'g1', '{2}'),
                    ('c3', 'Кофе в зёрнах', 'B', null, '{2}'), ('s1', 'Печенье', 'C', null, '{3}'),
                    ('s2', 'Вафли', 'C', null, '{3}');
                insert into stock (location_id, product_id, quantity, price_micros, version, as_of, change_number)
                    select 1, id, 5, id * 100000000, 1, '2026-11-21Z', 0 from product;
                """)
            // Coffee and biscuits go together in eight orders, wafers are bought alone; one order was cancelled.
            for number in 0..<20 {
                let skus = number < 8 ? ["c1", "s1"] : number < 19 ? ["s2"] : ["c3", "s2"]
                try $0.query(
                    """
                    insert into customer_order (storefront_id, order_id, visitor_id, channel, ordered_at, received_at)
                    values (1, $1, 'v', 'online', $2, $2)
                    """,
                    [.text("o\(number)"), .timestamptz(micros: (Self.now - .days(Int64(number % 5) + 1)).micros)])
                for (line, sku) in skus.enumerated() {
                    try $0.query(
                        "insert into order_line values (1, $1, $2, $3, 1, 1000000, 900000)",
                        [.text("o\(number)"), .int4(Int32(line)), .text(sku)])
                }
            }
            try $0.query(
                """
                insert into order_adjustment (storefront_id, adjustment_id, order_id, occurred_at, kind, received_at)
                values (1, 'a1', 'o19', $1, 'cancel', $1)
                """, [.timestamptz(micros: (Self.now - .hours(1)).micros)])
            let day = try $0.query("select ensure_day_partition('signal', '2026-11-20')")
            #expect(day.count == 1)
            for sku in ["c1", "c3"] {
                try $0.query(
                    """
                    insert into signal (received_day, storefront_id, kind, visitor_id, product_sku, occurred_at)
                    values ('2026-11-20', 1, 'product_view', 'v1', $1, '2026-11-20T10:00Z')
                    """, [.text(sku)])
            }
        }
        return pool
    }

    @Test("come from what was ordered and viewed, and serving finds them")
    func computes() async throws {
        let pool = try await world()
        let loader = try SnapshotLoaderTests.loader(pool)
        #expect(try await loader.versions().shelves == 0)
        #expect(try await loader.shelves().version == 0)
        let report = try await ShelfJob.run(pool: pool, now: Self.now)
        #expect(report.products == 5)
        // The cancelled order is none.
        #expect(report.orders == 19)
        #expect(report.views == 1)
        let tables = try await loader.shelves()
        #expect(tables.version == report.version)
        #expect(try await loader.versions().shelves == report.version)
        let together = tables.range(.boughtTogether, of: 1).map { tables.neighbour(.boughtTogether, $0).productID }
        #expect(together == [4])
        #expect(tables.range(.similar, of: 3).map { tables.neighbour(.similar, $0).productID }.first == 1)
        #expect(tables.variants(of: 1).map { tables.variant($0) } == [1, 2])
        #expect(tables.product(5).popularity == 1)
        #expect(tables.product(2).price == 200_000_000)
        let build = try await pool.withConnection { try ShelfStore.latest(on: $0) }
        #expect(build?.orders == 19 && build?.computedAt == Self.now)
    }

    @Test("are replaced as a whole, and forget products that are gone")
    func replaces() async throws {
        let pool = try await world()
        let first = try await ShelfJob.run(pool: pool, now: Self.now)
        _ = try await pool.withConnection { try $0.query("delete from product where sku = 's1'") }
        let second = try await ShelfJob.run(pool: pool, now: Self.now + .hours(1))
        #expect(second.version > first.version)
        #expect(second.products == 4)
        let tables = try await SnapshotLoaderTests.loader(pool).shelves()
        #expect(tables.range(.boughtTogether, of: 1).isEmpty)
        #expect(tables.count == 4)
    }

    @Test("with nothing to compute from are empty")
    func empty() async throws {
        let pool = TestDatabase.current.pool
        let report = try await ShelfJob.run(pool: pool, now: Self.now)
        #expect(report.products == 0 && report.neighbours == 0)
        #expect(try await SnapshotLoaderTests.loader(pool).shelves().count == 0)
    }

    @Test("A plan is read as it was written, and what is none is none")
    func plans() {
        let plan = ShelfPlan([.similar, .personal], perBrand: 2, mixesPrices: true)
        #expect(ShelfPlan(json: plan.json) == plan)
        #expect(ShelfPlan(json: ShelfPlan.listed.json) == .listed)
        #expect(ShelfPlan(json: "{}") == nil)
        #expect(
            ShelfPlan(json: #"{"algorithms":["magic","similar"],"per_brand":0,"mix_prices":false}"#)
                == ShelfPlan([.similar]))
    }
}
