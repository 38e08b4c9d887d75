import AdFormatFiles
import AdFormats
import AdModel
import Foundation
import Logging
import ManagementAPI
import ORD
import Postgres
import TestKit
import Testing

/// Two advertisers, a campaign each, and a running management server.
enum CreativeWorld {
    static let now = Timestamp(rfc3339: "2026-11-21T10:00:00Z") ?? Timestamp(micros: 0)
    static let manager = "nk_adv_manager"
    static let other = "nk_adv_other"
    /// Read once: it is large.
    static let document = Result { try AnswerDocument() }
    static let adops = "nk_ret_adops"
    static let finance = "nk_ret_finance"

    static let sql = """
        insert into counterparty (code, kind, name, inn, kpp, roles) values
            ('shop', 'juridical', 'ООО Полка', '7700000016', '770001001', '{publisher,ors}'),
            ('brand', 'juridical', 'ООО Норд', '7736207543', '770001001', '{advertiser}');
        insert into retailer (code, name, counterparty_id) values ('polka', 'Полка', 1);
        insert into stock_location (code, name) values ('msk', 'Москва');
        insert into storefront (code, name, url, default_location_id) values ('shop', 'Полка', 'https://shop.test/', 1);
        insert into advertiser (code, name, counterparty_id) values ('a', 'А', 2), ('b', 'Б', 2);
        insert into contract (code, advertiser_id, client_counterparty_id, contractor_counterparty_id, signed_on)
            values ('ca', 1, 2, 1, '2026-01-01'), ('cb', 2, 2, 1, '2026-01-01');
        insert into campaign (code, advertiser_id, contract_id, name, kktu, state) values
            ('camp', 1, 1, 'Кампания', '17.3.1', 'draft'), ('bcamp', 2, 2, 'Чужая', '17.3.1', 'draft');
        insert into campaign_version (campaign_id, valid_from) values (1, '-infinity'), (2, '-infinity');
        insert into category (code, name) values ('coffee', 'Кофе в зёрнах');
        insert into product (sku, name, url, category_ids) values ('p1', 'Кофе', 'https://shop.test/p1', '{1}');
        insert into line_item (code, campaign_id, advertiser_id, name, starts_at, ends_at, pricing, bid_micros) values
            ('line', 1, 1, 'Линия', '2026-11-01Z', '2026-12-01Z', 'cpm', 1000000),
            ('bline', 2, 2, 'Линия', '2026-11-01Z', '2026-12-01Z', 'cpm', 1000000);
        insert into line_item_version (line_item_id, valid_from, promoted_skus) values
            (1, '-infinity', '{p1}'), (2, '-infinity', '{p1}');
        insert into api_key (code, prefix, hash, kind, role) values
            ('k1', 'nk_ret_o', sha256('nk_ret_adops'), 'retailer', 'adops'),
            ('k2', 'nk_ret_f', sha256('nk_ret_finance'), 'retailer', 'finance');
        insert into api_key (code, prefix, hash, kind, role, advertiser_id) values
            ('k3', 'nk_adv_m', sha256('nk_adv_manager'), 'advertiser', 'advertiser_manager', 1),
            ('k4', 'nk_adv_o', sha256('nk_adv_other'), 'advertiser', 'advertiser_manager', 2);
        """

    static func serving(_ body: (HTTPProbe) async throws -> Void) async throws {
        let pool = TestDatabase.current.pool
        try await pool.withConnection { try $0.script(sql) }
        let database = PostgresOptions(url: TestDatabase.current.url)
        let formats = try AdFormatSet(folders: AdFormatFiles.read())
        let data = Repository.root.appendingPathComponent("Sources/nimb/Data")
        let kktu = try KKTUDictionary(csv: Data(contentsOf: data.appendingPathComponent("kktu.csv")))
        try await HTTPProbe.with(
            { announce in
                var services = ManagementServices(database: database, clock: { now })
                services.formats = formats
                services.kktu = kktu
                services.mediaBaseURL = "http://media.test"
                try await ManagementServer(
                    options: ListenerOptions(port: 0), services: services, metrics: { "" },
                    logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }), onRunning: announce
                ).run()
            }, body)
    }

    /// A banner of 960 x 240 pixels.
    static func banner() throws -> Data {
        try Data(contentsOf: Repository.root.appendingPathComponent("Sources/nimb/Data/banner-coffee.png"))
    }
}

extension HTTPProbe {
    /// Sends a JSON object; `match` is the ETag for If-Match.
    func json(
        _ method: String, _ path: String, _ object: [String: Any] = [:], key: String, match: String? = nil
    ) async throws -> Answer {
        var headers = ["Content-Type": "application/json"]
        if let match { headers["If-Match"] = match }
        let body = try JSONSerialization.data(withJSONObject: object)
        return try documented(method, path, try await send(method, path, key: key, body: body, headers: headers))
    }

    /// Reads, and compares the answer with the document.
    func look(_ path: String, key: String) async throws -> Answer {
        try documented("GET", path, try await get(path, key: key))
    }

    /// Sends without a body.
    func act(_ path: String, key: String) async throws -> Answer {
        try documented("POST", path, try await send("POST", path, key: key))
    }

    private func documented(_ method: String, _ path: String, _ answer: Answer) throws -> Answer {
        let plain = String(path.split(separator: "?")[0])
        let document = try CreativeWorld.document.get()
        let findings = document.findings(
            method, plain, status: answer.status, type: answer.headers["content-type"], body: answer.body)
        #expect(findings == [], "\(method) \(path): \(answer.text.prefix(300))")
        return answer
    }

    func upload(_ bytes: Data, key: String, type: String = "image/png", query: String = "") async throws -> Answer {
        try documented(
            "POST", "/v1/media",
            try await send("POST", "/v1/media\(query)", key: key, body: bytes, headers: ["Content-Type": type]))
    }

    /// Uploads the banner and makes a creative of it.
    func makeBanner(headline: String = "Свежий кофе", key: String = CreativeWorld.manager) async throws -> Answer {
        let media = try await upload(try CreativeWorld.banner(), key: key)["id"]
        return try await json(
            "POST", "/v1/creatives",
            [
                "line_item": "line", "format": "banner", "fields": ["alt": "Кофе", "headline": headline],
                "landing_url": "https://shop.test/c/1", "media": [media],
            ], key: key)
    }
}

extension HTTPProbe.Answer {
    var etag: String { headers["etag"] ?? "" }
    /// A member of the newest version.
    func newest(_ member: String) -> String {
        let newest = json["newest"] as? [String: Any] ?? [:]
        return newest[member].map { "\($0)" } ?? ""
    }
    /// `field code` of every problem.
    var problems: [String] {
        (json["errors"] as? [[String: Any]] ?? []).map { "\($0["field"] ?? "") \($0["code"] ?? "")" }
    }
    func codes(_ member: String) -> [String] {
        (json[member] as? [[String: Any]] ?? []).compactMap { $0["code"] as? String }
    }
}
