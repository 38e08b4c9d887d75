import AdModel
import Postgres
import Store
import TestKit

/// A selling side and a month of ledger, written with plain SQL so that every number is in sight.
enum FinanceFixture {
    static let sellingSide = """
        insert into counterparty (code, kind, name, inn, kpp, roles, rs_url) values
            ('shop', 'juridical', 'АО Полка', '7736207543', '773601001', '{ors,publisher}', 'https://shop.example'),
            ('cafe', 'juridical', 'ООО "Кофе"', '7707083893', null, '{advertiser}', null);
        insert into retailer (code, name, counterparty_id) values ('polka', 'Полка', 1);
        insert into storefront (code, name, url) values
            ('web', 'Полка', 'https://shop.example'), ('app', 'Полка в телефоне', 'https://shop.example/app');
        insert into placement (storefront_id, code, page_type, formats) values
            (1, 'home.top', 'home', '{banner}'), (2, 'home.top', 'home', '{banner}');
        insert into brand (code, name) values ('coffee', 'Кофе X'), ('tea', 'Чай Y');
        insert into product (sku, name) values ('b-2', 'Кофе в зёрнах'), ('a-1', 'Кофе молотый'), ('c-3', 'Кофе в капсулах');
        insert into advertiser (code, name, counterparty_id) values ('cafe', 'Кофе', 2), ('own', 'Полка', 1);
        insert into contract (code, advertiser_id, client_counterparty_id, contractor_counterparty_id, serial, signed_on)
            values ('c1', 1, 2, 1, 'РМ-15/26', '2026-01-15'), ('own', 2, 1, 1, null, '2026-01-01');
        insert into campaign (code, advertiser_id, contract_id, name, kktu, state) values
            ('spring', 1, 1, 'Весна', '17.3.1', 'active'), ('own', 2, 2, 'Свои товары', '28.1.1', 'active');
        insert into campaign_version (campaign_id, valid_from, brand_codes) values (1, '-infinity', '{tea,coffee}');
        insert into line_item (code, campaign_id, advertiser_id, name, starts_at, ends_at, pricing, bid_micros) values
            ('cpm', 1, 1, 'Баннер', '2026-02-20 00:00+03', '2026-03-21 00:00+03', 'cpm', 99990000),
            ('cpc', 1, 1, 'Полка кофе', '2026-02-20 00:00+03', 'infinity', 'cpc', 12345678),
            ('fixed', 1, 1, 'Главная', '2026-03-01 00:00+03', '2026-04-01 00:00+03', 'fixed', 3100000000),
            ('own', 2, 2, 'Свои', '2026-03-01 00:00+03', '2026-04-01 00:00+03', 'cpm', 0);
        insert into line_item_version (line_item_id, valid_from, valid_to, promoted_skus) values
            (2, '2026-02-01', '2026-03-10', '{b-2,a-1}'), (2, '2026-03-10', 'infinity', '{a-1,c-3}');
        insert into media (sha256, content_type, width, height, bytes) values
            (sha256('abc'), 'image/png', 1, 1, 'abc'), (sha256('unused'), 'image/png', 1, 1, 'unused');
        insert into creative (code, line_item_id, advertiser_id, format) values
            ('top', 1, 1, 'banner'), ('shelf', 2, 1, 'product-shelf'), ('home', 3, 1, 'banner'), ('own', 4, 2, 'banner');
        insert into creative_version (creative_id, version, fields, landing_url, media_sha256, ord_form, erid,
            erid_status, approved_at)
        values
            (1, 1, '{"alt":"Кофе"}', 'https://shop.example/p/1', array[sha256('abc')], 'banner', '2VtzqTop001', 'verified', now()),
            (2, 1, '{"title":"Кофе недели","note":"До воскресенья","color":"#fff"}', 'https://shop.example/c/1',
                array[sha256('abc')], 'text_graphic_block', '2VtzqShelf01', 'new', now()),
            (3, 1, '{}', 'https://shop.example/c/2', array[sha256('abc')], 'banner', '2VtzqHome001', 'verified', now()),
            (4, 1, '{}', 'https://shop.example/c/3', array[sha256('abc')], 'banner', '2VtzqOwn0001', 'verified', now()),
            (1, 2, '{}', 'https://shop.example/p/2', array[sha256('unused')], 'banner', null, null, null);
        """

