import AdModel
import Foundation
import Jobs
import Logging
import ManagementAPI
import Outbound
import Postgres
import Store
import Telemetry

/// Sets the demo retailer up through the management API: his shop, people, feeds and campaigns. Ended anywhere, the next
/// run goes on.
struct DemoSetup {
    let home: URL
    let shopPort: Int
    let database: PostgresOptions
    /// System scope.
    let pool: PostgresPool
    let clock: @Sendable () -> Timestamp
    /// Lines of `dev.env` beside the secrets.
    let addresses: [String]

    private var shop: String { DemoAddresses.shop(port: shopPort) }
    private var folder: URL { home.appendingPathComponent("demo") }
    /// Where the shop's feeds are published from.
    static func feeds(below home: URL) -> URL { home.appendingPathComponent("demo/feeds") }
    private var environmentFile: URL { home.appendingPathComponent("dev.env") }
    /// Written last; holds the shop's address.
    private var doneFile: URL { folder.appendingPathComponent("done") }

    /// Does nothing when an earlier start has come to the end.
    func run() async throws {
        if let made = try? String(contentsOf: doneFile, encoding: .utf8) {
            guard made == shop else {
                throw Refusal(
                    "this demo was set up with its shop at \(made); start with that --shop-port, or delete "
                        + "\(home.path) and start again.")
            }
            return
        }
        Console.warn("nimb dev: setting up the demo retailer; Ctrl-C ends it, the next start goes on")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let today = try day()
        let environment = try await secrets()
        do {
            try await TemporaryAPI.run(
                database: database, key: environment, outbound: OutboundPolicy(allowedHosts: ["localhost"]),
                clock: clock
            ) { client in
                try await seed("demo-shop.yaml", "shop, brands, advertisers, keys", client, today)
                try await people()
                try await feeds(client, today)
                try await codes(client)
                try await campaigns(client, today)
            }
        } catch let error as SeedError {
            throw Refusal(
                "\(error.description)\nThe demo is set up only in part; delete \(home.path) to start afresh.")
        }
        try Data(shop.utf8).write(to: doneFile, options: .atomic)
    }

    // MARK: Steps

    /// The day of the first start, which `today` means in the files also when a later start goes on.
    private func day() throws -> Day {
        let file = folder.appendingPathComponent("begun")
        if let text = try? String(contentsOf: file, encoding: .utf8), let day = Day(text) { return day }
        let zone = TimeZone(identifier: "Europe/Moscow") ?? .gmt
        let day = SeedRunner.day(of: clock(), in: zone)
        try Data("\(day)".utf8).write(to: file, options: .atomic)
        return day
    }

    /// The retailer's key. A key whose secret an interrupted start has lost is made anew.
    private func secrets() async throws -> String {
        var environment = DemoEnvironment(file: environmentFile)
        let seeded = try SeedRunner.read(DataFiles.url("demo-shop.yaml"))["api_keys"]?.items ?? []
        let lost = seeded.compactMap { $0["id"]?.text }.filter { environment[DemoEnvironment.key($0)] == nil }
        _ = try await pool.transaction { db in
            try db.query("delete from api_key where code = any($1)", [.textArray(lost)])
        }
        if let known = environment[DemoEnvironment.key("retailer")] { return known }
        let made = try await BootstrapKey.make(name: "nimb dev", lifetime: nil, pool: pool, clock: clock)
        try environment.keep(made.text, as: DemoEnvironment.key("retailer"), addresses: addresses)
        return made.text
    }

    private func seed(
        _ name: String, _ what: String, _ client: ManagementClient, _ today: Day,
        rewrite: (String) -> String = { $0 }
    ) async throws {
        let (file, addresses, shop) = (environmentFile, addresses, shop)
        let telling = DemoProgress(what)
        let report = try await SeedRunner.apply(
            DataFiles.url(name), to: client, today: today, clock: clock,
            rewrite: { rewrite($0.replacing(DemoAddresses.shipped, with: shop)) },
            onKey: { id, secret in
                var environment = DemoEnvironment(file: file)
                try environment.keep(secret, as: DemoEnvironment.key(id), addresses: addresses)
            },
            progress: { _ in telling.tell() })
        telling.finish("\(report.created) made")
    }

