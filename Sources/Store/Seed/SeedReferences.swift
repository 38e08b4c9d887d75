import AdModel
import Foundation
import Postgres

/// Checks everything that one part of a seed says about another, against the file and the database together.
struct SeedReferences {
    /// What the database holds already.
    struct Existing {
        var codes: [SeedReader.Noun: Set<String>] = [:]
        /// Campaign code to state and advertiser code.
        var campaigns: [String: (state: String, advertiser: String)] = [:]
        /// Line item code to campaign code, creative code to line item code, contract code to advertiser code.
        var lineItems: [String: String] = [:]
        var creatives: [String: String] = [:]
        var contracts: [String: String] = [:]
        /// erid to the code of the creative that carries it.
        var erids: [String: String] = [:]
        /// Top-up reference to advertiser code and amount.
        var topUps: [String: (advertiser: String, amount: Int64)] = [:]
        var hosts: Set<String> = []

        static func load(_ file: SeedFile, on db: isolated PostgresConnection) throws -> Existing {
            var result = Existing()
            let nouns: [(SeedReader.Noun, String)] = [
                (.counterparty, "select code from counterparty"), (.location, "select code from stock_location"),
                (.storefront, "select code from storefront"), (.placement, "select distinct code from placement"),
                (.brand, "select code from brand"), (.advertiser, "select code from advertiser"),
            ]
            for (noun, sql) in nouns {
                result.codes[noun] = Set(try db.query(sql).map { try $0.string("code") })
            }
            for row in try db.query(
                "select c.code, c.state, a.code as owner from campaign c join advertiser a on a.id = c.advertiser_id")
            {
                result.campaigns[try row.string("code")] = (try row.string("state"), try row.string("owner"))
            }
            for row in try db.query(
                "select c.code, a.code as owner from contract c join advertiser a on a.id = c.advertiser_id")
            {
                result.contracts[try row.string("code")] = try row.string("owner")
            }
            for row in try db.query(
                "select l.code, c.code as owner from line_item l join campaign c on c.id = l.campaign_id")
            {
                result.lineItems[try row.string("code")] = try row.string("owner")
            }
            for row in try db.query(
                "select c.code, l.code as owner from creative c join line_item l on l.id = c.line_item_id")
            {
                result.creatives[try row.string("code")] = try row.string("owner")
            }
            let erids = file.campaigns.flatMap(\.lineItems).flatMap(\.creatives).compactMap(\.erid)
            for row in try db.query(
                """
                select v.erid, c.code from creative_version v join creative c on c.id = v.creative_id
                where v.erid = any($1)
                """, [.textArray(erids)])
            {
                result.erids[try row.string("erid")] = try row.string("code")
            }
            let references = file.advertisers.flatMap(\.topUps).map(\.reference)
            for row in try db.query(
                """
                select w.reference, a.code, w.amount_micros from wallet_entry w
                join advertiser a on a.id = w.advertiser_id where w.reference = any($1)
                """, [.textArray(references)])
            {
                result.topUps[try row.string("reference")] = (try row.string("code"), try row.int64("amount_micros"))
            }
            for row in try db.query("select url, landing_hosts from storefront") {
                if let host = URLComponents(string: try row.string("url"))?.host { result.hosts.insert(host) }
                result.hosts.formUnion(try row.stringArray("landing_hosts"))
            }
            return result
        }
    }

    let file: SeedFile
    let declared: [SeedReader.Noun: Set<String>]
    let existing: Existing
    let log: SeedLog

    private func known(_ noun: SeedReader.Noun, _ code: String) -> Bool {
        declared[noun]?.contains(code) == true || existing.codes[noun]?.contains(code) == true
    }

    private func require(_ noun: SeedReader.Noun, _ code: String, _ place: SeedPlace, _ key: String) {
        if !known(noun, code) { problem(place, key, "there is no \(noun.rawValue) “\(code)”") }
    }

    private func problem(_ place: SeedPlace, _ key: String, _ reason: String) {
        log.add(key.isEmpty ? place.path : "\(place.path).\(key)", place.line, reason)
    }

    func check() {
        require(.counterparty, file.retailer.counterparty, file.retailer.place, "counterparty")
        for storefront in file.storefronts {
            if let location = storefront.defaultLocation {
                require(.location, location, storefront.place, "default_location")
            }
        }
        var aliases: [String: [(SeedValidity, String)]] = [:]
        for brand in file.brands {
            for alias in brand.aliases {
                for (validity, other) in aliases[alias.alias] ?? [] where Self.overlap(validity, alias.validity) {
                    problem(
                        alias.place, "",
                        other == brand.code
                            ? "the alias “\(alias.alias)” is listed twice for overlapping times"
                            : "the alias “\(alias.alias)” already belongs to brand “\(other)” at that time")
                }
                aliases[alias.alias, default: []].append((alias.validity, brand.code))
            }
        }
        for advertiser in file.advertisers { check(advertiser) }
        for contract in file.contracts {
            require(.advertiser, contract.advertiser, contract.place, "advertiser")
            if let client = contract.client { require(.counterparty, client, contract.place, "client") }
            if let contractor = contract.contractor { require(.counterparty, contractor, contract.place, "contractor") }
            if let owner = existing.contracts[contract.code], owner != contract.advertiser {
                problem(contract.place, "advertiser", "the contract belongs to advertiser “\(owner)”")
            }
        }
        for campaign in file.campaigns { check(campaign) }
        for key in file.keys {
            switch key.owner {
            case .storefront(let code): require(.storefront, code, key.place, "storefront")
            case .advertiser(let code): require(.advertiser, code, key.place, "advertiser")
            case .retailer: break
            }
        }
    }

