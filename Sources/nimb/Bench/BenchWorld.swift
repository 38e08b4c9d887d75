/// A shop of any size for benchmarks, written by PostgreSQL itself: 30 advertisers, 2,000 categories, 20,000
/// products in 8 stock locations, and as many live line items as asked for, with the mix of targeting, pricing
/// and formats that performance goal G1 describes. About a tenth of them are paused, one in fifty runs everywhere.
struct BenchWorld {
    var lineItems: Int

    /// SQL for an empty, migrated database.
    var script: String {
        """
        insert into counterparty (code, kind, name, inn, kpp, roles, rs_url)
            values ('retailer', 'juridical', 'ООО "Полигон"', '7707083893', '770701001', '{publisher,ors}', 'https://bench.example');
        insert into counterparty (code, kind, name, roles)
            select 'buyer-' || n, 'juridical', 'ООО "Бренд ' || n || '"', '{advertiser}' from generate_series(1, 30) n;
        insert into retailer (code, name, counterparty_id) select 'bench', 'Полигон', id from counterparty where code = 'retailer';
        insert into stock_location (code, name, region_codes)
            select 'loc-' || n, 'Регион ' || n, case n when 1 then '{RU-MOW}'::text[] when 2 then '{RU-SPE}' else '{}' end
            from generate_series(1, 8) n;
        insert into storefront (code, name, url, default_location_id)
            select 'shop', 'Полигон', 'https://bench.example', id from stock_location where code = 'loc-1';
        insert into placement (storefront_id, code, page_type, formats, max_ads, rank, floor_micros)
            select s.id, v.code, v.page, v.formats, v.ads, v.rank, 10000000
            from storefront s, (values ('top', 'category', '{banner}'::text[], 1, 1), ('side', 'category', '{banner}', 1, 2),
                ('bottom', 'category', '{banner}', 1, 3), ('shelf', 'category', '{product-shelf}', 1, 4)) v (code, page, formats, ads, rank);
        insert into brand (code, name) select 'brand-' || n, 'Brand ' || n from generate_series(1, 300) n;
        insert into category (code, name) select 'root-' || n, 'Отдел ' || n from generate_series(1, 40) n;
        insert into category (code, parent_id, name)
            select 'cat-' || n, (select id from category where code = 'root-' || (1 + n % 40)), 'Категория ' || n from generate_series(1, 2000) n;
        insert into product (sku, name, brand, url, picture_url, category_ids)
            select 'sku-' || n, 'Товар ' || n, 'Brand ' || (1 + n % 300), 'https://bench.example/p/' || n,
                'https://bench.example/i/' || n || '.jpg', array[c.id]
            from generate_series(1, 20000) n join category c on c.code = 'cat-' || (1 + n % 2000);
        insert into stock (location_id, product_id, quantity, price_micros, version, as_of, change_number)
            select l.id, p.id, case when (p.id * 7 + l.id) % 10 = 0 then 0 else 5 end, 100000000 + (p.id % 900) * 1000000, 1, now(), 0
            from stock_location l, product p;
        insert into advertiser (code, name, counterparty_id)
            select 'adv-' || n, 'Бренд ' || n, c.id from generate_series(1, 30) n join counterparty c on c.code = 'buyer-' || n;
        insert into wallet_entry (advertiser_id, kind, amount_micros, reference)
            select id, 'top_up', 1000000000000000, 'bench-' || id from advertiser;
        insert into contract (code, advertiser_id, client_counterparty_id, contractor_counterparty_id, serial, signed_on)
            select 'contract-' || a.id, a.id, a.counterparty_id, r.counterparty_id, 'B-' || a.id, '2026-01-01' from advertiser a, retailer r;
        insert into campaign (code, advertiser_id, contract_id, name, kktu, state)
            select 'camp-' || n, a.id, c.id, 'Кампания ' || n, '17.3.1', 'active'
            from generate_series(1, \(max(1, lineItems / 10))) n
            join advertiser a on a.code = 'adv-' || (1 + n % 30) join contract c on c.advertiser_id = a.id;
        insert into campaign_version (campaign_id, valid_from) select id, '-infinity' from campaign;
        insert into line_item (code, campaign_id, advertiser_id, name, paused, starts_at, ends_at, pricing, bid_micros,
                daily_budget_micros, caps, targeting)
            select 'line-' || n, c.id, c.advertiser_id, 'Размещение ' || n, n % 10 = 0, now() - interval '1 day', now() + interval '30 days',
                case when n % 3 = 0 then 'cpc' else 'cpm' end,
                -- No two bids are equal, so that nothing but the bid decides.
                case when n % 3 = 0 then 5000000 + (n * 7919 % 3000) * 10000 else 20000000 + (n * 7919 % 3000) * 100000 end + n * 7,
                100000000000, case when n % 4 = 0 then '[{"count":1000,"per":"day"}]'::jsonb else '[]' end,
                case when n % 97 < 2 then '{}'::jsonb else case n % 5
                    when 0 then jsonb_build_object('categories', jsonb_build_array('root-' || (1 + n / 5 % 40)))
                    when 1 then jsonb_build_object('categories', jsonb_build_array('cat-' || (1 + n / 5 * 31 % 2000), 'cat-' || (1 + n / 5 * 37 % 2000)))
                    when 2 then jsonb_build_object('brands', jsonb_build_array('brand-' || (1 + n / 5 % 300)))
                    when 3 then jsonb_build_object('regions', jsonb_build_array('RU-MOW'), 'categories', jsonb_build_array('root-' || (1 + n / 5 % 40)))
                    else jsonb_build_object('categories', jsonb_build_array('cat-' || (1 + n / 5 * 41 % 2000)), 'devices', jsonb_build_array('desktop', 'mobile'))
                end end
            from generate_series(1, \(lineItems)) n join campaign c on c.code = 'camp-' || (1 + n % \(max(1, lineItems / 10)));
        insert into line_item_version (line_item_id, valid_from, promoted_skus)
            select l.id, '-infinity', array(select 'sku-' || (1 + (l.id * 13 + k * 101) % 20000) from generate_series(1, 12) k) from line_item l;
        insert into creative (code, line_item_id, advertiser_id, format)
            select 'cr-' || id, id, advertiser_id, case when id % 4 = 1 then 'product-shelf' else 'banner' end from line_item;
        insert into creative_version (creative_id, version, fields, landing_url, ord_form, erid, erid_status, approved_at)
            select id, 1,
                case format when 'banner'
                    then jsonb_build_object('headline', 'Скидка ' || id || ' рублей', 'alt', 'Баннер ' || id)
                    else jsonb_build_object('title', 'Полка ' || id) end,
                'https://bench.example/landing/' || id, case format when 'banner' then 'banner' else 'text_graphic_block' end,
                'bench' || lpad(id::text, 8, '0'), 'verified', now()
            from creative;
        select bump_control_version('control');
        analyze;
        """
    }
}
