import AdModel
import Foundation
import Measurement
import ORD
import Postgres
import Store
import TestKit

/// Two advertisers with one of everything each. What belongs to the first is called `own-…`, what belongs to the
/// second `foreign-…`: a `foreign` in any answer to the first is a leak.
enum MatrixWorld {
    /// Public ids by collection, as path segments name them. A collection of the retailer's own has no foreign id.
    struct IDs {
        var own: String
        var foreign: String?
        var absent: String
    }

    /// Collections whose rows belong to an advertiser.
    static func ids(of collection: String) -> IDs? {
        switch collection {
        case "advertisers": IDs(own: "own-adv", foreign: "foreign-adv", absent: "absent-adv")
        case "api-keys": IDs(own: "own-key", foreign: "foreign-key", absent: "absent-key")
        case "audiences": IDs(own: "own-audience", foreign: "foreign-audience", absent: "absent-audience")
        case "campaigns": IDs(own: "own-campaign", foreign: "foreign-campaign", absent: "absent-campaign")
        case "contracts": IDs(own: "own-contract", foreign: "foreign-contract", absent: "absent-contract")
        case "counterparties": IDs(own: "own-cp", foreign: "foreign-cp", absent: "absent-cp")
        case "creatives": IDs(own: "own-creative", foreign: "foreign-creative", absent: "absent-creative")
        case "credits": IDs(own: "1", foreign: "2", absent: "999")
        case "grants", "brand-grants": IDs(own: "own-grant", foreign: "foreign-grant", absent: "absent-grant")
        case "invitations": IDs(own: "own-invitation", foreign: "foreign-invitation", absent: "absent-invitation")
        case "line-items": IDs(own: "own-line", foreign: "foreign-line", absent: "absent-line")
        case "media": IDs(own: hash("own"), foreign: hash("foreign"), absent: hash("absent"))
        case "memberships": IDs(own: "own-member", foreign: "foreign-member", absent: "absent-member")
        case "notices": IDs(own: "own-notice", foreign: "foreign-notice", absent: "absent-notice")
        case "orders": IDs(own: "own-order", foreign: "foreign-order", absent: "absent-order")
        case "decisions": IDs(own: "\(decision.hex)", foreign: nil, absent: "absent-decision")
        case "deliveries": IDs(own: "own-delivery", foreign: "foreign-delivery", absent: "absent-delivery")
        case "reports", "publications": IDs(own: "own-report", foreign: "foreign-report", absent: "absent-report")
        case "users": IDs(own: "own-user", foreign: "foreign-user", absent: "absent-user")
        case "webhooks": IDs(own: "own-webhook", foreign: "foreign-webhook", absent: "absent-webhook")
        case "acts": IDs(own: "act-own-contract-2026-10", foreign: "act-foreign-contract-2026-10", absent: "act-absent")
        case "invoices": IDs(own: "own-invoice", foreign: "foreign-invoice", absent: "absent-invoice")
        // The retailer's own: shown to all or to none.
        case "operators": IDs(own: "vk", foreign: nil, absent: "absent-operator")
        case "agency-cids": IDs(own: "6a1f0c3e-9b7d-4c55-8e21-0f3a5b7c9d10", foreign: nil, absent: "absent-cid")
        case "erasures": IDs(own: "erasure-1", foreign: nil, absent: "absent-erasure")
        case "months": IDs(own: "2026-10", foreign: nil, absent: "1999-01")
        case "pushes": IDs(own: "psh-none", foreign: nil, absent: "absent-push")
        case "statistics": IDs(own: "cr-own-creative-v1__pad-shop", foreign: nil, absent: "absent-row")
        case "files": IDs(own: "csv", foreign: nil, absent: "absent-format")
        case "storefronts": IDs(own: "shop", foreign: nil, absent: "absent-shop")
        case "placements": IDs(own: "home.top", foreign: nil, absent: "absent.top")
        case "stock-locations": IDs(own: "msk", foreign: nil, absent: "absent-msk")
        case "brands": IDs(own: "brand", foreign: nil, absent: "absent-brand")
        case "brand-aliases", "aliases": IDs(own: "alias-1", foreign: nil, absent: "absent-alias")
        case "categories": IDs(own: "cat", foreign: nil, absent: "absent-cat")
        case "products": IDs(own: "sku-1", foreign: nil, absent: "absent-sku")
        case "feeds": IDs(own: "feed-1", foreign: nil, absent: "absent-feed")
        case "formats": IDs(own: "banner", foreign: nil, absent: "absent-format")
        case "kktu": IDs(own: "17.3.1", foreign: nil, absent: "99.9.9")
        case "versions": IDs(own: "1", foreign: nil, absent: "77")
        case "attribution-policies", "policies": IDs(own: "default@1", foreign: nil, absent: "absent@1")
        case "bank-payments": IDs(own: "payment-1", foreign: nil, absent: "absent-payment")
        case "moderation": IDs(own: "creative.own-creative", foreign: nil, absent: "creative.absent")
        case "moderation-rules": IDs(own: "alcohol", foreign: nil, absent: "absent")
        case "category-kktu", "kktu-mappings": IDs(own: "cat", foreign: nil, absent: "absent-cat")
        case "preferences", "notice-preferences": IDs(own: "budget_80", foreign: nil, absent: "absent")
        default: nil
        }
    }

