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

private let now = Timestamp(rfc3339: "2026-11-21T10:00:00Z") ?? Timestamp(micros: 0)

/// Every route of the document x role x own, foreign and absent id.
@Suite(.database) struct IsolationTests {
    let routes: MatrixRoutes

    init() async throws {
        routes = try MatrixRoutes()
        try await MatrixWorld.load(TestDatabase.current.pool)
    }

    private func serving(_ body: (HTTPProbe) async throws -> Void) async throws {
        let database = PostgresOptions(url: TestDatabase.current.url)
        let formats = try AdFormatSet(folders: AdFormatFiles.read())
        let kktu = try KKTUDictionary(
            csv: Data(contentsOf: Repository.root.appendingPathComponent("Sources/nimb/Data/kktu.csv")))
        try await HTTPProbe.with(
            { announce in
                var services = ManagementServices(database: database, clock: { now })
                services.limits = .init(actor: 1_000_000, network: 1_000_000)
                services.formats = formats
                services.kktu = kktu
                try await ManagementServer(
                    options: ListenerOptions(port: 0), services: services, metrics: { "" },
                    logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }), onRunning: announce
                ).run()
            }, body)
    }

    private enum Which { case own, foreign, absent }

    /// The path with its parameters filled in; nil when nothing of the path can be foreign.
    private func path(_ operation: MatrixRoutes.Operation, _ which: Which) throws -> String? {
        var path = operation.path
        var isFirst = true
        for (name, collection) in operation.parameters {
            let ids = try #require(
                MatrixWorld.ids(of: collection),
                "\(operation.name): name the ids of “\(collection)” in MatrixWorld, or the matrix does not cover it")
            var id = ids.own
            // Only the outermost owner is another's or absent; what lies inside it is named as it would be.
            if isFirst, which == .foreign {
                guard let foreign = ids.foreign else { return nil }
                id = foreign
            } else if isFirst, which == .absent {
                id = ids.absent
            }
            isFirst = false
            path = path.replacing("{\(name)}", with: id)
        }
        return path
    }

    private func call(
        _ probe: HTTPProbe, _ operation: MatrixRoutes.Operation, _ path: String, key: String?
    ) async throws -> HTTPProbe.Answer {
        var headers = ["X-Request-Id": "matrix", "If-Match": "\"r1\""]
        if let type = operation.bodyType { headers["Content-Type"] = type }
        let body = operation.bodyType == nil ? nil : routes.sample(operation, ids: MatrixWorld.references)
        return try await probe.send(operation.method, path, key: key, body: body, headers: headers)
    }

    @Test func everyRouteAdmitsTheRolesOfItsDocumentAndNobodyElse() async throws {
        try await serving { probe in
            for operation in routes.operations {
                guard let roles = operation.roles else { continue }
                let path = try #require(try path(operation, .own))
                let anonymous = try await call(probe, operation, path, key: nil)
                #expect(anonymous.status == 401, "\(operation.name) without identity: \(anonymous.status)")
                for (role, key) in MatrixWorld.keys.sorted(by: { $0.key < $1.key }) where !roles.contains(role) {
                    let answer = try await call(probe, operation, path, key: key)
                    #expect(answer.status == 403, "\(operation.name) as \(role): \(answer.status) \(answer.text)")
                    #expect(answer["code"] == "forbidden", "\(operation.name) as \(role)")
                }
            }
            // Whoever may is not turned away; what he changes may make a later call fail for another reason.
            for operation in routes.operations where !operation.path.hasPrefix("/v1/session") {
                guard let roles = operation.roles else { continue }
                let path = try #require(try path(operation, .own))
                for (role, key) in MatrixWorld.keys.sorted(by: { $0.key < $1.key }) where roles.contains(role) {
                    guard !(operation.path.contains("/api-keys/{id}") && operation.method != "GET") else { continue }
                    let answer = try await call(probe, operation, path, key: key)
                    #expect(
                        ![401, 403].contains(answer.status) && answer.status < 500,
                        "\(operation.name) as \(role): \(answer.status) \(answer.text)")
                }
            }
        }
    }

    @Test func aForeignObjectIsAnsweredExactlyLikeAnAbsentOneAndStaysAsItIs() async throws {
        let before = try await fingerprint()
        var compared = 0
        var reached = 0
        try await serving { probe in
            for operation in routes.operations {
                guard operation.roles != nil, let foreign = try path(operation, .foreign),
                    !operation.parameters.isEmpty,
                    let absent = try path(operation, .absent)
                else { continue }
                for role in ["advertiser_manager", "advertiser_analyst"] {
                    let key = MatrixWorld.keys[role]
                    let theirs = try await call(probe, operation, foreign, key: key)
                    let nobodys = try await call(probe, operation, absent, key: key)
                    #expect(theirs.status == nobodys.status, "\(operation.name) as \(role): \(theirs.text)")
                    #expect(theirs.text == nobodys.text, "\(operation.name) as \(role)")
                    #expect(theirs.status >= 400, "\(operation.name) as \(role)")
                    compared += 1
                    if theirs.status == 404 { reached += 1 }
                }
            }
        }
        #expect(try await fingerprint() == before)
        // The comparison is worth something only where the look-up was reached.
        #expect(compared > 40)
        #expect(reached > compared / 3, "\(reached) of \(compared) calls reached the look-up")
    }

    @Test func nothingThatAnAdvertiserReadsNamesAnother() async throws {
        var read = 0
        try await serving { probe in
            for operation in routes.operations where operation.method == "GET" {
                guard operation.roles?.contains("advertiser_manager") == true else { continue }
                let path = try #require(try path(operation, .own))
                for role in ["advertiser_manager", "advertiser_analyst"] {
                    let answer = try await call(probe, operation, path, key: MatrixWorld.keys[role])
                    // Members of a counterparty are called `foreign_inn` and the like, whoever it is.
                    let told = answer.text.replacing(/"foreign_[a-z_]+":/, with: "")
                    #expect(!told.contains("foreign"), "\(operation.name) as \(role): \(answer.text)")
                    if answer.status == 200 { read += 1 }
                }
            }
        }
        #expect(read > 20, "only \(read) reads gave anything")
    }

    /// Everything that belongs to the second advertiser, table by table.
    private func fingerprint() async throws -> [String: String] {
        try await TestDatabase.current.pool.withConnection { db in
            let tables = try db.query(
                """
                select c.table_name as name from information_schema.columns c join information_schema.tables t
                    using (table_schema, table_name)
                where c.table_schema = 'public' and c.column_name = 'advertiser_id' and t.table_type = 'BASE TABLE'
                order by 1
                """
            ).map { try $0.string("name") }
            var result: [String: String] = [:]
            for table in tables {
                result[table] = try db.query(
                    "select coalesce(md5(string_agg(t::text, ',' order by t::text)), '') as sum from \(table) t where advertiser_id = 2"
                )[0].string("sum")
            }
            return result
        }
    }
}