    /// Valid events of one kind; those below `charged` cost `micros` each, the others cost nothing. A line item is
    /// the creative version of the same number.
    static func events(
        line: Int32, storefront: Int32, at time: String, count: Int32, charged: Int32 = 0, micros: Int64 = 0,
        click: Bool = false, on db: isolated PostgresConnection
    ) throws {
        let parameters: [PostgresValue] = [
            .int4(line), .int4(storefront), .text(time), .int4(count), .int2(click ? 2 : 0),
        ]
        try db.query(
            "select ensure_day_partition('ad_event', ($1::text::timestamptz at time zone 'UTC')::date)", [.text(time)])
        try db.query(
            """
            insert into ad_event (decision_day, decision_id, ad, kind, card, storefront_id, placement_id, advertiser_id,
                campaign_id, line_item_id, creative_version_id, event_time, received_at, node_id)
            select ($3::text::timestamptz at time zone 'UTC')::date, md5($1::int4::text || $2::int4::text || $3 || n::text)::uuid, 0, $5, -1,
                $2, $2, l.advertiser_id, l.campaign_id, $1, $1, $3::text::timestamptz, $3::text::timestamptz, 1
            from generate_series(1, $4) as n, line_item l where l.id = $1
            """, parameters)
        try db.query(
            """
            insert into performance_day (day, advertiser_id, campaign_id, line_item_id, creative_version_id,
                storefront_id, placement_id, impressions, clicks)
            select ($3::text::timestamptz at time zone 'Europe/Moscow')::date, advertiser_id, campaign_id, $1, $1, $2, $2,
                case when $5 = 0 then $4 else 0 end, case when $5 = 2 then $4 else 0 end
            from line_item where id = $1
            on conflict (day, campaign_id, line_item_id, creative_version_id, storefront_id, placement_id) do update
            set impressions = performance_day.impressions + excluded.impressions,
                clicks = performance_day.clicks + excluded.clicks
            """, parameters)
        guard micros > 0 else { return }
        try db.query(
            """
            insert into charge (kind, advertiser_id, campaign_id, line_item_id, creative_version_id, storefront_id,
                decision_day, decision_id, ad, card, event_time, accounting_day, price_micros, amount_micros, reason,
                recorded_at)
            select case when $5 = 0 then 'impression' else 'click' end, l.advertiser_id, l.campaign_id, $1, $1, $2,
                ($3::text::timestamptz at time zone 'UTC')::date, md5($1::int4::text || $2::int4::text || $3 || n::text)::uuid, 0, -1,
                $3::text::timestamptz, ($3::text::timestamptz at time zone 'Europe/Moscow')::date, $7::int8,
                case when n <= $6::int4 then $7::int8 else 0 end, case when n <= $6::int4 then 'billed' else 'over_budget' end,
                '2026-04-01 00:00:01+00'
            from generate_series(1, $4) as n, line_item l where l.id = $1
            """, parameters + [.int4(charged), .int8(micros)])
    }

    /// March 2026 with the last evening of February and the first of April around it.
    static func march(on db: isolated PostgresConnection) throws {
        try db.script(sellingSide)
        try events(line: 1, storefront: 1, at: "2026-02-28 20:30+00", count: 7, charged: 7, micros: 99_990, on: db)
        // 28 February in UTC is 1 March in Moscow.
        try events(line: 1, storefront: 1, at: "2026-02-28 21:30+00", count: 300, charged: 290, micros: 99_990, on: db)
        try events(line: 1, storefront: 2, at: "2026-03-15 10:00+00", count: 200, charged: 200, micros: 99_990, on: db)
        try events(line: 2, storefront: 1, at: "2026-03-16 10:00+00", count: 40, on: db)
        try events(
            line: 2, storefront: 1, at: "2026-03-16 10:01+00", count: 3, charged: 3, micros: 12_345_678, click: true,
            on: db)
        try events(line: 3, storefront: 1, at: "2026-03-02 10:00+00", count: 2, on: db)
        try events(line: 3, storefront: 2, at: "2026-03-02 10:00+00", count: 1, on: db)
        try events(line: 4, storefront: 2, at: "2026-03-31 20:59+00", count: 5, on: db)
        try events(line: 4, storefront: 2, at: "2026-03-31 21:00+00", count: 9, on: db)
        try db.script(
            """
            insert into charge (kind, advertiser_id, campaign_id, line_item_id, creative_version_id, event_time,
                accounting_day, price_micros, amount_micros, reason, recorded_at)
            values ('fixed', 1, 1, 3, 3, '2026-03-02 00:00+03', '2026-03-02', 100000000, 100000000, 'accrual',
                '2026-04-01 00:00:02+00');
            -- One click is taken back.
            insert into charge (kind, advertiser_id, campaign_id, line_item_id, event_time, accounting_day, price_micros,
                amount_micros, reason, corrects, recorded_at)
            select 'refund', 1, 1, 2, '2026-03-20 12:00+03', '2026-03-20', 0, -amount_micros, 'refund', id,
                '2026-04-01 00:00:03+00'
            from charge where kind = 'click' order by id limit 1;
            """)
    }
}