    /// Campaigns that are paused have begun before, as those of a real shop have.
    private func campaigns(_ client: ManagementClient, _ today: Day) async throws {
        let name = "demo-campaigns.yaml"
        try await seed(name, "campaigns, with their pictures, through moderation", client, today) {
            $0.replacing("state: paused", with: "state: active")
        }
        _ = try await CampaignSchedule.run(pool: pool, now: clock())
        for campaign in try SeedRunner.read(DataFiles.url(name))["campaigns"]?.items ?? []
        where campaign["state"]?.text == "paused" {
            let address = "/v1/campaigns/\(ManagementClient.step(campaign["id"]?.text ?? ""))"
            let current = try await client.get(address)
            guard current.text("state") == "active" else { continue }
            let answer = try await client.post("\(address)/pause", match: current.etag)
            guard answer.status == 200 else { throw Refusal("\(address) was not paused: \(answer.json.canonicalText)") }
        }
    }

    private func people() async throws {
        var environment = DemoEnvironment(file: environmentFile)
        for user in DemoUser.all where environment[DemoEnvironment.password(user.id)] == nil {
            let password = DemoUser.password()
            try await user.ensure(password: password, pool: pool, now: clock())
            try environment.keep(password, as: DemoEnvironment.password(user.id), addresses: addresses)
        }
    }

    /// Publishes the feeds where the shop will, names them to the API and has them fetched as a worker does.
    private func feeds(_ client: ManagementClient, _ today: Day) async throws {
        let catalogue = try DemoCatalogue.shipped()
        let published = Self.feeds(below: home)
        try FileManager.default.createDirectory(at: published, withIntermediateDirectories: true)
        var files: [String: Data] = [:]
        for region in DemoRegion.allCases {
            let feed = catalogue.feed(of: region, shop: shop)
            try feed.write(to: published.appendingPathComponent("\(region.rawValue).xml"), options: .atomic)
            files["/shop/feeds/\(region.rawValue).xml"] = feed
        }
        let telling = DemoProgress("catalogue")
        try await FeedHost.run(port: shopPort, files: files) {
            try await seed("demo-feeds.yaml", "feeds of three regions", client, today)
            // A start that was ended in the middle of a fetch still holds its feed; nobody else works here.
            _ = try await pool.transaction { db in
                try db.query("update feed set claimed_until = 'epoch' where claimed_until is not null")
            }
            let logger = Logger(label: "nimb.dev.feeds", factory: { _ in SwiftLogNoOpLogHandler() })
            try await FeedJob(
                pool: pool, client: OutboundClient(policy: OutboundPolicy(allowedHosts: ["localhost"])), clock: clock,
                metrics: MetricsRegistry(), logger: logger, importer: FeedImports.importer(pool, clock: clock)
            ).run()
        }
        for region in DemoRegion.allCases {
            let runs = try await client.get("/v1/feeds/\(region.rawValue)/runs?limit=1")
            guard case .array(let items)? = runs["items"], case .object(let run)? = items.first,
                run["status"] == .string("imported") || run["status"] == .string("unchanged")
            else { throw Refusal("the feed of \(region.rawValue) was not imported: \(runs.json.canonicalText)") }
        }
        telling.finish("\(catalogue.products.count) products in \(files.count) regions")
    }

    /// Which code of goods each category has, so that campaigns get suggestions.
    private func codes(_ client: ManagementClient) async throws {
        let telling = DemoProgress("codes of goods of the categories")
        for second in try DemoWords.shipped().tops.flatMap(\.seconds) {
            for (id, code) in [(second.id, second.kktu)] + second.leaves.map({ ($0.id, $0.kktu) }) {
                let answer = try await client.put("/v1/category-kktu/\(id)", ["kktu": .string(code)])
                guard answer.status == 200 else {
                    throw Refusal("category \(id) does not take the code \(code): \(answer.json.canonicalText)")
                }
                telling.tell()
            }
        }
        telling.finish("done")
    }
}
