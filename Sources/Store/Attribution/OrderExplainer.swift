import AdModel
import Attribution
import Postgres

/// Explains an order: who won each line, why everybody else lost, what was booked.
public enum OrderExplainer {
    /// Losing touches that are told of one line and policy.
    public static let loserLimit = 200
    /// Touches at least this long before the order are looked at, and a day after it; those that cannot win are told
    /// with their reason.
    static let leastReach = Timestamp.Span.days(60)

    /// Finds an order by the id that the viewer knows it by.
    ///
    /// - Parameter storefront: needed where two storefronts use one id.
    /// - Returns: nil when there is none.
    /// - Throws: `Refusal` when several storefronts know the id and none was named.
    public static func find(
        _ id: String, storefront: String?, viewer: LedgerViewer, on connection: isolated PostgresConnection
    ) throws -> OrderKey? {
        switch viewer {
        case .advertisers(let ids):
            return try viewer.seeingAll(on: connection) { try Blinding.find(id, for: ids, on: connection) }
        case .retailer:
            let rows = try connection.query(
                """
                select o.storefront_id, s.code from customer_order o join storefront s on s.id = o.storefront_id
                where o.order_id = $1 and ($2::text is null or s.code = $2) order by s.code collate "C" limit 10
                """, [.text(id), .text(orNull: storefront)])
            guard let row = rows.first else { return nil }
            guard rows.count == 1 else {
                let codes = try rows.map { try $0.string(1) }.joined(separator: ", ")
                throw Refusal(
                    .invalidParameter, field: "storefront",
                    "Several storefronts have an order of this id: \(codes). Name one.")
            }
            return OrderKey(storefrontID: try row.int32(0), orderID: id)
        }
    }

    /// Explains an order; nil when it is unknown, or when no line of it concerns the viewer.
    public static func explain(
        _ key: OrderKey, viewer: LedgerViewer, on connection: isolated PostgresConnection
    ) throws -> OrderExplanation? {
        try viewer.seeingAll(on: connection) { try explainSeeingAll(key, viewer, connection) }
    }

    private static func explainSeeingAll(
        _ key: OrderKey, _ viewer: LedgerViewer, _ connection: isolated PostgresConnection
    ) throws -> OrderExplanation? {
        let before = max(leastReach, try Policies.installed(on: connection).longestWindow)
        let world = try AttributionWorld.load(
            [key], reach: AttributionWorld.Reach(before: before, after: .days(1)), on: connection)
        guard let first = world.lines.first else { return nil }
        let visible = try visibleLines(world, viewer)
        guard !visible.isEmpty else { return nil }
        let names = try AttributionNames.load(
            campaigns: world.candidates.compactMap { Int32($0.touch.campaignID.text) }, on: connection)
        let touches = Dictionary(
            world.candidates.map { ($0.touch.touchID, $0.touch) }, uniquingKeysWith: { first, _ in first })
        var contests: [Int64: [OrderExplanation.Contest]] = [:]
        var computed: [CreditRow] = []
        for name in Set(world.candidates.map(\.policy)).sorted() {
            let policy = try world.policies.rules(name)
            let decisions = try AttributionEngine.decide(
                world.input { $0.policy == name }, reference: world.reference, policy: policy, explain: true)
            for decision in decisions {
                computed += decision.credits
                guard visible.contains(decision.lineNumber) else { continue }
                contests[decision.lineNumber, default: []].append(
                    contest(decision, policy, touches, names, viewer))
            }
        }
        let postings = try postings(key, viewer, connection)
        let ledger = try LedgerRows.parts(of: [key], on: connection)
        var blinding: Blinding?
        if case .advertisers(let ids) = viewer {
            // An agency's id of an order is that of the advertiser it concerns; of several, the first.
            let own = ids.filter { id in world.candidates.contains { $0.touch.advertiserID == AttributionID(id) } }
            blinding = try own.min().flatMap { try Blinding.load([$0], on: connection)[$0] }
        }
        return OrderExplanation(
            orderID: blinding?.order(key, at: first.orderedAt) ?? key.orderID,
            storefront: try LedgerReplay.storefronts(on: connection)[key.storefrontID] ?? "",
            orderedAt: first.orderedAt, channel: first.channel.rawValue,
            adjustments: adjustments(world, visible, viewer), links: links(world, viewer, blinding),
            lines: world.lines.filter { visible.contains($0.lineNumber) }.sorted { $0.lineNumber < $1.lineNumber }.map {
                OrderExplanation.Line(
                    number: Int32(clamping: $0.lineNumber), sku: $0.sku.text, units: $0.units,
                    netAmountMicros: $0.netAmountMicros, contests: contests[$0.lineNumber] ?? [],
                    postings: postings[Int32(clamping: $0.lineNumber)] ?? [])
            }, ledgerAgrees: NetPosition(ledger) == NetPosition(computed))
    }

    /// Lines for which the viewer has a candidate: one that would win if it were alone.
    private static func visibleLines(_ world: AttributionWorld, _ viewer: LedgerViewer) throws -> Set<Int64> {
        if viewer == .retailer { return Set(world.lines.map(\.lineNumber)) }
        var result: Set<Int64> = []
        let own = world.candidates.filter { viewer.sees($0.touch.advertiserID) }
        for name in Set(own.map(\.policy)) {
            let input = world.input { $0.policy == name && viewer.sees($0.touch.advertiserID) }
            for row in try AttributionEngine.credits(
                input, reference: world.reference, policy: try world.policies.rules(name))
            {
                result.insert(row.lineNumber)
            }
        }
        return result
    }

