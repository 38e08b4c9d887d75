import AdModel
import Postgres

/// A shop that has sold ads for one calendar month which is over: an advertiser with a banner, and the shop's own
/// banner. Written with plain SQL, so that every number is in sight: 300 shows, 290 of them charged 0.09999 RUB each.
public enum SoldMonth {
    /// What 290 charges come to, in micro-roubles.
    public static let ledgerMicros: Int64 = 290 * 99_990

    /// - Parameters:
    ///   - month: `2026-10`.
    ///   - erids: tokens of `cr-top-v1` and `cr-own-v1`.
    public static func sql(month: String, erids: (top: String, own: String)) -> String {
        """
        insert into counterparty (code, kind, name, inn, kpp, roles, rs_url, address, bank_name, bank_bik, bank_account,
                signatory_post, signatory_name) values
            ('shop', 'juridical', 'АО Полка', '7736207543', '773601001', '{ors,publisher}', 'https://shop.example',
                '121151, Москва', 'ПАО СБЕРБАНК', '044525225', '40702810938000000001', 'Директор', 'Лавкина О. П.');
        insert into counterparty (code, kind, name, inn, roles) values
            ('cafe', 'juridical', 'ООО "Кофе"', '7707083893', '{advertiser}'),
            ('rival', 'juridical', 'ООО "Чай"', '7736200080', '{advertiser}');
        insert into retailer (code, name, counterparty_id) values ('polka', 'Полка', 1);
        insert into storefront (code, name, url) values ('web', 'Полка', 'https://shop.example');
        insert into placement (storefront_id, code, page_type, formats) values (1, 'home.top', 'home', '{banner}');
        insert into brand (code, name) values ('coffee', 'Кофе X');
        insert into advertiser (code, name, counterparty_id) values ('cafe', 'Кофе', 2), ('own', 'Полка', 1),
            ('rival', 'Чай', 3);
        insert into contract (code, advertiser_id, client_counterparty_id, contractor_counterparty_id, serial, signed_on)
            values ('c1', 1, 2, 1, 'РМ-15/26', '2020-01-15'), ('own', 2, 1, 1, null, '2020-01-01'),
                ('c3', 3, 3, 1, 'РМ-16/26', '2020-01-15');
        insert into campaign (code, advertiser_id, contract_id, name, kktu, state) values
            ('spring', 1, 1, 'Весна', '17.3.1', 'active'), ('own', 2, 2, 'Свои товары', '28.1.1', 'active');
        insert into campaign_version (campaign_id, valid_from, brand_codes) values (1, '-infinity', '{coffee}');
        insert into line_item (code, campaign_id, advertiser_id, name, starts_at, ends_at, pricing, bid_micros)
            select code, place, place, name, '\(month)-01 00:00+03', timestamptz '\(month)-01 00:00+03' + interval '1 month',
                'cpm', bid
            from (values ('cpm', 1, 'Баннер', 99990000), ('own', 2, 'Свои', 0)) as l (code, place, name, bid) order by place;
        insert into line_item_version (line_item_id, valid_from) values (1, '-infinity'), (2, '-infinity');
        insert into media (sha256, content_type, width, height, bytes) values (sha256('abc'), 'image/png', 1, 1, 'abc');
        insert into creative (code, line_item_id, advertiser_id, format) values
            ('top', 1, 1, 'banner'), ('own', 2, 2, 'banner');
        insert into creative_version (creative_id, version, fields, landing_url, media_sha256, ord_form, erid,
            erid_status, approved_at)
        values (1, 1, '{"alt":"Кофе"}', 'https://shop.example/p/1', array[sha256('abc')], 'banner', '\(erids.top)',
                'verified', '\(month)-01'),
            (2, 1, '{}', 'https://shop.example/c/3', array[sha256('abc')], 'banner', '\(erids.own)', 'verified',
                '\(month)-01');
        select ensure_day_partition('ad_event', '\(month)-05');
        insert into ad_event (decision_day, decision_id, ad, kind, card, storefront_id, placement_id, advertiser_id,
            campaign_id, line_item_id, creative_version_id, event_time, received_at, node_id)
        select '\(month)-05', md5(l.id::text || n::text)::uuid, 0, 0, -1, 1, 1, l.advertiser_id, l.campaign_id, l.id, l.id,
            '\(month)-05 10:00+00', '\(month)-05 10:00+00', 1
        from line_item l, generate_series(1, case l.id when 1 then 300 else 20 end) as n;
        insert into performance_day (day, advertiser_id, campaign_id, line_item_id, creative_version_id, storefront_id,
            placement_id, impressions)
        values ('\(month)-05', 1, 1, 1, 1, 1, 1, 300), ('\(month)-05', 2, 2, 2, 2, 1, 1, 20);
        insert into charge (kind, advertiser_id, campaign_id, line_item_id, creative_version_id, storefront_id,
            decision_day, decision_id, ad, card, event_time, accounting_day, price_micros, amount_micros, reason, recorded_at)
        select 'impression', 1, 1, 1, 1, 1, '\(month)-05', md5('1' || n::text)::uuid, 0, -1, '\(month)-05 10:00+00',
            '\(month)-05', 99990, case when n <= 290 then 99990 else 0 end,
            case when n <= 290 then 'billed' else 'over_budget' end, '\(month)-05 11:00+00'
        from generate_series(1, 300) as n;
        insert into line_item_spend (line_item_id, spent_micros) values (1, \(ledgerMicros));
        insert into advertiser_spend (advertiser_id, spent_micros) values (1, \(ledgerMicros));
        insert into line_item_day_spend (line_item_id, day, spent_micros) values (1, '\(month)-05', \(ledgerMicros));
        insert into wallet_entry (advertiser_id, kind, amount_micros, reference, reason, actor, recorded_at)
            values (1, 'top_up', 1000000000, 'top-up', 'paid ahead', 'system:test', '\(month)-01');
        insert into api_key (code, prefix, hash, kind, role) values
            ('admin', 'nk_ret_a', sha256('nk_admin'), 'retailer', 'admin'),
            ('adops', 'nk_ret_o', sha256('nk_adops'), 'retailer', 'adops'),
            ('finance', 'nk_ret_f', sha256('nk_finance'), 'retailer', 'finance'),
            ('analyst', 'nk_ret_n', sha256('nk_analyst'), 'retailer', 'analyst');
        insert into api_key (code, prefix, hash, kind, advertiser_id, role) values
            ('cafe', 'nk_adv_1', sha256('nk_cafe'), 'advertiser', 1, 'advertiser_manager'),
            ('rival', 'nk_adv_3', sha256('nk_rival'), 'advertiser', 3, 'advertiser_manager');
        """
    }
}
