import AdFormats
import AdModel
import ORD
import Postgres

/// Automatic checks of creatives and campaigns, made anew whenever somebody looks or decides.
public struct ModerationChecks: Sendable {
    private let formats: AdFormatSet
    private let kktu: KKTUDictionary?
    private let rules: [ModerationRule]
    private let hosts: Set<String>

    /// Reads the rules and the storefronts' hosts.
    /// - Parameter kktu: nil where the dictionary is not loaded; codes are then checked by their shape alone.
    public init(formats: AdFormatSet, kktu: KKTUDictionary?, on db: isolated PostgresConnection) throws {
        self.formats = formats
        self.kktu = kktu
        rules = try ModerationRules.all(on: db)
        hosts = try CreativeStore.landingHosts(on: db)
    }

    /// Products of a line item whose categories are looked at.
    public static let productLimit: Int32 = 10_000

    /// What is found in a version of a creative, blocks first.
    public func findings(
        of version: CreativeVersionRecord, _ creative: CreativeRecord, on db: isolated PostgresConnection
    ) throws -> [ModerationFinding] {
        let fields = try FieldValue(json: Array(version.fieldsJSON.utf8))
        var findings = kktuFindings(creative.kktu)
        if let format = formats[creative.format] {
            let content = CreativeContent(
                fields: fields, landingURL: version.landingURL, media: version.media.map(\.id))
            findings += content.problems(format: format, pictures: version.media, hosts: hosts).map {
                ModerationFinding(
                    code: $0.field == "landing_url" ? "landing_url" : "format", effect: .block, field: $0.field,
                    message: $0.detail)
            }
        } else {
            findings.append(
                ModerationFinding(
                    code: "format", effect: .block, field: "format", message: "The format is not installed any more."))
        }
        if version.landingURL.lowercased().hasPrefix("http://") {
            findings.append(
                ModerationFinding(
                    code: "landing_not_https", effect: .warn, field: "landing_url",
                    message: "The landing page is not https: browsers warn of it."))
        }
        let goods = Wording(try Self.categories(ofLineItem: creative.lineItemID, on: db))
        let wording = Wording(fields.texts)
        findings += rules.compactMap { $0.finding(kktu: creative.kktu, goods: goods, wording: wording) }
        return Self.ordered(findings)
    }

    /// What is found in a campaign apart from its creatives: the code of goods, the parties, the contract.
    public func findings(
        ofCampaign campaign: Int32, now: Timestamp, on db: isolated PostgresConnection
    ) throws -> [ModerationFinding] {
        guard
            let row = try db.query(
                """
                select k.kktu, coalesce(p.inn, p.foreign_inn, p.foreign_registration_number) is not null as has_inn,
                    c.ends_on is not null and c.ends_on < ($2::timestamptz at time zone 'UTC')::date as ended,
                    exists (select 1 from creative v join line_item l on l.id = v.line_item_id
                        where l.campaign_id = k.id) as has_creative
                from campaign k join contract c on c.id = k.contract_id
                join advertiser a on a.id = k.advertiser_id join counterparty p on p.id = a.counterparty_id
                where k.id = $1
                """, [.int4(campaign), .timestamptz(micros: now.micros)]
            ).first
        else { throw Refusal.notFound }
        let code = try row.stringIfPresent("kktu")
        var findings = kktuFindings(code)
        if try !row.bool("has_inn") {
            findings.append(
                ModerationFinding(
                    code: "advertiser_inn", effect: .block,
                    message: "The advertiser's tax number is missing: the label of every ad needs it."))
        }
        if try row.bool("ended") {
            findings.append(
                ModerationFinding(
                    code: "contract_ended", effect: .block, field: "contract", message: "The contract has ended."))
        }
        if try !row.bool("has_creative") {
            findings.append(
                ModerationFinding(
                    code: "no_creative", effect: .warn,
                    message: "The campaign has no creative yet: nothing will be shown."))
        }
        var names: [String] = []
        for line in try db.query("select id from line_item where campaign_id = $1 order by id", [.int4(campaign)]) {
            names += try Self.categories(ofLineItem: try line.int32("id"), on: db)
        }
        let goods = Wording(names)
        // Warnings belong to wording, so only goods are judged here.
        findings += rules.filter { $0.required.isEmpty }.compactMap {
            $0.finding(kktu: code, goods: goods, wording: Wording([]))
        }
        return Self.ordered(findings)
    }

    private func kktuFindings(_ code: String?) -> [ModerationFinding] {
        guard let code else {
            return [
                ModerationFinding(
                    code: "kktu", effect: .block, field: "kktu", message: "The campaign has no KKTU code.")
            ]
        }
        guard let kktu else { return [] }
        if kktu.entry(code)?.isUsable == true { return [] }
        return [
            ModerationFinding(
                code: "kktu", effect: .block, field: "kktu",
                message: "\(code) is not a third-level code of the KKTU dictionary.")
        ]
    }

    private static func ordered(_ findings: [ModerationFinding]) -> [ModerationFinding] {
        findings.filter { $0.effect == .block } + findings.filter { $0.effect == .warn }
    }

    /// Names of the categories, and of those above them, that a line item's products lie in.
    static func categories(ofLineItem line: Int32, on db: isolated PostgresConnection) throws -> [String] {
        try db.query(
            """
            with recursive promoted as (
                select s.sku from line_item_version v cross join lateral unnest(v.promoted_skus) s (sku)
                where v.line_item_id = $1 and v.valid_to = 'infinity' limit $2
            ), above (id) as (
                select distinct c from product p join promoted s on s.sku = p.sku
                cross join lateral unnest(p.category_ids) c
                union
                select c.parent_id from category c join above a on a.id = c.id where c.parent_id is not null
            )
            select distinct c.name from category c join above a on a.id = c.id order by c.name
            """, [.int4(line), .int4(productLimit)]
        ).map { try $0.string("name") }
    }
}

extension ModerationFinding {
    /// For the record of a decision.
    var json: String {
        FieldValue.object([
            "code": .string(code), "effect": .string(effect.rawValue), "field": field.map(FieldValue.string) ?? .null,
            "message": .string(message),
        ]).json
    }
}
