import Foundation

/// The operator's rules for acts and rows of statistics: roles, dates, money.
struct StubActRules {
    let rules: StubRules

    // MARK: Acts

    func problem(_ act: StubValue) -> StubProblem? {
        func text(_ name: String) -> String { act[name]?.text ?? "" }
        for field in ["date", "date_start", "date_end"] where text(field) > rules.today {
            return StubProblem("invoice_date", field, "must not be after today")
        }
        if text("date_start") > text("date_end") {
            return StubProblem("invoice_date", "date_start", "must not be after date_end")
        }
        let contractID = text("contract_external_id")
        guard let contract = rules.known("contract", contractID) else { return .absent("contract_external_id") }
        let parent = contract["parent_contract_external_id"]?.text.flatMap { rules.known("contract", $0) }
        let main = parent ?? contract
        if let wrong = roles(act, main) { return wrong }
        let isMediation = main["type"]?.text == "mediation"
        if isMediation != (act["amount.commission"] != nil) {
            return StubProblem("invoice_commission", "amount.commission", "goes together with mediation")
        }
        for field in ["amount.services", "amount.commission"] {
            guard let amount = act[field] else { continue }
            let isFree = field == "amount.commission" || contract["amount"]?.text.flatMap { Decimal(string: $0) } == 0
            if let wrong = StubMoney.problem(amount, field, date: text("date"), decimals: 2, mayBeZero: isFree) {
                return wrong
            }
        }
        if act["amount.commission.serial"] != nil, act["amount.commission.date"] == nil {
            return StubProblem("common_required_field", "amount.commission.date", "is required")
        }
        return items(act, contractID)
    }

    private func roles(_ act: StubValue, _ main: StubValue) -> StubProblem? {
        let (client, contractor) = (act["client_role"]?.text, act["contractor_role"]?.text)
        let isAgent = (main["flags"]?.list ?? []).contains(.text("agent_acting_for_publisher"))
        if contractor == "advertiser" || (isAgent && contractor == "publisher") {
            return StubProblem("invoice_role", "contractor_role", "is not possible under this contract")
        }
        let isMediation = main["type"]?.text == "mediation"
        if isAgent ? (isMediation && client == "advertiser") : client == "publisher" {
            return StubProblem("invoice_role", "client_role", "is not possible under this contract")
        }
        return nil
    }

    private func items(_ act: StubValue, _ contractID: String) -> StubProblem? {
        let items = act["items"]?.list ?? []
        var owners: Set<String> = []
        var creatives: Set<String> = []
        var sum = Decimal(0)
        for (index, item) in items.enumerated() {
            let place = "items[\(index)]"
            let owner = item["contract_external_id"]?.text
            let cid = item["cid"]?.text
            guard (owner == nil) != (cid == nil), owners.insert(owner ?? cid ?? "").inserted else {
                return StubProblem("invoice_item_contract", "\(place).contract_external_id", "one contract, once")
            }
            if let owner {
                guard let contract = rules.known("contract", owner) else {
                    return .absent("\(place).contract_external_id")
                }
                if act["client_role"]?.text == "advertiser", owner != contractID,
                    contract["parent_contract_external_id"]?.text != contractID
                {
                    return StubProblem("invoice_item_contract", "\(place).contract_external_id", "must be the act's")
                }
            } else if act["client_role"]?.text == "advertiser" {
                return StubProblem("invoice_item_contract", "\(place).cid", "must be the act's contract")
            } else if let cid, rules.known("cid", cid) == nil {
                return .absent("\(place).cid")
            }
            guard let amount = item["amount"] else { continue }
            let date = act["date"]?.text ?? ""
            if let wrong = StubMoney.problem(amount, "\(place).amount", date: date, decimals: 2, mayBeZero: true) {
                return wrong
            }
            sum += amount["excluding_vat"]?.text.flatMap { Decimal(string: $0) } ?? 0
            if let wrong = self.creatives(item, place, owner: owner, cid: cid, &creatives) { return wrong }
        }
        let total = act["amount.services.excluding_vat"]?.text.flatMap { Decimal(string: $0) } ?? 0
        if sum > total + Decimal(items.count) / 100 {
            return StubProblem("invoice_items_sum", "items", "exceed the act")
        }
        return nil
    }