    static func overlap(_ a: SeedValidity, _ b: SeedValidity) -> Bool {
        let aFrom = a.from?.micros ?? .min
        let aTo = a.to?.micros ?? .max
        let bFrom = b.from?.micros ?? .min
        let bTo = b.to?.micros ?? .max
        return aFrom < bTo && bFrom < aTo
    }

    private func check(_ advertiser: SeedAdvertiser) {
        require(.counterparty, advertiser.counterparty, advertiser.place, "counterparty")
        for grant in advertiser.grants { require(.brand, grant.brand, grant.place, "brand") }
        for topUp in advertiser.topUps {
            if let old = existing.topUps[topUp.reference],
                old.advertiser != advertiser.code || old.amount != topUp.amountMicros
            {
                problem(
                    topUp.place, "reference",
                    "“\(topUp.reference)” was already booked for \(old.advertiser) with \(Micros(old.amount)) roubles; "
                        + "entries of a wallet never change, use a new reference")
            }
        }
    }

    private func check(_ campaign: SeedCampaign) {
        require(.advertiser, campaign.advertiser, campaign.place, "advertiser")
        let contractOwner =
            file.contracts.first { $0.code == campaign.contract }?.advertiser ?? existing.contracts[campaign.contract]
        if let contractOwner {
            if contractOwner != campaign.advertiser {
                problem(
                    campaign.place, "contract", "“\(campaign.contract)” is a contract of advertiser “\(contractOwner)”")
            }
        } else if declared[.contract]?.contains(campaign.contract) != true {
            problem(campaign.place, "contract", "there is no contract “\(campaign.contract)”")
        }
        if let old = existing.campaigns[campaign.code] {
            if old.advertiser != campaign.advertiser {
                problem(campaign.place, "advertiser", "the campaign belongs to advertiser “\(old.advertiser)”")
            }
            if let from = CampaignState(rawValue: old.state), let to = CampaignState(rawValue: campaign.state),
                from.path(to: to) == nil
            {
                problem(campaign.place, "state", "a campaign cannot go from \(from.rawValue) to \(to.rawValue)")
            }
        }
        for code in campaign.brands { require(.brand, code, campaign.place, "brands") }
        for item in campaign.lineItems {
            if let owner = existing.lineItems[item.code], owner != campaign.code {
                problem(item.place, "code", "the line item “\(item.code)” belongs to campaign “\(owner)”")
            }
            for (place, code) in item.targeting.brands { require(.brand, code, place, "") }
            let placements = declared[.placement]?.map { $0.drop { $0 != "\n" }.dropFirst() } ?? []
            for (place, code) in item.targeting.placements
            where existing.codes[.placement]?.contains(code) != true && !placements.contains(where: { $0 == code }) {
                problem(place, "", "no storefront has a placement “\(code)”")
            }
            for code in item.promoted.brands { require(.brand, code, item.place, "promoted.brands") }
            for creative in item.creatives { check(creative, of: item) }
        }
    }

    private func check(_ creative: SeedCreative, of item: SeedLineItem) {
        if let owner = existing.creatives[creative.code], owner != item.code {
            problem(creative.place, "code", "the creative “\(creative.code)” belongs to line item “\(owner)”")
        }
        if let erid = creative.erid {
            if let owner = existing.erids[erid], owner != creative.code {
                problem(creative.place, "erid", "“\(erid)” is the token of creative “\(owner)”")
            }
            let uses = file.campaigns.flatMap(\.lineItems).flatMap(\.creatives).filter { $0.erid == erid }
            if uses.count > 1, uses.first?.code != creative.code {
                problem(creative.place, "erid", "“\(erid)” is used for another creative of this file")
            }
        }
        var hosts = existing.hosts
        for storefront in file.storefronts {
            if let host = URLComponents(string: storefront.url)?.host { hosts.insert(host) }
            hosts.formUnion(storefront.landingHosts)
        }
        if let host = URLComponents(string: creative.landingURL)?.host, !hosts.contains(host) {
            problem(
                creative.place, "landing_url",
                "clicks may not land on \(host): it is neither the host of a storefront nor among its landing_hosts")
        }
    }
}
