import AdModel
import Decisioning
import Measurement
import Postgres

/// Reads past decisions, and says in the words of the API what was decided.
public enum DecisionReader {
    /// Own line items of an advertiser that one question is answered about.
    public static let lineItemLimit = 100

    /// The record of a decision; nil when there is none, or when it is not shipped yet.
    public static func record(
        _ id: DecisionID, on connection: isolated PostgresConnection
    ) throws -> DecisionRecord? {
        try seeingAll(connection) { connection in
            // The day chooses the partition; one that no calendar has is no decision's.
            guard id.issuedAt.micros >= 0, id.issuedAt.micros < 253_402_300_800_000_000 else { return nil }
            let rows = try connection.query(
                "select body from decision where decision_day = date '1970-01-01' + $1::int and decision_id = $2",
                [.int4(id.day.number), .uuid(high: id.uuidHigh, low: id.low)])
            guard let row = rows.first, case .decision(let record) = try LogRecordCodec.decode(try row.bytes(0)) else {
                return nil
            }
            return record
        }
    }

    /// The line items that are asked about: the named one if it is the viewer's to see, else all of an advertiser's
    /// own that could run then, and for the retailer none, who sees the whole auction.
    /// - Throws: `Refusal` for a line item that the viewer does not know.
    public static func lineItems(
        of record: DecisionRecord, named code: String?, viewer: LedgerViewer,
        on connection: isolated PostgresConnection
    ) throws -> [Int32] {
        try seeingAll(connection) { connection in
            var own: [Int32]?
            if case .advertisers(let ids) = viewer { own = ids }
            if let code {
                let rows = try connection.query(
                    "select id, advertiser_id from line_item where code = $1", [.text(code)])
                guard let row = rows.first, own?.contains(try row.int32("advertiser_id")) ?? true else {
                    throw Refusal(.invalidParameter, field: "line_item", "No line item has this id.")
                }
                return [try row.int32("id")]
            }
            guard let own else { return [] }
            let rows = try connection.query(
                """
                select id from line_item where advertiser_id = any($1) and starts_at <= $2 and ends_at > $2
                order by id limit $3
                """,
                [
                    .int4Array(own), .timestamptz(micros: record.id.issuedAt.micros),
                    .int4(Int32(lineItemLimit)),
                ])
            return try rows.map { try $0.int32(0) }
        }
    }

    /// The decision for a viewer.
    /// - Parameter answers: of `DecisionExplainer`, blinded for an advertiser.
    public static func describe(
        _ record: DecisionRecord, answers: [LineExplanation], viewer: LedgerViewer,
        on connection: isolated PostgresConnection
    ) throws -> DecisionExplanation {
        try seeingAll(connection) { connection in
            let names = try Names(record, answers, connection)
            let placements = record.slots.map { names.placements[$0.placementID] ?? "#\($0.placementID)" }
            var byLine: [Int32: [LineExplanation]] = [:]
            for answer in answers { byLine[answer.lineItemID, default: []].append(answer) }
            return DecisionExplanation(
                id: record.id, storefront: names.storefront, pageType: record.pageType,
                category: names.category, brand: names.brand,
                product: record.detail.flatMap { names.products[$0.productID] }, placements: placements,
                whole: viewer == .retailer ? whole(record, placements, names) : nil,
                answers: byLine.keys.sorted().map {
                    DecisionExplanation.Answer(line: names.line($0), slots: byLine[$0] ?? [])
                })
        }
    }

