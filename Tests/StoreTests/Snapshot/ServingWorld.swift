import AdModel
import Postgres
import TestKit

/// A small retailer written straight into the tables, so that loading is tested apart from seeding.
enum ServingWorld {
    /// 2026-11-21 12:00 in Moscow.
    static let now = Timestamp(micros: 1_795_251_600_000_000)

    static let sql = """
        insert into counterparty (code, kind, name, inn, roles) values
            ('shop', 'juridical', 'ООО Полка', '7700000016', '{publisher}'),
            ('brand', 'juridical', 'ООО "Норд"', '7736207543', '{advertiser}');
        insert into retailer (code, name, counterparty_id) values ('polka', 'Полка', 1);
        insert into stock_location (code, name, region_codes) values
            ('msk', 'Москва', '{RU-MOW}'), ('spb', 'Петербург', '{RU-SPE}');
        insert into storefront (code, name, url, default_location_id, landing_hosts, zone) values
            ('shop', 'Полка', 'https://Shop.example/start', 1, '{cdn.shop.example}', 'Asia/Yekaterinburg');
        insert into placement (storefront_id, code, page_type, formats, max_ads, rank) values
            (1, 'home.top', 'home', '{banner}', 1, 1), (1, 'home.shelf', 'home', '{product-shelf}', 1, 2);
        insert into brand (code, name) values ('norda', 'Norda');
        insert into brand_alias (alias, brand_id) values ('НОРДА', 1);
        insert into category (code, name) values ('root', 'Всё');
        insert into category (code, name, parent_id) values ('coffee', 'Кофе', 1);
        insert into product (sku, name, brand, url, picture_url, category_ids) values
            ('p1', 'Кофе <1>', 'НОРДА', 'https://shop.example/p1', 'https://cdn.example/1.png', '{2}'),
            ('p2', 'Кофе 2', 'НОРДА', 'https://shop.example/p2', null, '{2}'),
            ('x1', 'Чай', 'Другой', 'https://shop.example/x1', null, '{1}');
        insert into stock (location_id, product_id, quantity, price_micros, old_price_micros, version, as_of,
            change_number)
        values (1, 1, 5, 900000000, 1000000000, 1, '2026-11-21 08:00Z', 0),
            (1, 2, 5, 100000000, null, 1, '2026-11-21 08:00Z', 0),
            (2, 1, 0, 950000000, null, 1, '2026-11-21 08:00Z', 0);
        insert into advertiser (code, name, counterparty_id, credit_limit_micros) values ('nord', 'Норд', 2, 0);
        insert into wallet_entry (advertiser_id, kind, amount_micros, reference)
            values (1, 'top_up', 1000000000, 'pay-1');
        insert into contract (code, advertiser_id, client_counterparty_id, contractor_counterparty_id, signed_on)
            values ('c1', 1, 2, 1, '2026-01-01');
        insert into campaign (code, advertiser_id, contract_id, name, kktu, state)
            values ('camp', 1, 1, 'Кампания', '17.3.1', 'active');
        insert into line_item (code, campaign_id, advertiser_id, name, starts_at, ends_at, pricing, bid_micros, caps)
        values
            ('cpm', 1, 1, 'Баннер', '2026-11-01Z', '2026-12-01Z', 'cpm', 200000000,
                '[{"count": 3, "per": "day"}]'),
            ('cpc', 1, 1, 'Полка', '2026-11-01Z', '2026-12-01Z', 'cpc', 15000000, '[]'),
            ('old', 1, 1, 'Прошлая', '2026-11-01Z', '2026-11-20Z', 'cpm', 200000000, '[]');
        insert into line_item_version (line_item_id, valid_from, valid_to, promoted_skus) values
            (2, '2026-11-01Z', '2026-11-25Z', '{p2,p1}'), (2, '2026-11-25Z', 'infinity', '{x1}');
        insert into media (sha256, content_type, width, height, bytes)
            values (sha256('a'), 'image/jpeg', 960, 240, 'a');
        insert into creative (code, line_item_id, advertiser_id, format) values
            ('banner', 1, 1, 'banner'), ('shelf', 2, 1, 'product-shelf'), ('gone', 3, 1, 'banner'),
            ('bare', 1, 1, 'banner');
        insert into creative_version (creative_id, version, fields, landing_url, media_sha256, ord_form, erid,
            erid_status, approved_at)
        values
            (1, 1, '{"alt": "Кофе"}', 'https://shop.example/b?x=1#top', array[sha256('a')], 'banner', '2VtzqBanner',
                'verified', '2026-11-01Z'),
            (1, 2, '{"alt": "Новый"}', 'https://shop.example/new', array[sha256('a')], 'banner', null, null,
                '2026-11-10Z'),
            (2, 1, '{"title": "Полка"}', 'https://shop.example/s', '{}', 'text_graphic_block', '2VtzqShelf',
                'verified', '2026-11-01Z'),
            (3, 1, '{}', 'https://shop.example/old', '{}', 'banner', '2VtzqGone', 'verified', '2026-11-01Z'),
            (4, 1, '{}', 'https://shop.example/bare', '{}', 'banner', '2VtzqBadOne', 'bad', '2026-11-01Z');
        insert into api_key (prefix, hash, kind, storefront_id, expires_at) values
            ('nk_shop_a', sha256('good'), 'shop', 1, 'infinity'),
            ('nk_shop_b', sha256('late'), 'shop', 1, '2026-11-20Z');
        insert into node (id, code, first_seen) values (1, 'one', '2026-11-01Z'), (2, 'two', '2026-11-01Z');
        """

    /// Fills the database of the running test.
    static func make() async throws -> PostgresPool {
        let pool = TestDatabase.current.pool
        try await pool.withConnection { try $0.script(sql) }
        return pool
    }
}
