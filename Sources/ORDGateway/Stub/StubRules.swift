import Foundation

/// The operator's rules that no schema can say, written from his document and not from our own checks: what both
/// agree on is tested.
struct StubRules {
    /// What the stub has been sent: the body of an object by kind and id.
    var known: (String, String) -> StubValue?
    /// The operator's day (UTC), `2026-11-22`.
    var today: String

    func problem(_ kind: String, _ id: String, _ body: StubValue) -> StubProblem? {
        switch kind {
        case "person": return person(body)
        case "contract": return contract(id, body)
        case "pad": return pad(body)
        case "cid": return cid(body)
        case "creative": return creative(id, body)
        case "invoice": return StubActRules(rules: self).problem(body)
        default: return nil
        }
    }

    // MARK: Persons

    private func person(_ body: StubValue) -> StubProblem? {
        let details = "juridical_details."
        let kind = body["juridical_details.type"]?.text ?? ""
        let isForeign = kind.hasPrefix("foreign_")
        func has(_ name: String) -> Bool { body[details + name] != nil }
        if isForeign == has("inn") {
            return StubProblem("person_inn", details + "inn", isForeign ? "is for residents" : "is required")
        }
        if let inn = body[details + "inn"]?.text, !Self.isINN(inn, digits: kind == "juridical" ? 10 : 12) {
            return StubProblem("person_inn", details + "inn", "is not a tax number")
        }
        if has("kpp"), kind != "juridical" { return StubProblem("person_kpp", details + "kpp", "is for firms") }
        if let phone = body[details + "phone"]?.text, !(8...15).contains(phone.count(where: \.isNumber)) {
            return StubProblem("person_phone", details + "phone", "must have 8 to 15 digits")
        }
        if !isForeign {
            for name in [
                "foreign_inn", "foreign_registration_number", "foreign_epayment_method", "foreign_oksm_country_code",
            ] where has(name) {
                return StubProblem("person_foreign", details + name, "is for foreign parties")
            }
        } else if !has("foreign_oksm_country_code") {
            return StubProblem("common_required_field", details + "foreign_oksm_country_code", "is required")
        }
        let roles = (body["roles"]?.list ?? []).compactMap(\.text)
        if roles.contains("ors") != (body["rs_url"] != nil) {
            return StubProblem("person_rs_url", "rs_url", "goes together with the role ors")
        }
        if let wrong = foreign(kind, isSystem: roles.contains("ors"), has) { return wrong }
        let name = body["name"]?.text ?? ""
        let pattern = Self.names[kind] ?? Self.firmName
        return name.range(of: pattern, options: .regularExpression) == nil
            ? StubProblem("person_name", "name", "holds characters that are not allowed") : nil
    }

    private func foreign(_ kind: String, isSystem: Bool, _ has: (String) -> Bool) -> StubProblem? {
        let details = "juridical_details."
        if kind == "foreign_physical" {
            if !has("phone"), !has("foreign_epayment_method") {
                return StubProblem("common_required_field", details + "phone", "is required")
            }
            if has("foreign_inn") != isSystem {
                return StubProblem("person_foreign", details + "foreign_inn", "goes together with the role ors")
            }
            if has("foreign_registration_number") {
                return StubProblem("person_foreign", details + "foreign_registration_number", "is for firms")
            }
        }
        if kind == "foreign_juridical", !has("foreign_inn"), !has("foreign_registration_number") {
            return StubProblem("common_required_field", details + "foreign_inn", "is required")
        }
        return nil
    }

    private static let person = "[А-яЁёIVXLCDM]+([ \\-–—'][А-яЁёIVXLCDM]+)*"
    private static let names = [
        "physical": "^\(person)$",
        "ip": "^[А-яЁёIVXLCDM]+(\\.?[ \\-–—']?[А-яЁёIVXLCDM]+)*\\.?$",
    ]
    private static let firmName =
        "^(?=.*[А-яЁёA-Za-z0-9])(?! )[А-яЁёA-Za-z0-9 \\-–—&#,.;!?‘`+*№/:|_%°«»\"()]+(?<! )$"

