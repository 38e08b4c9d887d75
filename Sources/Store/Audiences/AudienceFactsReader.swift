import AdModel
import Audiences
import Postgres

/// Fills facts from the ledgers: what the database knows of all shoppers, counted for the atoms of one book.
struct AudienceFactsReader {
    let facts: AudienceFacts
    let keys: ShopperKeys
    /// IANA name of the accounting zone.
    let zone: String
    let now: Timestamp
    let today: Int32

    func read(_ db: isolated PostgresConnection) throws {
        if facts.book.isEmpty { return }
        try readVisitors(db)
        for (index, atom) in facts.book.atoms.enumerated() {
            switch atom.events.type {
            case .order: try readOrders(index, atom, db)
            case .impression, .viewable, .click: try readAds(index, atom, db)
            default: try readSignals(index, atom, db)
            }
        }
        if facts.book.definitions.contains(where: { $0.condition.asksForBuyers }) { try readPurchases(db) }
    }

    /// Everybody who can be shown an ad, and who of them is which customer.
    private func readVisitors(_ db: isolated PostgresConnection) throws {
        let visitors = try db.query(
            """
            select visitor_id from signal where visitor_id is not null
            union select visitor_id from ad_event where visitor_id is not null and invalid_reason is null
            union select visitor_id from customer_order where visitor_id is not null
            """)
        for row in visitors { facts.note(visitor: keys.visitor(try row.string(0))) }
        let links = try db.query(
            """
            select visitor_id, customer_id, linked_at from identity_link order by linked_at, customer_id collate "C"
            """)
        for row in links {
            facts.link(
                keys.visitor(try row.string(0)), to: keys.customer(try row.string(1)),
                at: Timestamp(micros: try row.micros(2)))
        }
    }

    private func readSignals(_ index: Int, _ atom: CountedAtom, _ db: isolated PostgresConnection) throws {
        var sql = FactSQL(zone: zone)
        let day = sql.day("s.occurred_at")
        sql.require("s.kind = \(sql.add(.text(atom.events.type.rawValue)))", "s.visitor_id is not null")
        since("s.occurred_at", index, &sql)
        if !atom.events.products.isEmpty {
            sql.require("s.product_sku = any(\(sql.add(.textArray(atom.events.products))))")
        }
        let filter = facts.book.filter(ofAtom: index)
        var joins = ""
        if filter.brandIDs != nil || filter.categoryIDs != nil {
            joins = "left join product p on p.sku = s.product_sku"
        }
        if let brands = filter.brandIDs { sql.require("p.brand = any(\(sql.add(try spellings(brands, db))))") }
        if let categories = filter.categoryIDs {
            joins += " left join category c on c.code = s.category_code"
            let list = sql.add(.int4Array(categories.sorted()))
            sql.require("(p.category_ids && \(list) or c.id = any(\(list)))")
        }
        if let phrases = filter.phrases {
            // Words are compared here, as they are for the next event.
            let rows = try db.query(
                """
                select s.visitor_id, \(day) as day, count(*) as n, s.phrase from signal s \(joins)
                where \(sql.conditions) and s.phrase is not null group by 1, 2, 4
                """, sql.parameters)
            for row in rows {
                let words = AudiencePhrase.words(try row.string(3))
                guard phrases.contains(where: { $0.allSatisfy(words.contains) }) else { continue }
                try count(row, index)
            }
            return
        }
        let rows = try db.query(
            """
            select s.visitor_id, \(day) as day, count(*) as n from signal s \(joins) where \(sql.conditions) group by 1, 2
            """, sql.parameters)
        for row in rows { try count(row, index) }
    }

    private func readAds(_ index: Int, _ atom: CountedAtom, _ db: isolated PostgresConnection) throws {
        let kind: AdEventKind =
            switch atom.events.type {
            case .viewable: .viewable
            case .click: .click
            default: .impression
            }
        let filter = facts.book.filter(ofAtom: index)
        var sql = FactSQL(zone: zone)
        let day = sql.day("a.event_time")
        sql.require(
            "a.kind = \(sql.add(.int2(Int16(kind.rawValue))))", "a.visitor_id is not null", "a.invalid_reason is null")
        since("a.event_time", index, &sql)
        if let ids = filter.advertiserIDs { sql.require("a.advertiser_id = any(\(sql.add(.int4Array(ids.sorted()))))") }
        if let ids = filter.campaignIDs { sql.require("a.campaign_id = any(\(sql.add(.int4Array(ids.sorted()))))") }
        var joins = ""
        if !atom.events.creatives.isEmpty {
            joins = "join creative_version v on v.id = a.creative_version_id join creative k on k.id = v.creative_id"
            sql.require("k.code = any(\(sql.add(.textArray(atom.events.creatives))))")
        }
        if let product = try productConditions(atom, filter, sku: "p.sku", &sql, db) {
            sql.require(
                """
                exists (select 1 from product p where \(product) and p.id = any(
                    case when a.card >= 0 then array[a.product_ids[a.card + 1]] else a.product_ids end))
                """)
        }
        let rows = try db.query(
            """
            select a.visitor_id, \(day) as day, count(*) as n from ad_event a \(joins) where \(sql.conditions) group by 1, 2
            """, sql.parameters)
        for row in rows { try count(row, index) }
    }

