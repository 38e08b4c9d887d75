import AdModel
import Billing
import Measurement
import Postgres
import Store
import TestKit

/// Two advertisers with money and one campaign each; the second one's seller charges no VAT.
enum WalletWorld {
    /// 2026-11-21 12:00 in Moscow.
    static let noon = Timestamp(micros: 1_795_251_600_000_000)

    static let sql = """
        insert into counterparty (code, kind, name, inn, roles) values
            ('shop', 'juridical', 'ООО Полка', '7700000016', '{publisher}'),
            ('nord', 'juridical', 'ООО Норд', '7736207543', '{advertiser}'),
            ('sever', 'juridical', 'ООО Север', '7707083893', '{advertiser}'),
            ('agency', 'juridical', 'ООО Агентство', '7710140679', '{agency}');
        insert into retailer (code, name, counterparty_id) values ('polka', 'Полка', 1);
        insert into storefront (code, name, url) values ('shop', 'Полка', 'https://shop.example');
        insert into advertiser (code, name, counterparty_id) values ('nord', 'Норд', 2), ('sever', 'Север', 3);
        insert into contract (code, advertiser_id, client_counterparty_id, contractor_counterparty_id, serial, signed_on,
            vat_rate)
        values ('c-nord', 1, 2, 1, 'РМ-17/2025', '2025-01-01', '20'),
            ('c-sever', 2, 3, 1, 'РМ-18', '2025-01-01', 'without_vat');
        insert into campaign (code, advertiser_id, contract_id, name, state) values
            ('k1', 1, 1, 'Кофе', 'active'), ('k2', 2, 2, 'Чай', 'active');
        insert into line_item (code, campaign_id, advertiser_id, name, starts_at, ends_at, pricing, bid_micros)
        values ('l1', 1, 1, 'A', '2025-11-01Z', '2027-12-01Z', 'cpm', 200000000),
            ('l2', 1, 1, 'B', '2025-11-01Z', '2027-12-01Z', 'cpm', 15000000),
            ('l3', 2, 2, 'C', '2025-11-01Z', '2027-12-01Z', 'cpm', 15000000);
        insert into creative (code, line_item_id, advertiser_id, format) values
            ('v1', 1, 1, 'banner'), ('v2', 2, 1, 'banner'), ('v3', 3, 2, 'banner');
        insert into creative_version (creative_id, version, fields, landing_url, ord_form, approved_at, erid, erid_status)
            select id, 1, '{}', 'https://shop.example', 'banner', '2025-11-01Z', 'erid-00' || id, 'verified'
            from creative order by id;
        insert into node (id, code) values (1, 'node-1');
        """

    static func make() async throws -> PostgresPool {
        let pool = TestDatabase.current.pool
        try await pool.withConnection { try $0.script(sql) }
        return pool
    }

    /// An impression of line item 2 of advertiser 1, or of line item 3 of advertiser 2.
    static func event(_ number: Int, price: Int64, line: Int32 = 2, at: Timestamp = noon) -> AdEventRecord {
        let isFirst = line < 3
        let token = AdToken(
            decisionID: DecisionID(issuedAt: at, low: 1 << 48 | UInt64(number)), storefrontID: 1, placementID: 1,
            lineItemID: line, campaignID: isFirst ? 1 : 2, advertiserID: isFirst ? 1 : 2, creativeVersionID: line,
            ad: 0, position: 0, pricing: .cpm, price: Micros(price), shopperHash: 7, productIDs: [])
        return AdEventRecord(
            kind: .impression, token: token, card: -1, visitorID: "v", eventTime: at, receivedAt: at, invalid: nil)
    }

    /// Charges events as the pipeline does, in a transaction of their own.
    @discardableResult
    static func charge(_ events: [AdEventRecord], _ pool: PostgresPool, now: Timestamp = noon) async throws
        -> ChargeSummary
    {
        try await pool.transaction { db in
            try ChargeLedger.charge(events, zone: try RetailerStore.zone(on: db), now: now, on: db)
        }
    }

    static func topUp(
        _ amount: Int64, _ reference: String, advertiser: Int32 = 1, at: Timestamp = noon, _ pool: PostgresPool
    ) async throws {
        _ = try await pool.transaction { db in
            try WalletStore.record(
                WalletMovement(
                    kind: .topUp, amount: Micros(amount), reference: reference, reason: "paid", actor: "user:usr-1"),
                advertiser: advertiser, now: at, on: db)
        }
    }

    static func summary(_ pool: PostgresPool, advertiser: Int32 = 1) async throws -> WalletSummary {
        try await pool.withConnection { db in
            try WalletStore.summary(advertiser: advertiser, now: noon, on: db)
        }
    }
}