    private static func contest(
        _ decision: LineDecision, _ policy: AttributionPolicy, _ touches: [AttributionID: TouchRow],
        _ names: AttributionNames, _ viewer: LedgerViewer
    ) -> OrderExplanation.Contest {
        func told(_ touch: TouchRow) -> OrderExplanation.Touch {
            let own = viewer.sees(touch.advertiserID)
            return OrderExplanation.Touch(
                id: own ? touch.touchID.text : nil, advertiser: own ? names.advertiser(touch.advertiserID) : nil,
                campaign: own ? names.campaign(touch.campaignID) : nil,
                lineItem: own ? names.lineItem(touch.lineItemID) : nil, isRival: !own,
                interaction: touch.kind.rawValue, occurredAt: touch.occurredAt)
        }
        var winners: [OrderExplanation.Winner] = []
        for (_, rows) in Dictionary(grouping: decision.credits, by: \.netKey).sorted(by: { $0.key < $1.key }) {
            guard let touch = touches[rows[0].touchID] else { continue }
            // A winner of another contest of the same line (scope advertiser or campaign) is nobody's rival.
            if !viewer.sees(touch.advertiserID), policy.scope != .line { continue }
            let own = viewer.sees(touch.advertiserID)
            winners.append(
                OrderExplanation.Winner(
                    touch: told(touch), level: rows[0].level.rawValue,
                    units: own ? rows.reduce(0) { $0 + $1.units } : nil,
                    amountMicros: own ? rows.reduce(0) { $0 + $1.amountMicros } : nil))
        }
        let losers = decision.losers.compactMap { loser -> OrderExplanation.Loser? in
            guard let touch = touches[loser.touchID], viewer.sees(touch.advertiserID) else { return nil }
            return OrderExplanation.Loser(touch: told(touch), reason: loser.reason.rawValue)
        }.sorted { ($1.touch.occurredAt, $0.touch.id ?? "") < ($0.touch.occurredAt, $1.touch.id ?? "") }
        return OrderExplanation.Contest(
            policy: policy.name, policyHash: AttributionDigest.policy(policy), winners: winners,
            losers: Array(losers.prefix(loserLimit)), losersOmitted: max(0, losers.count - loserLimit))
    }

    private static func adjustments(
        _ world: AttributionWorld, _ visible: Set<Int64>, _ viewer: LedgerViewer
    ) -> [OrderExplanation.Adjustment] {
        world.adjustments.filter { $0.lineNumber.map(visible.contains) ?? true }.sorted {
            $0.occurredAt != $1.occurredAt ? $0.occurredAt < $1.occurredAt : $0.adjustmentID < $1.adjustmentID
        }.map {
            OrderExplanation.Adjustment(
                id: viewer == .retailer ? AttributionWorld.unscoped($0.adjustmentID) : nil, kind: $0.kind.rawValue,
                occurredAt: $0.occurredAt, lineNumber: $0.lineNumber.map(Int32.init(clamping:)),
                units: $0.units.map(Int32.init(clamping:)), amountMicros: $0.amountMicros)
        }
    }

    /// The retailer sees every link of the ids; an advertiser those of the order and of his own touches.
    private static func links(
        _ world: AttributionWorld, _ viewer: LedgerViewer, _ blinding: Blinding?
    ) -> [OrderExplanation.Link] {
        let own = Set(
            world.candidates.filter { viewer.sees($0.touch.advertiserID) }.map(\.touch.shopperID)
                + world.lines.map(\.shopperID))
        func id(_ id: AttributionID) -> String { (blinding?.shopper(id) ?? id).text }
        return world.links.filter { own.contains($0.visitorID) }
            .sorted { ($0.linkedAt, $0.visitorID, $0.customerID) < ($1.linkedAt, $1.visitorID, $1.customerID) }
            .map {
                OrderExplanation.Link(visitor: id($0.visitorID), customer: id($0.customerID), linkedAt: $0.linkedAt)
            }
    }

    private static func postings(
        _ key: OrderKey, _ viewer: LedgerViewer, _ connection: isolated PostgresConnection
    ) throws -> [Int32: [OrderExplanation.Posting]] {
        let rows = try connection.query(
            """
            select c.id, c.line_no, c.policy, k.code, c.touch_id, c.level, c.kind, c.units, c.amount_micros, c.cause,
                c.cause_at, c.posting_month, c.recorded_at, c.advertiser_id
            from credit c join campaign k on k.id = c.campaign_id
            where c.storefront_id = $1 and c.order_id = $2 order by c.id
            """, [.int4(key.storefrontID), .text(key.orderID)])
        let seen = try rows.filter { viewer.sees(try $0.int32(13)) }
        let own = Set(try seen.map { try $0.string(4) })
        var result: [Int32: [OrderExplanation.Posting]] = [:]
        for row in seen {
            let cause = CreditCause(text: try row.string(9))
            result[try row.int32(1), default: []].append(
                OrderExplanation.Posting(
                    id: try row.int64(0), policy: try row.string(2), campaign: try row.string(3),
                    touch: try row.string(4), level: try row.string(5), kind: try row.string(6),
                    units: Int64(try row.int32(7)), amountMicros: try row.int64(8),
                    cause: viewer == .retailer ? cause : cause.blinded(ownTouches: own),
                    causeAt: Timestamp(micros: try row.micros(10)), postingMonth: Day(number: try row.days(11)),
                    recordedAt: Timestamp(micros: try row.micros(12))))
        }
        return result
    }
}
