import AdModel
import Jobs
import Outbound
import Postgres
import Store
import Synchronization
import TestKit

/// One advertiser with an active campaign, his people and the retailer's, and a clock that tests move.
final class NoticeWorld: Sendable {
    static let noon = Timestamp(rfc3339: "2026-11-21T09:00:00Z") ?? Timestamp(micros: 0)

    static let sql = """
        insert into counterparty (code, kind, name, inn, roles) values
            ('shop', 'juridical', 'ООО Полка', '7700000016', '{publisher}'),
            ('nord', 'juridical', 'ООО Норд', '7736207543', '{advertiser}');
        insert into retailer (code, name, counterparty_id) values ('polka', 'Полка', 1);
        insert into advertiser (code, name, counterparty_id) values ('nord', 'Норд', 2), ('sever', 'Север', 2);
        insert into contract (code, advertiser_id, client_counterparty_id, contractor_counterparty_id, signed_on)
            values ('c-nord', 1, 2, 1, '2026-01-01');
        insert into campaign (code, advertiser_id, contract_id, name, state) values ('k1', 1, 1, 'Кофе', 'active');
        insert into campaign_transition (campaign_id, changed_at, to_state, actor, reason)
            values (1, '2026-11-01Z', 'active', 'system:test', 'test');
        insert into line_item (code, campaign_id, advertiser_id, name, starts_at, ends_at, pricing, bid_micros,
            total_budget_micros) values
            ('l1', 1, 1, 'A', '2026-11-01Z', '2026-12-01Z', 'cpc', 1000, 1000000),
            ('l2', 1, 1, 'B', '2026-11-01Z', '2026-12-01Z', 'cpm', 1000, null);
        insert into line_item (code, campaign_id, advertiser_id, name, starts_at, ends_at, pricing, bid_micros, paused)
            values ('bare', 1, 1, 'C', '2026-11-01Z', '2026-12-01Z', 'cpm', 1000, true);
        insert into creative (code, line_item_id, advertiser_id, format) values ('v1', 1, 1, 'banner'),
            ('v2', 2, 1, 'banner');
        insert into creative_version (creative_id, version, fields, landing_url, ord_form, approved_at, erid, erid_status)
            select id, 1, '{}', 'https://shop.example', 'banner', '2026-11-01Z', 'erid-00' || id, 'verified'
            from creative order by id;
        insert into wallet_entry (advertiser_id, kind, amount_micros, reference, recorded_at)
            values (1, 'top_up', 10000000, 'p-1', '2026-11-01Z');
        insert into node (id, code) values (1, 'node-1');
        insert into log_checkpoint (node_id, log_id, position, shipped_through)
            values (1, '00000000-0000-0000-0000-000000000001', 0, '2026-11-21T08:59:00Z');
        insert into app_user (code, email, name, language, side, password_hash, created_at) values
            ('usr-1', 'brand@nord.example', 'A', 'ru', 'advertiser', 'x', '2026-11-01Z'),
            ('usr-2', 'buyer@nord.example', 'B', 'en', 'advertiser', 'x', '2026-11-01Z'),
            ('usr-3', 'sales@shop.example', 'C', 'ru', 'retailer', 'x', '2026-11-01Z'),
            ('usr-4', 'other@sever.example', 'D', 'ru', 'advertiser', 'x', '2026-11-01Z');
        insert into membership (code, user_id, side, advertiser_id, role, created_at) values
            ('m-1', 1, 'advertiser', 1, 'advertiser_manager', '2026-11-01Z'),
            ('m-2', 2, 'advertiser', 1, 'advertiser_analyst', '2026-11-01Z'),
            ('m-3', 3, 'retailer', null, 'adops', '2026-11-01Z'),
            ('m-4', 4, 'advertiser', 2, 'advertiser_manager', '2026-11-01Z');
        """

    let pool: PostgresPool
    let sealer = Sealer.random()
    private let time = Mutex(NoticeWorld.noon)

    var now: Timestamp { time.withLock { $0 } }

    init() async throws {
        pool = TestDatabase.current.pool
        try await pool.withConnection { try $0.script(Self.sql) }
    }

    func advance(_ span: Timestamp.Span) { time.withLock { $0 = $0 + span } }

    /// Jobs that may call this machine.
    func jobs(hosts: Set<String> = ["127.0.0.1"]) -> NoticeJobs {
        NoticeJobs(
            pool: pool, client: OutboundClient(policy: OutboundPolicy(allowedHosts: hosts)), sealer: sealer,
            link: "https://nimb.example/notices", clock: { self.now })
    }

    func run(_ sql: String) async throws { try await pool.withConnection { try $0.script(sql) } }

    func raise(_ kind: NoticeKind = .creativeRejected, advertiser: Int32? = 1, _ id: String = "cr-1") async throws {
        let now = now
        _ = try await pool.withConnection { db in
            try Notices.raise(
                kind: kind, advertiser: advertiser, object: "creative", id: id,
                detailsJSON: #"{"reason": "размыто", "budget_micros": 1234567800}"#, dedupeKey: "\(kind):\(id)",
                now: now, on: db)
        }
    }

    func hook(_ url: String, advertiser: Int32? = 1, kinds: [NoticeKind] = NoticeKind.allCases) async throws -> Webhook
    {
        let (sealer, now) = (sealer, now)
        return try await pool.withConnection { db in
            try WebhookStore.create(
                advertiser: advertiser, url: url, kinds: kinds.map(\.rawValue), active: true, secret: "whsec_test",
                actor: "user:usr-1", sealer: sealer, now: now, on: db)
        }
    }

    func deliveries(_ webhook: Webhook) async throws -> [WebhookDelivery] {
        try await pool.withConnection { db in
            try WebhookDeliveries.list(of: webhook, state: nil, before: 0, limit: 100, on: db)
        }
    }

    /// First column of every row.
    func texts(_ sql: String) async throws -> [String] {
        try await pool.withConnection { db in try db.query(sql).map { try $0.string(0) } }
    }
}
