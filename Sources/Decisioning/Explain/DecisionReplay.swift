import AdModel
import Measurement

/// Asks one line item at a time what a past decision would have said to it: the snapshot of that time, its page, and
/// nobody else. Circumstances that no snapshot keeps (budgets, pacing, caps, interests) are taken to let it through.
public struct DecisionReplay {
    private let snapshot: Snapshot
    private let stock: StockView
    private let record: DecisionRecord
    private var request = DecisionRequest()
    private let scratch = Scratch()
    private let leases: LeaseTable

    /// - Parameters:
    ///   - snapshot: of the record's version.
    ///   - stock: built for it.
    ///   - shopper: key of the record's visitor, for holdouts; 0 = unknown.
    ///   - zoneOffset: how far the storefront's zone is ahead of UTC.
    ///   - words: of the record's search phrase, as serving numbers them.
    ///   - sku: of the record's product.
    public init(
        _ record: DecisionRecord, snapshot: Snapshot, stock: StockView, shopper: UInt64, zoneOffset: Timestamp.Span,
        words: ContiguousArray<Int32> = [], sku: String? = nil
    ) {
        self.record = record
        self.snapshot = snapshot
        self.stock = stock
        leases = LeaseTable(maximumLineItemID: snapshot.lines.map(\.id).max() ?? 0)
        let lookup = snapshot.lookup
        request.pageType = record.pageType
        request.device = record.device
        request.location = lookup.locationByID.find(record.locationID)
        request.shopper = shopper
        // 1970-01-01 was a Thursday, three days after a Monday.
        let minutes = floorDivide(record.id.issuedAt.micros + zoneOffset.micros, 60_000_000) + 3 * 1_440
        request.minuteOfWeek = Int32(minutes % 10_080)
        if let context = record.context {
            request.region = lookup.regions.find(context.region)
            let category = lookup.categoryByID.find(context.categoryID)
            if category >= 0 { request.categories.append(category) }
            let brand = lookup.brandByID.find(context.brandID)
            if brand >= 0 { request.brands.append(brand) }
        }
        if let detail = record.detail {
            let product = lookup.productByID.find(detail.productID)
            if product >= 0 { request.products.append(product) }
            request.isSignedIn = detail.isSignedIn
            request.isNew = detail.isNew
            for id in detail.audienceIDs {
                let audience = lookup.audienceByID.find(id)
                if audience >= 0 { request.audiences.append(audience) }
            }
        }
        request.words = words
        if var sku {
            let attribute = sku.withUTF8 { snapshot.attribute(ofProduct: UnsafeRawBufferPointer($0)) }
            if attribute >= 0 { request.attributes.append(attribute) }
        }
    }

    /// What would have become of a line item, by database id, in a slot of the record, had nobody else been there:
    /// `.outbid` when it could have been shown.
    public mutating func ask(_ lineItemID: Int32, slot: Int) -> LineExplanation {
        var answer = LineExplanation(
            lineItemID: lineItemID, slot: slot, outcome: .unknown, isReconstructed: true)
        let line = snapshot.lookup.lineByID.find(lineItemID)
        let placement = snapshot.lookup.placementByID.find(record.slots[slot].placementID)
        guard placement >= 0 else { return answer }
        // What serving did not know: not begun to be sold, or over and done with.
        guard line >= 0 else {
            answer.outcome = .stopped(.outsideFlight)
            return answer
        }
        if leases.remaining(lineItemID, now: record.id.issuedAt) == .zero {
            leases.grant(lineItemID, Micros(1 << 60))
        }
        request.slots = [DecisionRequest.Slot(placement: placement, count: 1)]
        request.among = [line]
        Decider.decide(
            request, snapshot: snapshot, stock: stock, profiles: nil, budget: leases, now: record.id.issuedAt,
            seed: record.id.seed, scratch: scratch, search: .exhaustive)
        let result = scratch.result
        if let ad = result.ads.first {
            answer.outcome = .outbid
            answer.score = ad.score
            answer.parts = ScoreParts(ad.parts)
        } else if let loser = result.losers.first, loser.reason != .none {
            answer.outcome = loser.reason == .companionMissing ? .outbid : .stopped(loser.reason)
        } else {
            let stopped = NoFillReason.allCases.filter { result.reasonCounts[Int($0.rawValue)] > 0 }
                .max { $0.stage < $1.stage }
            // Nothing of it fits the slot's formats: it is not for this place. Companions cannot be asked alone.
            answer.outcome = stopped == .companionMissing ? .outbid : .stopped(stopped ?? .notTargeted)
        }
        return answer
    }
}

