import AdModel
import Postgres
import Store
import TestKit
import Testing

@Suite("Search in the catalogue", .database)
struct CatalogueSearchTests {
    static let now = Timestamp(rfc3339: "2026-11-22T10:00:00Z") ?? Timestamp(micros: 0)

    static let catalogue = """
        insert into counterparty (code, kind, name, inn, roles) values ('cp', 'juridical', 'x', '7707083893', '{ors}');
        insert into retailer (code, name, counterparty_id) values ('r', 'r', 1);
        insert into stock_location (code, name) values ('msk', 'Москва'), ('spb', 'Петербург');
        insert into category (code, name, parent_id) values ('food', 'Продукты', null), ('drinks', 'Напитки', 1),
            ('coffee', 'Кофе в зёрнах', 2), ('pets', 'Корма для животных', null);
        insert into brand (code, name) values ('nescafe', 'Nescafé'), ('whiskas', 'Whiskas');
        insert into brand_alias (alias, brand_id, valid_to) values ('Nescafé', 1, 'infinity'),
            ('НЕСКАФЕ', 1, 'infinity'), ('Neskafe', 1, '2026-01-01');
        insert into product (sku, name, brand, category_ids) values
            ('A-1', 'Кофе молотый Nescafé Gold', 'Nescafé', '{3}'),
            ('A-2', 'Кофе растворимый', 'НЕСКАФЕ', '{3}'),
            ('A_3', 'Чай чёрный листовой', 'Neskafe', '{2}'),
            ('b-1', 'Часы наручные 100% сталь', null, '{}'),
            ('B-2', 'Корм для кошек с говядиной', 'whiskas', '{4}');
        insert into stock (location_id, product_id, quantity, price_micros, version, as_of, change_number) values
            (1, 1, 5, 100, 0, '2026-11-22T09:00Z', 1), (1, 2, 0, 100, 0, '2026-11-22T09:00Z', 1),
            (1, 5, 3, 100, 0, '2026-11-20T09:00Z', 1), (2, 2, 1, 90, 0, '2026-11-22T09:00Z', 1);
        """

    private func found(
        after: Int64 = 0, limit: Int64 = 100, _ filter: (inout ProductFilter) -> Void
    ) async throws -> [String] {
        var wanted = ProductFilter()
        filter(&wanted)
        let query = wanted
        return try await TestDatabase.current.pool.withConnection { db in
            try ProductSearch.list(query, now: Self.now, after: after, limit: limit, on: db).map(\.sku)
        }
    }

