import ArgumentParser
import Foundation
import Logging
import Postgres
import PrivatePostgres
import Profiles
import Store

/// `nimb bench http`: whole requests over HTTP against the bare responder (goals G1, G3 and G5).
struct BenchHTTPCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "http", abstract: "Whole decisions and events over HTTP, as ratios to a bare SwiftNIO responder.",
        discussion: """
            Builds a shop in a throw-away cluster, gives a million shoppers a profile, then drives the shipped server on \
            core 0 from core 1, in rotation with the bare responder: 32 keep-alive connections, the same POST for both, \
            every request another shopper and context; 1,000 answers are decided again by asking every line item. The \
            second part offers each server half of its own maximum at fixed instants and counts latency from the \
            instant a request was due, the third does so while the index is built anew. The fourth compares durable \
            events with the same server without a log, the last counts allocations.
            """)

    @Option(help: "Live line items.")
    var lines = 10_000
    @Option(help: "Distinct requests.")
    var requests = 100_000
    @Option(help: "Rounds of the rotation.")
    var rounds = 7
    @Option(help: "Seconds of one round of one contestant: long beside its opening of connections.")
    var seconds = 4.0
    @Option(help: "Connections.")
    var connections = 32
    @Option(help: "GeoIP database of the server; without the file requests declare their region.")
    var geoip = "Tests/GeoIPTests/Data/synthetic-RU-regions-City.mmdb"
    @Flag(help: "Only the first part: whole decisions a second.")
    var onlyThroughput = false

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
        let pool = PostgresPool(options, maximumConnections: 2)
        _ = try await MigrationRunner(pool: pool).run()
        let script = BenchWorld(lineItems: lines).script
        try await pool.withConnection { try $0.script(script) }

        let secrets = folder.appendingPathComponent("secrets").path
        try SecretsFile.make(secrets)
        let geoip = FileManager.default.fileExists(atPath: geoip) ? geoip : nil
        func node(_ name: String, port: Int) -> [String] {
            [
                "--data", folder.appendingPathComponent(name).path, "--secrets", secrets, "--port", "\(port)",
                "--management-port", "\(port + 1)", "--media-port", "\(port + 2)", "--loops", "1",
                "--database-url", cluster.url(),
            ] + (geoip.map { ["--geoip", $0, "--trusted-proxies", "127.0.0.1"] } ?? [])
        }
        let nimb = try BenchProcess(["serve"] + node("serve", port: 18_080), port: 18_080, core: 0)
        defer { nimb.stop() }
        try pinSelf(core: 1)

        let stream = BenchRequests(
            count: requests, connections: connections, addresses: geoip == nil ? [] : BenchAddresses.all)
        Console.warn("giving \(BenchRequests.shoppers) shoppers a profile")
        let before = nimb.residentBytes
        try stream.makeProfiles(port: nimb.port)
        let profileBytes = nimb.residentBytes - before
        let agreement = try await DecisionAgreement.load(
            pool, secrets: try SecretsFile.load(secrets, create: false), geoip: geoip)
        let sample = try stream.sample(port: nimb.port, count: 1_000, check: agreement)
        Console.say(
            "\(sample.answers) sampled answers: \(sample.slotsFilled * 100 / max(1, sample.slots)) % of slots filled, "
                + "median \(sample.medianBytes) bytes, \(sample.agreeing) as decided again by asking every line item")
        Console.say(
            "\(lines) line items, \(BenchRequests.shoppers) profiles in \(profileBytes / 1_000_000) MB, "
                + (geoip == nil ? "regions declared" : "regions by GeoIP"))
        let isSound =
            sample.agreeing == sample.answers && sample.slotsFilled * 10 >= sample.slots * 9 && geoip != nil
            && profileBytes >= BenchRequests.shoppers * MemoryLayout<Profile>.size
        let bareArguments = ["bench", "server", "bare", "--body-bytes", "\(sample.medianBytes)"]
        let bare = try BenchProcess(bareArguments + ["--port", "18070"], port: 18_070, core: 0)
        defer { bare.stop() }
        try throughput(nimb, bare, stream, isSound: isSound)
        if !onlyThroughput {
            try latency(nimb, bare, stream)
            try reload(nimb, stream, pool)
            let unlogged = try BenchProcess(
                ["bench", "server", "unlogged", "--node", "2"] + node("unlogged", port: 18_090), port: 18_090, core: 0)
            defer { unlogged.stop() }
            try durability(nimb, unlogged, stream)
            try allocations(folder, bareArguments, node("counted", port: 18_100) + ["--node", "3"], stream)
        }
        await pool.close()
    }

    private func throughput(
        _ nimb: BenchProcess, _ bare: BenchProcess, _ stream: BenchRequests, isSound: Bool
    ) throws {
        var share = 1.0
        var shares: [String] = []
        func round(_ server: BenchProcess) throws -> Double {
            let before = server.cpuSeconds
            let outcome = try stream.generator(port: server.port).closedLoop(seconds: seconds)
            share = (server.cpuSeconds - before) / outcome.seconds
            shares.append("\(Int(share * 100))")
            return outcome.perSecond
        }
        let summary = try Rotation(
            rounds: rounds,
            contestants: [.init(name: "bare") { try round(bare) }, .init(name: "nimb") { try round(nimb) }],
            isUndisturbed: { share >= 0.97 }
        ).run()
        let ratio = summary.ratio("nimb", to: "bare")
        Console.say(
            "whole decisions: \(Int(summary.median("nimb")))/s, bare \(Int(summary.median("bare")))/s; "
                + "\(summary.dropped) rounds dropped in which a server had less than 97 % of its core "
                + "(\(shares.joined(separator: " ")))")
        let isValid = isSound && summary.figures["nimb"]?.count == rounds && summary.dropped < 3 * rounds
        report("G1", ratio.median, 0.50, 0.70, ratio.least, ratio.greatest, "bare-nio", isValid: isValid)
        report(
            "G2", ratio.median * 100, 50, 70, ratio.least * 100, ratio.greatest * 100,
            "Revive Adserver at 0.01 x bare-nio", isValid: isValid)
    }

    /// Latency while something changes that numbers the index, so that it is built anew again and again.
    private func reload(_ nimb: BenchProcess, _ stream: BenchRequests, _ pool: PostgresPool) throws {
        let bystanders = Bystanders(beside: [nimb.pid])
        let rate = try stream.generator(port: nimb.port).closedLoop(seconds: seconds).perSecond / 2
        func round(changing: Bool) throws -> Double {
            let changes =
                changing
                ? Task.detached {
                    while !Task.isCancelled {
                        try await pool.withConnection {
                            try $0.script(
                                "insert into stock_location (code, name) values ('new-\(UInt64.random(in: 0...(.max)))', 'Новый')"
                            )
                        }
                        try await Task.sleep(for: .milliseconds(200))
                    }
                } : nil
            defer { changes?.cancel() }
            return Double(
                try stream.generator(port: nimb.port).openLoop(seconds: seconds, perSecond: rate).quantile(0.99))
        }
        let summary = try Rotation(
            rounds: rounds,
            contestants: [
                .init(name: "calm") { try round(changing: false) },
                .init(name: "reloading") { try round(changing: true) },
            ]
        ).run()
        let ratio = summary.ratio("reloading", to: "calm")
        Console.say(
            "p99 while the index is built anew: \(Int(summary.median("reloading"))) us, else "
                + "\(Int(summary.median("calm"))) us")
        report(
            "G3-reload", ratio.median, 2, 1.2, ratio.least, ratio.greatest, "the same server without a reload",
            isValid: bystanders.wereQuiet)
    }

    /// Allocations of a whole request, by a counter preloaded into servers of their own.
    private func allocations(
        _ folder: URL, _ bareArguments: [String], _ serveArguments: [String], _ stream: BenchRequests
    ) throws {
        func perRequest(_ name: String, _ arguments: [String], port: Int) throws -> Double {
            let counter = try AllocationCounter(in: folder, name: name)
            let server = try BenchProcess(arguments, port: port, core: 0, environment: counter.environment)
            defer { server.stop() }
            let generator = stream.generator(port: port)
            // Working memory grows to its size first.
            _ = try generator.closedLoop(seconds: 3)
            let before = counter.count
            let outcome = try generator.closedLoop(seconds: seconds)
            return Double(counter.count - before) / Double(outcome.answered)
        }
        let bare = try perRequest("bare", bareArguments + ["--port", "18110"], port: 18_110)
        let nimb = try perRequest("nimb", ["serve"] + serveArguments, port: 18_100)
        Console.say(
            "allocations of a request: \(nimb.formatted(.number.precision(.fractionLength(1)))), bare \(bare.formatted(.number.precision(.fractionLength(1))))"
        )
        report("G9", nimb, 11, 2, nimb, nimb, "bare-nio \(Int(bare.rounded()))", isValid: true)
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
