import AdModel
import ORD
import Postgres

extension MonthReader {
    /// A line item with what its creatives inherit from it.
    struct LineItemRecord {
        var line: MonthStatement.LineItem
        var kktu: String?
        var name: String
        var campaignID: Int32
    }

    static func persons(on db: isolated PostgresConnection) throws -> [Person] {
        try db.query("select * from counterparty order by id").map { row in
            Person(
                id: ExternalIDs.person(try row.string("code")), kind: try row.string("kind"),
                name: try row.string("name"), inn: try row.stringIfPresent("inn"), kpp: try row.stringIfPresent("kpp"),
                phone: try row.stringIfPresent("phone"), foreignINN: try row.stringIfPresent("foreign_inn"),
                foreignRegistrationNumber: try row.stringIfPresent("foreign_registration_number"),
                foreignEpaymentMethod: try row.stringIfPresent("foreign_epayment_method"),
                foreignCountryCode: try row.stringIfPresent("foreign_oksm_country_code"),
                roles: try row.stringArray("roles"), rsURL: try row.stringIfPresent("rs_url"))
        }
    }

    /// All contracts, except the retailer's own with himself, which only marks self-promotion.
    func contracts(on db: isolated PostgresConnection) throws -> [Contract] {
        let regimes = try ContractVAT.all(on: db)
        return try db.query(
            """
            select c.id, c.code, c.kind, c.action_type, parent.code as parent, client.code as client, contractor.code as contractor, c.signed_on, c.ends_on,
                c.serial, c.subject_type, c.amount_kopecks, c.flags, c.vat_rate
            from contract c
            join counterparty client on client.id = c.client_counterparty_id
            join counterparty contractor on contractor.id = c.contractor_counterparty_id
            left join contract parent on parent.id = c.parent_id
            where c.client_counterparty_id <> c.contractor_counterparty_id
            order by c.id
            """
        ).map { row in
            Contract(
                id: ExternalIDs.contract(try row.string("code")), type: try row.string("kind"),
                clientID: ExternalIDs.person(try row.string("client")),
                contractorID: ExternalIDs.person(try row.string("contractor")),
                date: Day(number: try row.days("signed_on")),
                dateEnd: try row.daysIfPresent("ends_on").map(Day.init(number:)),
                serial: try row.stringIfPresent("serial"), subjectType: try row.string("subject_type"),
                actionType: try row.stringIfPresent("action_type"),
                parentID: try row.stringIfPresent("parent").map(ExternalIDs.contract),
                amount: try row.int64IfPresent("amount_kopecks").map(KopeckAmount.init(kopecks:)),
                flags: try row.stringArray("flags").sorted(by: byteOrder),
                vatRate: VATRate(rawValue: try row.string("vat_rate")) ?? .twentyTwo,
                vatHistory: regimes[try row.int32("id")] ?? [])
        }
    }

    /// Contracts of advertisers with their agencies.
    func cids(on db: isolated PostgresConnection) throws -> [CID] {
        try db.query("select * from agency_cid order by cid collate \"C\"").map(AgencyCIDs.read)
    }

    /// What agents acting for the retailer reported of the month.
    func agentReports(on db: isolated PostgresConnection) throws -> [MonthStatement.AgentReport] {
        try db.query(
            """
            select c.code, m.sales_kopecks, m.amount_kopecks, m.serial, m.commission_date
            from month_commission m join contract c on c.id = m.contract_id where m.month = $1 order by c.id
            """, [.date(days: month.first.number)]
        ).map { row in
            MonthStatement.AgentReport(
                contractID: ExternalIDs.contract(try row.string("code")),
                sales: KopeckAmount(kopecks: try row.int64("sales_kopecks")),
                commission: KopeckAmount(kopecks: try row.int64("amount_kopecks")), serial: try row.string("serial"),
                date: Day(number: try row.days("commission_date")))
        }
    }

    /// Acts that finance dates later than the month's last day.
    func actDates(on db: isolated PostgresConnection) throws -> [String: Day] {
        var dates: [String: Day] = [:]
        for row in try db.query(
            "select c.code, a.act_date from month_act_date a join contract c on c.id = a.contract_id where a.month = $1",
            [.date(days: month.first.number)])
        { dates[ExternalIDs.contract(try row.string("code"))] = Day(number: try row.days("act_date")) }
        return dates
    }

    /// What papers say of the parties of contracts, by person id; parties without details are left out.
    func details(
        of contracts: [String], on db: isolated PostgresConnection
    ) throws -> [String: PartyDetails] {
        var details: [String: PartyDetails] = [:]
        for row in try db.query(
            """
            select distinct on (p.id) p.* from contract c
            join counterparty p on p.id in (c.client_counterparty_id, c.contractor_counterparty_id)
            where 'ctr-' || c.code = any($1)
            """, [.textArray(Set(contracts).sorted(by: byteOrder))])
        {
            let found = try Counterparties.details(row)
            if !found.isEmpty { details[ExternalIDs.person(try row.string("code"))] = found }
        }
        return details
    }