    @Test func productsAreFoundByWhatIsKnownOfThem() async throws {
        try await TestDatabase.current.pool.withConnection { try $0.script(Self.catalogue) }
        // Words in any form, the last one cut off, in any order and case; nothing typed is an operator.
        for (text, skus) in [
            ("кофе", ["A-1", "A-2"]), ("МОЛОТОГО КОФЕ", ["A-1"]), ("кофе раств", ["A-2"]), ("кошек", ["B-2"]),
            ("говядины для кошек", ["B-2"]), ("чай", ["A_3"]), ("час", ["b-1"]), ("gold", ["A-1"]), ("100%", ["b-1"]),
            ("кофе & !молотый | ('", ["A-1"]), ("кофе молотый", ["A-1"]), ("  ", []), ("'; drop table product; --", []),
            ("сталью", ["b-1"]), ("нет такого", []),
        ] {
            #expect(try await found { $0.words = text } == skus, "\(text)")
        }
        for (prefix, skus) in [("A-", ["A-1", "A-2"]), ("A_", ["A_3"]), ("%", []), ("b", ["b-1"]), ("\\", [])] {
            #expect(try await found { $0.skuPrefix = prefix } == skus, "\(prefix)")
        }
        // Every spelling in force, and the code itself; one that has ended is another brand's business.
        #expect(try await found { $0.brand = "nescafe" } == ["A-1", "A-2"])
        #expect(try await found { $0.brand = "whiskas" } == ["B-2"])
        #expect(try await found { $0.category = "food" } == ["A-1", "A-2", "A_3"])
        #expect(try await found { $0.category = "coffee" } == ["A-1", "A-2"])
        // Buyable: above zero and not too old, there.
        #expect(try await found { ($0.location, $0.onlyBuyable) = ("msk", true) } == ["A-1"])
        #expect(try await found { ($0.location, $0.onlyBuyable) = ("spb", true) } == ["A-2"])
        #expect(
            try await found { ($0.words, $0.brand, $0.category) = ("кофе", "nescafe", "drinks") } == ["A-1", "A-2"])
        #expect(try await found { _ in } == ["A-1", "A-2", "A_3", "b-1", "B-2"])
        #expect(try await found(after: 2, limit: 2) { _ in } == ["A_3", "b-1"])
        for wrong: (inout ProductFilter) -> Void in [
            { $0.brand = "nobody" }, { $0.category = "nothing" }, { $0.location = "nowhere" },
        ] {
            let refusal = await #expect(throws: Refusal.self) { try await found(wrong) }
            #expect(refusal?.fields.first?.code == "unknown_reference")
        }
    }

    @Test func aProductIsShownWithItsBrandCategoriesAndOffers() async throws {
        try await TestDatabase.current.pool.withConnection { db in
            try db.script(Self.catalogue)
            let (product, offers) = try ProductSearch.find(sku: "A-2", now: Self.now, on: db)
            #expect(product.brand == "nescafe")
            #expect(product.rawBrand == "НЕСКАФЕ")
            #expect(product.categories == ["coffee"])
            #expect(offers.map(\.location) == ["msk", "spb"])
            #expect(offers.map(\.isBuyable) == [false, true])
            #expect(try ProductSearch.find(sku: "A_3", now: Self.now, on: db).product.brand == nil)
            #expect(throws: Refusal.notFound) { try ProductSearch.find(sku: "a-2", now: Self.now, on: db) }
            let categories = try Categories.list(.words("зерна"), after: 0, limit: 10, on: db)
            #expect(categories.map(\.path) == [["Продукты", "Напитки", "Кофе в зёрнах"]])
            #expect(categories.first?.products == 2)
            #expect(try Categories.list(.roots, after: 0, limit: 10, on: db).map(\.code) == ["food", "pets"])
            let children = try Categories.list(.children("food"), after: 0, limit: 10, on: db)
            #expect(children.map(\.code) == ["drinks"])
            #expect(children.first?.children == 1)
        }
    }

    @Test func spellingsWithoutABrandAreProposedWithTheBrandTheySoundLike() async throws {
        try await TestDatabase.current.pool.withConnection { db in
            try db.script(Self.catalogue)
            try db.script(
                """
                insert into product (sku, name, brand) select 'n' || i, 'x', 'NESCAFE Gold' from generate_series(1, 5) i;
                insert into product (sku, name, brand) select 'w' || i, 'x', 'Вискас' from generate_series(1, 3) i;
                insert into product (sku, name, brand) values ('u', 'x', 'Unknown Ltd');
                """)
            let proposals = try BrandProposals.list(now: Self.now, after: 0, limit: 10, on: db)
            #expect(proposals.map(\.raw) == ["NESCAFE Gold", "Вискас", "Neskafe", "Unknown Ltd"])
            #expect(proposals.map(\.products) == [5, 3, 1, 1])
            #expect(proposals.map(\.suggestedBrand) == ["nescafe", "whiskas", "nescafe", nil])
            #expect(try BrandProposals.list(now: Self.now, after: 2, limit: 1, on: db).map(\.raw) == ["Neskafe"])
        }
    }

    @Test func soundsAreAlikeWhateverTheAlphabet() {
        for (a, b) in [
            ("Nescafé", "НЕСКАФЕ"), ("Whiskas", "Вискас"), ("Procter", "Проктер"), ("L'Oréal", "ЛОРЕАЛЬ"),
            ("Bosch", "BOSCH "),
            ("Coca-Cola", "КОКА КОЛА"), ("Nivea", "Нивея"), ("Heinz", "HEINZ®"), ("Бabaевский", "Бабаевский"),
        ] {
            #expect(BrandSuggestions.skeleton(a) == BrandSuggestions.skeleton(b), "\(a) \(b)")
        }
        #expect(BrandSuggestions.skeleton("Milka") != BrandSuggestions.skeleton("Milky Way"))
        #expect(BrandSuggestions.skeleton("!!!").isEmpty)
    }

    /// Under the role and the policies of the management API, as advertisers search.
    @Test func aSearchReadsASmallPartOfAHundredThousandProducts() async throws {
        try await TestDatabase.current.pool.withConnection { db in
            try db.script(Self.catalogue)
            try db.script(
                """
                insert into product (sku, name, brand, category_ids)
                select 'SKU-' || lpad(i::text, 7, '0'),
                    (array['Кофе молотый', 'Чай чёрный', 'Шампунь для волос', 'Корм для кошек', 'Печенье овсяное',
                        'Часы наручные', 'Молоко пастеризованное', 'Ноутбук игровой', 'Порошок стиральный',
                        'Масло подсолнечное'])[1 + i % 10] || ' ' ||
                    (array['арабика', 'классический', 'детский', 'премиум', 'экономичный', 'нежный'])[1 + i / 10 % 6]
                    || ' ' || i || ' г', 'Brand ' || i % 1000, array[1 + i % 4]
                from generate_series(1, 100000) i;
                insert into stock (location_id, product_id, quantity, price_micros, version, as_of, change_number)
                select 1, id, id % 3, 1000000, 0, '2026-11-22T00:00Z', 1 from product where id > 5;
                insert into brand (code, name) select 'b' || i, 'Brand ' || i from generate_series(1, 999) i;
                insert into brand_alias (alias, brand_id) select name, id from brand where id > 2;
                analyze;
                """)
        }
        let options = PostgresOptions(url: TestDatabase.current.url).asManagement
        let pool = PostgresPool(options, maximumConnections: 1)
        var searches: [(String, ProductFilter)] = []
        func add(_ name: String, _ change: (inout ProductFilter) -> Void) {
            var filter = ProductFilter()
            change(&filter)
            searches.append((name, filter))
        }
        add("a common word") { $0.words = "кофе" }
        add("rare words") { $0.words = "ноутбук премиум 777" }
        add("a word still typed") { $0.words = "шамп" }
        add("beginning of the SKU") { $0.skuPrefix = "SKU-00777" }
        add("brand") { $0.brand = "b77" }
        add("category and word") { ($0.category, $0.words) = ("food", "печенье") }
        add("buyable") { ($0.location, $0.onlyBuyable, $0.words) = ("msk", true, "волосами") }
        add("nothing") { ($0.words, $0.brand) = ("кофе чай", "b5") }
        for (name, filter) in searches {
            // What a search costs is the rows it reads, whatever else this machine does. The commonest word is in
            // 10,000 names: reading those and as many of other tables is an index at work, the catalogue is not.
            let read = try await pool.transaction { db in
                try TenantScope.advertisers([1]).enter(on: db)
                _ = try ProductSearch.list(filter, now: Self.now, after: 0, limit: 101, on: db)
                return try db.query(
                    """
                    select coalesce(sum(seq_tup_read), 0)::bigint + coalesce(sum(idx_tup_fetch), 0)::bigint
                    from pg_stat_xact_user_tables
                    """
                ).single().int64(0)
            }
            #expect(read < 20_000, "\(name)")
        }
        await pool.close()
    }
}