    /// A page on which the first advertiser's line item was shown and the second one's lost.
    static let decision = DecisionID(issuedAt: Timestamp(micros: 1_795_251_600_000_000), low: 1 << 48 | 0xAA)

    private static func keepDecision(_ pool: PostgresPool) async throws {
        var body: [UInt8] = []
        let slot = DecisionRecord.Slot(
            placementID: 1, noFill: 0,
            ads: [
                .init(
                    lineItemID: 1, creativeVersionID: 1, priceMicros: 90_000, score: 0.1, productIDs: [1])
            ],
            losers: [.init(lineItemID: 2, reason: 0, score: 0.09)],
            reasons: [.init(reason: 12, count: 3)])
        LogRecordCodec.encode(
            .decision(
                DecisionRecord(
                    id: decision, storefrontID: 1, pageType: .home, visitorID: nil, locationID: 1, device: .mobile,
                    snapshotVersion: 1, stockVersion: 1, slots: [slot, slot],
                    context: .init(categoryID: 1, brandID: 1, region: "RU-MOW"),
                    detail: .init(productID: 1, stopped: [.init(lineItemID: 2, reason: 12, slots: 1)]))), into: &body)
        let stored = body
        _ = try await pool.withConnection { db in
            try db.query(
                "select ensure_day_partition('decision', date '1970-01-01' + $1::int)",
                [.int4(decision.issuedAt.utcDay.number)])
            return try db.query(
                """
                insert into decision (decision_day, decision_id, storefront_id, decided_at, page_type, body)
                values (date '1970-01-01' + $1::int, $2, 1, $3, 'home', $4)
                """,
                [
                    .int4(decision.issuedAt.utcDay.number),
                    .uuid(high: UInt64(bitPattern: decision.issuedAt.micros), low: decision.low),
                    .timestamptz(micros: decision.issuedAt.micros), .bytea(stored),
                ])
        }
    }

    private static func hash(_ name: String) -> String {
        let byte = name.utf8.reduce(UInt8(0)) { $0 &* 31 &+ $1 }
        return String(repeating: String(format: "%02x", byte), count: 32)
    }

    /// Values for members of bodies that name other objects.
    static let references: [String: String] = [
        "advertiser": "own-adv", "campaign": "own-campaign", "line_item": "own-line", "contract": "own-contract",
        "counterparty": "own-cp", "storefront": "shop", "placement": "home.top", "location": "msk",
        "brand": "brand", "category": "cat", "creative": "own-creative", "user": "own-user", "format": "banner",
        "client_counterparty": "own-cp", "contractor_counterparty": "retailer-cp",
    ]

