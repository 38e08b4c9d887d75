/// One version of a creative: what an erid is given for.
public struct Creative: Hashable, Codable, Sendable {
    /// External id, `cr-<code>-v<version>`.
    public var id: String
    /// Exactly one of the three owners is given.
    public var contractIDs: [String]
    /// The retailer himself, when he advertises his own goods.
    public var personID: String?
    public var cids: [String]
    public var kktus: [String]
    public var name: String?
    public var brand: String?
    public var category: String?
    public var description: String?
    /// `cpa, cpc, cpm, other`; none for self-promotion.
    public var payType: String?
    public var form: String
    public var targeting: String?
    public var targetURLs: [String]
    public var texts: [String]
    /// External ids of media, `md-<32 hex>`.
    public var mediaIDs: [String]
    /// `social, social_quota`.
    public var flags: [String]
    /// The operator's token, case kept; nil until it is known.
    public var erid: String?
    /// `new, verified, bad`.
    public var eridStatus: String?
    /// The product cards of a shelf, in the order of the texts; none for other forms (R11).
    public var elements: [FeedElement]

    public init(
        id: String, contractIDs: [String] = [], personID: String? = nil, cids: [String] = [], kktus: [String],
        name: String? = nil, brand: String? = nil, category: String? = nil, description: String? = nil,
        payType: String? = nil, form: String, targeting: String? = nil, targetURLs: [String] = [],
        texts: [String] = [], mediaIDs: [String] = [], flags: [String] = [], erid: String? = nil,
        eridStatus: String? = nil, elements: [FeedElement] = []
    ) {
        self.id = id
        self.contractIDs = contractIDs
        self.personID = personID
        self.cids = cids
        self.kktus = kktus
        self.name = name
        self.brand = brand
        self.category = category
        self.description = description
        self.payType = payType
        self.form = form
        self.targeting = targeting
        self.targetURLs = targetURLs
        self.texts = texts
        self.mediaIDs = mediaIDs
        self.flags = flags
        self.erid = erid
        self.eridStatus = eridStatus
        self.elements = elements
    }

    public static let payTypes = ["cpa", "cpc", "cpm", "other"]
    public static let mediaForms = ["banner", "banner_html5", "audio", "video", "live_audio", "live_video"]
    public static let textForms = ["text_block"]
    public static let mixedForms = [
        "text_graphic_block", "text_video_block", "text_graphic_video_block", "text_audio_block",
        "text_graphic_audio_block", "text_audio_video_block", "text_graphic_audio_video_block",
    ]
    /// All 14 forms.
    public static let forms = mediaForms + textForms + mixedForms

    /// Does the form carry texts?
    public static func hasTexts(_ form: String) -> Bool { textForms.contains(form) || mixedForms.contains(form) }
    /// Does the form carry pictures, sound or film?
    public static func hasMedia(_ form: String) -> Bool { mediaForms.contains(form) || mixedForms.contains(form) }

    /// Self-promotion has a person for an owner, and never any money.
    public var isSelfPromotion: Bool { personID != nil }

    /// Everything that the operator would refuse.
    /// - Parameters:
    ///   - contracts: known contract ids.
    ///   - persons: known persons.
    ///   - media: known media ids.
    public func findings(
        contracts: [String: Contract], persons: [String: Person], media: Set<String>, kktu: KKTUDictionary
    ) -> [Finding] {
        var c = Checker("creative \(id)")
        ExternalID.check(id, "id", &c)
        checkOwner(&c, contracts, persons)
        checkKKTU(&c, kktu)
        checkDescription(&c)
        if let payType { c.choice("pay_type", payType, Self.payTypes) }
        if isSelfPromotion { c.forbidden("pay_type", payType, "self-promotion is not paid: remove it") }
        c.choice("form", form, Self.forms)
        checkTexts(&c)
        checkMedia(&c, media)
        checkTargets(&c)
        if let targeting { c.length("targeting", targeting, 1...100_000) }
        for (index, flag) in flags.enumerated() { c.choice("flags[\(index)]", flag, ["social", "social_quota"]) }
        if flags.count > 1 { c.fail("flags", "flags_exclude", "social and social_quota exclude each other") }
        if let erid, !ERID.isPlausible(erid) {
            c.fail("erid", "erid_format", "must have 6 to 128 letters, digits, - or _; keep the case")
        }
        return c.findings
    }

    private func checkOwner(_ c: inout Checker, _ contracts: [String: Contract], _ persons: [String: Person]) {
        var owners: [String] = []
        if !contractIDs.isEmpty { owners.append("contract_external_ids") }
        if personID != nil { owners.append("person_external_id") }
        if !cids.isEmpty { owners.append("cids") }
        if owners.isEmpty {
            c.fail("contract_external_ids", "required", "name the contract, or the person for self-promotion")
        }
        for extra in owners.dropFirst() {
            c.fail(extra, "one_owner", "give exactly one of contract_external_ids, person_external_id and cids")
        }
        c.unique("contract_external_ids", contractIDs)
        c.unique("cids", cids)
        for (index, contract) in contractIDs.enumerated() where contracts[contract] == nil {
            c.fail("contract_external_ids[\(index)]", "not_found", "there is no contract \(contract)")
        }
        if let personID, persons[personID] == nil {
            c.fail("person_external_id", "not_found", "there is no counterparty \(personID)")
        }
    }

