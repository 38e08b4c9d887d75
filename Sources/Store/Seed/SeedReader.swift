import AdModel
import Crypto
import Foundation

/// Turns the neutral tree into the typed one. Everything that can be wrong without the database is reported here,
/// all at once.
struct SeedReader {
    /// Lists of one file, entries.
    static let listLimit = 10_000

    let rules: SeedRules
    let log: SeedLog
    /// Codes that were declared even where the rest of the entity is wrong, so that one mistake is reported once.
    private(set) var declared: [Noun: Set<String>] = [:]

    enum Noun: String, Hashable {
        case counterparty, location, storefront, placement, brand, advertiser, contract, campaign, creative
        case lineItem = "line item"
        case key = "API key"
    }

    init(rules: SeedRules, log: SeedLog) {
        self.rules = rules
        self.log = log
    }

    /// nil when not even the retailer could be read.
    mutating func read(_ root: SeedValue) -> SeedFile? {
        let utc = TimeZone(secondsFromGMT: 0) ?? .current
        guard let top = SeedObject(SeedNode(value: root, path: "", log: log), zone: utc) else { return nil }
        guard let retailerObject = top.object("retailer") else {
            top.problem("retailer", "is required")
            return nil
        }
        let zoneName = retailerObject.textIfPresent("accounting_zone") ?? "Europe/Moscow"
        let zone = TimeZone(identifier: zoneName)
        if zone == nil { retailerObject.problem("accounting_zone", "“\(zoneName)” is not a zone like Europe/Moscow") }
        let retailer = readRetailer(retailerObject, zone: zoneName)
        // The same mapping again, now with the zone in which its dates are meant.
        guard let object = SeedObject(top.node, zone: zone ?? utc) else { return nil }
        _ = object.child("retailer")
        let counterparties = object.objects("counterparties", limit: Self.listLimit).compactMap { counterparty($0) }
        let locations = object.objects("stock_locations", limit: 1_000).compactMap { location($0) }
        let storefronts = object.objects("storefronts", limit: 100).compactMap { storefront($0) }
        let brands = object.objects("brands", limit: Self.listLimit).compactMap { brand($0) }
        let advertisers = object.objects("advertisers", limit: Self.listLimit).compactMap { advertiser($0) }
        let contracts = object.objects("contracts", limit: Self.listLimit).compactMap { contract($0) }
        let campaigns = object.objects("campaigns", limit: Self.listLimit).compactMap { campaign($0) }
        let keys = object.objects("api_keys", limit: 1_000).compactMap { key($0) }
        object.finish()
        guard let retailer else { return nil }
        return SeedFile(
            retailer: retailer, counterparties: counterparties, locations: locations, storefronts: storefronts,
            brands: brands, advertisers: advertisers, contracts: contracts, campaigns: campaigns, keys: keys)
    }

    /// Reads the code of an entity and refuses a second one of the same noun.
    mutating func declare(
        _ noun: Noun, _ object: SeedObject, underscore: Bool = false, scope: String = ""
    ) -> String? {
        guard let code = object.code("code", underscore: underscore) else { return nil }
        if !declared[noun, default: []].insert(scope + code).inserted {
            object.problem("code", "there is already a \(noun.rawValue) “\(code)” in this file")
        }
        return code
    }

    static func place(_ object: SeedObject) -> SeedPlace { SeedPlace(path: object.path, line: object.line) }

    private func readRetailer(_ object: SeedObject, zone: String) -> SeedRetailer? {
        let code = object.code("code")
        let name = object.text("name")
        let counterparty = object.code("counterparty")
        let deadlines = object.object("billing_deadline")
        let impression = deadlines?.secondsIfPresent("impression", 1...604_800) ?? 3_600
        let click = deadlines?.secondsIfPresent("click", 1...604_800) ?? 86_400
        deadlines?.finish()
        let age = object.secondsIfPresent("stock_max_age", 60...315_360_000) ?? 86_400
        object.finish()
        guard let code, let name, let counterparty else { return nil }
        return SeedRetailer(
            place: Self.place(object), code: code, name: name, counterparty: counterparty, zone: zone,
            impressionDeadlineSeconds: impression, clickDeadlineSeconds: click, stockMaxAgeSeconds: age)
    }

    private mutating func counterparty(_ object: SeedObject) -> SeedCounterparty? {
        let code = declare(.counterparty, object)
        let kind = object.word("kind", ["physical", "juridical", "ip", "foreign_physical", "foreign_juridical"])
        let name = object.text("name")
        let inn = object.textIfPresent("inn", limit: 12)
        let kpp = object.textIfPresent("kpp", limit: 9)
        let phone = object.textIfPresent("phone", limit: 36)
        let foreignINN = object.textIfPresent("foreign_inn", limit: 50)
        let registration = object.textIfPresent("foreign_registration_number", limit: 32)
        let payment = object.textIfPresent("foreign_epayment_method", limit: 32)
        let country = object.textIfPresent("foreign_oksm_country_code", limit: 3)
        let roles = object.words("roles", ["advertiser", "agency", "ors", "publisher"])
        let rsURL = object.textIfPresent("rs_url", limit: 2_000)
        if roles.isEmpty { object.problem("roles", "is required: a list of advertiser, agency, ors, publisher") }
        object.finish()
        guard let code, let kind, let name, !roles.isEmpty else { return nil }
        let result = SeedCounterparty(
            place: Self.place(object), code: code, kind: kind, name: name, inn: inn, kpp: kpp, phone: phone,
            foreignINN: foreignINN, foreignRegistrationNumber: registration, foreignPaymentMethod: payment,
            foreignCountryCode: country, roles: roles, rsURL: rsURL)
        for (key, reason) in rules.counterparty(result) { object.problem(key, reason) }
        return result
    }