    /// Bearer keys by role, for the first advertiser where a role is an advertiser's.
    static let keys: [String: String] = [
        "admin": "nk_ret_admin", "adops": "nk_ret_adops", "finance": "nk_ret_finance", "analyst": "nk_ret_analyst",
        "advertiser_manager": "nk_adv_manager", "advertiser_analyst": "nk_adv_analyst",
    ]

    static func load(_ pool: PostgresPool) async throws {
        try await pool.withConnection { try $0.script(sql) }
        try await keepDecision(pool)
        for name in ["own", "foreign"] {
            let id: Int32 = name == "own" ? 1 : 2
            let picture = hash(name)
            try await pool.withConnection { try $0.script(advertiser(name, id, picture)) }
        }
        // Each has a real act of a month that is over, and an invoice.
        let month = AccountingMonth("2026-10")
        let actor = MonthActor(
            name: "user:matrix", at: Timestamp(rfc3339: "2026-11-20T10:00:00Z") ?? Timestamp(micros: 0))
        try await pool.transaction { db in
            for name in ["own", "foreign"] { try db.script(october(name, name == "own" ? 1 : 2)) }
            if let month { try MonthClose.freeze(month, by: actor, on: db) }
            try db.script("update month_close set state = 'acts_issued'")
        }
    }

    /// What October is made of.
    private static func october(_ name: String, _ id: Int32) -> String {
        """
        select ensure_day_partition('ad_event', '2026-10-05');
        insert into ad_event (decision_day, decision_id, ad, kind, card, storefront_id, placement_id, advertiser_id,
            campaign_id, line_item_id, creative_version_id, event_time, received_at, node_id)
        select '2026-10-05', md5('\(name)' || n::text)::uuid, 0, 0, -1, 1, 1, \(id), \(id), \(id), \(id),
            '2026-10-05 10:00+00', '2026-10-05 10:00+00', 1 from generate_series(1, 3) as n;
        insert into performance_day (day, advertiser_id, campaign_id, line_item_id, creative_version_id, storefront_id,
            placement_id, impressions) values ('2026-10-05', \(id), \(id), \(id), \(id), 1, 1, 3);
        insert into charge (kind, advertiser_id, campaign_id, line_item_id, creative_version_id, storefront_id,
            decision_day, decision_id, ad, card, event_time, accounting_day, price_micros, amount_micros, reason)
        select 'impression', \(id), \(id), \(id), \(id), 1, '2026-10-05', md5('\(name)' || n::text)::uuid, 0, -1,
            '2026-10-05 10:00+00', '2026-10-05', 1000000, 1000000, 'billed' from generate_series(1, 3) as n;
        insert into top_up_invoice (code, advertiser_id, contract_id, seller_counterparty_id, year, number, serial,
            invoiced_on, net_kopecks, vat_rate, vat_kopecks, parties, actor, recorded_at)
        select '\(name)-invoice', \(id), \(id), 1, 2026, \(id), 'СЧ-2026/000\(id)', '2026-11-20', 100, '22', 22,
            jsonb_build_object('seller', p, 'sellerDetails', '{}'::jsonb, 'buyer', p, 'buyerDetails', '{}'::jsonb,
                'contract', '{"id":"ctr-\(name)","type":"service","clientID":"c","contractorID":"s","date":"2026-01-01",'
                '"subjectType":"distribution","flags":[],"vatRate":"22","vatHistory":[]}'::jsonb),
            '\(name)', '2026-11-20'
        from (select '{"id":"org-\(name)","kind":"juridical","name":"\(name)","roles":["advertiser"]}'::jsonb as p) x;
        """
    }