    private func checkKKTU(_ c: inout Checker, _ kktu: KKTUDictionary) {
        if kktus.isEmpty { c.fail("kktus", "required", "choose the third-level KKTU code of what is advertised") }
        c.unique("kktus", kktus)
        // Several codes are for goods of several advertisers in one creative, so for several contracts.
        let cobranding = contractIDs.count + cids.count > 1
        if kktus.count > 16 {
            c.fail("kktus", "too_many", "at most 16 codes")
        } else if kktus.count > 1, !cobranding {
            c.fail("kktus", "one_code", "one creative has one code; several need several contracts")
        }
        for (index, code) in kktus.enumerated() {
            let field = "kktus[\(index)]"
            guard let entry = kktu.entry(code) else {
                c.fail(field, "kktu_unknown", "there is no code \(code) in the dictionary")
                continue
            }
            if !entry.isUsable { c.fail(field, "kktu_level", "use a third-level code below \(code)") }
        }
    }

    private func checkDescription(_ c: inout Checker) {
        if let name { c.length("name", name, 1...255) }
        let fields = [("brand", brand), ("category", category), ("description", description)]
        let given = fields.filter { $0.1 != nil }
        let limit = [255, 255, 240, 225][given.count]
        for (field, value) in given { if let value { c.length(field, value, 1...limit) } }
        if kktus == ["30.15.1"], given.isEmpty {
            c.fail(
                "description", "required", "the code 30.15.1 (other goods) needs a brand, a category or a description")
        }
    }

    private func checkTexts(_ c: inout Checker) {
        guard Self.forms.contains(form) else { return }
        if Self.hasTexts(form), texts.isEmpty {
            c.fail("texts", "required", "the form \(form) needs at least one text")
        }
        if !Self.hasTexts(form), !texts.isEmpty {
            c.fail("texts", "forbidden", "the form \(form) has no texts: remove them or choose another form")
        }
        for (index, text) in texts.enumerated() { c.length("texts[\(index)]", text, 1...65_000) }
        c.unique("texts", texts)
        if texts.reduce(0, { $0 + $1.unicodeScalars.count }) > 65_000 {
            c.fail("texts", "length", "all texts together must have at most 65000 characters")
        }
    }

    private func checkMedia(_ c: inout Checker, _ media: Set<String>) {
        guard Self.forms.contains(form) else { return }
        if Self.hasMedia(form), mediaIDs.isEmpty {
            c.fail("media_external_ids", "required", "the form \(form) needs at least one picture or film")
        }
        if !Self.hasMedia(form), !mediaIDs.isEmpty {
            c.fail(
                "media_external_ids", "forbidden", "the form \(form) has no media: remove them or choose another form")
        }
        c.unique("media_external_ids", mediaIDs)
        for (index, id) in mediaIDs.enumerated() where !media.contains(id) {
            c.fail("media_external_ids[\(index)]", "not_found", "there is no media \(id)")
        }
    }

    private func checkTargets(_ c: inout Checker) {
        c.unique("target_urls", targetURLs)
        for (index, url) in targetURLs.enumerated() {
            let field = "target_urls[\(index)]"
            if url.unicodeScalars.count > 2_000 {
                c.fail(field, "length", "must have at most 2000 characters")
            } else if !Address.isTarget(url) {
                c.fail(field, "address", "must be a full address: http, https, ftp, sftp or an app's scheme")
            }
            let erids = Address.erids(in: url)
            if erids.count > 1 {
                c.fail(field, "erid_twice", "the address names erid more than once: remove it, the server adds it")
            } else if let found = erids.first, found != erid {
                c.fail(field, "erid_differs", "the address carries another erid (case counts): remove it")
            }
        }
    }
}

/// Creative tokens of ЕРИР.
public enum ERID {
    /// Permissive, because there is no official length: 6 to 128 of `A-Z a-z 0-9 _ -`, beginning with a letter or
    /// digit. Case is part of the token.
    public static func isPlausible(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard (6...128).contains(bytes.count), let first = bytes.first, isWord(first) else { return false }
        return bytes.allSatisfy { isWord($0) || $0 == 0x5F || $0 == 0x2D }
    }

    private static func isWord(_ b: UInt8) -> Bool {
        (0x30...0x39).contains(b) || (0x41...0x5A).contains(b) || (0x61...0x7A).contains(b)
    }
}

/// A picture or film of a creative. The bytes stay with whoever writes the bundle.
public struct Media: Hashable, Codable, Sendable {
    /// 64 lower-case hex digits.
    public var sha256: String
    public var contentType: String
    /// Bytes.
    public var size: Int64

    public init(sha256: String, contentType: String, size: Int64) {
        self.sha256 = sha256
        self.contentType = contentType
        self.size = size
    }

    /// External id, `md-<first 32 hex of sha256>` (R4).
    public var id: String { "md-\(sha256.prefix(32))" }

    /// Path inside the bundle.
    public var path: String { "media/\(sha256).\(fileExtension)" }

    private var fileExtension: String {
        switch contentType {
        case "image/png": "png"
        case "image/jpeg": "jpg"
        case "image/webp": "webp"
        case "image/gif": "gif"
        case "video/mp4": "mp4"
        default: "bin"
        }
    }
}