    private func readOrders(_ index: Int, _ atom: CountedAtom, _ db: isolated PostgresConnection) throws {
        let filter = facts.book.filter(ofAtom: index)
        var sql = FactSQL(zone: zone)
        let day = sql.day("o.ordered_at")
        sql.require("coalesce(o.visitor_id, o.customer_id) is not null")
        since("o.ordered_at", index, &sql)
        if let product = try productConditions(atom, filter, sku: "l.sku", &sql, db) {
            sql.require(
                """
                exists (select 1 from order_line l left join product p on p.sku = l.sku
                    where l.storefront_id = o.storefront_id and l.order_id = o.order_id and \(product))
                """)
        }
        let rows = try db.query(
            """
            select o.visitor_id, o.customer_id, o.ordered_at, \(day) as day from customer_order o where \(sql.conditions)
            """, sql.parameters)
        for row in rows {
            let owner = try owner(row)
            if owner != 0 { facts.count(owner, atom: index, day: try row.int32("day"), by: 1) }
        }
    }

    private func readPurchases(_ db: isolated PostgresConnection) throws {
        let sql = FactSQL(zone: zone)
        let day = sql.day("o.ordered_at")
        let rows = try db.query(
            """
            select o.visitor_id, o.customer_id, o.ordered_at, \(day) as day, (
                    select least(coalesce(sum(l.net_micros), 0), 9e18)::bigint from order_line l
                    where l.storefront_id = o.storefront_id and l.order_id = o.order_id) as spend
            from customer_order o where coalesce(o.visitor_id, o.customer_id) is not null
            """, sql.parameters)
        for row in rows {
            let owner = try owner(row)
            if owner != 0 {
                facts.buy(owner, day: try row.int32("day"), orders: 1, spend: try row.int64("spend"))
            }
        }
    }

    private func owner(_ row: PostgresRow) throws -> UInt64 {
        facts.owner(
            visitor: keys.visitor(ifPresent: try row.stringIfPresent("visitor_id")),
            customer: keys.customer(ifPresent: try row.stringIfPresent("customer_id")),
            at: Timestamp(micros: try row.micros("ordered_at")))
    }

    private func count(_ row: PostgresRow, _ atom: Int) throws {
        facts.count(
            keys.visitor(try row.string(0)), atom: atom, day: try row.int32(1), by: Int(try row.int64(2)))
    }

    /// Leaves out days that no condition asks for; a day more, whatever the zone.
    private func since(_ column: String, _ index: Int, _ sql: inout FactSQL) {
        let first = facts.book.firstDay(ofAtom: index, today: today)
        guard first > 0 else { return }
        let micros = (Int64(first) - 1) * 86_400_000_000
        sql.require("\(column) >= \(sql.add(.timestamptz(micros: micros)))")
    }

    /// Conditions on a product `p`, all on the same one; nil when there are none.
    private func productConditions(
        _ atom: CountedAtom, _ filter: EventFilter, sku: String, _ sql: inout FactSQL,
        _ db: isolated PostgresConnection
    ) throws -> String? {
        var conditions: [String] = []
        if !atom.events.products.isEmpty {
            conditions.append("\(sku) = any(\(sql.add(.textArray(atom.events.products))))")
        }
        if let brands = filter.brandIDs {
            conditions.append("p.brand = any(\(sql.add(try spellings(brands, db))))")
        }
        if let categories = filter.categoryIDs {
            conditions.append("p.category_ids && \(sql.add(.int4Array(categories.sorted())))")
        }
        return conditions.isEmpty ? nil : conditions.joined(separator: " and ")
    }

    /// What products of the brands may have as their raw brand: an alias first, then the brand's own code.
    private func spellings(_ brands: Set<Int32>, _ db: isolated PostgresConnection) throws -> PostgresValue {
        let rows = try db.query(
            """
            select alias from brand_alias where brand_id = any($1) and valid_from <= $2 and valid_to > $2
            union select b.code from brand b where b.id = any($1) and not exists (
                select 1 from brand_alias a where a.alias = b.code and a.valid_from <= $2 and a.valid_to > $2)
            """, [.int4Array(brands.sorted()), .timestamptz(micros: now.micros)])
        return .textArray(try rows.map { try $0.string(0) })
    }
}

/// Conditions of one statement with their parameters.
private struct FactSQL {
    private(set) var parameters: [PostgresValue]
    private var list: [String] = []

    init(zone: String) { parameters = [.text(zone)] }

    var conditions: String { list.isEmpty ? "true" : list.joined(separator: " and ") }

    /// Day of the accounting zone since the epoch.
    func day(_ column: String) -> String { "((\(column) at time zone $1)::date - date '1970-01-01')" }

    mutating func add(_ value: PostgresValue) -> String {
        parameters.append(value)
        return "$\(parameters.count)"
    }

    mutating func require(_ conditions: String...) { list += conditions }
}

extension AudienceCondition {
    /// Whether it asks for a cohort of buyers.
    var asksForBuyers: Bool {
        switch self {
        case .all(let list), .any(let list): list.contains(where: \.asksForBuyers)
        case .not(let inner): inner.asksForBuyers
        case .event: false
        case .cohort: true
        }
    }
}
