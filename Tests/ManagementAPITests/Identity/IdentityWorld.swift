import AdModel
import Foundation
import Logging
import ManagementAPI
import Measurement
import Postgres
import Store
import Synchronization
import TestKit
import Testing

let identityStart = Timestamp(rfc3339: "2026-11-21T10:00:00Z") ?? Timestamp(micros: 0)

/// A clock that a test moves.
final class HandClock: Sendable {
    private let time = Mutex(identityStart)
    var now: Timestamp { time.withLock { $0 } }
    func advance(_ span: Timestamp.Span) { time.withLock { $0 = $0 + span } }
}

/// Cheap scrypt that counts how often it was asked.
final class CountingHasher: PasswordHashing {
    private let inner: ScryptHasher
    private let checks = Mutex(0)
    private let hashes = Mutex(0)

    init(_ parameters: ScryptParameters = ScryptParameters(log2N: 4, r: 1, p: 1)) {
        inner = ScryptHasher(parameters: parameters)
    }

    /// Checks since the last time this was read.
    func takeChecks() -> Int {
        checks.withLock { count in
            defer { count = 0 }
            return count
        }
    }

    var made: Int { hashes.withLock { $0 } }

    func hash(_ password: String) async throws -> String {
        hashes.withLock { $0 += 1 }
        return try await inner.hash(password)
    }

    func verify(_ password: String, against stored: String?) async throws -> Bool {
        checks.withLock { $0 += 1 }
        return try await inner.verify(password, against: stored)
    }

    func needsRenewal(_ stored: String) -> Bool { inner.needsRenewal(stored) }
}

/// A browser, as far as the server can tell: one origin, one cookie.
final class Person: Sendable {
    /// Every answer to a person is checked against it.
    private static let document = try? AnswerDocument()

    let probe: HTTPProbe
    private let cookie = Mutex<String?>(nil)
    private let token = Mutex<String?>(nil)

    init(_ probe: HTTPProbe) { self.probe = probe }

    var cookieHeader: String { cookie.withLock { $0 } ?? "" }
    var csrfToken: String { token.withLock { $0 } ?? "" }
    var origin: String { "http://127.0.0.1:\(probe.port)" }

    func send(
        _ method: String, _ path: String, _ body: [String: Any]? = nil, match: String? = nil,
        headers: [String: String] = [:]
    ) async throws -> HTTPProbe.Answer {
        var all = ["Origin": origin]
        if let cookie = cookie.withLock({ $0 }) { all["Cookie"] = cookie }
        if let token = token.withLock({ $0 }) { all["X-CSRF-Token"] = token }
        if body != nil { all["Content-Type"] = "application/json" }
        if let match { all["If-Match"] = match }
        all.merge(headers) { $1 }
        for (name, value) in all where value.isEmpty { all[name] = nil }
        let data = try body.map { try JSONSerialization.data(withJSONObject: $0, options: .sortedKeys) }
        let answer = try await probe.send(method, path, body: data, headers: all)
        let findings = Self.document?.findings(
            method, path.split(separator: "?").first.map(String.init) ?? path, status: answer.status,
            type: answer.headers["content-type"], body: answer.body)
        #expect(findings == [])
        return answer
    }

    func get(_ path: String) async throws -> HTTPProbe.Answer { try await send("GET", path) }

    @discardableResult
    func signIn(_ email: String, _ password: String, headers: [String: String] = [:]) async throws -> HTTPProbe.Answer {
        let answer = try await send(
            "POST", "/v1/session", ["email": email, "password": password],
            headers: headers.merging(["Cookie": "", "X-CSRF-Token": ""]) { a, _ in a })
        if answer.status == 200 {
            let pair = answer.headers["set-cookie"]?.split(separator: ";").first.map(String.init)
            cookie.withLock { $0 = pair }
            token.withLock { $0 = answer["csrf_token"] }
        }
        return answer
    }
}

/// A retailer, two advertisers, and people of each kind. Everybody's password is `correct horse <name>`.
struct IdentityWorld {
    let clock = HandClock()
    let hasher: CountingHasher
    var proxies = TrustedProxies.none

