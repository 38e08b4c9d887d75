import AdModel
import ArgumentParser
import Decisioning
import ManagementAPI
import Measurement
import Postgres
import Store

/// `nimb explain decision`: the auction of a page, and what became of a line item in it.
struct ExplainDecisionCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "decision", abstract: "Explain a decision: who won each slot, who lost, what stopped the others.",
        discussion: """
            Reads the decision's record from the database, or from the log of a node (--log) that is not shipped yet. \
            What it does not say of --line-item is found by asking the snapshot of that time again, which is kept for \
            \(SnapshotLoader.keptDays) days, and marked "reconstructed".
            """)

    @OptionGroup var database: DatabaseOptions

    @Argument(help: "decision_id of the answer of POST /v1/placements: 32 hexadecimal digits.")
    var decision: String
    @Option(help: "Code of a line item: why it, or why not.")
    var lineItem: String?
    @Option(help: "See it as this advertiser does: his own line items, nothing of his rivals.")
    var advertiser: String?
    @Option(help: "Folder of a node's event log, <data>/log.")
    var log: String?
    @Option(help: "Secrets file of the installation; with it holdouts are asked about again too.")
    var secrets: String?
    @Option(help: "Folder of ad formats beside those that ship.")
    var adformats: String?
    @Flag(help: "Print JSON as GET /v1/decisions/{id} answers it.")
    var json = false

    func run() async throws {
        guard let id = DecisionID(hex: decision.lowercased()) else {
            throw ValidationError("a decision's id has 32 hexadecimal digits")
        }
        let formats = try AdFormatLoader.load(extra: adformats)
        let hash = try secrets.map { ShopperHash(key: try SecretsFile.load($0, create: false).shopperKey) }
        let (advertiser, lineItem, log) = (advertiser, lineItem, log)
        let pool = try database.pool(applicationName: "nimb explain", maximumConnections: 2)
        let found = try await pool.closing { pool -> DecisionExplanation? in
            let stored = try await pool.transaction(.repeatableRead) { db in try DecisionReader.record(id, on: db) }
            guard let record = try stored ?? log.flatMap({ try DecisionLog.find(id, in: $0) }) else { return nil }
            let (viewer, lines) = try await pool.transaction(.repeatableRead) { db in
                let viewer = try LedgerViewer.named(advertiser, on: db)
                return (viewer, try DecisionReader.lineItems(of: record, named: lineItem, viewer: viewer, on: db))
            }
            let archive = SnapshotArchive(
                loader: SnapshotLoader(pool: pool, formats: formats, mediaBaseURL: ""), shopperHash: hash)
            let answers = try await archive.explain(record, lineItemIDs: lines, isBlinded: viewer != .retailer)
            return try await pool.transaction(.repeatableRead) { db in
                try DecisionReader.describe(record, answers: answers, viewer: viewer, on: db)
            }
        }
        guard let found else {
            throw Refusal("there is no decision \(decision); one that is not shipped yet is in its node's log (--log)")
        }
        if json { return Console.say(DecisionJSON.explanation(found)) }
        Self.lines(of: found).forEach(Console.say)
    }

    private static func lines(of it: DecisionExplanation) -> [String] {
        let page = [
            it.category.map { "category \($0)" }, it.brand.map { "brand \($0)" }, it.product.map { "product \($0)" },
        ]
        .compactMap { $0 }
        var out = ["decision \(it.id.hex) of \(it.storefront), \(it.id.issuedAt.rfc3339)"]
        out.append("  page \(([it.pageType.rawValue] + page).joined(separator: ", "))")
        if let whole = it.whole {
            out.append(
                "  node \(whole.node), \(whole.device.rawValue), location \(whole.location ?? "-"), region "
                    + "\(whole.region ?? "-"), snapshot \(whole.snapshotVersion), stock \(whole.stockVersion)")
            for slot in whole.slots {
                out.append("slot \(slot.placement)" + (slot.noFill.map { ": empty, \($0)" } ?? ""))
                for ad in slot.ads {
                    let cards = ad.products.isEmpty ? "" : ", shows \(ad.products.joined(separator: " "))"
                    out.append(
                        "  served \(name(ad.line)), \(ad.creative): \(ad.priceMicros) micros\(score(ad.score, ad.parts))\(cards)"
                    )
                }
                for it in slot.candidates {
                    out.append("  \(it.outcome.name) \(name(it.line))\(score(it.score, it.parts))")
                }
                if !slot.reasons.isEmpty {
                    out.append(
                        "  stopped: " + slot.reasons.map { "\($0.count) \($0.reason.name)" }.joined(separator: ", "))
                }
            }
            for it in whole.stopped { out.append("stopped late: \(name(it.line)), \(it.outcome.name)") }
        }
        for answer in it.answers {
            out.append("line item \(answer.line.code) of \(answer.line.campaign)")
            for slot in answer.slots {
                let mark = slot.isReconstructed ? " (reconstructed)" : ""
                let stage = slot.outcome.stage.map { " at \($0.rawValue)" } ?? ""
                out.append(
                    "  \(it.placements[slot.slot]): \(slot.outcome.name)\(stage)\(score(slot.score, slot.parts))\(mark)"
                )
            }
        }
        return out
    }

    private static func name(_ it: DecisionExplanation.LineName) -> String {
        "\(it.code) of \(it.campaign) (\(it.advertiser))"
    }

    private static func score(_ score: Float?, _ parts: ScoreParts?) -> String {
        guard let score else { return "" }
        var text = ", score \(score)"
        if let parts {
            text += ", click probability \(parts.clickProbability)"
            if parts.categoryInterest > 0 { text += ", interest in the category \(parts.categoryInterest)/15" }
            if parts.brandInterest > 0 { text += ", in the brand \(parts.brandInterest)/15" }
        }
        return text
    }
}
