import AdModel

/// A month in the shape of Ozon ОРД (ord.md section 3.2): ids are ours, money and counts are text.
///
/// Known: the paths and versions, all of statistics, the roles, types and prices of invoices, `kktuCategory`, the two
/// types of creatives, `selfPromotionExternalOrganizationId` (spelled with z, unlike all others). Names of
/// organisations, contracts, platforms and the media of creatives are those of older versions of its API, as public
/// client libraries have them. Not known, and therefore a switch or a rule of ours, until its stand confirms it:
/// - **Price.** Whether `unitCost` of CPM is for one show or for 1,000: for one (`OperatorProfile.ozon`, `perMille`).
/// - **`price.amount`** is taken for the sum with VAT, `excludingAmount` for the sum without.
/// - **Files** are uploaded first and get an id: `@<our id of the media>` stands in their place.
/// - **Television.** Sites and applications are known; other pads are refused until `televisionType` says how they are
///   called.
/// - **Feeds.** Names of a feed's elements are taken after those of creatives.
/// - **Rows without money** name no invoice, so that they count as statistics without an act.
public struct OzonProfile: Hashable, Sendable {
    public var televisionType: String?
    /// Price of 1,000 shows in `unitCost` of CPM.
    public var perMille: Bool

    public init(televisionType: String? = nil, perMille: Bool = OperatorProfile.ozon.perMille) {
        self.televisionType = televisionType
        self.perMille = perMille
    }

    static let legalTypes = WordMap(words: [
        "juridical": "LEGAL_TYPE_LEGAL", "ip": "LEGAL_TYPE_ENTREPRENEUR", "physical": "LEGAL_TYPE_INDIVIDUAL",
        "foreign_juridical": "LEGAL_TYPE_FOREIGN_LEGAL", "foreign_physical": "LEGAL_TYPE_FOREIGN_INDIVIDUAL",
    ])
    static let contractTypes = WordMap(words: [
        "service": "CONTRACT_TYPE_SERVICE", "mediation": "CONTRACT_TYPE_INTERMEDIARY",
        "additional": "CONTRACT_TYPE_ADDITIONAL_AGREEMENT",
    ])
    static let subjectTypes = WordMap(words: [
        "distribution": "SUBJECT_TYPE_DISTRIBUTION", "org_distribution": "SUBJECT_TYPE_ORGANISATION",
        "mediation": "SUBJECT_TYPE_INTERMEDIARY", "representation": "SUBJECT_TYPE_REPRESENTATION",
        "other": "SUBJECT_TYPE_OTHER",
    ])
    static let actionTypes = WordMap(words: [
        "conclude": "ACTION_TYPE_CONCLUSION", "distribution": "ACTION_TYPE_DISTRIBUTION",
        "commercial": "ACTION_TYPE_COMMERCIAL", "other": "ACTION_TYPE_OTHER",
    ])
    static let payTypes = WordMap(words: [
        "cpm": "PAYMENT_TYPE_CPM", "cpc": "PAYMENT_TYPE_CPC", "cpa": "PAYMENT_TYPE_CPA",
        "other": "PAYMENT_TYPE_OTHER",
    ])
    static let roles = WordMap(words: [
        "advertiser": "ORGANISATION_ROLE_RD", "agency": "ORGANISATION_ROLE_RA", "publisher": "ORGANISATION_ROLE_RR",
        "ors": "ORGANISATION_ROLE_ORS", "mediator": "ORGANISATION_ROLE_PSR",
    ])
    static let platformTypes = WordMap(words: ["web": "PLATFORM_TYPE_SITE", "mobile_app": "PLATFORM_TYPE_APP"])
    static let forms = WordMap(words: [
        "banner": "ADV_OBJECT_TYPE_BANNER", "text_block": "ADV_OBJECT_TYPE_TEXT_BLOCK",
        "video": "ADV_OBJECT_TYPE_VIDEO", "text_graphic_block": "ADV_OBJECT_TYPE_TEXT_GRAPHIC_BLOCK",
        "live_video": "ADV_OBJECT_TYPE_LIVE_VIDEO", "live_audio": "ADV_OBJECT_TYPE_LIVE_AUDIO",
        "audio": "ADV_OBJECT_TYPE_AUDIO_REC",
    ])
    /// `100` stands for a seller without VAT.
    static let vatRates = WordMap(words: [
        "without_vat": "100", "0": "0", "5": "5", "7": "7", "10": "10", "20": "20", "22": "22",
    ])

    /// - Throws: `ORDError` with code `gate_failed`: what the month lacks, or what this operator would refuse.
    public func bundle(_ month: ExportMonth) throws(ORDError) -> ProfileBundle {
        var operatorProfile = OperatorProfile.ozon
        operatorProfile.perMille = perMille
        let data = try ProfileMonth(month, operatorProfile)
        let refused = findings(data)
        guard refused.isEmpty else { throw ORDError(code: "gate_failed", findings: refused) }
        let bodies = OzonBodies(profile: self, data: data)
        let shelves = data.scope.creatives.filter { !$0.elements.isEmpty }
        return ProfileBundle(
            "ozon", month, data.settlement, data.scope,
            calls: [
                "organisations": data.scope.persons.map(bodies.organisation),
                "contracts": data.scope.contracts.map(bodies.contract), "cids": data.scope.cids.map(bodies.cid),
                "platforms": data.scope.pads.map(bodies.platform), "feeds": shelves.map(bodies.feed),
                "elements": shelves.flatMap(bodies.elements), "creatives": data.scope.creatives.map(bodies.creative),
                "invoices": data.settlement.acts.map(bodies.invoice),
                "statistics": data.settlement.rows.map(bodies.statistic),
            ],
            switches: [
                "television_type": .string(televisionType ?? "refused"), "per_mille": .bool(perMille),
            ], hasMediaFiles: true, warnings: data.findings)
    }

    /// What this operator would refuse although the month is in order. Fields are the operator's.
    private func findings(_ data: ProfileMonth) -> [Finding] {
        var findings: [Finding] = []
        for pad in data.scope.pads where Self.platformTypes[pad.type] ?? televisionType == nil {
            var c = Checker("pad \(pad.id)")
            c.fail(
                "platformType", "platform_type", "Ozon knows sites and applications: ask it how \(pad.type) is called")
            findings += c.findings
        }
        for creative in data.scope.creatives {
            var c = Checker("creative \(creative.id)")
            if Self.forms[creative.form] == nil {
                c.fail("advObjectType", "form_unknown", "Ozon has no word for the form \(creative.form)")
            }
            let owners = creative.contractIDs.count + creative.cids.count
            if creative.kktus.count > max(owners, 1) {
                c.fail("kktuCategory", "one_code", "one code for each initial contract: leave the one that fits best")
            }
            findings += c.findings
        }
        for act in data.settlement.acts where act.serial == nil {
            var c = Checker("act \(act.id)")
            c.fail("invoiceNumber", "required", "freeze the month: its acts are numbered then")
            findings += c.findings
        }
        return findings
    }
}
