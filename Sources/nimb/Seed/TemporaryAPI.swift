import AdModel
import Foundation
import Logging
import ManagementAPI
import ORD
import Outbound
import Postgres
import Store

/// The management API of an installation that is not running, on a loopback port, for as long as something needs it.
enum TemporaryAPI {
    /// - Parameters:
    ///   - key: of a retailer's admin.
    ///   - outbound: which foreign addresses may be stored.
    static func run<R: Sendable>(
        database: PostgresOptions, key: String, outbound: OutboundPolicy = .publicOnly,
        clock: @escaping @Sendable () -> Timestamp = SystemClock.now, _ work: (ManagementClient) async throws -> R
    ) async throws -> R {
        var services = ManagementServices(database: database, clock: clock)
        services.formats = try AdFormatLoader.load(extra: nil)
        services.kktu = try KKTUDictionary(csv: Data(contentsOf: DataFiles.url("kktu.csv")))
        services.limits = RateLimits(actor: 1_000_000, network: 1_000_000)
        services.outbound = outbound
        let (ports, announce) = AsyncStream.makeStream(of: Int.self)
        let server = ManagementServer(
            options: ListenerOptions(port: 0), services: services, metrics: { "" },
            logger: Logger(label: "nimb.seed", factory: { _ in SwiftLogNoOpLogHandler() }),
            onRunning: { announce.yield($0) })
        let running = Task {
            defer { announce.finish() }
            try await server.run()
        }
        var iterator = ports.makeAsyncIterator()
        let result: Result<R, any Error>
        if let port = await iterator.next() {
            do {
                result = .success(try await work(ManagementClient(base: "http://127.0.0.1:\(port)", key: key)))
            } catch { result = .failure(error) }
            running.cancel()
            _ = await running.result
        } else {
            result = await running.result.flatMap { _ in .failure(Refusal("the management API did not start.")) }
        }
        await services.pool.close()
        return try result.get()
    }
}
