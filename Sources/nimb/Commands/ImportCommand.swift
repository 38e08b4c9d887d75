import AdModel
import ArgumentParser
import CatalogImport
import Foundation
import Postgres
import Store
import Synchronization

/// `nimb import feed FILE`: the catalogue of one location from a YML feed.
struct ImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Bring data of the shop in.", subcommands: [ImportFeedCommand.self])
}

struct ImportFeedCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "feed", abstract: "Replace the catalogue of one stock location by a full YML feed.",
        discussion: """
            All or nothing: bad offers are skipped and counted by reason; a feed that is not well-formed, or that would \
            take too much out of stock, changes nothing. Stock told later than the feed's date stays.
            """)

    @Argument(help: "The feed, UTF-8 or windows-1251.")
    var file: String

    @Option(help: "Code of the storefront that the feed belongs to.")
    var storefront: String

    @Option(help: "Code of the stock location whose assortment, stock and prices the feed tells.")
    var location: String

    @Option(help: "Refuse a feed that takes more than this share of what can be bought out of stock, 0 to 1.")
    var maxRemovedShare = "0.3"

    @Flag(help: "Report what would happen, change nothing.")
    var dryRun = false

    @OptionGroup var database: DatabaseOptions

    func run() async throws {
        guard let share = ExactDecimal.micros(maxRemovedShare), share <= 1_000_000 else {
            throw ValidationError("--max-removed-share must be a decimal from 0 to 1, like 0.3")
        }
        let pool = try database.pool(applicationName: "nimb import", maximumConnections: 1)
        let meter = ImportMeter()
        let report: FeedReport
        do {
            report = try await FeedImporter(catalogue: CatalogueStore(pool: pool)).run(
                file: URL(fileURLWithPath: file), storefront: storefront, location: location, removedShareLimit: share,
                now: Timestamp(micros: Int64(Date().timeIntervalSince1970 * 1_000_000)), dryRun: dryRun,
                progress: { meter.show($0) })
        } catch let error as FeedError {
            throw Refusal("\(file): \(error). Nothing was changed.")
        } catch let error as CatalogueError {
            throw Refusal("\(file): \(error). Nothing was changed.")
        }
        meter.end()
        await pool.close()
        for line in ImportFeedCommand.lines(report, dryRun: dryRun) { print(line) }
    }

    /// The report as it is printed.
    static func lines(_ report: FeedReport, dryRun: Bool) -> [String] {
        let change = report.change
        var lines = [
            "feed of \(report.date.rfc3339): \(report.tally.offers) offers, \(report.categories) categories",
            "\(dryRun ? "would accept" : "accepted") \(change.accepted) offers: \(change.productsCreated) new products, "
                + "\(change.productsChanged) changed, \(change.removed) now out of stock, "
                + "\(change.keptNewer) kept because their stock is newer than the feed",
        ]
        for (reason, count) in report.tally.bad.sorted(by: { $0.key < $1.key }) {
            lines.append("skipped \(count): \(reason)")
        }
        for (remark, count) in report.tally.remarks.sorted(by: { $0.key < $1.key }) {
            lines.append("note \(count): \(remark)")
        }
        if change.withoutCategory > 0 { lines.append("note \(change.withoutCategory): offer_without_known_category") }
        if change.lineItemsChanged > 0 {
            lines.append("\(change.lineItemsChanged) line items promote other products now")
        }
        if dryRun { lines.append("dry run: nothing was changed") }
        if let peak = ProcessMemory.peakBytes { lines.append("peak memory \(peak >> 20) MB") }
        return lines
    }
}

/// Shows progress on standard error: a moving line on a terminal, a line every five seconds elsewhere.
final class ImportMeter: Sendable {
    private struct State {
        var started = ContinuousClock.now
        var shown: ContinuousClock.Instant?
        var wroteLine = false
    }
    private let state = Mutex(State())
    private let isTerminal = isatty(2) == 1

    func show(_ progress: FeedProgress) {
        let text: String? = state.withLock { state in
            let now = ContinuousClock.now
            let pause = isTerminal ? Duration.milliseconds(200) : .seconds(5)
            if now - (state.shown ?? state.started) < pause { return nil }
            state.shown = now
            state.wroteLine = true
            let seconds =
                Double((now - state.started).components.seconds) + 0.001
                + Double((now - state.started).components.attoseconds) / 1e18
            let rate = Double(progress.offers) / seconds
            let share = Double(progress.bytesRead) / Double(max(progress.totalBytes, 1))
            let left = share > 0 ? seconds / share - seconds : 0
            return
                "\(Int(share * 100)) %, \(progress.offers) offers, \(Int(rate)) offers/s, \(Int(left.rounded(.up))) s left"
        }
        guard let text else { return }
        FileHandle.standardError.write(Data((isTerminal ? "\r\u{1B}[K\(text)" : "\(text)\n").utf8))
    }

    func end() {
        if isTerminal, state.withLock({ $0.wroteLine }) { FileHandle.standardError.write(Data("\r\u{1B}[K".utf8)) }
    }
}

/// Memory of this process as the kernel counts it.
enum ProcessMemory {
    /// Highest resident size so far.
    static var peakBytes: Int? { value("VmHWM:") }

    private static func value(_ name: String) -> Int? {
        guard let text = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
            let line = text.split(separator: "\n").first(where: { $0.hasPrefix(name) }),
            let kilobytes = line.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first.flatMap({
                Int($0)
            })
        else { return nil }
        return kilobytes << 10
    }
}
