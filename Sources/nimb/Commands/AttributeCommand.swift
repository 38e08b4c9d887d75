import ArgumentParser
import Attribution
import Glibc

/// `nimb attribute`: recomputes credits from files, for anyone who wants to check a ledger.
struct AttributeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "attribute", abstract: "Recompute attribution credits from CSV files.",
        discussion: """
            Same rows give the same bytes. Files are CSV with a header, columns in any order. A file that \
            contradicts itself is refused with its line, and then there is no output file.
            """)

    @Option(
        help: "touch_id,shopper_id,occurred_at,kind,advertiser_id,campaign_id,line_item_id,promoted_skus")
    var touches: String
    @Option(help: "order_id,line_no,shopper_id,ordered_at,channel,sku,units,net_amount_micros")
    var lines: String
    @Option(help: "sku,group_id,brand_id,category_id")
    var products: String
    @Option(
        help: "campaign_id,advertiser_id,brand_ids,listed_skus,listed_categories,valid_from,valid_to")
    var campaigns: String?
    @Option(help: "alias,brand_id,valid_from,valid_to")
    var brands: String?
    @Option(help: "advertiser_id,brand_id,valid_from,valid_to")
    var grants: String?
    @Option(help: "visitor_id,customer_id,linked_at")
    var links: String?
    @Option(help: "adjustment_id,order_id,line_no,occurred_at,kind,units,amount_micros")
    var adjustments: String?
    @Option(help: "order_id,line_no,touch_id,kind,occurred_at,level: compete without earning a row.")
    var rivals: String?
    @Option(help: "Policy by name, such as default@1, or a JSON file that states one (its name ends in .json).")
    var policy: String
    @Option(help: "Where the credits go.")
    var out: String
    @Option(help: "Threads that read touches, 1...64; as many as there are cores when not given.")
    var threads: Int?
    @Flag(help: "No progress and no summary on standard error.")
    var quiet = false

    func validate() throws {
        if let threads, !(1...64).contains(threads) { throw ValidationError("--threads must be between 1 and 64") }
    }

    func run() async throws {
        let started = ContinuousClock.now
        var files: [AttributionTable: InputFile] = [:]
        let paths: [(AttributionTable, String?)] = [
            (.touches, touches), (.lines, lines), (.products, products), (.campaigns, campaigns), (.brands, brands),
            (.grants, grants), (.links, links), (.adjustments, adjustments), (.rivals, rivals),
        ]
        for (table, path) in paths {
            guard let path else { continue }
            let file = try InputFile(path)
            if file.isSame(as: out) { throw Refusal("--out \(out) is the file given as --\(table.rawValue)") }
            files[table] = file
        }
        // From here on a refused run must not leave the output of an earlier one behind.
        unlink(out)
        let policy = try rules()
        let say: (@Sendable (String) -> Void)? = quiet ? nil : { @Sendable text in Self.say(text) }
        if campaigns == nil { say?("no --campaigns: nothing can match as listed or brand") }
        if grants == nil { say?("no --grants: there is no halo") }
        let run = AttributeRun(
            files: files, policy: policy, threads: threads ?? min(max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))), 16),
            say: say)
        let (outcome, job): (AttributionJob.Outcome, AttributionJob)
        do { (outcome, job) = try await run.outcome() } catch let error as AttributionError {
            throw Refusal(run.describe(error))
        }
        try OutputFile.write(outcome.csv, to: out)
        if job.ignoredAdjustments > 0 { say?("\(job.ignoredAdjustments) adjustments name no line of the files") }
        if job.ignoredRivals > 0 { say?("\(job.ignoredRivals) rivals name no line of the files") }
        let elapsed = started.duration(to: .now).formatted
        say?(
            "\(outcome.touches) touches, \(job.lineCount) lines, \(outcome.rows) rows under \(policy.name) in \(elapsed)"
        )
    }

    private func rules() throws -> AttributionPolicy {
        guard policy.hasSuffix(".json") else {
            do { return try AttributionPolicy.preset(policy) } catch { throw Refusal(error.message) }
        }
        let file = try InputFile(policy)
        var bytes = [UInt8](repeating: 0, count: min(file.size, AttributionPolicy.documentLimit + 1))
        let descriptor = try file.open()
        defer { close(descriptor) }
        let count = try bytes.withUnsafeMutableBytes { try InputFile.read(descriptor, $0, policy) }
        do { return try AttributionPolicy.parse(json: Array(bytes[..<count])) } catch {
            throw Refusal("\(policy): \(error)")
        }
    }

    @Sendable private static func say(_ text: String) {
        var line = text + "\n"
        line.withUTF8 { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}

extension Duration {
    fileprivate var formatted: String {
        let hundredths = components.seconds * 100 + components.attoseconds / 10_000_000_000_000_000
        return "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100) s"
    }
}