    private static let sql = """
        insert into counterparty (code, kind, name, inn, kpp, roles) values
            ('retailer-cp', 'juridical', 'ООО Магазин', '7700000016', '770001001', '{publisher,ors}');
        insert into retailer (code, name, counterparty_id) values ('retailer', 'Магазин', 1);
        insert into stock_location (code, name, region_codes) values ('msk', 'Москва', '{RU-MOW}');
        insert into storefront (code, name, url, default_location_id) values ('shop', 'Shop', 'https://shop.test/', 1);
        insert into placement (storefront_id, code, page_type, formats) values (1, 'home.top', 'home', '{banner}');
        insert into brand (code, name) values ('brand', 'Бренд');
        insert into erasure (code, shopper_keys, visitor_ids, customer_ids, requested_at, actor, done_at)
            values ('erasure-1', '{}', '{}', '{}', '2026-11-20', 'test', '2026-11-20');
        insert into brand_alias (code, alias, brand_id) values ('alias-1', 'Бренд', 1);
        insert into feed (code, storefront_id, location_id, url, interval_seconds, created_at, next_run_at, waiting_since)
            values ('feed-1', 1, 1, 'https://shop.test/feed.xml', 3600, '2026-11-20', '2026-11-20', '2026-11-20');
        insert into category (code, name) values ('cat', 'Раздел');
        insert into product (sku, name, brand, category_ids) values ('sku-1', 'Товар', 'Бренд', '{1}');
        insert into api_key (code, prefix, hash, kind, role) values
            ('key-admin', 'nk_ret_a', sha256('nk_ret_admin'), 'retailer', 'admin'),
            ('key-adops', 'nk_ret_o', sha256('nk_ret_adops'), 'retailer', 'adops'),
            ('key-finance', 'nk_ret_f', sha256('nk_ret_finance'), 'retailer', 'finance'),
            ('key-analyst', 'nk_ret_n', sha256('nk_ret_analyst'), 'retailer', 'analyst');
        """