    func pads(on db: isolated PostgresConnection) throws -> [Pad] {
        try db.query("select code, name, url, kind from storefront order by id").map { row in
            Pad(
                id: ExternalIDs.pad(try row.string("code")), personID: retailerPerson, type: try row.string("kind"),
                name: try row.string("name"), url: try row.string("url"))
        }
    }

    func lineItems(
        _ ids: Set<Int32>, on db: isolated PostgresConnection
    ) throws -> [Int32: LineItemRecord] {
        let rows = try db.query(
            """
            select l.id, l.code, l.name, l.pricing, l.campaign_id, a.kktu, a.name as campaign,
                (greatest(l.starts_at, $2::timestamptz) at time zone $4)::date as first_day,
                ((least(l.ends_at, $3::timestamptz) - interval '1 microsecond') at time zone $4)::date as last_day,
                c.code as contract, client.id = contractor.id as self_promotion, owner.code as advertiser,
                i.cid
            from line_item l
            join campaign a on a.id = l.campaign_id
            join contract c on c.id = a.contract_id
            join counterparty client on client.id = c.client_counterparty_id
            join counterparty contractor on contractor.id = c.contractor_counterparty_id
            join advertiser d on d.id = l.advertiser_id
            join counterparty owner on owner.id = d.counterparty_id
            left join contract_cid n on n.contract_id = c.id and n.advertiser_id = l.advertiser_id
            left join agency_cid i on i.id = n.agency_cid_id
            where l.id = any($1)
            """,
            [
                .int4Array(ids.sorted()),
                // Only the part of the flight inside the month matters; this keeps infinity out of the arithmetic.
                .timestamptz(micros: (month.first + -3).utcStart.micros),
                .timestamptz(micros: (month.last + 4).utcStart.micros), .text(zone),
            ])
        var records: [Int32: LineItemRecord] = [:]
        for row in rows {
            let line = MonthStatement.LineItem(
                id: try row.string("code"),
                contractID: try row.bool("self_promotion") ? nil : ExternalIDs.contract(try row.string("contract")),
                advertiserID: ExternalIDs.person(try row.string("advertiser")),
                pricing: Pricing(rawValue: try row.string("pricing")) ?? .cpm,
                flightFirst: Day(number: try row.days("first_day")), flightLast: Day(number: try row.days("last_day")),
                creativeIDs: [], cid: try row.stringIfPresent("cid"))
            records[try row.int32("id")] = LineItemRecord(
                line: line, kktu: try row.stringIfPresent("kktu"), name: try row.string("name"),
                campaignID: try row.int32("campaign_id"))
        }
        // Creative versions that may have served, in the order they were made.
        for row in try db.query(
            """
            select cr.line_item_id, cr.code, cv.version from creative_version cv
            join creative cr on cr.id = cv.creative_id
            where cr.line_item_id = any($1) order by cv.id
            """, [.int4Array(ids.sorted())])
        {
            records[try row.int32("line_item_id")]?.line.creativeIDs.append(
                ExternalIDs.creative(try row.string("code"), version: try row.int32("version")))
        }
        return records
    }

    /// The creatives of the line items, with the media that they name.
    func creatives(
        ofLineItems ids: [Int32], _ lineItems: [Int32: LineItemRecord], on db: isolated PostgresConnection
    ) throws -> (values: [Creative], media: [Media]) {
        let parameters: [PostgresValue] = [
            .int4Array(ids.sorted()), .timestamptz(micros: (month.last + 2).utcStart.micros),
        ]
        let products = try productNames(parameters, on: db)
        var creatives: [Creative] = []
        for row in try db.query(Self.creativeQuery, parameters) {
            let lineID = try row.int32("line_item_id")
            guard let record = lineItems[lineID] else { continue }
            let isSelfPromotion = record.line.contractID == nil
            let form = try row.string("ord_form")
            let showsProducts = try CreativeTexts.showsProducts(
                cards: row.int16IfPresent("cards"), format: row.string("format"))
            creatives.append(
                Creative(
                    id: ExternalIDs.creative(try row.string("code"), version: try row.int32("version")),
                    contractIDs: record.line.cid == nil ? record.line.contractID.map { [$0] } ?? [] : [],
                    personID: isSelfPromotion ? retailerPerson : nil, cids: record.line.cid.map { [$0] } ?? [],
                    kktus: record.kktu.map { [$0] } ?? [],
                    name: record.name.isEmpty ? nil : String(record.name.prefix(255)),
                    brand: try row.stringIfPresent("brand").map { String($0.prefix(255)) },
                    payType: isSelfPromotion ? nil : Settlement.payType(record.line.pricing), form: form,
                    targetURLs: [try row.string("landing_url")],
                    texts: Creative.hasTexts(form)
                        ? CreativeTexts.texts(
                            fieldsJSON: try row.string("fields"), showsProducts: showsProducts,
                            products: (products[lineID] ?? []).map(\.name)) : [],
                    mediaIDs: CreativeTexts.unique(try row.bytesArray("media_sha256").map { Hex.media($0) }),
                    erid: try row.stringIfPresent("erid"), eridStatus: try row.stringIfPresent("erid_status"),
                    elements: showsProducts ? products[lineID] ?? [] : []))
        }
        return (creatives, try media(parameters, on: db))
    }

