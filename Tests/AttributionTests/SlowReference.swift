import AdModel
import Attribution

/// The rules once more, as plainly as they can be said: every touch against every line, no indices, no cleverness.
/// It shares the row types with the engine and nothing else.
struct SlowReference {
    let world: World
    let policy: AttributionPolicy

    func output() -> [UInt8] {
        let header =
            "order_id,line_no,policy,advertiser_id,campaign_id,line_item_id,touch_id,interaction,level,kind,"
            + "units,amount_micros\n"
        let rows = unique(world.lines).flatMap(rows(of:)).sorted { a, b in
            for column in 0..<a.count {
                switch (a[column], b[column]) {
                case (.text(let x), .text(let y)) where x != y: return x.lexicographicallyPrecedes(y)
                case (.number(let x), .number(let y)) where x != y: return x < y
                default: continue
                }
            }
            return false
        }
        return Array(header.utf8)
            + rows.flatMap { row in
                Array(row.map(\.csv).joined(separator: Array(",".utf8))) + [0x0A]
            }
    }

    enum Cell: Equatable {
        case text([UInt8])
        case number(Int64)

        var csv: [UInt8] {
            switch self {
            case .number(let number): return Array("\(number)".utf8)
            case .text(let bytes):
                let special = Set(Array(",\"\r\n".utf8))
                if special.isDisjoint(with: bytes) { return bytes }
                return [0x22] + bytes.flatMap { $0 == 0x22 ? [0x22, 0x22] : [$0] } + [0x22]
            }
        }
    }

    private struct Candidate {
        var id: AttributionID
        var isClick: Bool
        var at: Int64
        var level: MatchLevel
        /// nil = a rival.
        var touch: TouchRow?
    }

    private func rows(of line: OrderLineRow) -> [[Cell]] {
        guard line.units >= 1, line.netAmountMicros >= 0 else { return [] }
        var contests: [[UInt8]: [Candidate]] = [:]
        for touch in unique(world.touches) {
            guard let level = level(touch, line) else { continue }
            var key: [UInt8] = []
            switch policy.scope {
            case .line: key = []
            case .advertiser: key = touch.advertiserID.bytes
            case .campaign: key = touch.campaignID.bytes
            }
            if policy.separatesInteractions { key += [0xFF, touch.kind == .click ? 1 : 0] }
            contests[key, default: []].append(
                Candidate(
                    id: touch.touchID, isClick: touch.kind == .click, at: touch.occurredAt.micros, level: level,
                    touch: touch))
        }
        if policy.scope == .line {
            for rival in world.rivals where rival.orderID == line.orderID && rival.lineNumber == line.lineNumber {
                let age = line.orderedAt.micros - rival.occurredAt.micros
                guard policy.levels.contains(rival.level),
                    let window = rival.kind == .click ? policy.clickWindow : policy.viewWindow, age >= 0,
                    age <= window.micros
                else { continue }
                let key: [UInt8] = policy.separatesInteractions ? [0xFF, rival.kind == .click ? 1 : 0] : []
                contests[key, default: []].append(
                    Candidate(
                        id: rival.touchID, isClick: rival.kind == .click, at: rival.occurredAt.micros,
                        level: rival.level, touch: nil))
            }
        }
        var result: [[Cell]] = []
        for candidates in contests.values {
            var best = candidates[0]
            for candidate in candidates where isBetter(candidate, best) { best = candidate }
            guard let touch = best.touch else { continue }
            for (kind, units, amount) in money(line) {
                result.append([
                    .text(line.orderID.bytes), .number(line.lineNumber), .text(Array(policy.name.utf8)),
                    .text(touch.advertiserID.bytes), .text(touch.campaignID.bytes), .text(touch.lineItemID.bytes),
                    .text(touch.touchID.bytes), .text(Array(touch.kind.rawValue.utf8)),
                    .text(Array(best.level.rawValue.utf8)), .text(Array(kind.utf8)), .number(units), .number(amount),
                ])
            }
        }
        return result
    }

    private func isBetter(_ a: Candidate, _ b: Candidate) -> Bool {
        let order: [MatchLevel] = [.sku, .variant, .listed, .brand, .order]
        for comparator in policy.precedence {
            switch comparator {
            case .match:
                let x = order.firstIndex(of: a.level) ?? 9
                let y = order.firstIndex(of: b.level) ?? 9
                if x != y { return x < y }
            case .interaction: if a.isClick != b.isClick { return a.isClick }
            case .recency: if a.at != b.at { return a.at > b.at }
            }
        }
        if a.at != b.at { return a.at > b.at }
        return b.id.bytes.lexicographicallyPrecedes(a.id.bytes)
    }

    // MARK: Who, when, what

