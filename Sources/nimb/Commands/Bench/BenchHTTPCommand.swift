import ArgumentParser
import Foundation
import Logging
import Postgres
import PrivatePostgres
import Store

/// `nimb bench http`: whole requests over HTTP against the bare responder (goals G1, G3 and G5).
struct BenchHTTPCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "http", abstract: "Whole decisions and events over HTTP, as ratios to a bare SwiftNIO responder.",
        discussion: """
            Builds a shop in a throw-away cluster, then drives the shipped server on core 0 from core 1, in rotation with \
            the bare responder: 32 keep-alive connections, the same POST for both, every request another shopper and \
            context. The second part offers each server half of its own maximum at fixed instants and counts latency \
            from the instant a request was due. The third compares durable events with the same server without a log.
            """)

    @Option(help: "Live line items.")
    var lines = 10_000
    @Option(help: "Distinct requests.")
    var requests = 100_000
    @Option(help: "Rounds of the rotation.")
    var rounds = 7
    @Option(help: "Seconds of one round of one contestant.")
    var seconds = 2.0
    @Option(help: "Connections.")
    var connections = 32

    func run() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("nimb-bench-\(getpid())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let logger = Logger(label: "nimb.bench") { _ in SwiftLogNoOpLogHandler() }
        Console.warn("building a shop of \(lines) line items")
        let cluster = try await PrivateCluster.start(
            directory: folder.appendingPathComponent("postgres"), durability: .throwAway, logger: logger)
        do {
            try await measure(folder, cluster)
        } catch {
            await cluster.stop()
            throw error
        }
        await cluster.stop()
    }

    private func measure(_ folder: URL, _ cluster: PrivateCluster) async throws {
        let options = PostgresOptions(
            url: cluster.url(), applicationName: "nimb bench", statementTimeout: .seconds(600))
        let pool = PostgresPool(options, maximumConnections: 1)
        _ = try await MigrationRunner(pool: pool).run()
        let script = BenchWorld(lineItems: lines).script
        try await pool.withConnection { try $0.script(script) }
        await pool.close()

        let secrets = folder.appendingPathComponent("secrets").path
        try SecretsFile.make(secrets)
        func node(_ name: String, port: Int) -> [String] {
            [
                "--data", folder.appendingPathComponent(name).path, "--secrets", secrets, "--port", "\(port)",
                "--management-port", "\(port + 1)", "--media-port", "\(port + 2)", "--loops", "1",
                "--database-url", cluster.url(),
            ]
        }
        let nimb = try BenchProcess(["serve"] + node("serve", port: 18_080), port: 18_080, core: 0)
        defer { nimb.stop() }
        let unlogged = try BenchProcess(
            ["bench", "server", "unlogged", "--node", "2"] + node("unlogged", port: 18_090), port: 18_090, core: 0)
        defer { unlogged.stop() }
        try pinSelf(core: 1)

        let stream = BenchRequests(count: requests, connections: connections)
        let filled = try stream.sample(port: nimb.port, count: 1_000)
        let bare = try BenchProcess(
            ["bench", "server", "bare", "--port", "18070", "--body-bytes", "\(filled.medianBytes)"], port: 18_070,
            core: 0)
        defer { bare.stop() }
        Console.say(
            "1,000 sampled answers: \(filled.slotsFilled * 100 / max(1, filled.slots)) % of slots filled, median \(filled.medianBytes) bytes"
        )
        try throughput(nimb, bare, stream)
        try latency(nimb, bare, stream)
        try durability(nimb, unlogged, stream)
    }

    private func throughput(_ nimb: BenchProcess, _ bare: BenchProcess, _ stream: BenchRequests) throws {
        var cores: [Double] = []
        func round(_ server: BenchProcess) throws -> Double {
            let before = server.cpuSeconds
            let outcome = try stream.generator(port: server.port).closedLoop(seconds: seconds)
            cores.append((server.cpuSeconds - before) / outcome.seconds)
            return outcome.perSecond
        }
        let summary = try Rotation(
            rounds: rounds,
            contestants: [.init(name: "bare") { try round(bare) }, .init(name: "nimb") { try round(nimb) }]
        ).run()
        let ratio = summary.ratio("nimb", to: "bare")
        Console.say("whole decisions: \(Int(summary.median("nimb")))/s, bare \(Int(summary.median("bare")))/s")
        report(
            "G1", ratio.median, 0.50, 0.70, ratio.least, ratio.greatest, "bare-nio",
            isValid: cores.allSatisfy { $0 >= 0.97 })
    }

    private func latency(_ nimb: BenchProcess, _ bare: BenchProcess, _ stream: BenchRequests) throws {
        let bystanders = Bystanders(beside: [nimb.pid, bare.pid])
        let generator = { (server: BenchProcess) in stream.generator(port: server.port) }
        let rates = [
            "nimb": try generator(nimb).closedLoop(seconds: seconds).perSecond / 2,
            "bare": try generator(bare).closedLoop(seconds: seconds).perSecond / 2,
        ]
        func round(_ name: String, _ server: BenchProcess) throws -> Double {
            let outcome = try generator(server).openLoop(seconds: seconds, perSecond: rates[name] ?? 1)
            return Double(outcome.quantile(0.99))
        }
        let summary = try Rotation(
            rounds: rounds,
            contestants: [
                .init(name: "bare") { try round("bare", bare) }, .init(name: "nimb") { try round("nimb", nimb) },
            ]
        ).run()
        let ratio = summary.ratio("nimb", to: "bare")
        Console.say(
            "p99 at half of the own maximum: \(Int(summary.median("nimb"))) us, bare \(Int(summary.median("bare"))) us")
        report("G3", ratio.median, 4, 2, ratio.least, ratio.greatest, "bare-nio p99", isValid: bystanders.wereQuiet)
    }

    private func durability(_ nimb: BenchProcess, _ unlogged: BenchProcess, _ stream: BenchRequests) throws {
        let bystanders = Bystanders(beside: [nimb.pid, unlogged.pid])
        var added: [Double] = []
        var p99: [String: Double] = [:]
        func round(_ name: String, _ server: BenchProcess) throws -> Double {
            let outcome = try stream.events(port: server.port).closedLoop(seconds: seconds)
            p99[name] = Double(outcome.quantile(0.99))
            if name == "logged" { added.append((p99["logged"] ?? 0) - (p99["unlogged"] ?? 0)) }
            return outcome.perSecond
        }
        let summary = try Rotation(
            rounds: rounds,
            contestants: [
                .init(name: "unlogged") { try round("unlogged", unlogged) },
                .init(name: "logged") { try round("logged", nimb) },
            ]
        ).run()
        let ratio = summary.ratio("logged", to: "unlogged")
        Console.say(
            "durable events: \(Int(summary.median("logged")))/s, without a log \(Int(summary.median("unlogged")))/s, "
                + "added p99 \(Int(Rotation.Summary.median(added))) us")
        report("G5", ratio.median, 0.7, 0.9, ratio.least, ratio.greatest, "log off", isValid: bystanders.wereQuiet)
    }

    private func report(
        _ goal: String, _ value: Double, _ floor: Double, _ aim: Double, _ least: Double, _ greatest: Double,
        _ yardstick: String, isValid: Bool
    ) {
        Console.say(
            BenchGoalLine(
                goal: goal, value: value, floor: floor, aim: aim, least: least, greatest: greatest, rounds: rounds,
                yardstick: yardstick, isValid: isValid
            ).json)
    }

    private func pinSelf(core: Int) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/taskset")
        process.arguments = ["-a", "-cp", "\(core)", "\(getpid())"]
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
    }
}