    private static func whole(
        _ record: DecisionRecord, _ placements: [String], _ names: Names
    ) -> DecisionExplanation.Whole {
        func outcome(_ code: UInt8) -> LineExplanation.Outcome {
            let reason = NoFillReason(rawValue: code) ?? .none
            return reason == .none ? .outbid : .stopped(reason)
        }
        func parts(_ raw: UInt32) -> ScoreParts? { record.prediction == nil ? nil : ScoreParts(raw) }
        let slots = zip(record.slots, placements).map { slot, placement in
            DecisionExplanation.Slot(
                placement: placement,
                noFill: slot.noFill == 0 ? nil : NoFillReason(rawValue: slot.noFill)?.name ?? "reason_\(slot.noFill)",
                ads: slot.ads.map { ad in
                    DecisionExplanation.Ad(
                        line: names.line(ad.lineItemID),
                        creative: names.creatives[ad.creativeVersionID] ?? "#\(ad.creativeVersionID)",
                        priceMicros: ad.priceMicros, score: ad.score, parts: parts(ad.parts),
                        products: ad.productIDs.map { names.products[$0] ?? "#\($0)" })
                },
                candidates: slot.losers.map {
                    DecisionExplanation.Candidate(
                        line: names.line($0.lineItemID), outcome: outcome($0.reason), score: $0.score,
                        parts: parts($0.parts))
                },
                reasons: slot.reasons.compactMap { count in
                    NoFillReason(rawValue: count.reason).map { ($0, Int(count.count)) }
                })
        }
        return DecisionExplanation.Whole(
            node: record.id.nodeID, device: record.device, location: names.location,
            region: record.context.flatMap { $0.region.isEmpty ? nil : $0.region },
            snapshotVersion: record.snapshotVersion, stockVersion: record.stockVersion, slots: slots,
            stopped: (record.detail?.stopped ?? []).map {
                DecisionExplanation.Candidate(line: names.line($0.lineItemID), outcome: outcome($0.reason))
            })
    }

    /// A decision is everybody's at once; what leaves is chosen by the viewer.
    private static func seeingAll<R>(
        _ connection: isolated PostgresConnection, _ body: (isolated PostgresConnection) throws -> R
    ) throws -> R { try PlanningScope.acrossTenants(connection, body) }
}

/// What the ids of a record are called.
private struct Names {
    var storefront = ""
    var category: String?
    var brand: String?
    var location: String?
    var placements: [Int32: String] = [:]
    var products: [Int32: String] = [:]
    var creatives: [Int32: String] = [:]
    private var lines: [Int32: DecisionExplanation.LineName] = [:]

    init(
        _ record: DecisionRecord, _ answers: [LineExplanation], _ connection: isolated PostgresConnection
    ) throws {
        func name(_ sql: String, _ id: Int32) throws -> String? {
            id == 0 ? nil : try connection.query(sql, [.int4(id)]).first?.string(0)
        }
        storefront = try name("select code from storefront where id = $1", record.storefrontID) ?? ""
        category = try name("select code from category where id = $1", record.context?.categoryID ?? 0)
        brand = try name("select code from brand where id = $1", record.context?.brandID ?? 0)
        location = try name("select code from stock_location where id = $1", record.locationID)
        func names(_ sql: String, _ ids: Set<Int32>) throws -> [Int32: String] {
            var found: [Int32: String] = [:]
            for row in try connection.query(sql, [.int4Array(ids.sorted())]) {
                found[try row.int32(0)] = try row.string(1)
            }
            return found
        }
        let ads = record.slots.flatMap(\.ads)
        placements = try names(
            "select id, code from placement where id = any($1)", Set(record.slots.map(\.placementID)))
        products = try names(
            "select id, sku from product where id = any($1)",
            Set(ads.flatMap(\.productIDs) + [record.detail?.productID ?? 0]))
        creatives = try names(
            """
            select v.id, c.code || '-v' || v.version from creative_version v join creative c on c.id = v.creative_id
            where v.id = any($1)
            """, Set(ads.map(\.creativeVersionID)))
        var ids = Set(ads.map(\.lineItemID) + record.slots.flatMap { $0.losers.map(\.lineItemID) })
        ids.formUnion(answers.map(\.lineItemID) + (record.detail?.stopped.map(\.lineItemID) ?? []))
        for row in try connection.query(
            """
            select l.id, l.code, l.name, c.code as campaign, a.code as advertiser, l.advertiser_id
            from line_item l join campaign c on c.id = l.campaign_id join advertiser a on a.id = l.advertiser_id
            where l.id = any($1)
            """, [.int4Array(ids.sorted())])
        {
            let id = try row.int32("id")
            lines[id] = DecisionExplanation.LineName(
                id: id, code: try row.string("code"), name: try row.string("name"),
                campaign: try row.string("campaign"), advertiser: try row.string("advertiser"),
                advertiserID: try row.int32("advertiser_id"))
        }
    }

    func line(_ id: Int32) -> DecisionExplanation.LineName {
        lines[id]
            ?? DecisionExplanation.LineName(
                id: id, code: "#\(id)", name: "", campaign: "", advertiser: "", advertiserID: 0)
    }
}
