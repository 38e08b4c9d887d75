import AdModel
import Postgres

/// Writes a checked seed file. Lives inside one transaction on one connection.
final class SeedWriter {
    let file: SeedFile
    let rules: SeedRules
    let now: Timestamp
    let log: SeedLog
    var report = SeedReport()

    var counterparties: [String: Int32] = [:]
    private var locations: [String: Int32] = [:]
    private var storefronts: [String: Int32] = [:]
    private var brands: [String: Int32] = [:]
    var advertisers: [String: Int32] = [:]
    var contracts: [String: Int32] = [:]

    init(file: SeedFile, rules: SeedRules, now: Timestamp, log: SeedLog) {
        self.file = file
        self.rules = rules
        self.now = now
        self.log = log
    }

    func write(on db: isolated PostgresConnection) throws {
        for part in file.counterparties { try write(part, on: db) }
        try writeRetailer(on: db)
        for part in file.locations { try write(part, on: db) }
        for part in file.storefronts { try write(part, on: db) }
        for part in file.brands { try write(part, on: db) }
        for part in file.advertisers { try write(part, on: db) }
        for part in file.contracts { try write(part, on: db) }
        for part in file.campaigns { try write(part, on: db) }
        for part in file.keys { try write(part, on: db) }
    }

    // MARK: Helpers

    func count(_ change: SeedChange, _ what: String) {
        switch change {
        case .created:
            report.created += 1
            report.changes.append("created \(what)")
        case .updated:
            report.updated += 1
            report.changes.append("changed \(what)")
        case .unchanged: report.unchanged += 1
        }
    }

    func put(
        _ noun: String, _ table: String, key: [SeedColumn], _ columns: [SeedColumn], on db: isolated PostgresConnection
    ) throws -> Int32 {
        let (id, change) = try SeedTable.put(table, key: key, columns, on: db)
        var name = ""
        if case .text(let text)? = key.last?.value { name = text }
        count(change, "\(noun) \(name)")
        return id
    }

    /// The id behind a code that is in the file or in the database; the checks have shown that it exists.
    private func id(
        _ code: String, in cache: inout [String: Int32], _ table: String, on db: isolated PostgresConnection
    ) throws -> Int32 {
        if let id = cache[code] { return id }
        guard let row = try db.query("select id from \(table) where code = $1", [.text(code)]).first else {
            throw SeedTableError(table: table)
        }
        let id = try row.int32("id")
        cache[code] = id
        return id
    }

    func counterpartyID(_ code: String, on db: isolated PostgresConnection) throws -> Int32 {
        try id(code, in: &counterparties, "counterparty", on: db)
    }

    func advertiserID(_ code: String, on db: isolated PostgresConnection) throws -> Int32 {
        try id(code, in: &advertisers, "advertiser", on: db)
    }

    func contractID(_ code: String, on db: isolated PostgresConnection) throws -> Int32 {
        try id(code, in: &contracts, "contract", on: db)
    }

    private static func interval(_ name: String, seconds: Int64) -> SeedColumn {
        SeedColumn(name, .text("\(seconds) seconds"), cast: "::text::interval")
    }

    // MARK: Retailer side

    private func write(_ part: SeedCounterparty, on db: isolated PostgresConnection) throws {
        counterparties[part.code] = try put(
            "counterparty", "counterparty", key: [SeedColumn("code", part.code)],
            [
                SeedColumn("kind", part.kind), SeedColumn("name", part.name), SeedColumn("inn", part.inn),
                SeedColumn("kpp", part.kpp), SeedColumn("phone", part.phone),
                SeedColumn("foreign_inn", part.foreignINN),
                SeedColumn("foreign_registration_number", part.foreignRegistrationNumber),
                SeedColumn("foreign_epayment_method", part.foreignPaymentMethod),
                SeedColumn("foreign_oksm_country_code", part.foreignCountryCode), SeedColumn("roles", part.roles),
                SeedColumn("rs_url", part.rsURL),
            ], on: db)
    }

