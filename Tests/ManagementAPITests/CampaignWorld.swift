import AdModel
import Foundation
import FoundationNetworking
import Logging
import ManagementAPI
import ORD
import Postgres
import Store
import TestKit
import Yams

/// A retailer with two advertisers (nord owns norda, sud owns suda), a catalogue and one key for each role, and a
/// client that checks every answer against the OpenAPI document.
final class CampaignWorld: Sendable {
    static let now = Timestamp(rfc3339: "2026-11-21T10:00:00Z") ?? Timestamp(micros: 0)
    /// Key of each caller; `nord` and `sud` are advertisers, the rest roles of the retailer.
    static let keys = [
        "admin": "nk_ret_admin", "adops": "nk_ret_adops", "finance": "nk_ret_finance", "analyst": "nk_ret_analyst",
        "nord": "nk_adv_nord", "sud": "nk_adv_sud", "nord-analyst": "nk_adv_reader",
    ]

    static let sql = """
        insert into counterparty (code, kind, name, inn, roles, rs_url) values
            ('shop', 'juridical', 'ООО Полка', '7700000016', '{ors,publisher}', 'https://shop.example'),
            ('nord', 'juridical', 'ООО «Норд»', '7736207543', '{advertiser}', null),
            ('sud', 'juridical', 'ООО «Зюд»', '7707083893', '{advertiser}', null);
        insert into retailer (code, name, counterparty_id) values ('polka', 'Полка', 1);
        insert into stock_location (code, name, region_codes) values ('msk', 'Москва', '{RU-MOW}');
        insert into storefront (code, name, url, default_location_id) values
            ('shop', 'Полка', 'https://shop.example', 1);
        insert into placement (storefront_id, code, page_type, formats) values (1, 'home.top', 'home', '{banner}');
        insert into brand (code, name) values ('norda', 'Norda'), ('suda', 'Suda');
        insert into brand_alias (alias, brand_id) values ('НОРДА', 1), ('Suda', 2);
        insert into category (code, name) values ('food', 'Еда');
        insert into category (code, name, parent_id) values ('coffee', 'Кофе', 1), ('tea', 'Чай', 1);
        insert into product (sku, name, brand, group_id, category_ids) values
            ('n1', 'Кофе «Норда» крепкий', 'НОРДА', 'g1', '{2}'), ('n2', 'Кофе «Норда» мягкий', 'norda', 'g1', '{2}'),
            ('n3', 'Чай «Норда»', 'НОРДА', 'g2', '{3}'), ('s1', 'Кофе «Зюд»', 'Suda', 'g3', '{2}');
        insert into stock (location_id, product_id, quantity, price_micros, version, as_of, change_number) values
            (1, 1, 5, 500000000, 1, '2026-11-21Z', 0), (1, 2, 5, 300000000, 1, '2026-11-21Z', 0),
            (1, 3, 5, 100000000, 1, '2026-11-21Z', 0), (1, 4, 5, 100000000, 1, '2026-11-21Z', 0);
        insert into advertiser (code, name, counterparty_id) values ('nord', 'Норд', 2), ('sud', 'Зюд', 3);
        insert into brand_grant (advertiser_id, brand_id) values (1, 1), (2, 2);
        insert into contract (code, advertiser_id, client_counterparty_id, contractor_counterparty_id, serial,
            signed_on) values ('ctr-nord', 1, 2, 1, 'НР-1', '2026-01-01'), ('ctr-sud', 2, 3, 1, 'ЗД-1', '2026-01-01');
        insert into api_key (code, prefix, hash, kind, role) values
            ('admin', 'nk_ret_adm', sha256('nk_ret_admin'), 'retailer', 'admin'),
            ('adops', 'nk_ret_ado', sha256('nk_ret_adops'), 'retailer', 'adops'),
            ('finance', 'nk_ret_fin', sha256('nk_ret_finance'), 'retailer', 'finance'),
            ('analyst', 'nk_ret_ana', sha256('nk_ret_analyst'), 'retailer', 'analyst');
        insert into api_key (code, prefix, hash, kind, advertiser_id, role) values
            ('nord', 'nk_adv_nor', sha256('nk_adv_nord'), 'advertiser', 1, 'advertiser_manager'),
            ('sud', 'nk_adv_sud', sha256('nk_adv_sud'), 'advertiser', 2, 'advertiser_manager'),
            ('reader', 'nk_adv_rea', sha256('nk_adv_reader'), 'advertiser', 1, 'advertiser_analyst');
        """