    init(hasher: CountingHasher = CountingHasher()) async throws {
        self.hasher = hasher
        let people: [(name: String, roles: [(Int32?, String)])] = [
            ("root", [(nil, "admin")]), ("finance", [(nil, "finance")]), ("off", [(nil, "adops")]),
            ("maria", [(1, "advertiser_manager")]), ("ana", [(1, "advertiser_analyst")]),
            ("berta", [(2, "advertiser_manager")]),
            ("agency", [(1, "advertiser_manager"), (2, "advertiser_analyst")]),
        ]
        var hashes: [String: String] = [:]
        for person in people { hashes[person.name] = try await hasher.hash(Self.password(person.name)) }
        let stored = hashes
        try await TestDatabase.current.pool.transaction { db in
            try db.query(
                """
                insert into counterparty (code, kind, name, inn, roles)
                    values ('cp', 'juridical', 'ООО Опыт', '7707083893', '{ors,rr}')
                """)
            try db.query("insert into retailer (code, name, counterparty_id) values ('retailer', 'Магазин', 1)")
            try db.query("insert into storefront (code, name, url) values ('shop', 'Shop', 'https://shop.test')")
            try db.query(
                "insert into advertiser (code, name, counterparty_id) values ('a1', 'A1', 1), ('a2', 'A2', 1)")
            for person in people {
                guard let email = EmailAddress(Self.email(person.name)) else { continue }
                let user = try Users.create(
                    code: "usr-\(person.name)", email: email, name: person.name, language: "en",
                    side: person.roles[0].0 == nil ? .retailer : .advertiser, passwordHash: stored[person.name],
                    now: identityStart, on: db)
                for (index, (advertiser, role)) in person.roles.enumerated() {
                    _ = try Memberships.create(
                        code: "mem-\(person.name)\(index == 0 ? "" : "-\(index)")", user: user, advertiser: advertiser,
                        role: role, now: identityStart, on: db)
                }
            }
            try db.query("update app_user set disabled = true where code = 'usr-off'")
            try db.query(
                "insert into api_key (code, prefix, hash, kind) values "
                    + "('root-key', 'nk_ret', sha256('nk_ret_root'), 'retailer')")
        }
        _ = hasher.takeChecks()
    }

    static func password(_ name: String) -> String { "correct horse \(name)" }
    static func email(_ name: String) -> String { "\(name)@people.test" }

    /// - Parameter adjust: what a test wants otherwise.
    func serving(
        _ adjust: @escaping @Sendable (inout ManagementServices) -> Void = { _ in },
        _ body: (HTTPProbe) async throws -> Void
    ) async throws {
        let database = PostgresOptions(url: TestDatabase.current.url)
        let (clock, hasher, proxies) = (clock, hasher, proxies)
        try await HTTPProbe.with(
            { announce in
                var services = ManagementServices(database: database, clock: { clock.now })
                services.passwords = hasher
                services.trustedProxies = proxies
                services.managementBaseURL = "https://ads.shop.test"
                adjust(&services)
                let server = ManagementServer(
                    options: ListenerOptions(port: 0), services: services, metrics: { "" },
                    logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }), onRunning: announce)
                try await server.run()
            }, body)
    }

    /// A browser in which somebody is signed in.
    func person(_ name: String, _ probe: HTTPProbe) async throws -> Person {
        let person = Person(probe)
        let answer = try await person.signIn(Self.email(name), Self.password(name))
        #expect(answer.status == 200, "\(name) signs in: \(answer.text)")
        _ = hasher.takeChecks()
        return person
    }

    /// The token of the newest message to an address; nil when there is none.
    static func mailedToken(to email: String) async throws -> String? {
        try await TestDatabase.current.pool.withConnection { db in
            let rows = try db.query(
                "select body from mail_outbox where to_address = $1 order by id desc limit 1", [.text(email)])
            guard let body = try rows.first?.stringIfPresent("body"), let range = body.range(of: "#token=") else {
                return nil
            }
            return String(body[range.upperBound...].prefix(43))
        }
    }

    static func count(_ sql: String) async throws -> Int64 {
        try await TestDatabase.current.pool.withConnection { try $0.query(sql).single().int64(0) }
    }
}

extension HTTPProbe.Answer {
    var rows: [[String: Any]] { json["items"] as? [[String: Any]] ?? [] }
    var tag: String { headers["etag"] ?? "" }
    func rowIDs() -> [String] { rows.compactMap { $0["id"] as? String } }
}
