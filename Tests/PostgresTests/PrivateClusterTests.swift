import Foundation
import Glibc
import Postgres
import PrivatePostgres
import TestKit
import Testing

@Suite("a private cluster")
struct PrivateClusterTests {
    private func number(_ cluster: PrivateCluster, _ sql: String) async throws -> Int {
        let pool = PostgresPool(PostgresOptions(url: cluster.url()), maximumConnections: 1)
        let value = try await pool.withConnection { try $0.query(sql).single().int(0) }
        await pool.close()
        return value
    }

    private func script(_ cluster: PrivateCluster, _ sql: String) async throws {
        let pool = PostgresPool(PostgresOptions(url: cluster.url()), maximumConnections: 1)
        try await pool.withConnection { try $0.script(sql) }
        await pool.close()
    }

    @Test func keepsItsDataOverStopAndCrashAndThePoolRecovers() async throws {
        let folder = try Repository.temporaryFolder("cluster")
        defer { try? FileManager.default.removeItem(at: folder) }
        var cluster = try await PrivateCluster.start(directory: folder, durability: .throwAway)
        let pool = PostgresPool(PostgresOptions(url: cluster.url()), maximumConnections: 2)
        try await pool.withConnection { try $0.script("create table t (a int); insert into t values (1)") }
        await cluster.stop()
        let refused = await #expect(throws: PostgresError.self) {
            try await pool.withConnection { try $0.query("select * from t").count }
        }
        #expect(refused?.isRetryable == true)
        cluster = try await PrivateCluster.start(directory: folder, durability: .throwAway)
        #expect(try await pool.withConnection { try $0.query("select * from t").count } == 1)
        // A crash leaves the pid file behind; the next start recovers.
        kill(cluster.serverProcess, SIGKILL)
        let dead = cluster
        try await eventually("the server is dead") { kill(dead.serverProcess, 0) != 0 || !isRunning(dead) }
        cluster = try await PrivateCluster.start(directory: folder, durability: .throwAway)
        let url = cluster.url()
        try await eventually("the pool works again") {
            (try? await pool.withConnection { try $0.query("select * from t").count }) == 1
        }
        #expect(url == cluster.url())
        await pool.close()
        await cluster.stop()
        await dead.stop()
    }

    private func isRunning(_ cluster: PrivateCluster) -> Bool {
        guard let status = try? String(contentsOfFile: "/proc/\(cluster.serverProcess)/stat", encoding: .utf8) else {
            return false
        }
        return !status.contains(") Z ")
    }

    @Test func worksBehindAPathTooLongForASocket() async throws {
        let base = try Repository.temporaryFolder("long")
        defer { try? FileManager.default.removeItem(at: base) }
        let folder = base.appendingPathComponent(String(repeating: "длинный-", count: 10)).appendingPathComponent("x y")
        let cluster = try await PrivateCluster.start(directory: folder, durability: .throwAway)
        #expect(try await number(cluster, "select 7") == 7)
        await cluster.stop()
        #expect(cluster.socketFolder.utf8.count < 93)
        // A socket folder outside of the cluster's own goes with the server.
        if cluster.socketFolder.hasPrefix("/tmp/nimb-") {
            #expect(!FileManager.default.fileExists(atPath: cluster.socketFolder))
        }
    }

    @Test func isReachableOnlyThroughItsSocket() async throws {
        let cluster = try await TestCluster.shared.cluster()
        #expect(
            try await number(
                cluster, "select count(*) from pg_settings where name = 'listen_addresses' and setting = ''")
                == 1)
        let attributes = try FileManager.default.attributesOfItem(atPath: cluster.socketFolder)
        #expect((attributes[.posixPermissions] as? Int).map { $0 & 0o077 } == 0)
    }

    @Test func refusesAFolderThatAnotherServerUses() async throws {
        let folder = try Repository.temporaryFolder("busy")
        defer { try? FileManager.default.removeItem(at: folder) }
        let cluster = try await PrivateCluster.start(directory: folder, durability: .throwAway)
        let error = await #expect(throws: PrivateClusterError.self) {
            try await PrivateCluster.start(
                directory: folder, durability: .throwAway, patience: .milliseconds(100))
        }
        #expect(error?.code == "already_running")
        #expect(try await number(cluster, "select 1") == 1)
        await cluster.stop()
    }

    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/openssl")))
    func theConnectionStringDecidesAboutTLS() async throws {
        let folder = try Repository.temporaryFolder("tls")
        defer { try? FileManager.default.removeItem(at: folder) }
        // The first start makes the data folder, whose owner must own the key too.
        await (try await PrivateCluster.start(directory: folder, durability: .throwAway)).stop()
        let data = folder.appendingPathComponent("data").path
        let made = try ChildProcess(
            URL(fileURLWithPath: "/usr/bin/openssl"),
            [
                "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                "-addext", "subjectAltName=DNS:localhost", "-keyout", data + "/k.pem", "-out", data + "/c.pem",
            ])
        #expect(try await made.exit() == 0)
        var owner = stat()
        #expect(stat(data, &owner) == 0)
        for name in ["k.pem", "c.pem"] {
            #expect(chown("\(data)/\(name)", owner.st_uid, owner.st_gid) == 0)
            #expect(chmod("\(data)/\(name)", 0o600) == 0)
        }
        let certificate = folder.appendingPathComponent("root.pem")
        try FileManager.default.copyItem(atPath: data + "/c.pem", toPath: certificate.path)
        let port = try FreePort.find()
        let cluster = try await PrivateCluster.start(
            directory: folder, durability: .throwAway,
            settings: [
                "listen_addresses": "127.0.0.1", "port": "\(port)", "ssl": "on", "ssl_cert_file": "c.pem",
                "ssl_key_file": "k.pem",
            ])
        func usesTLS(_ mode: String) async throws -> Bool {
            let url = "postgresql://postgres@localhost:\(port)/postgres?hostaddr=127.0.0.1&sslmode=\(mode)"
            let pool = PostgresPool(PostgresOptions(url: url), maximumConnections: 1)
            return try await pool.withConnection { connection in
                try connection.query("select ssl from pg_stat_ssl where pid = pg_backend_pid()").single().bool(0)
            }
        }
        #expect(try await usesTLS("require"))
        #expect(try await !usesTLS("disable"))
        #expect(try await usesTLS("verify-full&sslrootcert=\(certificate.path)"))
        // A certificate that nobody vouches for is refused.
        let error = await #expect(throws: PostgresError.self) {
            try await usesTLS("verify-full&sslrootcert=/etc/ssl/certs/ca-certificates.crt")
        }
        #expect(error?.code == "cannot_connect")
        await cluster.stop()
    }
}
