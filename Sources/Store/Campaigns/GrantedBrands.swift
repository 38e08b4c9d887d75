import AdModel
import Postgres

/// The brands that an advertiser owns at one time, and how the catalogue spells them.
struct GrantedBrands {
    /// Codes of the brands.
    var codes: Set<String> = []
    /// What a product's raw brand may say to be one of them.
    var spellings: [String] = []

    /// An alias first, then the brand's own code: the same one step as attribution and serving take.
    static func load(
        of advertiser: Int32, now: Timestamp, on db: isolated PostgresConnection
    ) throws -> GrantedBrands {
        let rows = try db.query(
            """
            with granted as (
                select distinct b.id, b.code from brand_grant g join brand b on b.id = g.brand_id
                where g.advertiser_id = $1 and g.valid_from <= $2 and $2 < g.valid_to
            )
            select code, 'code' as kind, not exists (select 1 from brand_alias a where a.alias = granted.code
                and a.brand_id <> granted.id and a.valid_from <= $2 and $2 < a.valid_to) as spelt from granted
            union all
            select a.alias, 'alias', true from brand_alias a join granted g on g.id = a.brand_id
            where a.valid_from <= $2 and $2 < a.valid_to
            order by 1
            """, [.int4(advertiser), .timestamptz(micros: now.micros)])
        var brands = GrantedBrands()
        for row in rows {
            let text = try row.string("code")
            if try row.string("kind") == "code" { brands.codes.insert(text) }
            if try row.bool("spelt") { brands.spellings.append(text) }
        }
        return brands
    }

    /// Notes every SKU of a list that the catalogue does not know or whose brand is somebody else's.
    func check(
        skus: [String], field: String, _ problems: inout FieldProblems, on db: isolated PostgresConnection
    ) throws {
        guard !skus.isEmpty else { return }
        let rows = try db.query(
            """
            select w.place::int as place, p.id is not null as known, coalesce(p.brand = any($2::text[]), false) as granted
            from unnest($1::text[]) with ordinality w (sku, place) left join product p on p.sku = w.sku
            where p.id is null or p.brand is null or not p.brand = any($2::text[])
            order by w.place limit \(FieldProblems.limit)
            """, [.textArray(skus), .textArray(spellings)])
        for row in rows {
            let place = Int(try row.int32("place")) - 1
            let sku = skus[place].prefix(Limits.sku)
            if try row.bool("known") {
                problems.add(
                    "\(field)[\(place)]", "not_granted", "“\(sku)” is not of a brand granted to the advertiser.")
            } else {
                problems.add("\(field)[\(place)]", "unknown_reference", "The catalogue has no “\(sku)”.")
            }
        }
    }

    /// Notes every brand of a list that is not granted; brands of others and absent ones look alike.
    func check(brands: [String], field: String, _ problems: inout FieldProblems) {
        for (place, brand) in brands.enumerated() where !codes.contains(brand) {
            problems.add(
                "\(field)[\(place)]", "not_granted", "“\(brand.prefix(64))” is not a brand granted to the advertiser.")
        }
    }
}

/// Codes that must exist.
enum KnownCodes {
    /// Notes every code of a list that the table has not.
    static func check(
        _ codes: [String], table: String, column: String = "code", field: String, _ problems: inout FieldProblems,
        on db: isolated PostgresConnection
    ) throws {
        guard !codes.isEmpty else { return }
        let rows = try db.query(
            """
            select w.place::int as place from unnest($1::text[]) with ordinality w (code, place)
            where not exists (select 1 from \(table) t where t.\(column) = w.code)
            order by w.place limit \(FieldProblems.limit)
            """, [.textArray(codes)])
        for row in rows {
            let place = Int(try row.int32("place")) - 1
            problems.unknown("\(field)[\(place)]", codes[place])
        }
    }
}
