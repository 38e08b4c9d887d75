import Foundation
import Glibc
import Postgres
import PrivatePostgres
import Store
import Synchronization

/// The throw-away cluster of this test process: started by the first test that needs it, gone with the process.
public actor TestCluster {
    public static let shared = TestCluster()

    /// Name of the database that every test database is a copy of: migrated, empty.
    static let template = "nimb_template"
    /// Who owns the tables of the test databases.
    static let owner = "nimb_owner"
    /// Tests that may hold a database at the same time: enough to keep two cores busy, few enough that a call with a
    /// deadline is not kept waiting by everybody else's queries.
    static let concurrentDatabases = 8

    private var starting: Task<PrivateCluster, any Error>?
    private var preparing: Task<PostgresPool, any Error>?
    private var free = TestCluster.concurrentDatabases
    private var waiting: [CheckedContinuation<Void, Never>] = []
    private var made = 0
    private var dropping: Task<Void, Never>?

    /// The running cluster.
    public func cluster() async throws -> PrivateCluster {
        let task = starting ?? Task { try await Self.start() }
        starting = task
        return try await task.value
    }

    /// Connections to the maintenance database `postgres`, once the template is ready.
    private func administration() async throws -> PostgresPool {
        let task =
            preparing
            ?? Task {
                let cluster = try await cluster()
                let pool = PostgresPool(
                    PostgresOptions(url: cluster.url(), applicationName: "tests"), maximumConnections: 2,
                    acquireTimeout: .seconds(300))
                // A plain owner, as in production: a superuser would walk past the policies. It may make the role of
                // the management API; its own sessions work for all tenants.
                try await pool.withConnection {
                    try $0.script(
                        """
                        create role \(Self.owner) login createrole;
                        alter role \(Self.owner) set nimb.scope = 'system';
                        """)
                    try $0.script("create database \(Self.template) owner \(Self.owner)")
                }
                let migrating = PostgresPool(
                    PostgresOptions(url: cluster.url(database: Self.template, user: Self.owner)), maximumConnections: 1)
                try await MigrationRunner(pool: migrating).run()
                await migrating.close()
                return pool
            }
        preparing = task
        return try await task.value
    }

    func makeDatabase(migrated: Bool) async throws -> TestDatabase {
        if free > 0 {
            free -= 1
        } else {
            await withCheckedContinuation { waiting.append($0) }
        }
        do {
            let administration = try await administration()
            made += 1
            let name = "test_\(made)"
            let template = migrated ? Self.template : "template0"
            try await administration.withConnection {
                try $0.script("create database \(name) template \(template) owner \(Self.owner)")
            }
            return TestDatabase(name: name, url: try await cluster().url(database: name, user: Self.owner))
        } catch {
            leave()
            throw error
        }
    }

    /// Dropping forces a checkpoint, so it happens behind the tests, one at a time; what is left at the end goes
    /// with the cluster.
    func drop(_ database: TestDatabase) async {
        await database.pool.close()
        leave()
        let earlier = dropping
        let name = database.name
        dropping = Task {
            await earlier?.value
            guard let administration = try? await administration() else { return }
            try? await administration.withConnection { try $0.script("drop database if exists \(name) with (force)") }
        }
    }

    private func leave() {
        if waiting.isEmpty { free += 1 } else { waiting.removeFirst().resume() }
    }

    // MARK: Starting and cleaning up

    private static let prefix = "nimb-test-cluster-"

    private static func start() async throws -> PrivateCluster {
        removeLeftovers()
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("\(prefix)\(getpid())")
        let cluster = try await PrivateCluster.start(
            directory: folder, durability: .throwAway, maximumConnections: 300)
        running.withLock { $0 = (cluster.serverProcess, folder.path) }
        atexit { TestCluster.endWithProcess() }
        return cluster
    }

    private static let running = Mutex<(process: pid_t, folder: String)?>(nil)

    private static func endWithProcess() {
        guard let (process, folder) = running.withLock({ $0 }) else { return }
        kill(process, SIGQUIT)
        var status: Int32 = 0
        waitpid(process, &status, 0)
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// Folders of test processes that were killed before they could clean up.
    private static func removeLeftovers() {
        let temporary = FileManager.default.temporaryDirectory
        for name in (try? FileManager.default.contentsOfDirectory(atPath: temporary.path)) ?? [] {
            guard name.hasPrefix(prefix), let owner = pid_t(name.dropFirst(prefix.count)), kill(owner, 0) != 0,
                errno == ESRCH
            else { continue }
            try? FileManager.default.removeItem(at: temporary.appendingPathComponent(name))
        }
    }
}