    private mutating func location(_ object: SeedObject) -> SeedLocation? {
        let code = declare(.location, object, underscore: true)
        let name = object.text("name")
        let regions = object.texts("regions", limit: 256, itemLimit: 8)
        for region in regions where !SeedTargeting.isRegion(region) {
            object.problem("regions", "“\(region)” is not an ISO 3166-2 code like RU-MOW")
        }
        object.finish()
        guard let code, let name else { return nil }
        return SeedLocation(place: Self.place(object), code: code, name: name, regions: regions)
    }

    private mutating func storefront(_ object: SeedObject) -> SeedStorefront? {
        let code = declare(.storefront, object)
        let name = object.text("name", limit: 100)
        let url = url("url", object)
        let kind = object.word("kind", ["web", "mobile_app", "hbbtv", "smarttv"], default: "web")
        let zone = object.textIfPresent("zone") ?? "Europe/Moscow"
        if TimeZone(identifier: zone) == nil { object.problem("zone", "“\(zone)” is not a zone like Europe/Moscow") }
        let location = object.codeIfPresent("default_location", underscore: true)
        let hosts = object.texts("landing_hosts", limit: 100, itemLimit: 253)
        for host in hosts where host != host.lowercased() || host.contains("/") || host.contains(":") {
            object.problem("landing_hosts", "“\(host)” is not a bare host name in small letters")
        }
        let placements = object.objects("placements", limit: 1_000).compactMap { placement($0, storefront: code ?? "") }
        object.finish()
        guard let code, let name, let url, let kind else { return nil }
        return SeedStorefront(
            place: Self.place(object), code: code, name: name, url: url, kind: kind, zone: zone,
            defaultLocation: location, landingHosts: hosts, placements: placements)
    }

    private mutating func placement(_ object: SeedObject, storefront: String) -> SeedPlacement? {
        let code = declare(.placement, object, underscore: true, scope: storefront + "\n")
        let pageType = object.word("page_type", PageType.allCases.map(\.rawValue))
        let formats = object.words("formats", rules.formats.keys.sorted())
        let maxAds = object.int("max_ads", 1...Limits.adsPerSlot, default: 1)
        let rank = object.int("rank", 0...1_000_000, default: 100)
        let floor = object.moneyIfPresent("floor") ?? 0
        let repeatAdvertiser = object.bool("repeat_advertiser", default: true)
        let repeatBrand = object.bool("repeat_brand", default: true)
        if object.child("formats") == nil { object.problem("formats", "is required: a list of ad formats") }
        object.finish()
        guard let code, let pageType, !formats.isEmpty else { return nil }
        return SeedPlacement(
            place: Self.place(object), code: code, pageType: pageType, formats: formats, maxAds: maxAds, rank: rank,
            floorMicros: floor, repeatAdvertiser: repeatAdvertiser, repeatBrand: repeatBrand)
    }

    /// An absolute http(s) address.
    func url(_ key: String, _ object: SeedObject) -> String? {
        guard let text = object.text(key, limit: 2_000) else { return nil }
        guard let parts = URLComponents(string: text), parts.scheme == "https" || parts.scheme == "http",
            let host = parts.host, !host.isEmpty, parts.user == nil
        else {
            object.problem(key, "“\(text)” is not an absolute http or https address")
            return nil
        }
        return text
    }

    private func validity(_ object: SeedObject) -> SeedValidity {
        let validity = SeedValidity(from: object.instantIfPresent("from"), to: object.instantIfPresent("to"))
        if let from = validity.from, let to = validity.to, from >= to {
            object.problem("to", "must be later than from")
        }
        return validity
    }

    private mutating func brand(_ object: SeedObject) -> SeedBrand? {
        let code = declare(.brand, object, underscore: true)
        let name = object.text("name", limit: 255)
        var aliases: [SeedBrand.Alias] = []
        for node in object.child("aliases")?.list(limit: 1_000) ?? [] {
            if case .map = node.value.content {
                guard let entry = SeedObject(node, zone: object.zone) else { continue }
                let alias = entry.text("alias")
                let validity = validity(entry)
                entry.finish()
                if let alias { aliases.append(.init(place: Self.place(entry), alias: alias, validity: validity)) }
            } else if let alias = node.text() {
                aliases.append(
                    .init(
                        place: SeedPlace(path: node.path, line: node.value.line), alias: alias, validity: SeedValidity()
                    ))
            }
        }
        object.finish()
        guard let code, let name else { return nil }
        return SeedBrand(place: Self.place(object), code: code, name: name, aliases: aliases)
    }