    private func creatives(
        _ item: StubValue, _ place: String, owner: String?, cid: String?, _ seen: inout Set<String>
    ) -> StubProblem? {
        for (index, entry) in (item["creatives"]?.list ?? []).enumerated() {
            let field = "\(place).creatives[\(index)].creative_external_id"
            let id = entry["creative_external_id"]?.text ?? ""
            guard let creative = rules.known("creative", id) else { return .absent(field) }
            let mine =
                owner.map { creative["contract_external_ids"]?.list?.contains(.text($0)) == true }
                ?? cid.map { creative["cids"]?.list?.contains(.text($0)) == true } ?? false
            guard mine, seen.insert(id).inserted else {
                return StubProblem("invoice_item_creative", field, "must belong to the contract, once")
            }
        }
        return nil
    }

    // MARK: Rows

    func row(_ row: StubValue, _ place: String) -> StubProblem? {
        func text(_ name: String) -> String { row[name]?.text ?? "" }
        guard let creative = rules.known("creative", text("creative_external_id")) else {
            return .absent("\(place).creative_external_id")
        }
        guard rules.known("pad", text("pad_external_id")) != nil else { return .absent("\(place).pad_external_id") }
        for kind in ["actual", "planned"] {
            let (from, to) = ("date_start_\(kind)", "date_end_\(kind)")
            guard row[from] != nil || row[to] != nil else { continue }
            if text(from) > text(to) || text(from).prefix(7) != text("date_start_actual").prefix(7)
                || text(to).prefix(7) != text(from).prefix(7) || text(to) > rules.today
            {
                return StubProblem("statistics_dates", "\(place).\(to)", "one month, not after today")
            }
        }
        let isOwn = creative["person_external_id"] != nil
        if isOwn, row["amount"] != nil || row["amount_per_event"] != nil || row["pay_type"] != nil {
            return StubProblem("statistics_self_promotion", "\(place).amount", "self-promotion has no money")
        }
        let price = row["amount_per_event"]?.text.flatMap { Decimal(string: $0) }
        guard let amount = row["amount"] else {
            return price == nil ? nil : StubProblem("statistics_price", "\(place).amount_per_event", "without amount")
        }
        if let wrong = StubMoney.problem(amount, "\(place).amount", date: nil, decimals: 5, mayBeZero: true) {
            return wrong
        }
        let sum = amount["excluding_vat"]?.text.flatMap { Decimal(string: $0) } ?? 0
        guard let price, (price > 0) == (sum > 0), price <= 10_000_000_000 else {
            return StubProblem("statistics_price", "\(place).amount_per_event", "both zero or both positive")
        }
        return nil
    }
}

/// The operator's arithmetic of VAT (his document, in decimal arithmetic).
enum StubMoney {
    static func problem(
        _ amount: StubValue, _ field: String, date: String?, decimals: Int, mayBeZero: Bool
    ) -> StubProblem? {
        func value(_ name: String) -> Decimal { amount[name]?.text.flatMap { Decimal(string: $0) } ?? 0 }
        let rate = amount["vat_rate"]?.text ?? ""
        if let date, rate == "22" && date < "2026-01-01" || rate == "20" && date >= "2026-01-01" {
            return StubProblem("invoice_vat_rate", "\(field).vat_rate", "is not in force on that date")
        }
        let (excluding, vat) = (value("excluding_vat"), value("vat"))
        if value("including_vat") != excluding + vat {
            return StubProblem("amount_including_vat", "\(field).including_vat", "must be the sum")
        }
        if excluding == 0, !mayBeZero {
            return StubProblem("amount_zero", "\(field).excluding_vat", "only under a free contract")
        }
        guard bounds(excluding, percent: Decimal(string: rate) ?? 0, decimals: decimals).contains(vat) else {
            return StubProblem("amount_vat", "\(field).vat", "is not the VAT of excluding_vat")
        }
        return nil
    }

    static func bounds(_ excluding: Decimal, percent: Decimal, decimals: Int) -> ClosedRange<Decimal> {
        guard percent > 0 else { return 0...0 }
        let exact = excluding * percent / 100
        if exact >= Decimal(sign: .plus, exponent: -1, significand: 5) {
            let upper = exact.rounded(2, .plain) + Decimal(sign: .plus, exponent: -1, significand: 5)
            return exact.rounded(2, .down)...upper
        }
        var scale = 2
        if decimals > 2, exact < Decimal(sign: .plus, exponent: -1, significand: 1) {
            while scale < 5, excluding.rounded(scale, .down) != excluding { scale += 1 }
        }
        let lower = exact.rounded(scale, .down)
        let room = Decimal(sign: .plus, exponent: -scale, significand: 5)
        return lower...max(lower, min(exact.rounded(scale, .plain) + room, excluding / 2))
    }
}
