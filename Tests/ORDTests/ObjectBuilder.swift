import AdModel
import ORD

/// Makes our objects from bodies in the operator's own field names, so that case files read like its documentation.
enum ObjectBuilder {
    static func person(_ j: JSONValue, id: String = "org-x") -> Person {
        let details = "juridical_details."
        return Person(
            id: j["id"]?.string ?? id, kind: j[details + "type"]?.string ?? "", name: j["name"]?.string ?? "",
            inn: j[details + "inn"]?.string, kpp: j[details + "kpp"]?.string, phone: j[details + "phone"]?.string,
            foreignINN: j[details + "foreign_inn"]?.string,
            foreignRegistrationNumber: j[details + "foreign_registration_number"]?.string,
            foreignEpaymentMethod: j[details + "foreign_epayment_method"]?.string,
            foreignCountryCode: j[details + "foreign_oksm_country_code"]?.string, roles: strings(j["roles"]),
            rsURL: j["rs_url"]?.string)
    }

    static func contract(_ j: JSONValue, id: String = "ctr-x") -> Contract {
        Contract(
            id: j["id"]?.string ?? id, type: j["type"]?.string ?? "",
            clientID: j["client_external_id"]?.string ?? "", contractorID: j["contractor_external_id"]?.string ?? "",
            date: day(j["date"]) ?? Day(number: 0), dateEnd: day(j["date_end"]), serial: j["serial"]?.string,
            subjectType: j["subject_type"]?.string ?? "", actionType: j["action_type"]?.string,
            parentID: j["parent_contract_external_id"]?.string,
            amount: j["amount"]?.string.flatMap { KopeckAmount($0) }, flags: strings(j["flags"]))
    }

    static func pad(_ j: JSONValue) -> Pad {
        Pad(
            id: "pad-x", personID: j["person_external_id"]?.string ?? "", isOwner: j["is_owner"]?.bool ?? true,
            type: j["type"]?.string ?? "", name: j["name"]?.string ?? "", url: j["url"]?.string)
    }

    static func creative(_ j: JSONValue) -> Creative {
        Creative(
            id: j["id"]?.string ?? "cr-x-v1", contractIDs: strings(j["contract_external_ids"]),
            personID: j["person_external_id"]?.string, cids: strings(j["cids"]), kktus: strings(j["kktus"]),
            name: j["name"]?.string, brand: j["brand"]?.string, category: j["category"]?.string,
            description: j["description"]?.string, payType: j["pay_type"]?.string, form: j["form"]?.string ?? "",
            targeting: j["targeting"]?.string, targetURLs: strings(j["target_urls"]), texts: strings(j["texts"]),
            mediaIDs: strings(j["media_external_ids"]), flags: strings(j["flags"]), erid: j["erid"]?.string,
            eridStatus: j["erid_status"]?.string)
    }

    static func act(_ j: JSONValue) -> Act {
        Act(
            id: "act-x-2026-03", contractID: j["contract_external_id"]?.string ?? "", serial: j["serial"]?.string,
            date: day(j["date"]) ?? Day(number: 0), dateStart: day(j["date_start"]) ?? Day(number: 0),
            dateEnd: day(j["date_end"]) ?? Day(number: 0), clientRole: j["client_role"]?.string ?? "",
            contractorRole: j["contractor_role"]?.string ?? "", flags: strings(j["flags"]),
            services: kopecks(j["amount.services"]),
            commission: j["amount.commission"].map {
                Act.Commission(amount: kopecks($0), serial: $0["serial"]?.string, date: day($0["date"]))
            },
            items: (j["items"]?.array ?? []).map { item in
                Act.Item(
                    contractID: item["contract_external_id"]?.string, cid: item["cid"]?.string,
                    amount: kopecks(item["amount"]),
                    creativeIDs: (item["creatives"]?.array ?? []).compactMap { $0["creative_external_id"]?.string })
            })
    }

    static func row(_ j: JSONValue) -> StatisticsRow {
        StatisticsRow(
            creativeID: j["creative_external_id"]?.string ?? "", padID: j["pad_external_id"]?.string ?? "",
            shows: Int64(j["shows_count"]?.number ?? 0),
            invoicedShows: j["invoice_shows_count"]?.number.map { Int64($0) },
            amount: j["amount"].map { a in
                TaxedAmount(
                    excludingVAT: Decimal5(a["excluding_vat"]?.string ?? "") ?? .zero, rate: rate(a),
                    vat: Decimal5(a["vat"]?.string ?? "") ?? .zero,
                    includingVAT: Decimal5(a["including_vat"]?.string ?? "") ?? .zero)
            },
            unitPrice: j["amount_per_event"]?.string.flatMap { Decimal5($0) }.map {
                UnitPrice(units: $0.units, decimals: 5)
            },
            payType: j["pay_type"]?.string, actualStart: day(j["date_start_actual"]) ?? Day(number: 0),
            actualEnd: day(j["date_end_actual"]) ?? Day(number: 0), plannedStart: day(j["date_start_planned"]),
            plannedEnd: day(j["date_end_planned"]))
    }

    static func day(_ j: JSONValue?) -> Day? { j?.string.flatMap { Day($0) } }

    private static func strings(_ j: JSONValue?) -> [String] { (j?.array ?? []).compactMap(\.string) }

    private static func rate(_ j: JSONValue) -> VATRate { VATRate(rawValue: j["vat_rate"]?.string ?? "") ?? .zero }

    private static func kopecks(_ j: JSONValue?) -> TaxedAmount<KopeckAmount> {
        TaxedAmount(
            excludingVAT: KopeckAmount(j?["excluding_vat"]?.string ?? "") ?? .zero, rate: j.map(rate) ?? .zero,
            vat: KopeckAmount(j?["vat"]?.string ?? "") ?? .zero,
            includingVAT: KopeckAmount(j?["including_vat"]?.string ?? "") ?? .zero)
    }
}