    static func isINN(_ text: String, digits: Int) -> Bool {
        let numbers = text.utf8.map { Int($0) - 48 }
        guard numbers.count == digits, numbers.allSatisfy((0...9).contains), numbers.contains(where: { $0 > 0 }) else {
            return false
        }
        func isRight(_ place: Int, _ weights: [Int]) -> Bool {
            var sum = 0
            for (weight, number) in zip(weights, numbers) { sum += weight * number }
            return sum % 11 % 10 == numbers[place]
        }
        if digits == 10 { return isRight(9, [2, 4, 10, 3, 5, 9, 4, 6, 8]) }
        return isRight(10, [7, 2, 4, 10, 3, 5, 9, 4, 6, 8]) && isRight(11, [3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8])
    }

    // MARK: Pads and foreign contracts

    private func pad(_ body: StubValue) -> StubProblem? {
        guard known("person", body["person_external_id"]?.text ?? "") != nil else {
            return .absent("person_external_id")
        }
        let type = body["type"]?.text
        if body["url"] == nil, type == "web" || type == "mobile_app" {
            return StubProblem("common_required_field", "url", "is required")
        }
        return nil
    }

    private func cid(_ body: StubValue) -> StubProblem? {
        let identities = [
            "client_inn", "client_foreign_epayment_method", "client_foreign_registration_number", "client_foreign_inn",
        ].filter { body[$0] != nil }
        return identities.count > 1 ? StubProblem("cid_identity", identities[1], "is one identity too many") : nil
    }

    // MARK: Contracts

    private func contract(_ id: String, _ body: StubValue) -> StubProblem? {
        let type = body["type"]?.text ?? ""
        func text(_ name: String) -> String { body[name]?.text ?? "" }
        let (client, contractor) = (text("client_external_id"), text("contractor_external_id"))
        guard let buyer = known("person", client) else { return .absent("client_external_id") }
        guard let seller = known("person", contractor) else { return .absent("contractor_external_id") }
        for name in ["inn", "foreign_inn"] {
            let path = "juridical_details.\(name)"
            if client == contractor || (buyer[path] != nil && buyer[path] == seller[path]) {
                return StubProblem("contract_parties", "contractor_external_id", "must differ from the client")
            }
        }
        if text("date") < "1991-01-01" || text("date") > today {
            return StubProblem("contract_date", "date", "must be from 1991-01-01 to today")
        }
        if let end = body["date_end"]?.text, end < text("date") {
            return StubProblem("contract_date", "date_end", "must not be before the date")
        }
        if (type == "mediation") != (body["action_type"] != nil) {
            return StubProblem("contract_action_type", "action_type", "goes together with mediation")
        }
        if (type == "additional") != (body["parent_contract_external_id"] != nil) {
            return StubProblem("contract_parent", "parent_contract_external_id", "goes together with additional")
        }
        var isMediation = type == "mediation"
        if let parentID = body["parent_contract_external_id"]?.text {
            guard let parent = known("contract", parentID) else { return .absent("parent_contract_external_id") }
            let parties = Set([parent["client_external_id"]?.text, parent["contractor_external_id"]?.text])
            if parent["type"]?.text == "additional" || parties != Set([client, contractor]) || parentID == id {
                return StubProblem("contract_parent", "parent_contract_external_id", "must be a main contract of both")
            }
            isMediation = parent["type"]?.text == "mediation"
        }
        return flags(body, type, isMediation: isMediation, seller: seller)
    }

