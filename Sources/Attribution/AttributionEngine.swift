import AdModel

/// Why a touch did not win a line.
public enum LosingReason: String, CaseIterable, Sendable {
    case afterOrder = "after_order"
    case outsideWindow = "outside_window"
    case viewNotCounted = "view_not_counted"
    case invalid
    case otherPerson = "other_person"
    case levelNotInPolicy = "level_not_in_policy"
    case noMatch = "no_match"
    case brandNotOwned = "brand_not_owned"
    case lostOnMatch = "lost_on_match"
    case lostOnInteraction = "lost_on_interaction"
    case lostOnRecency = "lost_on_recency"
    case lostOnID = "lost_on_id"
}

/// A touch that was looked at for a line and did not win it.
public struct LosingTouch: Hashable, Sendable {
    public var touchID: AttributionID
    public var reason: LosingReason
}

/// What became of one order line.
public struct LineDecision: Sendable {
    public var orderID: AttributionID
    public var lineNumber: Int64
    /// Credit and reversal rows in output order; empty when nobody earned the line.
    public var credits: [CreditRow]
    /// Every other touch with its reason, by touch id; empty unless asked for.
    public var losers: [LosingTouch]
}

/// What an order is decided from. Products, campaigns, aliases and grants come as an `AttributionReference`.
public struct AttributionInput: Sendable {
    public var lines: [OrderLineRow]
    public var touches: [TouchRow]
    /// All links of the shoppers named above. An order with both ids is itself a link at `orderedAt`: add it here.
    public var links: [IdentityLinkRow]
    public var adjustments: [AdjustmentRow]
    public var rivals: [RivalRow]

    public init(
        lines: [OrderLineRow], touches: [TouchRow], links: [IdentityLinkRow] = [], adjustments: [AdjustmentRow] = [],
        rivals: [RivalRow] = []
    ) {
        self.lines = lines
        self.touches = touches
        self.links = links
        self.adjustments = adjustments
        self.rivals = rivals
    }
}

/// Attribution with HALO: a pure function of its rows. The order of rows changes nothing.
public enum AttributionEngine {
    /// Decides every line of the input: one order in the pipeline, a whole world in a replay.
    /// - Parameter explain: also name every losing touch with its reason (touches x lines steps).
    /// - Returns: one decision a line, in output order.
    /// - Throws: `conflict` or `invalid_row` when rows contradict each other; positions are indices into the arrays.
    public static func decide(
        _ input: AttributionInput, reference: AttributionReference, policy: AttributionPolicy, explain: Bool = false
    ) throws(AttributionError) -> [LineDecision] {
        let (table, contest) = try run(input, reference, policy)
        let writer = CreditWriter(table: table, contest: contest)
        var decisions: [LineDecision] = []
        decisions.reserveCapacity(table.lines.count)
        let explainer = explain ? Explainer(input: input, table: table, contest: contest) : nil
        for line in writer.sortedLines(Array(0..<UInt32(table.lines.count))) {
            let row = table.lines[Int(line)]
            decisions.append(
                LineDecision(
                    orderID: table.orderIDs.id(row.order), lineNumber: row.number, credits: writer.rows(line),
                    losers: explainer?.losers(of: line) ?? []))
        }
        return decisions
    }

    /// All credit rows of the input, in output order.
    public static func credits(
        _ input: AttributionInput, reference: AttributionReference, policy: AttributionPolicy
    ) throws(AttributionError) -> [CreditRow] {
        let (table, contest) = try run(input, reference, policy)
        let writer = CreditWriter(table: table, contest: contest)
        return writer.sortedLines(contest.ledLines).flatMap { writer.rows($0) }
    }

    private static func run(
        _ input: AttributionInput, _ reference: AttributionReference, _ policy: AttributionPolicy
    ) throws(AttributionError) -> (OrderTable, Contest) {
        let table = try orders(input, reference)
        try checkTouches(input.touches, reference)
        var contest = Contest(Rules(policy), lines: table.lines.count)
        input.touches.withUnsafeBufferPointer { touches in
            guard let first = touches.baseAddress else { return }
            for i in 0..<touches.count {
                // Through the pointer a row is read where it lies instead of being copied.
                let touch = first + i
                if touch.pointee.isInvalid || !counts(touch.pointee, policy) { continue }
                withCells(touch.pointee) { contest.offer($0, to: table) }
            }
        }
        try checkRivals(input.rivals)
        for rival in input.rivals {
            let line = rival.orderID.withCell { table.line(order: $0, number: rival.lineNumber) }
            if line == Interner.none { continue }
            let orderedAt = table.orders[Int(table.lines[Int(line)].order)].at
            rival.touchID.withCell {
                contest.offerRival(
                    touchID: $0, isClick: rival.kind == .click, at: rival.occurredAt.micros, level: rival.level,
                    line: line, orderedAt: orderedAt)
            }
        }
        return (table, contest)
    }

