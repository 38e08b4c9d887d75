import AdModel
import Billing
import ORD
import Postgres
import Store

/// Reads what callers send about campaigns and line items.
enum CampaignBody {
    /// A third-level code of goods that exists; nil when absent, null or refused.
    static func kktu(_ body: Fields, _ call: Call) -> String? {
        guard let code = body.textIfPresent("kktu", limit: 10) else { return nil }
        let parts = code.split(separator: ".", omittingEmptySubsequences: false)
        let isShaped =
            parts.count == 3 && parts.allSatisfy { (1...2).contains($0.utf8.count) && $0.allSatisfy(\.isASCIIDigit) }
        guard isShaped, parts[0].first != "0", (1...30).contains(Int(parts[0]) ?? 0),
            call.services.kktu.map({ $0.entry(code)?.canBeChosen == true }) ?? true
        else {
            body.problem("kktu", "Must be a third-level code of goods and services (ККТУ) like 17.3.1.")
            return nil
        }
        return code
    }

    /// Lists that are given replace those that were there.
    static func read(_ body: Fields, into credited: inout CreditedProducts) {
        if body.has("brands") {
            credited.brands = body.texts("brands", limit: CreditedProducts.brandLimit, itemLimit: 64)
        }
        if body.has("skus") {
            credited.skus = body.texts("skus", limit: CreditedProducts.listLimit, itemLimit: Limits.sku)
        }
        if body.has("groups") {
            credited.groups = body.texts("groups", limit: CreditedProducts.listLimit, itemLimit: Limits.sku)
        }
        if body.has("categories") {
            credited.categories = body.texts("categories", limit: CreditedProducts.listLimit, itemLimit: 64)
        }
    }

    /// The advertiser of a new campaign: the named one, or the only one that the caller works for.
    static func advertiser(
        _ code: String?, _ call: Call, on db: isolated PostgresConnection
    ) throws -> Int32 {
        guard let code else {
            guard let only = call.actor.advertiserIDs.first else {
                throw Refusal.field("advertiser", "required", "Required.")
            }
            return only
        }
        guard let row = try db.query("select id from advertiser where code = $1", [.text(code)]).first else {
            throw Refusal.unknownReference("advertiser", code)
        }
        return try row.int32("id")
    }

    /// For the audit log.
    static func past(_ action: CampaignActions.Action) -> String {
        switch action {
        case .submit: "submitted"
        case .withdraw: "withdrawn"
        case .pause: "paused"
        case .resume: "resumed"
        case .finish: "finished"
        case .archive: "archived"
        }
    }

    // MARK: Flights

    /// `{from, to}`: dates are whole days of the accounting zone, both included; instants are exact, the end excluded.
    static func flight(
        _ body: Fields, _ zone: AccountingZone, from old: (Timestamp, Timestamp)?
    ) -> (Timestamp, Timestamp)? {
        guard body.has("flight") else {
            if old == nil { body.problem("flight", "Required.", code: "required") }
            return old
        }
        guard let flight = body.object("flight") else {
            if body.isNull("flight") { body.problem("flight", "Required.", code: "required") }
            return old
        }
        let from = instant(flight, "from", zone, isEnd: false) ?? (flight.has("from") ? nil : old?.0)
        let to = instant(flight, "to", zone, isEnd: true) ?? (flight.has("to") ? nil : old?.1)
        if old == nil {
            for key in ["from", "to"] where flight.json(key) == nil {
                flight.problem(key, "Required.", code: "required")
            }
        }
        guard let from, let to else { return old }
        return (from, to)
    }

    /// A date or an instant; the end of a date is the next midnight.
    static func instant(_ body: Fields, _ key: String, _ zone: AccountingZone, isEnd: Bool) -> Timestamp? {
        guard let text = body.textIfPresent(key, limit: 40) else {
            if body.isNull(key) { body.problem(key, "Required.", code: "required") }
            return nil
        }
        if let day = Day(text), day.number < 2_900_000 { return zone.start(of: isEnd ? day + 1 : day) }
        guard let instant = Timestamp(rfc3339: text) else {
            body.problem(key, "Must be a date like 2026-11-01 or an instant like 2026-11-01T10:00:00+03:00.")
            return nil
        }
        return instant
    }
}

extension Character {
    fileprivate var isASCIIDigit: Bool { ("0"..."9").contains(self) }
}
