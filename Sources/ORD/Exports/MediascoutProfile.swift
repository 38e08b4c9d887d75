import AdModel

/// A month in the shape of Mediascout v3 (ord.md section 3.1).
///
/// Known from its published models: every key and every word below. Not known, and therefore a switch or a rule of
/// ours, until its test stand confirms it:
/// - **Price.** Its example gives the price of 1,000 shows for CPM; so do we (`OperatorProfile.mediascout`).
/// - **`impsPlan`.** Taken for the invoiced shows; of rows without money, for the shows themselves.
/// - **No VAT.** Its number for a seller without VAT is not published: such acts are refused until
///   `withoutVATRate` says it.
/// - **Television.** `Site` and `Application` are the only kinds of platform: others are refused until
///   `televisionType` says how they are called.
/// - **Type of self-promotion.** Creatives have a `type`; self-promotion is not paid, so `selfPromotionType` says `Other`.
/// - **Feed of an element.** Its model of an element shows no reference to the feed; `elementsNameFeed` adds `feedId`.
/// - **Statistics without an act.** Rows without money go to `/v3.1/statistics` in the form of the act's rows, without
///   price and amount.
/// - **The retailer** is the account itself and is not registered as a client, unless `registersRetailer` is on.
public struct MediascoutProfile: Hashable, Sendable {
    public var withoutVATRate: Int64?
    public var televisionType: String?
    public var selfPromotionType: String
    public var elementsNameFeed: Bool
    public var registersRetailer: Bool

    public init(
        withoutVATRate: Int64? = nil, televisionType: String? = nil, selfPromotionType: String = "Other",
        elementsNameFeed: Bool = true, registersRetailer: Bool = false
    ) {
        self.withoutVATRate = withoutVATRate
        self.televisionType = televisionType
        self.selfPromotionType = selfPromotionType
        self.elementsNameFeed = elementsNameFeed
        self.registersRetailer = registersRetailer
    }

    static let legalForms = WordMap(words: [
        "juridical": "JuridicalPerson", "ip": "IndividualEntrepreneur", "physical": "PhysicalPerson",
        "foreign_juridical": "InternationalJuridicalPerson", "foreign_physical": "InternationalPhysicalPerson",
    ])
    static let contractTypes = WordMap(words: [
        "service": "ServiceAgreement", "mediation": "MediationContract", "additional": "AdditionalAgreement",
    ])
    static let subjectTypes = WordMap(words: [
        "distribution": "Distribution", "org_distribution": "OrgDistribution", "representation": "Representation",
        "mediation": "Mediation", "other": "Other",
    ])
    static let actionTypes = WordMap(words: [
        "conclude": "Contracting", "distribution": "Distribution", "commercial": "CommercialRepresentation",
        "other": "Other",
    ])
    static let forms = WordMap(words: [
        "banner": "Banner", "banner_html5": "BannerHtml5", "text_block": "Text", "text_graphic_block": "TextGraphic",
        "video": "Video", "audio": "Audio", "live_audio": "AudioBroadcast", "live_video": "VideoBroadcast",
        "text_video_block": "TextVideoBlock", "text_audio_block": "TextAudioBlock",
        "text_audio_video_block": "TextAudioVideoBlock", "text_graphic_video_block": "TextGraphicVideoBlock",
        "text_graphic_audio_block": "TextGraphicAudioBlock",
        "text_graphic_audio_video_block": "TextGraphicAudioVideoBlock",
    ])
    static let payTypes = WordMap(words: ["cpm": "CPM", "cpc": "CPC", "cpa": "CPA", "other": "Other"])
    static let roles = WordMap(words: [
        "advertiser": "Rd", "agency": "Ra", "publisher": "Rr", "ors": "Ors", "mediator": "Psr",
    ])
    static let platformTypes = WordMap(words: ["web": "Site", "mobile_app": "Application"])

    /// - Throws: `ORDError` with code `gate_failed`: what the month lacks, or what this operator would refuse.
    public func bundle(_ month: ExportMonth) throws(ORDError) -> ProfileBundle {
        let data = try ProfileMonth(month, .mediascout)
        let refused = findings(data)
        guard refused.isEmpty else { throw ORDError(code: "gate_failed", findings: refused) }
        let bodies = MediascoutBodies(profile: self, data: data)
        let shelves = data.scope.creatives.filter { !$0.elements.isEmpty }
        return ProfileBundle(
            "mediascout", month, data.settlement, data.scope,
            calls: [
                "clients": bodies.clients, "contracts": data.scope.contracts.map(bodies.contract),
                "platforms": data.scope.pads.map(bodies.platform),
                "creatives": data.scope.creatives.filter { $0.elements.isEmpty }.map(bodies.creative),
                "containers": shelves.map(bodies.container), "elements": shelves.flatMap(bodies.elements),
                "statistics": data.settlement.rows.filter { $0.amount == nil }.map(bodies.freeRow),
                "invoices": data.settlement.acts.map(bodies.invoice),
                "confirmations": data.settlement.acts.map(bodies.confirmation),
            ],
            switches: [
                "without_vat_rate": withoutVATRate.map(JSONText.number) ?? .string("refused"),
                "television_type": .string(televisionType ?? "refused"),
                "self_promotion_type": .string(selfPromotionType), "elements_name_feed": .bool(elementsNameFeed),
                "registers_retailer": .bool(registersRetailer),
            ], hasMediaFiles: false, warnings: data.findings)
    }

    /// What this operator would refuse although the month is in order. Fields are the operator's.
    private func findings(_ data: ProfileMonth) -> [Finding] {
        var findings: [Finding] = []
        for pad in data.scope.pads where Self.platformTypes[pad.type] ?? televisionType == nil {
            var c = Checker("pad \(pad.id)")
            c.fail("type", "platform_type", "Mediascout knows sites and applications: ask it how \(pad.type) is called")
            findings += c.findings
        }
        for creative in data.scope.creatives {
            var c = Checker("creative \(creative.id)")
            if creative.kktus.count > 1 {
                c.fail("kktuCodes", "one_code", "Mediascout takes one code: leave the one that fits best")
            }
            if creative.contractIDs.count > 1 {
                c.fail("cobrandingContractIds", "cobranding", "creatives of several contracts are not exported")
            }
            let description = MediascoutBodies.description(creative)
            if description.isEmpty, creative.kktus.contains("30.15.1") {
                c.fail("description", "required", "the code 30.15.1 needs a description")
            }
            if !description.isEmpty { c.length("description", description, 1...1_000) }
            findings += c.findings
        }
        for act in data.settlement.acts {
            var c = Checker("act \(act.id)")
            if act.serial == nil {
                c.fail("number", "required", "freeze the month: its acts are numbered then")
            }
            let amounts = [act.services] + act.items.map(\.amount) + [act.commission?.amount].compactMap(\.self)
            if withoutVATRate == nil, amounts.contains(where: { $0.rate == .withoutVAT }) {
                c.fail("services.vatRate", "vat_rate_unknown", "ask Mediascout for its number of \"without VAT\"")
            }
            findings += c.findings
        }
        return findings
    }
}

extension OperatorProfile {
    /// Mediascout's example gives the price of 1,000 shows.
    public static let mediascout = OperatorProfile(perMille: true)
    /// Ozon's documents do not say; a price per show, as for VK.
    public static let ozon = OperatorProfile()
}