/// "Why not my line item?" from the record of a decision, and where that is silent from asking again.
public enum DecisionExplainer {
    /// What became of line items in every slot of a decision.
    ///
    /// The owner of the shop sees what the record has. An advertiser must not learn what others bid: of his line items
    /// only those served are told from the record's auction, all others by asking again, whether the record names them
    /// or not; else their place among the candidates would show. So whatever rivals bid, his answer can only turn into
    /// `outbid`, and back.
    /// - Parameters:
    ///   - lineItemIDs: database ids.
    ///   - replay: nil when the snapshot is no longer kept.
    ///   - isBlinded: for an advertiser, about his own.
    public static func explain(
        _ record: DecisionRecord, lineItemIDs: [Int32], replay: DecisionReplay?, isBlinded: Bool
    ) -> [LineExplanation] {
        var replay = replay
        var answers: [LineExplanation] = []
        for id in lineItemIDs {
            for slot in record.slots.indices {
                answers.append(
                    isBlinded
                        ? blinded(record, id, slot, &replay)
                        : known(record, id, slot)
                            ?? asked(record, id, slot, &replay, isBlinded: false))
            }
        }
        return answers
    }

    private static func served(_ record: DecisionRecord, _ id: Int32, _ slot: Int) -> LineExplanation? {
        record.slots[slot].ads.first { $0.lineItemID == id }.map {
            LineExplanation(
                lineItemID: id, slot: slot, outcome: .served, score: $0.score, parts: parts(record, $0.parts))
        }
    }

    private static func parts(_ record: DecisionRecord, _ raw: UInt32) -> ScoreParts? {
        record.prediction == nil ? nil : ScoreParts(raw)
    }

    /// What the record says of a line item; nil when it is silent.
    private static func known(_ record: DecisionRecord, _ id: Int32, _ slot: Int) -> LineExplanation? {
        if let served = served(record, id, slot) { return served }
        if let loser = record.slots[slot].losers.first(where: { $0.lineItemID == id }) {
            let reason = NoFillReason(rawValue: loser.reason) ?? .none
            return LineExplanation(
                lineItemID: id, slot: slot, outcome: reason == .none ? .outbid : .stopped(reason), score: loser.score,
                parts: parts(record, loser.parts))
        }
        return nil
    }

    /// Asked again; a line item that could have been shown, and that the record says was stopped, was stopped.
    private static func asked(
        _ record: DecisionRecord, _ id: Int32, _ slot: Int, _ replay: inout DecisionReplay?, isBlinded: Bool
    ) -> LineExplanation {
        let stopped = record.detail?.stopped.first { $0.lineItemID == id && $0.slots >> UInt16(slot) & 1 != 0 }
            .flatMap { NoFillReason(rawValue: $0.reason) }
        guard let answer = replay?.ask(id, slot: slot) else {
            let outcome = stopped.map { LineExplanation.Outcome.stopped($0) } ?? .unknown
            return LineExplanation(lineItemID: id, slot: slot, outcome: outcome)
        }
        guard let stopped else { return answer }
        // One of its formats may have been stopped where another was not; and who was looked at at all depends on the
        // others. What stops a line item in every format is told to everybody, the rest only to who sees all.
        let isWhole = [.paced, .goalReached, .budgetExhausted, .frequencyCapped, .capsElsewhere].contains(stopped)
        guard isWhole ? answer.outcome == .outbid : !isBlinded else { return answer }
        return LineExplanation(lineItemID: id, slot: slot, outcome: .stopped(stopped))
    }

    private static func blinded(
        _ record: DecisionRecord, _ id: Int32, _ slot: Int, _ replay: inout DecisionReplay?
    ) -> LineExplanation {
        if let served = served(record, id, slot) { return served }
        // Whoever is already elsewhere on the page, or was kept off it by others, lost the auction of this slot.
        return asked(record, id, slot, &replay, isBlinded: true)
    }
}