    private func writeRetailer(on db: isolated PostgresConnection) throws {
        let part = file.retailer
        let counterparty = try counterpartyID(part.counterparty, on: db)
        let (_, change) = try SeedTable.put(
            "retailer", key: [SeedColumn("id", 1 as Int32)],
            [
                SeedColumn("code", part.code), SeedColumn("name", part.name),
                SeedColumn("counterparty_id", counterparty), SeedColumn("accounting_zone", part.zone),
                Self.interval("billing_deadline_impression", seconds: part.impressionDeadlineSeconds),
                Self.interval("billing_deadline_click", seconds: part.clickDeadlineSeconds),
                Self.interval("stock_max_age", seconds: part.stockMaxAgeSeconds),
            ], on: db)
        count(change, "retailer \(part.code)")
    }

    private func write(_ part: SeedLocation, on db: isolated PostgresConnection) throws {
        locations[part.code] = try put(
            "stock location", "stock_location", key: [SeedColumn("code", part.code)],
            [SeedColumn("name", part.name), SeedColumn("region_codes", part.regions)], on: db)
    }

    private func write(_ part: SeedStorefront, on db: isolated PostgresConnection) throws {
        var location: Int64?
        if let code = part.defaultLocation {
            location = Int64(try id(code, in: &locations, "stock_location", on: db))
        }
        let storefront = try put(
            "storefront", "storefront", key: [SeedColumn("code", part.code)],
            [
                SeedColumn("name", part.name), SeedColumn("url", part.url), SeedColumn("kind", part.kind),
                SeedColumn("zone", part.zone),
                SeedColumn("default_location_id", location.map { .int4(Int32($0)) } ?? .null),
                SeedColumn("landing_hosts", part.landingHosts),
            ], on: db)
        storefronts[part.code] = storefront
        for placement in part.placements {
            _ = try put(
                "placement", "placement",
                key: [SeedColumn("storefront_id", storefront), SeedColumn("code", placement.code)],
                [
                    SeedColumn("page_type", placement.pageType), SeedColumn("formats", placement.formats),
                    SeedColumn("max_ads", Int32(placement.maxAds)), SeedColumn("rank", Int32(placement.rank)),
                    SeedColumn("floor_micros", placement.floorMicros),
                    SeedColumn("repeat_advertiser", placement.repeatAdvertiser),
                    SeedColumn("repeat_brand", placement.repeatBrand),
                ], on: db)
        }
    }

    // MARK: Brands and grants

    private func write(_ part: SeedBrand, on db: isolated PostgresConnection) throws {
        let brand = try put(
            "brand", "brand", key: [SeedColumn("code", part.code)], [SeedColumn("name", part.name)], on: db)
        brands[part.code] = brand
        var wanted = part.aliases.map { SeedSpan(text: $0.alias, validity: $0.validity) }
        // A shop that writes the brand's own name must not need an alias for it.
        if part.name != part.code, !wanted.contains(where: { $0.text == part.name }) {
            wanted.append(SeedSpan(text: part.name, validity: SeedValidity()))
        }
        try writeSpans(
            wanted, of: "alias of brand \(part.code)", table: "brand_alias", textColumn: "alias", owner: "brand_id",
            ownerID: brand, on: db)
    }

