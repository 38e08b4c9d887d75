import AdModel
import Decisioning
import Postgres
import Store
import TestKit
import Testing

/// Reading what changed comes to the same as reading everything.
@Suite("Changes of serving data", .database) struct ServingChangesTests {
    static let now = ServingWorld.now

    /// What somebody may do to the tables; `#` stands for a random number.
    static let statements = [
        "update line_item set paused = not paused where id = 1 + # % 3",
        "update line_item set bid_micros = 1000000 + # where id = 1 + # % 3",
        "update line_item set targeting = '{\"regions\": [\"RU-KK#\"]}' where id = 1 + # % 2",
        "update line_item set ends_at = timestamptz '2026-11-21 12:00Z' + (# % 5 - 2) * interval '1 day' where id = 1 + # % 3",
        "update campaign set state = (array['active', 'paused', 'archived', 'approved'])[1 + # % 4]",
        "update campaign set kktu = case when kktu is null then '17.3.1' end",
        "update creative_version set erid_status = case when erid_status = 'bad' then 'verified' else 'bad' end where id = 1 + # % 5",
        "update creative_version set approved_at = timestamptz '2026-11-01Z' + (# % 40) * interval '1 day' where id = 1 + # % 9 and approved_at is null",
        "update creative_version set fields = '{\"alt\": \"#\"}' where id = 1 + # % 9 and approved_at is null",
        "update product set name = 'Товар #' where id = 1 + # % 3",
        "update product set brand = (array['НОРДА', 'norda', 'Другой', null])[1 + # % 4] where id = 1 + # % 3",
        "update product set category_ids = array[1 + # % 2] where id = 1 + # % 3",
        "insert into product (sku, name, brand, category_ids) values ('n' || # % 9, 'Новый', 'НОРДА', '{2}') on conflict do nothing",
        "delete from product where sku = 'n' || # % 9",
        "update line_item_version set promoted_skus = array['p1', 'n' || # % 9, 'n' || # % 9, 'x1'] where line_item_id = 2 and valid_to = timestamptz '2026-11-25Z'",
        "insert into line_item_version (line_item_id, valid_from, promoted_skus) values (1 + # % 2, timestamptz '2026-10-01Z' + (# % 60) * interval '1 day', '{x1,p2}') on conflict do nothing",
        "insert into line_item (code, campaign_id, advertiser_id, name, starts_at, ends_at, pricing, bid_micros) values ('new#', 1, 1, 'Н', '2026-11-01Z', '2026-12-01Z', 'cpm', 5) on conflict do nothing",
        "insert into creative (code, line_item_id, advertiser_id, format) select 'c#', max(id), 1, 'banner' from line_item on conflict do nothing",
        "insert into creative_version (creative_id, version, fields, landing_url, ord_form, erid, approved_at) select id, 1 + # % 5, '{}', 'https://shop.example/n', 'banner', 'erid0#', case when # % 2 = 0 then timestamptz '2026-11-01Z' end from creative order by id desc limit 1 on conflict do nothing",
        "update counterparty set name = 'Имя #' where id = 2",
        "update advertiser set credit_limit_micros = #",
        "insert into advertiser (code, name, counterparty_id) values ('a#', 'А', 2) on conflict do nothing",
        "update placement set floor_micros = # where id = 1 + # % 2",
        "update placement set margin_weight_percent = # % 100 where id = 1 + # % 2",
        "update product set purchase_price_micros = # where id = 1 + # % 3",
        "insert into click_model_activation (version, activated_at, activated_by, reason) select version, now(), 'x', 'x' from (select null as version union all select version from click_model) m order by version offset # % 3 limit 1",
        "insert into click_model (trained_at, trained_by, data_from, data_until, examples, clicks, log_loss, plain_log_loss, calibration, calibration_deciles, weights, digest) select now(), 'x', '2026-11-01Z', '2026-11-02Z', 1, 0, 1, 1, 1, '{1}', b, sha256(b) from (select 'NCM1'::bytea || '\\x00000000'::bytea as b) w",
        "insert into placement (storefront_id, code, page_type, formats) values (1, 'p#', 'home', '{banner}') on conflict do nothing",
        "insert into brand (code, name) values ('b' || # % 4, 'Б') on conflict do nothing",
        "update brand_alias set valid_to = case when valid_to = 'infinity' then timestamptz '2026-11-20Z' else 'infinity' end where id = 1",
        "insert into brand_alias (alias, brand_id) select 'Другой', 1 where not exists (select from brand_alias where alias = 'Другой')",
        "insert into category (code, name, parent_id) values ('k' || # % 5, 'К', 1) on conflict do nothing",
        "update storefront set landing_hosts = array['h#.example']",
        "update api_key set expires_at = timestamptz '2026-11-20Z' + (# % 4) * interval '1 day' where id = 1",
        "update retailer set billing_deadline_click = (1 + # % 5) * interval '1 hour'",
        "update stock_location set region_codes = array['RU-' || # % 9] where id = 2",
        "insert into wallet_entry (advertiser_id, kind, amount_micros, reference) values (1, 'top_up', 1 + #, 'r#') on conflict do nothing",
    ]

