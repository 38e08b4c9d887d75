import AdModel
import Crypto
import Foundation

extension SeedReader {
    /// Promoted products, categories or brands that one list of a file may name.
    static let promotedLimit = 5_000

    mutating func campaign(_ object: SeedObject) -> SeedCampaign? {
        let code = declare(.campaign, object)
        let name = object.text("name")
        let advertiser = object.code("advertiser")
        let contract = object.code("contract")
        let kktu = object.textIfPresent("kktu", limit: 10)
        if let kktu, !rules.kktuExists(kktu) {
            object.problem("kktu", "“\(kktu)” is not a third-level code of goods and services (ККТУ) like 17.3.1")
        }
        let state = object.word("state", CampaignState.allCases.map(\.rawValue), default: "draft")
        if let state, state != "draft", kktu == nil {
            object.problem("kktu", "is required in state \(state): a campaign leaves draft with its code of goods only")
        }
        let policy = object.word("policy", rules.policies.sorted(), default: "default@1")
        let brands = object.texts("brands", limit: 1_000, itemLimit: 64)
        let skus = object.texts("listed_skus", limit: Self.promotedLimit, itemLimit: Limits.sku)
        let categories = object.texts("listed_categories", limit: 1_000, itemLimit: 64)
        var lineItems: [SeedLineItem] = []
        for entry in object.objects("line_items", limit: 1_000) {
            if let item = lineItem(entry) { lineItems.append(item) }
        }
        object.finish()
        guard let code, let name, let advertiser, let contract, let state, let policy else { return nil }
        return SeedCampaign(
            place: Self.place(object), code: code, name: name, advertiser: advertiser, contract: contract, kktu: kktu,
            state: state, policy: policy, brands: brands, listedSKUs: skus, listedCategories: categories,
            lineItems: lineItems)
    }

    private mutating func lineItem(_ object: SeedObject) -> SeedLineItem? {
        let code = declare(.lineItem, object)
        let name = object.text("name")
        let paused = object.bool("paused", default: false)
        let flight = flight(object)
        let tier = object.word("tier", Tier.allCases.map(\.rawValue), default: Tier.auction.rawValue)
        let pricing = object.word("pricing", Pricing.allCases.map(\.rawValue))
        let bid = object.money("bid")
        let total = object.moneyIfPresent("total_budget")
        let daily = object.moneyIfPresent("daily_budget")
        if let total, let daily, daily > total {
            object.problem("daily_budget", "is more than the total budget")
        }
        let pacing = object.word("pacing", Pacing.allCases.map(\.rawValue), default: Pacing.asap.rawValue)
        let caps = object.objects("caps", limit: 4).map { entry -> String in
            let count = entry.int("count", 1...10_000, default: 1)
            if entry.child("count") == nil { entry.problem("count", "is required") }
            let per = entry.word("per", ["hour", "day", "session", "lifetime"])
            entry.finish()
            return "{\"count\":\(count),\"per\":\(SeedJSON.quoted(per ?? ""))}"
        }
        let targeting = object.object("targeting").map(SeedTargeting.read) ?? .everything
        var promoted = PromotedRule()
        if let entry = object.object("promoted") {
            promoted.skus = entry.texts("skus", limit: Self.promotedLimit, itemLimit: Limits.sku)
            promoted.categories = entry.texts("categories", limit: 1_000, itemLimit: 64)
            promoted.brands = entry.texts("brands", limit: 1_000, itemLimit: 64)
            entry.finish()
        }
        var creatives: [SeedCreative] = []
        for entry in object.objects("creatives", limit: 100) {
            if let creative = creative(entry) { creatives.append(creative) }
        }
        object.finish()
        guard let code, let name, let flight, let tier, let pricing, let bid, let pacing else { return nil }
        return SeedLineItem(
            place: Self.place(object), code: code, name: name, paused: paused, startsAt: flight.0, endsAt: flight.1,
            tier: tier, pricing: pricing, bidMicros: bid, totalBudgetMicros: total, dailyBudgetMicros: daily,
            pacing: pacing, capsJSON: "[" + caps.joined(separator: ",") + "]", targeting: targeting,
            promoted: promoted, creatives: creatives)
    }