    private mutating func advertiser(_ object: SeedObject) -> SeedAdvertiser? {
        let code = declare(.advertiser, object)
        let name = object.text("name")
        let counterparty = object.code("counterparty")
        let credit = object.moneyIfPresent("credit_limit") ?? 0
        var references: Set<String> = []
        let topUps = object.objects("top_ups", limit: 1_000).compactMap { entry -> SeedAdvertiser.TopUp? in
            let reference = entry.text("reference", limit: 128)
            let amount = entry.money("amount")
            entry.finish()
            guard let reference, let amount else { return nil }
            if amount == 0 { entry.problem("amount", "must be more than zero") }
            if !references.insert(reference).inserted { entry.problem("reference", "is used twice") }
            return .init(place: Self.place(entry), reference: reference, amountMicros: amount)
        }
        var grants: [SeedAdvertiser.Grant] = []
        for node in object.child("grants")?.list(limit: 1_000) ?? [] {
            if case .map = node.value.content {
                guard let entry = SeedObject(node, zone: object.zone) else { continue }
                let brand = entry.code("brand", underscore: true)
                let validity = validity(entry)
                entry.finish()
                if let brand { grants.append(.init(place: Self.place(entry), brand: brand, validity: validity)) }
            } else if let brand = SeedObject.code(node, underscore: true) {
                grants.append(
                    .init(
                        place: SeedPlace(path: node.path, line: node.value.line), brand: brand, validity: SeedValidity()
                    ))
            }
        }
        object.finish()
        guard let code, let name, let counterparty else { return nil }
        return SeedAdvertiser(
            place: Self.place(object), code: code, name: name, counterparty: counterparty, creditLimitMicros: credit,
            topUps: topUps, grants: grants)
    }

    private mutating func contract(_ object: SeedObject) -> SeedContract? {
        let code = declare(.contract, object)
        let advertiser = object.code("advertiser")
        let serial = object.textIfPresent("serial")
        let signedOn = object.dayIfPresent("signed_on")
        if object.child("signed_on") == nil { object.problem("signed_on", "is required: a date like 2026-01-15") }
        let endsOn = object.dayIfPresent("ends_on")
        if let signedOn, let endsOn, endsOn < signedOn { object.problem("ends_on", "must not be before signed_on") }
        let subject = object.word(
            "subject_type", ["representation", "org_distribution", "mediation", "distribution", "other"],
            default: "distribution")
        let amount = object.moneyIfPresent("amount", places: 2)
        let flags = object.words(
            "flags",
            [
                "vat_included", "contractor_is_creatives_reporter", "agent_acting_for_publisher",
                "is_charge_paid_by_agent",
            ])
        let vat = object.word("vat_rate", ["without_vat", "0", "5", "7", "10", "20", "22"], default: "22")
        let client = object.codeIfPresent("client")
        let contractor = object.codeIfPresent("contractor")
        object.finish()
        guard let code, let advertiser, let signedOn, let subject, let vat else { return nil }
        return SeedContract(
            place: Self.place(object), code: code, advertiser: advertiser, serial: serial, signedOn: signedOn,
            endsOn: endsOn, subjectType: subject, amountKopecks: amount.map { $0 / 10_000 }, flags: flags,
            vatRate: vat, client: client, contractor: contractor)
    }

    private mutating func key(_ object: SeedObject) -> SeedKey? {
        let code = declare(.key, object, underscore: true)
        let kind = object.word("kind", ["shop", "advertiser", "retailer"])
        let storefront = object.codeIfPresent("storefront")
        let advertiser = object.codeIfPresent("advertiser")
        let expires = object.instantIfPresent("expires_at")
        let variable = object.textIfPresent("from_env", limit: 128)
        object.finish()
        guard let code, let kind else { return nil }
        if kind != "shop", storefront != nil { object.problem("storefront", "belongs to keys of kind shop only") }
        if kind != "advertiser", advertiser != nil {
            object.problem("advertiser", "belongs to keys of kind advertiser only")
        }
        let owner: SeedKey.Owner
        switch kind {
        case "shop":
            guard let storefront else {
                object.problem("storefront", "is required for a key of kind shop")
                return nil
            }
            owner = .storefront(storefront)
        case "advertiser":
            guard let advertiser else {
                object.problem("advertiser", "is required for a key of kind advertiser")
                return nil
            }
            owner = .advertiser(advertiser)
        default: owner = .retailer
        }
        var secret: String?
        if let variable {
            guard let value = rules.environment[variable], !value.isEmpty else {
                object.problem("from_env", "the environment variable \(variable) is not set")
                return nil
            }
            let prefix = APIKeyText.prefix(kind: kind)
            guard APIKeyText.isWellFormed(value, kind: kind) else {
                object.problem(
                    "from_env",
                    "the key in \(variable) must be \(prefix) followed by 32 to 128 latin letters, digits, - or _")
                return nil
            }
            secret = value
        }
        return SeedKey(place: Self.place(object), code: code, owner: owner, expiresAt: expires, secret: secret)
    }
}