    private func person(_ id: AttributionID, _ t: Timestamp) -> AttributionID {
        let links = world.links.filter { $0.visitorID == id && !id.isAbsent && !$0.customerID.isAbsent }
        let before = links.filter { $0.linkedAt <= t }
        let instant = before.isEmpty ? links.map(\.linkedAt).min() : before.map(\.linkedAt).max()
        return links.filter { $0.linkedAt == instant }.map(\.customerID).max() ?? id
    }

    private func canonical(_ brand: AttributionID, _ t: Timestamp) -> AttributionID {
        if brand.isAbsent { return brand }
        return world.aliases.first { $0.alias == brand && !$0.brandID.isAbsent && holds($0.validFrom, $0.validTo, t) }?
            .brandID ?? brand
    }

    private func holds(_ from: Timestamp?, _ to: Timestamp?, _ t: Timestamp) -> Bool {
        if let from, t < from { return false }
        if let to, t >= to { return false }
        return true
    }

    private func level(_ touch: TouchRow, _ line: OrderLineRow) -> MatchLevel? {
        if touch.isInvalid || touch.shopperID.isAbsent || line.shopperID.isAbsent { return nil }
        guard person(touch.shopperID, touch.occurredAt) == person(line.shopperID, line.orderedAt) else { return nil }
        guard let window = touch.kind == .click ? policy.clickWindow : policy.viewWindow else { return nil }
        let age = line.orderedAt.micros - touch.occurredAt.micros
        guard age >= 0, age <= window.micros else { return nil }
        return policy.levels.first { matches($0, touch, line) }
    }

    private func matches(_ level: MatchLevel, _ touch: TouchRow, _ line: OrderLineRow) -> Bool {
        let product = world.products.first { $0.sku == line.sku && !line.sku.isAbsent }
        let campaign = world.campaigns.first {
            $0.campaignID == touch.campaignID && !touch.campaignID.isAbsent
                && holds($0.validFrom, $0.validTo, touch.occurredAt)
        }
        switch level {
        case .order: return true
        case .sku: return !line.sku.isAbsent && touch.promotedSKUs.contains(line.sku)
        case .variant:
            guard let product, !product.groupID.isAbsent else { return false }
            return world.products.contains {
                $0.groupID == product.groupID && !$0.sku.isAbsent && touch.promotedSKUs.contains($0.sku)
            }
        case .listed:
            guard let product, let campaign, owned(product, touch, line) else { return false }
            return campaign.listedSKUs.contains(product.sku)
                || product.categoryIDs.contains { !$0.isAbsent && campaign.listedCategoryIDs.contains($0) }
        case .brand:
            guard let product, let campaign, owned(product, touch, line) else { return false }
            let bought = canonical(product.brandID, line.orderedAt)
            return campaign.brandIDs.contains { !$0.isAbsent && canonical($0, line.orderedAt) == bought }
        }
    }

    private func owned(_ product: ProductRow, _ touch: TouchRow, _ line: OrderLineRow) -> Bool {
        if product.brandID.isAbsent || touch.advertiserID.isAbsent { return false }
        let bought = canonical(product.brandID, line.orderedAt)
        return world.grants.contains {
            $0.advertiserID == touch.advertiserID && !$0.brandID.isAbsent
                && canonical($0.brandID, line.orderedAt) == bought && holds($0.validFrom, $0.validTo, line.orderedAt)
        }
    }

    // MARK: Money

    private func money(_ line: OrderLineRow) -> [(String, Int64, Int64)] {
        var rows: [(String, Int64, Int64)] = [("credit", line.units, line.netAmountMicros)]
        if policy.basis == .gross { return rows }
        var units = line.units
        var amount = line.netAmountMicros
        let adjustments = unique(world.adjustments).filter {
            $0.orderID == line.orderID && ($0.lineNumber == nil || $0.lineNumber == line.lineNumber)
        }
        for row in adjustments.sorted(by: {
            ($0.occurredAt, $0.adjustmentID) < ($1.occurredAt, $1.adjustmentID)
        }) where units > 0 {
            if row.kind == .price {
                let next = max(0, amount + (row.amountMicros ?? 0))
                if next != amount { rows.append((next < amount ? "reversal" : "credit", 0, next - amount)) }
                amount = next
                continue
            }
            let taken = min(row.units ?? units, units)
            let share = Int64(Int128(amount) * Int128(taken) / Int128(units))
            let money = taken == units ? amount : min(row.amountMicros ?? share, amount)
            if taken != 0 || money != 0 { rows.append(("reversal", -taken, -money)) }
            units -= taken
            amount -= money
        }
        return rows
    }

    private func unique<Row: Hashable>(_ rows: [Row]) -> [Row] {
        var seen: Set<Row> = []
        return rows.filter { seen.insert($0).inserted }
    }
}