    /// `flight: {from, to}`: dates are whole days of the accounting zone, both included; instants are exact, the end
    /// excluded.
    private func flight(_ object: SeedObject) -> (Timestamp, Timestamp)? {
        guard let flight = object.object("flight") else {
            if object.child("flight") == nil { object.problem("flight", "is required: {from: DATE, to: DATE}") }
            return nil
        }
        let from = flight.instantIfPresent("from")
        var to = flight.instantIfPresent("to")
        if flight.child("from") == nil { flight.problem("from", "is required") }
        if flight.child("to") == nil { flight.problem("to", "is required") }
        if case .scalar(let text, _)? = flight.child("to")?.value.content, let day = Day(text) {
            to = flight.midnight(day + 1)
        }
        flight.finish()
        guard let from, let to else { return nil }
        if from >= to { flight.problem("to", "must not be before from") }
        return (from, to)
    }

    private mutating func creative(_ object: SeedObject) -> SeedCreative? {
        let code = declare(.creative, object)
        let format = object.word("format", rules.formats.keys.sorted())
        let landing = url("landing_url", object)
        let approved = object.bool("approved", default: true)
        let erid = object.textIfPresent("erid", limit: 128)
        if let erid, !Self.isERID(erid) {
            object.problem("erid", "“\(erid)” is not a token of an operator: 6 to 128 latin letters, digits, - or _")
        }
        let status = object.child("erid_status").flatMap { SeedObject.word($0, ["new", "verified", "bad"]) }
        if status != nil, erid == nil { object.problem("erid_status", "is given without erid") }
        var pictures: [SeedPicture] = []
        for node in object.child("pictures")?.list(limit: 16) ?? [] {
            if let picture = picture(node) { pictures.append(picture) }
        }
        let fieldsNode = object.child("fields")
        var fields = "{}"
        if let fieldsNode {
            if case .map = fieldsNode.value.content {
                fields = fieldsNode.value.canonicalJSON
            } else {
                fieldsNode.problem("must be a mapping, not \(fieldsNode.value.kindName)")
            }
        }
        object.finish()
        guard let code, let format, let landing, let rule = rules.formats[format] else { return nil }
        for (path, reason) in rule.problems(fields, pictures) {
            log.add(object.path + (path.isEmpty ? "" : "." + path), fieldsNode?.value.line ?? object.line, reason)
        }
        return SeedCreative(
            place: Self.place(object), code: code, format: format, ordForm: rule.ordForm, fieldsJSON: fields,
            landingURL: landing, pictures: pictures, approved: approved, erid: erid,
            eridStatus: erid == nil ? nil : status ?? "new")
    }

    static func isERID(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        func isWord(_ byte: UInt8) -> Bool {
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
        }
        return (6...128).contains(bytes.count) && isWord(bytes[0])
            && bytes.allSatisfy { isWord($0) || $0 == 0x2D || $0 == 0x5F }
    }

    private func picture(_ node: SeedNode) -> SeedPicture? {
        guard let name = node.text(limit: 1_000) else { return nil }
        guard !name.hasPrefix("/"), !name.split(separator: "/").contains("..") else {
            node.problem("“\(name)” must be a path below the folder of the seed file")
            return nil
        }
        let bytes: [UInt8]
        do {
            bytes = try rules.readFile(name)
        } catch {
            node.problem("cannot read the file “\(name)”")
            return nil
        }
        guard bytes.count <= ImageHeader.byteLimit else {
            node.problem("“\(name)” has \(bytes.count) bytes; at most \(ImageHeader.byteLimit) are accepted")
            return nil
        }
        guard let image = ImageHeader(bytes) else {
            node.problem("“\(name)” is not a PNG, JPEG, GIF or WebP picture with a readable size")
            return nil
        }
        return SeedPicture(image: image, bytes: bytes, sha256: Array(SHA256.hash(data: bytes)))
    }
}