    /// The brands are the campaign's when the version was approved: a new brand needs a new version anyway.
    private static let creativeQuery = """
        select cr.line_item_id, cr.code, cr.format, cv.version, cv.fields::text as fields, cv.landing_url,
            cv.media_sha256, cv.ord_form, cv.erid, cv.erid_status, cv.cards, v.brand
        from creative_version cv
        join creative cr on cr.id = cv.creative_id
        join line_item l on l.id = cr.line_item_id
        left join lateral (
            select (
                select string_agg(b.name, ', ' order by named.place)
                from unnest(cmp.brand_codes) with ordinality as named(code, place) join brand b on b.code = named.code
            ) as brand
            from campaign_version cmp
            where cmp.campaign_id = l.campaign_id
            order by cmp.valid_from <= coalesce(cv.approved_at, $2) desc, cmp.valid_from desc limit 1
        ) v on true
        where cr.line_item_id = any($1)
        order by cv.id
        """

    /// The promoted products by line item: by SKU, and products added later after the first ones, because
    /// the operator's texts can only be appended to.
    private func productNames(
        _ parameters: [PostgresValue], on db: isolated PostgresConnection
    ) throws -> [Int32: [FeedElement]] {
        var names: [Int32: [FeedElement]] = [:]
        let rows = try db.query(
            """
            select line_item_id, sku, name from (
                select v.line_item_id, p.sku, p.name, min(v.valid_from) as since
                from line_item_version v
                cross join lateral unnest(v.promoted_skus) as promoted(sku)
                join product p on p.sku = promoted.sku
                where v.line_item_id = any($1) and v.valid_from < $2
                group by 1, 2, 3
            ) x order by line_item_id, since, sku collate "C"
            """, parameters)
        for row in rows {
            names[try row.int32("line_item_id"), default: []].append(
                FeedElement(sku: try row.string("sku"), name: try row.string("name")))
        }
        return names
    }

    private func media(_ parameters: [PostgresValue], on db: isolated PostgresConnection) throws -> [Media] {
        try db.query(
            """
            select m.sha256, m.content_type, octet_length(m.bytes) as size from media m
            where m.sha256 in (
                select unnest(cv.media_sha256) from creative_version cv
                join creative cr on cr.id = cv.creative_id where cr.line_item_id = any($1))
            order by m.sha256
            """, Array(parameters.prefix(1))
        ).map { row in
            Media(
                sha256: Hex.text(try row.bytes("sha256")), contentType: try row.string("content_type"),
                size: Int64(try row.int32("size")))
        }
    }

    /// Contents of the media of creatives that have a row.
    static func mediaBytes(
        _ settlement: Settlement, _ statement: MonthStatement, on db: isolated PostgresConnection
    ) throws -> [String: [UInt8]] {
        let used = Set(settlement.rows.map(\.creativeID))
        let ids = Set(statement.creatives.filter { used.contains($0.id) }.flatMap(\.mediaIDs))
        let wanted = statement.media.filter { ids.contains($0.id) }
        var bytes: [String: [UInt8]] = [:]
        for media in wanted {
            let rows = try db.query(
                "select bytes from media where sha256 = $1", [.bytea(Hex.bytes(media.sha256))])
            bytes[media.sha256] = try rows.first?.bytes("bytes")
        }
        return bytes
    }
}

/// SHA-256 as text.
enum Hex {
    static func text(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    static func bytes(_ text: String) -> [UInt8] {
        let nibbles = text.utf8.map { $0 < 0x3A ? $0 - 0x30 : $0 - 0x57 }
        return stride(from: 0, to: nibbles.count - 1, by: 2).map { nibbles[$0] << 4 | nibbles[$0 + 1] }
    }

    /// External id of a media file.
    static func media(_ sha256: [UInt8]) -> String { "md-\(text(sha256).prefix(32))" }
}
