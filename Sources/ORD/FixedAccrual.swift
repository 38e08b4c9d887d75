import AdModel

/// Charges of a whole line item, given to its creatives and pads (R22).
enum FixedAccrual {
    /// Each day's charge goes by the day's shows, to the micro-rouble; a day without shows goes to the first pad by
    /// id, and there to the creative that was shown in the month, else to the first of the line item.
    /// - Returns: the facts with every charge on a creative and a pad; facts that cannot be placed.
    static func placed(_ statement: MonthStatement) -> (facts: [MonthStatement.Fact], unplaced: [MonthStatement.Fact]) {
        var placed = statement.facts.filter { $0.creativeID != nil && $0.padID != nil }
        let loose = statement.facts.filter { $0.creativeID == nil || $0.padID == nil }
        guard !loose.isEmpty else { return (placed, []) }
        let lineItems = Dictionary(statement.lineItems.map { ($0.id, $0) }) { first, _ in first }
        let firstPad = statement.pads.map(\.id).min(by: byteOrder)
        let shown = Dictionary(grouping: placed.filter { $0.shows > 0 }, by: \.lineItemID)
        var unplaced: [MonthStatement.Fact] = []
        for fact in loose {
            guard let line = lineItems[fact.lineItemID], line.pricing == .fixed else {
                unplaced.append(fact)
                continue
            }
            let ofMonth = shown[fact.lineItemID] ?? []
            let ofDay = ofMonth.filter { $0.day == fact.day }
            if ofDay.isEmpty {
                let creative = line.creativeIDs.first { id in ofMonth.contains { $0.creativeID == id } }
                guard let creative = creative ?? line.creativeIDs.first, let firstPad else {
                    unplaced.append(fact)
                    continue
                }
                var whole = fact
                whole.creativeID = creative
                whole.padID = firstPad
                placed.append(whole)
                continue
            }
            // A refund is divided like the charge, the other way.
            let sign: Int64 = fact.ledger < .zero ? -1 : 1
            let parts = Allocation.largestRemainder(
                fact.ledger.value * sign,
                among: ofDay.map { .init(weight: $0.shows, id: RowKey(fact: $0)?.text ?? "") })
            for (target, part) in zip(ofDay, parts) {
                placed.append(
                    MonthStatement.Fact(
                        lineItemID: fact.lineItemID, creativeID: target.creativeID, padID: target.padID, day: fact.day,
                        ledger: Micros(part * sign), chargeID: fact.chargeID))
            }
        }
        return (placed, unplaced)
    }
}

/// A statistics row is known by its creative and its pad (and the month of the bundle).
struct RowKey: Hashable, Comparable {
    var creativeID: String
    var padID: String

    init?(fact: MonthStatement.Fact) {
        guard let creativeID = fact.creativeID, let padID = fact.padID else { return nil }
        self.creativeID = creativeID
        self.padID = padID
    }

    /// As the operator joins it; ids have no underscore.
    var text: String { "\(creativeID)__\(padID)" }

    static func < (a: RowKey, b: RowKey) -> Bool {
        a.creativeID != b.creativeID ? byteOrder(a.creativeID, b.creativeID) : byteOrder(a.padID, b.padID)
    }
}