    private func flags(_ body: StubValue, _ type: String, isMediation: Bool, seller: StubValue) -> StubProblem? {
        let flags = (body["flags"]?.list ?? []).compactMap(\.text)
        let amount = body["amount"]?.text.flatMap { Decimal(string: $0) }
        if let amount, amount > 0, !flags.contains("vat_included") {
            return StubProblem("contract_flags", "flags", "must hold vat_included")
        }
        if amount == 0, isMediation { return StubProblem("contract_amount", "amount", "must not be zero") }
        let isAgent = flags.contains("agent_acting_for_publisher")
        let pays = flags.contains("is_charge_paid_by_agent")
        let isForeign = seller["juridical_details.type"]?.text?.hasPrefix("foreign_") == true
        let reports = flags.contains("contractor_is_creatives_reporter")
        let sellerRoles = (seller["roles"]?.list ?? []).compactMap(\.text)
        if (isAgent || pays) && type != "mediation" || isAgent && pays || pays && isForeign
            || reports && !sellerRoles.contains("ors")
        {
            return StubProblem("contract_flags", "flags", "do not go together with this contract")
        }
        return nil
    }

    // MARK: Creatives

    private func creative(_ id: String, _ body: StubValue) -> StubProblem? {
        func texts(_ name: String) -> [String] { (body[name]?.list ?? []).compactMap(\.text) }
        let owners = ["contract_external_ids", "person_external_id", "cids"].filter { body[$0] != nil }
        let contracts = texts("contract_external_ids")
        let cids = texts("cids")
        guard owners.count == 1, body["person_external_id"] != nil || contracts.count + cids.count > 0 else {
            return StubProblem("creative_owner", owners.dropFirst().first ?? "contract_external_ids", "one owner")
        }
        if contracts.contains(where: { known("contract", $0) == nil }) { return .absent("contract_external_ids") }
        if cids.contains(where: { known("cid", $0) == nil }) { return .absent("cids") }
        if let person = body["person_external_id"]?.text, known("person", person) == nil {
            return .absent("person_external_id")
        }
        let kktus = texts("kktus")
        let isCode = { (text: String) in
            text.range(of: "^([1-9]|[12][0-9]|30)(\\.[1-9][0-9]?){2}$", options: .regularExpression) != nil
        }
        guard kktus.allSatisfy(isCode), kktus.count == 1 || contracts.count + cids.count > 1 else {
            return StubProblem("creative_kktus", "kktus", "one code of the third level")
        }
        let words = ["brand", "category", "description"].filter { body[$0] != nil }
        if kktus == ["30.15.1"], words.isEmpty {
            return StubProblem("common_required_field", "description", "30.15.1 needs words")
        }
        let limit = [255, 255, 240, 225][words.count]
        if let long = words.first(where: { (body[$0]?.text ?? "").unicodeScalars.count > limit }) {
            return StubProblem("common_length_out_of_ranges", long, "must have at most \(limit) characters")
        }
        if body["person_external_id"] != nil, body["pay_type"] != nil {
            return StubProblem("creative_pay_type", "pay_type", "self-promotion is not paid")
        }
        return content(id, body, texts: texts("texts"), media: texts("media_external_ids"))
    }

    private func content(_ id: String, _ body: StubValue, texts: [String], media: [String]) -> StubProblem? {
        let form = body["form"]?.text ?? ""
        let isText = form.hasPrefix("text_")
        if isText == texts.isEmpty { return StubProblem("creative_texts", "texts", "do not go with the form") }
        if (form == "text_block") != media.isEmpty {
            return StubProblem("creative_media", "media_external_ids", "do not go with the form")
        }
        if texts.reduce(0, { $0 + $1.unicodeScalars.count }) > 65_000 {
            return StubProblem("common_length_out_of_ranges", "texts", "are too long together")
        }
        if media.contains(where: { known("media", $0) == nil }) { return .absent("media_external_ids") }
        // What was registered can be added to, not taken away from.
        if let before = known("creative", id) {
            for (name, now) in [("texts", texts), ("media_external_ids", media)]
            where !Set((before[name]?.list ?? []).compactMap(\.text)).isSubset(of: now) {
                return StubProblem("creative_append_only", name, "registered ones cannot be removed", status: 409)
            }
        }
        return nil
    }
}
