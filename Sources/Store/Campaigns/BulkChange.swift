import AdModel
import Postgres

/// One change of many campaigns or line items: all of them change, or none does.
public enum BulkChange: Equatable, Sendable {
    /// Ids of one request.
    public static let limit = 500
    /// Line items that one request may change through their campaigns.
    public static let lineItemLimit = 5_000
    public static let percentRange: ClosedRange<Int64> = 1...1_000

    case pause
    case resume
    case archive
    /// Bid times so many hundredths, rounded half up to the micro-rouble.
    case bidPercent(Int64)
    /// Bid plus so many micro-roubles, or minus.
    case bidAdd(Int64)
    case bidSet(Int64)
    /// nil = without limit.
    case totalBudget(Int64?)
    case dailyBudget(Int64?)
    /// End of the flight.
    case end(Timestamp)

    /// The line item with the change made to what it is about; nil for the changes that are no edit.
    func applied(to item: LineItem) throws -> LineItem? {
        var item = item
        switch self {
        case .pause, .resume, .archive: return nil
        case .bidPercent(let percent):
            let (product, overflow) = item.bidMicros.multipliedReportingOverflow(by: percent)
            guard !overflow else { throw Refusal.field("bid_micros", "out_of_range", "The new bid is too large.") }
            item.bidMicros = product / 100 + (product % 100 >= 50 ? 1 : 0)
        case .bidAdd(let micros): item.bidMicros += micros
        case .bidSet(let micros): item.bidMicros = micros
        case .totalBudget(let micros): item.totalBudgetMicros = micros
        case .dailyBudget(let micros): item.dailyBudgetMicros = micros
        case .end(let instant): item.endsAt = instant
        }
        if item.bidMicros < 0 { throw Refusal.field("bid_micros", "out_of_range", "The new bid is below zero.") }
        return item
    }
}

/// What a bulk change did.
public struct BulkOutcome<Value: Sendable>: Sendable {
    /// Before and after, in the order of the ids.
    public var changed: [(before: Value, after: Value)]
    public var mattersToServing: Bool
}

extension BulkChange {
    /// Changes campaigns; bids and ends are those of all their line items that are not archived.
    /// Throws `invalid_fields` with the first reason of every campaign that cannot change, as `ids[n]`.
    public static func apply(
        _ change: BulkChange, toCampaigns codes: [String], actor: CampaignActor, now: Timestamp,
        on db: isolated PostgresConnection
    ) throws -> BulkOutcome<Campaign> {
        try lock(codes, "select id from campaign where code = any($1::text[]) order by id for no key update", on: db)
        var outcome = BulkOutcome<Campaign>(changed: [], mattersToServing: false)
        var errors = FieldProblems()
        var budget = lineItemLimit
        for (place, code) in codes.enumerated() {
            do {
                guard let campaign = try Campaigns.find(code, on: db) else { throw Refusal.unknownReference("", code) }
                let edit = try apply(change, to: campaign, budget: &budget, actor: actor, now: now, on: db)
                outcome.changed.append((campaign, edit.campaign))
                outcome.mattersToServing = outcome.mattersToServing || edit.mattersToServing
            } catch let refusal as Refusal {
                errors.add("ids[\(place)]", refusal.fields.first?.code ?? refusal.code.rawValue, refusal.detail)
            }
        }
        try errors.throwIfAny()
        return outcome
    }

    private static func apply(
        _ change: BulkChange, to campaign: Campaign, budget: inout Int, actor: CampaignActor, now: Timestamp,
        on db: isolated PostgresConnection
    ) throws -> CampaignEdit {
        let action: CampaignActions.Action? =
            switch change {
            case .pause: .pause
            case .resume: .resume
            case .archive: .archive
            default: nil
            }
        if let action {
            return try CampaignActions.perform(
                action, on: campaign, actor: actor, reason: "bulk change", now: now, on: db)
        }
        let items = try LineItems.list(
            of: campaign.id, archived: false, after: 0, limit: Int64(LineItem.campaignLimit), on: db)
        budget -= items.count
        guard budget >= 0 else {
            throw Refusal(.invalidState, "More than \(lineItemLimit) line items at once; change fewer campaigns.")
        }
        guard !items.isEmpty else { throw Refusal(.invalidState, "The campaign has no line items.") }
        for item in items {
            guard let new = try change.applied(to: item) else { continue }
            _ = try LineItems.update(new, was: item, in: campaign, resubmit: false, actor: actor, now: now, on: db)
        }
        try db.query("update campaign set revision = revision + 1 where id = $1", [.int4(campaign.id)])
        return CampaignEdit(
            campaign: try Campaigns.stored(campaign.id, on: db), mattersToServing: campaign.state.isApproved)
    }

    /// Changes line items. Throws `invalid_fields` with the first reason of every line item that cannot change, as
    /// `ids[n]`.
    public static func apply(
        _ change: BulkChange, toLineItems codes: [String], actor: CampaignActor, now: Timestamp,
        on db: isolated PostgresConnection
    ) throws -> BulkOutcome<LineItem> {
        try lock(
            codes,
            """
            select id from campaign where id in (select campaign_id from line_item where code = any($1::text[]))
            order by id for no key update
            """, on: db)
        try lock(codes, "select id from line_item where code = any($1::text[]) order by id for no key update", on: db)
        var outcome = BulkOutcome<LineItem>(changed: [], mattersToServing: false)
        var errors = FieldProblems()
        var campaigns: [Int32: Campaign] = [:]
        for (place, code) in codes.enumerated() {
            do {
                guard let item = try LineItems.find(code, on: db) else { throw Refusal.unknownReference("", code) }
                let campaign = try campaigns[item.campaignID] ?? Campaigns.stored(item.campaignID, on: db)
                campaigns[item.campaignID] = campaign
                let edit = try apply(change, to: item, in: campaign, actor: actor, now: now, on: db)
                outcome.changed.append((item, edit.lineItem))
                outcome.mattersToServing = outcome.mattersToServing || edit.mattersToServing
            } catch let refusal as Refusal {
                errors.add("ids[\(place)]", refusal.fields.first?.code ?? refusal.code.rawValue, refusal.detail)
            }
        }
        try errors.throwIfAny()
        return outcome
    }

    private static func apply(
        _ change: BulkChange, to item: LineItem, in campaign: Campaign, actor: CampaignActor, now: Timestamp,
        on db: isolated PostgresConnection
    ) throws -> LineItemEdit {
        if let new = try change.applied(to: item) {
            return try LineItems.update(new, was: item, in: campaign, resubmit: false, actor: actor, now: now, on: db)
        }
        return try LineItems.set(
            paused: change == .pause, archived: change == .archive, of: item, in: campaign, actor: actor,
            on: db)
    }

    /// In the order of the ids, so that two bulk changes wait for each other and do not lock each other out.
    private static func lock(_ codes: [String], _ sql: String, on db: isolated PostgresConnection) throws {
        try db.query(sql, [.textArray(codes)])
    }
}