    private struct Numbers {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
            return z ^ z >> 31
        }
        mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }

        /// A statement with its numbers filled in.
        mutating func fill(_ statement: String) -> String {
            statement.split(separator: "#", omittingEmptySubsequences: false).map(String.init)
                .reduce(into: "") { text, part in text += text.isEmpty ? part : "\(below(1_000))" + part }
        }
    }

    /// Equal but for what was promoted once and is not any more.
    private static func expectSame(_ patched: ServingData, _ full: ServingData, _ place: String) {
        #expect(patched.input.version == full.input.version, "\(place)")
        #expect(patched.input.lineItems == full.input.lineItems, "\(place)")
        #expect(patched.creatives == full.creatives, "\(place)")
        #expect(patched.input.storefronts == full.input.storefronts, "\(place)")
        #expect(patched.input.placements == full.input.placements, "\(place)")
        #expect(patched.input.locations == full.input.locations, "\(place)")
        #expect(patched.input.categories == full.input.categories, "\(place)")
        #expect(patched.input.brands == full.input.brands, "\(place)")
        #expect(patched.input.clickWeights == full.input.clickWeights, "\(place)")
        #expect(patched.input.advertisers == full.input.advertisers, "\(place)")
        #expect(patched.storefronts == full.storefronts, "\(place)")
        #expect(patched.serverKeys == full.serverKeys, "\(place)")
        #expect(patched.brandAliases == full.brandAliases, "\(place)")
        #expect(patched.clickDeadline == full.clickDeadline, "\(place)")
        #expect(Set(patched.promotedProductIDs).isSuperset(of: full.promotedProductIDs), "\(place)")
        let promoted = Set(full.promotedProductIDs)
        for id in promoted { #expect(patched.products[id] == full.products[id], "\(place), product \(id)") }
        func bare(_ products: [SnapshotInput.Product]) -> [SnapshotInput.Product] {
            products.map { product in
                var product = product
                // What was promoted once keeps what is known of promoted ones.
                if !promoted.contains(product.id) {
                    product.fragment = []
                    product.price = nil
                    product.margin = 0
                }
                return product
            }
        }
        #expect(bare(Array(patched.input.products)) == bare(Array(full.input.products)), "\(place)")
    }

    @Test("are the difference to what is read as a whole", arguments: [UInt64(1), 2, 3, 4])
    func agree(seed: UInt64) async throws {
        let pool = try await ServingWorld.make()
        let loader = try SnapshotLoaderTests.loader(pool)
        var numbers = Numbers(state: seed)
        var now = Self.now
        var data = try await loader.load(now: now)
        var snapshot = try Snapshot(data.input)
        for step in 0..<60 {
            var written: [String] = []
            for _ in 0...numbers.below(3) {
                written.append(numbers.fill(Self.statements[numbers.below(Self.statements.count)]))
            }
            let statements = written
            try await pool.transaction { connection in for text in statements { try connection.query(text) } }
            if numbers.below(4) == 0 { now = now + .hours(Int64(numbers.below(60))) }
            let place = "seed \(seed), step \(step): \(written)"
            let changes = try #require(try await loader.changes(since: data, now: now), "\(place)")
            if let change = data.apply(changes) {
                snapshot = try snapshot.applying(change, of: data.input)
            } else {
                snapshot = try Snapshot(data.input)
            }
            let full = try await loader.load(now: now)
            Self.expectSame(data, full, place)
            #expect(snapshot.version == data.input.version)
            for item in full.input.lineItems {
                #expect(snapshot.lookup.lineByID.find(item.id) >= 0, "\(place), line item \(item.id)")
            }
        }
    }

    @Test func nothingIsReadWhereNothingChanged() async throws {
        let pool = try await ServingWorld.make()
        let loader = try SnapshotLoaderTests.loader(pool)
        let data = try await loader.load(now: Self.now)
        let changes = try #require(try await loader.changes(since: data, now: Self.now))
        #expect(changes.isEmpty)
        #expect(changes.wallets.isEmpty)
        #expect(changes.version == data.input.version)
    }

    @Test func aTransactionThatChangesServingCountsOneVersionWithoutBeingTold() async throws {
        let pool = try await ServingWorld.make()
        let loader = try SnapshotLoaderTests.loader(pool)
        let before = try await loader.versions().control
        try await pool.transaction { connection in
            try connection.query("update line_item set paused = true where id = 1")
            try connection.query("update line_item set bid_micros = 7 where id = 2")
            try connection.query("update campaign set name = 'Другое имя'")
        }
        #expect(try await loader.versions().control == before + 1)
        try await pool.withConnection { _ = try $0.query("update product set attributes = '{\"a\": 1}'") }
        #expect(try await loader.versions().control == before + 1, "serving does not read attributes")
        let rolledBack: Void? = try? await pool.transaction { connection in
            try connection.query("update line_item set paused = false")
            throw ServingDataError(code: "x", message: "")
        }
        #expect(rolledBack == nil)
        #expect(try await loader.versions().control == before + 1)
    }

    @Test func aWalletIsNoChangeOfDecisionsButIsTold() async throws {
        let pool = try await ServingWorld.make()
        let loader = try SnapshotLoaderTests.loader(pool)
        let data = try await loader.load(now: Self.now)
        try await pool.withConnection {
            try $0.script(
                """
                insert into wallet_entry (advertiser_id, kind, amount_micros, reference) values (1, 'top_up', 5, 'more')
                """)
        }
        let changes = try #require(try await loader.changes(since: data, now: Self.now))
        #expect(changes.isEmpty)
        #expect(changes.wallets == [1])
        #expect(changes.version == data.input.version + 1)
    }

    @Test func everythingIsReadAgainWhenChangesAreForgottenOrTheDatabaseIsAnother() async throws {
        let pool = try await ServingWorld.make()
        let loader = try SnapshotLoaderTests.loader(pool)
        var data = try await loader.load(now: Self.now)
        for name in 0..<5 {
            try await pool.withConnection { _ = try $0.query("update product set name = 'Имя \(name)' where id = 1") }
        }
        try await loader.pruneChanges(keeping: 10)
        #expect(try await loader.changes(since: data, now: Self.now)?.products.count == 1)
        try await loader.pruneChanges(keeping: 2)
        #expect(try await loader.changes(since: data, now: Self.now) == nil)
        data = try await loader.load(now: Self.now)
        #expect(try await loader.changes(since: data, now: Self.now) != nil)
        data.input.version += 100
        #expect(try await loader.changes(since: data, now: Self.now) == nil, "a restored database knows less")
    }

    @Test func moreRowsThanAreNamedAreReadAsAWhole() async throws {
        let pool = try await ServingWorld.make()
        let loader = try SnapshotLoaderTests.loader(pool)
        let data = try await loader.load(now: Self.now)
        try await pool.withConnection {
            try $0.script("insert into product (sku, name) select 'bulk' || n, 'x' from generate_series(1, 20001) n")
        }
        #expect(try await loader.changes(since: data, now: Self.now) == nil)
    }

    @Test func stopsAreToldBesideTheVersions() async throws {
        let pool = try await ServingWorld.make()
        let loader = try SnapshotLoaderTests.loader(pool)
        let before = try await loader.versions()
        #expect(before.stops == .none)
        try await pool.withConnection {
            try $0.script(
                "insert into serving_stop (storefront_id, reason, actor, stopped_at) values (1, 'x', 'user:u', now())")
        }
        #expect(try await loader.versions().stops == ServingStops(storefrontIDs: [1]))
        #expect(try await loader.versions().control == before.control)
        try await pool.withConnection {
            try $0.script("insert into serving_stop (reason, actor, stopped_at) values ('x', 'user:u', now())")
        }
        #expect(try await loader.versions().stops.stops(77))
    }
}