    static func orders(
        _ input: AttributionInput, _ reference: AttributionReference
    ) throws(AttributionError) -> OrderTable {
        var table = OrderTable(reference, expectedLines: input.lines.count)
        for link in input.links {
            link.visitorID.withCell { visitor in
                link.customerID.withCell { table.addLink(visitor: visitor, customer: $0, at: link.linkedAt.micros) }
            }
        }
        for i in input.lines.indices { try add(input.lines[i], at: i, to: &table) }
        for (i, row) in input.adjustments.enumerated() { try table.addAdjustment(row, position: i) }
        try table.finish()
        return table
    }

    private static func add(_ line: OrderLineRow, at i: Int, to table: inout OrderTable) throws(AttributionError) {
        let result: Result<Void, AttributionError> = line.orderID.withCell { order in
            line.shopperID.withCell { shopper in
                line.sku.withCell { sku in
                    do throws(AttributionError) {
                        try table.addLine(
                            order: order, number: line.lineNumber, shopper: shopper, at: line.orderedAt.micros,
                            isOnline: line.channel == .online, sku: sku, units: line.units,
                            amount: line.netAmountMicros, position: i)
                        return .success(())
                    } catch { return .failure(error) }
                }
            }
        }
        try result.get()
    }

    /// Whether a view is of the kind that the policy counts.
    static func counts(_ touch: TouchRow, _ policy: AttributionPolicy) -> Bool {
        touch.kind == .click || touch.view == nil || touch.view == policy.viewCounting
    }

    static func withCells<R>(_ touch: TouchRow, _ body: (TouchCells) -> R) -> R {
        touch.touchID.withCell { touchID in
            touch.shopperID.withCell { shopper in
                touch.advertiserID.withCell { advertiser in
                    touch.campaignID.withCell { campaign in
                        touch.lineItemID.withCell { lineItem in
                            body(
                                TouchCells(
                                    touchID: touchID, shopper: shopper, at: touch.occurredAt.micros,
                                    isClick: touch.kind == .click, advertiser: advertiser, campaign: campaign,
                                    lineItem: lineItem, promoted: .ids(touch.promotedSKUs)))
                        }
                    }
                }
            }
        }
    }

    private static func checkTouches(
        _ touches: [TouchRow], _ reference: AttributionReference
    ) throws(AttributionError) {
        if touches.isEmpty { return }
        var ids = Interner(capacity: touches.count)
        var firsts: [Int] = []
        firsts.reserveCapacity(touches.count)
        var owners: CampaignOwners?
        for i in touches.indices {
            let number = Int(ids.intern(touches[i].touchID))
            guard !touches[i].touchID.isAbsent else {
                throw .row(.touches, i, "touch_id is empty; every touch has an id of its own")
            }
            if number < firsts.count {
                guard touches[firsts[number]] == touches[i] else {
                    throw .conflict(
                        .touches, i, firsts[number],
                        "touch \(touches[i].touchID.text) is given twice with different content")
                }
                continue
            }
            firsts.append(i)
            let other: CampaignOwners.Claim? = touches[i].campaignID.withCell { campaign in
                touches[i].advertiserID.withCell { advertiser in
                    switch reference.owner(of: campaign, isNot: advertiser) {
                    case .same: return nil
                    case .other(let claim): return claim
                    case .unknown:
                        // Only campaigns that the table does not have need to be remembered.
                        if owners == nil { owners = CampaignOwners() }
                        return owners?.claim(campaign, advertiser, position: i)
                    }
                }
            }
            if let other { throw other.error(touches[i].campaignID, position: i) }
        }
    }

    private static func checkRivals(_ rivals: [RivalRow]) throws(AttributionError) {
        struct Key: Hashable {
            var order: AttributionID
            var line: Int64
            var touch: AttributionID
        }
        if rivals.isEmpty { return }
        var firsts: [Key: Int] = [:]
        for (i, rival) in rivals.enumerated() {
            let key = Key(order: rival.orderID, line: rival.lineNumber, touch: rival.touchID)
            if let first = firsts[key] {
                guard rivals[first] == rival else {
                    throw .conflict(
                        .rivals, i, first, "rival \(rival.touchID.text) of a line is given twice with different content"
                    )
                }
            } else {
                firsts[key] = i
            }
        }
    }
}
