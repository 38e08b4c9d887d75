import AdModel
import Foundation
import FoundationNetworking
import Logging
import ManagementAPI
import ORD
import Postgres
import Store
import TestKit
import Testing

/// A server over two advertisers' wallets, with a key for each role.
enum WalletProbe {
    static let now = Timestamp(rfc3339: "2026-11-21T10:00:00Z") ?? Timestamp(micros: 0)

    static let schema = """
        insert into counterparty (code, kind, name, inn, roles) values
            ('shop', 'juridical', 'ООО Полка', '7700000016', '{publisher}'),
            ('nord', 'juridical', 'ООО Норд', '7736207543', '{advertiser}'),
            ('sever', 'juridical', 'ООО Север', '7707083893', '{advertiser}');
        insert into retailer (code, name, counterparty_id) values ('polka', 'Полка', 1);
        insert into advertiser (code, name, counterparty_id) values ('nord', 'Норд', 2), ('sever', 'Север', 3);
        insert into contract (code, advertiser_id, client_counterparty_id, contractor_counterparty_id, serial, signed_on)
            values ('c-nord', 1, 2, 1, 'РМ-17', '2026-01-01'), ('c-sever', 2, 3, 1, 'РМ-18', '2026-01-01');
        insert into campaign (code, advertiser_id, contract_id, name, state) values
            ('k1', 1, 1, 'Кофе', 'active'), ('k2', 2, 2, 'Чай', 'active');
        insert into line_item (code, campaign_id, advertiser_id, name, starts_at, ends_at, pricing, bid_micros)
            values ('l1', 1, 1, 'A', '2026-11-01Z', '2026-12-01Z', 'cpc', 200);
        insert into charge (kind, advertiser_id, campaign_id, line_item_id, event_time, accounting_day, price_micros,
                amount_micros, reason, recorded_at)
            values ('click', 1, 1, 1, '2026-11-20 10:00Z', '2026-11-20', 300000, 300000, 'billed', '2026-11-20 10:00Z'),
                ('click', 1, 1, 1, '2026-11-20 11:00Z', '2026-11-20', 700000, 0, 'over_wallet', '2026-11-20 11:00Z');
        insert into advertiser_spend values (1, 300000);
        insert into line_item_spend values (1, 300000);
        insert into api_key (prefix, hash, kind, role) values
            ('nk_ret_a', sha256('nk_admin'), 'retailer', 'admin'), ('nk_ret_o', sha256('nk_adops'), 'retailer', 'adops'),
            ('nk_ret_f', sha256('nk_finance'), 'retailer', 'finance'),
            ('nk_ret_n', sha256('nk_analyst'), 'retailer', 'analyst');
        insert into api_key (prefix, hash, kind, advertiser_id, role) values
            ('nk_adv_1', sha256('nk_nord'), 'advertiser', 1, 'advertiser_manager'),
            ('nk_adv_2', sha256('nk_sever'), 'advertiser', 2, 'advertiser_manager');
        """

    /// Runs `body` against a server over a fresh world.
    static func serving(
        sealer: Sealer = .random(), empty: Bool = false, _ body: (HTTPProbe) async throws -> Void
    ) async throws {
        try await TestDatabase.current.pool.withConnection { try $0.script(schema) }
        let database = PostgresOptions(url: TestDatabase.current.url)
        let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        let dictionary = URL(fileURLWithPath: #filePath)
            .appendingPathComponent("../../../../Sources/nimb/Data/kktu.csv").standardizedFileURL
        let kktu = try KKTUDictionary(csv: [UInt8](Data(contentsOf: dictionary)))
        try await HTTPProbe.with(
            { announce in
                var services = ManagementServices(database: database, sealer: sealer, clock: { now })
                services.kktu = kktu
                let server = ManagementServer(
                    options: ListenerOptions(port: 0), services: services, metrics: { "" }, health: { [] },
                    logger: logger, onRunning: announce)
                try await server.run()
            }, body)
    }
}

extension HTTPProbe {
    /// Sends a request with a body and takes the answer.
    func wallet(
        _ method: String, _ path: String, _ body: String? = nil, key: String, match: String? = nil,
        type: String = "application/json", bytes: [UInt8]? = nil, headers: [String: String] = [:]
    ) async throws -> Answer {
        guard let url = URL(string: "http://127.0.0.1:\(port)\(path)") else { throw URLError(.badURL) }
        var request = URLRequest(url: url)
        request.httpMethod = method
        request.setValue("Bearer \(key)", forHTTPHeaderField: "Authorization")
        if let match { request.setValue(match, forHTTPHeaderField: "If-Match") }
        for (name, value) in headers { request.setValue(value, forHTTPHeaderField: name) }
        if let body { request.httpBody = Data(body.utf8) }
        if let bytes { request.httpBody = Data(bytes) }
        if request.httpBody != nil { request.setValue(type, forHTTPHeaderField: "Content-Type") }
        let (data, response) = try await URLSession.shared.data(for: request)
        guard let http = response as? HTTPURLResponse else { throw URLError(.badServerResponse) }
        var fields: [String: String] = [:]
        for (name, value) in http.allHeaderFields { fields["\(name)".lowercased()] = "\(value)" }
        // Of a table the document says no more than that it is one.
        if fields["content-type"]?.hasPrefix("text/csv") != true {
            let findings = try AnswerDocument().findings(
                method, String(path.prefix { $0 != "?" }), status: http.statusCode, type: fields["content-type"],
                body: data)
            #expect(findings.isEmpty, "\(findings)")
        }
        return Answer(status: http.statusCode, headers: fields, body: data)
    }

    /// Reads; what is answered must be what the document says.
    func read(_ path: String, key: String) async throws -> Answer { try await wallet("GET", path, key: key) }
}

extension HTTPProbe.Answer {
    var walletItems: [[String: Any]] { json["items"] as? [[String: Any]] ?? [] }
    /// Codes of the fields at fault.
    var walletFields: [String] {
        (json["errors"] as? [[String: Any]] ?? []).map { "\($0["field"] ?? "") \($0["code"] ?? "")" }
    }
}