    struct Answer: Sendable {
        var status: Int
        var etag: String?
        var text: String
        /// What is wrong with the answer by the document.
        var findings: [String]

        var json: [String: Any] {
            (try? JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]) ?? [:]
        }
        subscript(_ member: String) -> String { json[member].map { "\($0)" } ?? "" }
        var errors: [[String: String]] { json["errors"] as? [[String: String]] ?? [] }
    }

    private let port: Int
    private let session = URLSession(configuration: .ephemeral)
    private let document: AnswerDocument

    private init(port: Int) throws {
        self.port = port
        document = try AnswerDocument()
    }

    /// Sends a request as one of `keys`.
    func send(
        _ method: String, _ path: String, as who: String?, body: String? = nil, headers: [String: String] = [:]
    ) async throws -> Answer {
        guard let url = URL(string: "http://127.0.0.1:\(port)\(path)") else { throw URLError(.badURL) }
        var request = URLRequest(url: url)
        request.httpMethod = method
        request.cachePolicy = .reloadIgnoringLocalAndRemoteCacheData
        if let who { request.setValue("Bearer \(Self.keys[who] ?? who)", forHTTPHeaderField: "Authorization") }
        if let body {
            request.setValue("application/json", forHTTPHeaderField: "Content-Type")
            request.httpBody = Data(body.utf8)
        }
        for (name, value) in headers { request.setValue(value, forHTTPHeaderField: name) }
        let (data, response) = try await session.data(for: request)
        guard let http = response as? HTTPURLResponse else { throw URLError(.badServerResponse) }
        return Answer(
            status: http.statusCode, etag: http.value(forHTTPHeaderField: "ETag"),
            text: String(decoding: data, as: UTF8.self),
            findings: document.findings(
                method, String(path.split(separator: "?")[0]), status: http.statusCode,
                type: http.value(forHTTPHeaderField: "Content-Type"), body: data))
    }

    /// Reads what is at `path` and patches it from there.
    func patch(_ path: String, as who: String, _ body: String) async throws -> Answer {
        let read = try await send("GET", path, as: who)
        return try await send("PATCH", path, as: who, body: body, headers: ["If-Match": read.etag ?? "\"r1\""])
    }

    /// Runs `body` against a server over the database of the running test.
    static func with(
        now: @escaping @Sendable () -> Timestamp = { CampaignWorld.now }, _ body: (CampaignWorld) async throws -> Void
    ) async throws {
        try await TestDatabase.current.pool.withConnection { try $0.script(sql) }
        var services = ManagementServices(database: PostgresOptions(url: TestDatabase.current.url), clock: now)
        services.kktu = try KKTUDictionary(
            csv: Data(contentsOf: Repository.root.appendingPathComponent("Sources/nimb/Data/kktu.csv")))
        // Random walks send more than people do.
        services.limits.actor = 1_000_000
        let ready = services
        let (ports, announce) = AsyncStream.makeStream(of: Int.self)
        let server = Task {
            try await ManagementServer(
                options: ListenerOptions(port: 0), services: ready, metrics: { "" },
                logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }),
                onRunning: { announce.yield($0) }
            ).run()
        }
        var iterator = ports.makeAsyncIterator()
        let world = try CampaignWorld(port: await iterator.next() ?? 0)
        do { try await body(world) } catch {
            world.session.invalidateAndCancel()
            server.cancel()
            _ = await server.result
            throw error
        }
        world.session.invalidateAndCancel()
        server.cancel()
        _ = await server.result
    }
}