    /// One of everything, every text of it carrying the name.
    private static func advertiser(_ name: String, _ id: Int32, _ picture: String) -> String {
        """
        insert into counterparty (code, kind, name, inn, kpp, roles)
            values ('\(name)-cp', 'juridical', 'ООО \(name)', '\(id == 1 ? "7700000023" : "7800000034")', '770001001',
                '{advertiser}');
        insert into advertiser (code, name, counterparty_id)
            select '\(name)-adv', '\(name) advertiser', id from counterparty where code = '\(name)-cp';
        insert into contract (code, advertiser_id, client_counterparty_id, contractor_counterparty_id, serial, signed_on)
            select '\(name)-contract', \(id), id, 1, '\(name)-1/26', '2026-01-01' from counterparty
            where code = '\(name)-cp';
        insert into audience (code, advertiser_id, name, condition, created_at, actor)
            values ('\(name)-audience', \(id), '\(name) audience', '{"event":{"type":"click"}}', '2026-01-01', '\(name)');
        insert into brand_grant (code, advertiser_id, brand_id) values ('\(name)-grant', \(id), 1);
        insert into campaign (code, advertiser_id, contract_id, name, state, kktu)
            values ('\(name)-campaign', \(id), \(id), '\(name) campaign', 'draft', '17.3.1');
        insert into campaign_version (campaign_id, valid_from) values (\(id), '2026-01-01');
        insert into campaign_transition (campaign_id, changed_at, to_state, actor, reason)
            values (\(id), '2026-01-01', 'draft', '\(name)', '\(name)');
        insert into line_item (code, campaign_id, advertiser_id, name, starts_at, ends_at, pricing, bid_micros)
            values ('\(name)-line', \(id), \(id), '\(name) line', '2026-01-01', '2030-01-01', 'cpm', 100000000);
        insert into line_item_version (line_item_id, valid_from) values (\(id), '2026-01-01');
        insert into creative (code, line_item_id, advertiser_id, format)
            values ('\(name)-creative', \(id), \(id), 'banner');
        insert into creative_version (creative_id, version, fields, landing_url, ord_form)
            values (\(id), 1, '{"title":"\(name)"}', 'https://shop.test/\(name)', 'banner');
        insert into media (sha256, content_type, width, height, bytes)
            values ('\\x\(picture)', 'image/png', 1, 1, '\\x00');
        insert into media_owner (advertiser_id, sha256, uploaded_at, uploaded_by)
            values (\(id), '\\x\(picture)', '2026-01-01', '\(name)');
        insert into wallet_entry (advertiser_id, kind, amount_micros, reference, reason, actor)
            values (\(id), 'top_up', 1000000000, '\(name)-top-up', '\(name)', '\(name)');
        insert into charge (kind, advertiser_id, campaign_id, line_item_id, storefront_id, event_time, accounting_day,
                price_micros, amount_micros, reason, note)
            values ('fixed', \(id), \(id), \(id), 1, '2026-11-20', '2026-11-20', 77, 77, 'accrual', '\(name)');
        insert into customer_order (storefront_id, order_id, channel, ordered_at, received_at)
            values (1, '\(name)-order', 'online', '2026-11-20', '2026-11-20');
        insert into order_line (storefront_id, order_id, line_no, sku, units, gross_micros, net_micros)
            values (1, '\(name)-order', 1, 'sku-1', 1, 120, 100);
        insert into credit (storefront_id, order_id, line_no, policy, advertiser_id, campaign_id, line_item_id, touch_id,
                interaction, level, kind, units, amount_micros, ordered_at, touched_at, cause, cause_at, posting_month)
            values (1, '\(name)-order', 1, 'default@1', \(id), \(id), \(id), '\(name)-touch', 'click', 'sku', 'credit', 1,
                100, '2026-11-20', '2026-11-19', 'order', '2026-11-20', '2026-11-01');
        insert into performance_day (day, advertiser_id, campaign_id, line_item_id, creative_version_id, storefront_id,
                placement_id, impressions) values ('2026-11-20', \(id), \(id), \(id), \(id), 1, 1, 10);
        insert into app_user (code, email, name, side, created_at)
            values ('\(name)-user', '\(name)@example.test', '\(name) person', 'advertiser', '2026-01-01');
        insert into membership (code, user_id, side, advertiser_id, role, created_at)
            values ('\(name)-member', \(id), 'advertiser', \(id), 'advertiser_analyst', '2026-01-01');
        insert into invitation (code, email, language, advertiser_id, role, token_hash, invited_by, created_at, expires_at)
            values ('\(name)-invitation', '\(name)2@example.test', 'ru', \(id), 'advertiser_analyst', sha256('\(name)'),
                'user:\(name)', '2026-11-20', '2026-12-20');
        insert into api_key (code, prefix, hash, kind, advertiser_id, role) values
            ('\(name)-key', 'nk_adv_\(name)', sha256('nk_adv_\(name)'), 'advertiser', \(id), 'advertiser_manager');
        insert into notice (code, kind, advertiser_id, object, object_id, details, dedupe_key, raised_at)
            values ('\(name)-notice', 'budget_80', \(id), 'campaign', '\(name)-campaign', '{"campaign":"\(name)-campaign"}',
                '\(name)', '2026-11-20');
        insert into webhook (code, advertiser_id, url, kinds, sealed_secret, created_at, actor)
            values ('\(name)-webhook', \(id), 'https://\(name).test/hook', '{budget_80}', '\\x00', '2026-11-20', '\(name)');
        insert into webhook_delivery (code, webhook_id, notice_id, advertiser_id, state, next_attempt_at, created_at)
            values ('\(name)-delivery', \(id), \(id), \(id), 'dead', '2026-11-20', '2026-11-20');
        insert into audit_entry (at, actor, side, action, object, object_id, advertiser_id, request_id)
            values ('2026-11-20', 'user:\(name)', 'advertiser', 'campaign.updated', 'campaign', '\(name)-campaign', \(id),
                '\(name)');
        """
            + (name == "own"
                ? """

                insert into api_key (code, prefix, hash, kind, advertiser_id, role) values
                    ('key-manager', 'nk_adv_m', sha256('nk_adv_manager'), 'advertiser', 1, 'advertiser_manager'),
                    ('key-adv-analyst', 'nk_adv_n', sha256('nk_adv_analyst'), 'advertiser', 1, 'advertiser_analyst');
                """ : "")
    }
}