    private func write(_ part: SeedAdvertiser, on db: isolated PostgresConnection) throws {
        let advertiser = try put(
            "advertiser", "advertiser", key: [SeedColumn("code", part.code)],
            [
                SeedColumn("name", part.name),
                SeedColumn("counterparty_id", try counterpartyID(part.counterparty, on: db)),
                SeedColumn("credit_limit_micros", part.creditLimitMicros),
            ], on: db)
        advertisers[part.code] = advertiser
        for topUp in part.topUps {
            let (_, change) = try SeedTable.put(
                "wallet_entry", key: [SeedColumn("reference", topUp.reference)],
                [
                    SeedColumn("advertiser_id", advertiser), SeedColumn("kind", "top_up"),
                    SeedColumn("amount_micros", topUp.amountMicros),
                ], on: db)
            count(change, "top-up \(topUp.reference)")
        }
        var grants: [SeedSpan] = []
        for grant in part.grants {
            let brand = try id(grant.brand, in: &brands, "brand", on: db)
            grants.append(SeedSpan(text: grant.brand, id: brand, validity: grant.validity))
        }
        try writeSpans(
            grants, of: "grant of advertiser \(part.code)", table: "brand_grant", textColumn: "brand_id",
            owner: "advertiser_id", ownerID: advertiser, on: db)
    }

    private func write(_ part: SeedContract, on db: isolated PostgresConnection) throws {
        let advertiser = try advertiserID(part.advertiser, on: db)
        var client: PostgresValue = .null
        if let code = part.client {
            client = .int4(try counterpartyID(code, on: db))
        } else if let row = try db.query("select counterparty_id from advertiser where id = $1", [.int4(advertiser)])
            .first
        {
            client = .int4(try row.int32("counterparty_id"))
        }
        let contractor = try counterpartyID(part.contractor ?? file.retailer.counterparty, on: db)
        if client == .int4(contractor) {
            log.add(part.place.path, part.place.line, "client and contractor must be two different counterparties")
        }
        contracts[part.code] = try put(
            "contract", "contract", key: [SeedColumn("code", part.code)],
            [
                SeedColumn("advertiser_id", advertiser), SeedColumn("client_counterparty_id", client),
                SeedColumn("contractor_counterparty_id", contractor), SeedColumn("serial", part.serial),
                SeedColumn("signed_on", .date(days: part.signedOn.number)),
                SeedColumn("ends_on", part.endsOn.map { .date(days: $0.number) } ?? .null),
                SeedColumn("subject_type", part.subjectType), SeedColumn("amount_kopecks", part.amountKopecks),
                SeedColumn("flags", part.flags), SeedColumn("vat_rate", part.vatRate),
            ], on: db)
    }

    // MARK: Keys

    private func write(_ part: SeedKey, on db: isolated PostgresConnection) throws {
        let kind: String
        var storefront: PostgresValue = .null
        var advertiser: PostgresValue = .null
        switch part.owner {
        case .storefront(let code):
            kind = "shop"
            storefront = .int4(try id(code, in: &storefronts, "storefront", on: db))
        case .advertiser(let code):
            kind = "advertiser"
            advertiser = .int4(try advertiserID(code, on: db))
        case .retailer: kind = "retailer"
        }
        var columns = [
            SeedColumn("kind", kind), SeedColumn("storefront_id", storefront), SeedColumn("advertiser_id", advertiser),
            SeedColumn("expires_at", .timestamptz(micros: part.expiresAt?.micros ?? .max)),
        ]
        let exists = try !db.query("select 1 as one from api_key where code = $1", [.text(part.code)]).isEmpty
        var secret = part.secret
        if secret == nil, !exists {
            let made = APIKeyText.make(kind: kind, random: rules.randomBytes(32))
            secret = made
            report.generatedKeys.append(.init(code: part.code, kind: kind, text: made))
        }
        if let secret {
            let hash = APIKeyText.hash(secret)
            let owner = try db.query(
                "select coalesce(code, prefix) as code from api_key where hash = $1 and code is distinct from $2",
                [.bytea(hash), .text(part.code)])
            if let other = owner.first {
                log.add(
                    part.place.path + ".from_env", part.place.line,
                    "the same key is already in use as “\(try other.string("code"))”; every key needs its own text")
                return
            }
            columns.append(SeedColumn("prefix", APIKeyText.shownPrefix(secret)))
            columns.append(SeedColumn("hash", .bytea(hash)))
        }
        _ = try put("API key", "api_key", key: [SeedColumn("code", part.code)], columns, on: db)
    }
}
