import AdModel
import Audiences
import Decisioning
import Measurement
import NIOCore
import NIOHTTP1
import Profiles
import Store
import Telemetry

/// `POST /v1/placements` on one event loop, with all the memory it needs.
///
/// No database, no disk, no waiting between reading the body and writing the answer: parse, look up indices, decide,
/// hand the decision record to the log, copy fragments.
final class PlacementsEndpoint {
    let environment: DeliveryEnvironment
    let scratch = Scratch()
    private let record = DecisionRecordWriter()
    let out = OutBytes()
    private var body: [UInt8] = []
    private(set) var parsed = PlacementsBody()
    /// Why the preview asked for is not shown; empty for almost every request.
    private var previewFault = ""
    /// Whether the last answer was a decision, which a preview is not.
    private var hasDecided = false
    private var audienceScratch = AudienceScratch()
    private var members: ContiguousArray<Int32> = []
    private var random: UInt64
    private let words = PageWords()
    /// Keys of the current minute's tokens.
    private var tokenPeriod: AdTokenPeriod?
    /// What is served, as of the number it had when it was looked at.
    private var served: ServingHolder.Served
    let clickBase: [UInt8]
    let pixelBase: [UInt8]

    init(_ environment: DeliveryEnvironment) {
        self.environment = environment
        random = UInt64.random(in: 0...(.max))
        served = environment.serving.served
        clickBase = Array("\(environment.settings.publicBaseURL)/v1/click/".utf8)
        pixelBase = Array("\(environment.settings.publicBaseURL)/v1/pixel/".utf8)
    }

    /// What the shopper's side of a request amounts to.
    private struct Shopper {
        /// Empty without consent, and where the request itself says it.
        var visitor: String = ""
        var hash: UInt64 = 0
        var isDeclared = false
        /// `Set-Cookie` when the edge itself gave the id.
        var cookie: String?
    }

    /// What became of a request.
    enum Outcome {
        /// The JSON body is in `out`; with the `Set-Cookie` line, if any.
        case written(cookie: String?)
        /// A preview needs a creative from the database: ask for it, then answer again.
        case asks(creativeVersionID: Int32)
    }

    /// Answers the request.
    func answer(_ request: EdgeRequest, now: Timestamp) throws(Problem) -> Outcome {
        environment.serving.renew(&served)
        guard let state = served.state else {
            throw Problem(.notReady, "The campaigns are still being loaded; try again in a moment.")
        }
        hasDecided = false
        parsed.reset()
        // Moved, not copied: two owners would make the reader take new memory.
        var memory: [UInt8] = []
        swap(&memory, &body)
        memory.removeAll(keepingCapacity: true)
        request.body.withUnsafeReadableBytes { memory.append(contentsOf: $0) }
        var json = JSONReader(consume memory)
        defer { body = json.text }
        try parsed.read(&json)

        let declared =
            parsed.consent && !parsed.visitor.isEmpty
            ? json.withBytes(parsed.visitor) { environment.shopperHash($0) } : 0
        if declared != 0 { environment.profiles.prefetchPlace(declared) }
        let storefront = try lookUp(state, json, now: now)
        if !parsed.preview.isEmpty {
            place(state, json, storefront: storefront, request)
            switch preview(state, json, now: now) {
            case .shown: return .written(cookie: nil)
            case .asks(let version): return .asks(creativeVersionID: version)
            case .fault(let word): previewFault = word
            }
        }
        defer { previewFault = "" }
        if declared != 0 { environment.profiles.prefetchProfile(declared) }
        let shopper = try shopper(declared, request, json, state, storefront: storefront, now: now)
        scratch.request.shopper = shopper.hash
        if parsed.consent { scratch.request.isSignedIn = parsed.signedIn ?? !parsed.customer.isEmpty }
        scratch.request.countsCaps = shopper.hash == 0 || environment.caps.counts(shopper.hash, now: now)
        fillAudiences(state, now: now)
        place(state, json, storefront: storefront, request)
        scratch.request.device =
            parsed.device ?? DeviceClass.of(request.facts.userAgent)

        let id = DecisionID(
            issuedAt: now,
            low: UInt64(UInt16(bitPattern: environment.settings.nodeID)) << 48 | nextRandom() >> 16)
        if environment.serving.isStopped(state.snapshot.storefronts[Int(storefront)].id) {
            Decider.refuse(
                scratch.request, reason: .stopped, snapshot: state.snapshot, stock: state.stock, scratch: scratch)
        } else {
            Decider.decide(
                snapshot: state.snapshot, stock: state.stock,
                profiles: shopper.hash == 0 ? nil : environment.profiles, budget: served.leases, now: now,
                seed: id.seed, scratch: scratch, shelves: served.shelves)
        }
        // Moved out and back: every look at a property of another object would be checked.
        var result = scratch.takeResult()
        let logged = log(id, state, json, result, storefront: storefront, shopper: shopper)
        if !logged { takeBack(state, result, shopper: shopper.hash, now: now) }
        hasDecided = true
        count(result, logged: logged)
        write(id, state, json, result, storefront: storefront, shopper: shopper.hash, logged: logged)
        scratch.giveBack(&result)
        return .written(cookie: shopper.cookie)
    }

    private func tokenPeriod(_ id: DecisionID) -> AdTokenPeriod {
        if let tokenPeriod, tokenPeriod.covers(id) { return tokenPeriod }
        let period = environment.tokens.period(of: id)
        tokenPeriod = period
        return period
    }

    /// The decision answered last, as the log has it; nil when it was none.
    var lastRecord: DecisionRecord? {
        guard hasDecided else { return nil }
        let decoded = try? record.withBytes { (bytes: UnsafeRawBufferPointer) throws in
            try LogRecordCodec.decode(bytes)
        }
        guard case .decision(let last) = decoded else { return nil }
        return last
    }

    // MARK: From words to indices

    private func lookUp(_ state: ServingState, _ json: JSONReader, now: Timestamp) throws(Problem) -> Int32 {
        let snapshot = state.snapshot
        func find(_ table: CodeTable, _ slice: TextSlice, scope: Int32 = 0) -> Int32 {
            json.withBytes(slice) { table.find($0, scope: scope) }
        }
        let storefront = find(snapshot.lookup.storefronts, parsed.storefront)
        guard storefront >= 0 else {
            throw Problem(.unknownStorefront, "No storefront has this code.", field: "storefront")
        }
        scratch.request.clear()
        scratch.request.pageType = parsed.pageType
        let local = now.micros + state.storefronts[Int(storefront)].zoneOffsetMicros
        let minutes = floorDivide(local, 60_000_000)
        // 1970-01-01 was a Thursday, three days after a Monday.
        scratch.request.minuteOfWeek = Int32((minutes + 3 * 1_440) % 10_080)
        for (index, slot) in parsed.slots.enumerated() {
            let placement = find(snapshot.lookup.placements, slot.placement, scope: storefront)
            guard placement >= 0 else {
                throw Problem(
                    .unknownPlacement, "The storefront has no placement with this code.",
                    field: "slots[\(index)].\(slot.placement == slot.name ? "name" : "placement")")
            }
            scratch.request.slots.append(DecisionRequest.Slot(placement: placement, count: Int32(slot.count)))
        }
        // What the catalogue does not know yet restricts nothing and is no error: a page must not break over it.
        if !parsed.category.isEmpty {
            let category = find(snapshot.lookup.categories, parsed.category)
            if category >= 0 { scratch.request.categories.append(category) }
        }
        if !parsed.brand.isEmpty {
            var brand = find(snapshot.lookup.brands, parsed.brand)
            if brand < 0, let id = state.data.brandAliases[json.swift(parsed.brand)] {
                brand = snapshot.lookup.brandByID.find(id)
            }
            if brand >= 0 { scratch.request.brands.append(brand) }
        }
        if !parsed.product.isEmpty {
            let product = find(snapshot.lookup.products, parsed.product)
            if product >= 0 { scratch.request.products.append(product) }
            let named = json.withBytes(parsed.product) { snapshot.attribute(ofProduct: $0) }
            if named >= 0 { scratch.request.attributes.append(named) }
        }
        if parsed.hasWords { words.look(parsed, json, snapshot, into: &scratch.request) }
        if !parsed.location.isEmpty {
            let location = find(snapshot.lookup.locations, parsed.location)
            guard location >= 0 else {
                throw Problem(.unknownLocation, "No stock location has this code.", field: "location")
            }
            scratch.request.location = location
        }
        return storefront
    }

    /// Region and location of the shopper, else the storefront's.
    private func place(_ state: ServingState, _ json: JSONReader, storefront: Int32, _ request: EdgeRequest) {
        locate(state, json, storefront: storefront, request)
        if scratch.request.location < 0 {
            scratch.request.location = state.snapshot.storefronts[Int(storefront)].defaultLocation
        }
    }

    /// Region and location: declared, else by the client's address.
    private func locate(_ state: ServingState, _ json: JSONReader, storefront: Int32, _ request: EdgeRequest) {
        let snapshot = state.snapshot
        if !parsed.region.isEmpty {
            scratch.request.region = json.withBytes(parsed.region) { snapshot.lookup.regions.find($0) }
        } else if let find = environment.backend.region, let address = environment.client(of: request),
            let region = find(address)
        {
            scratch.request.region = region.withBytes { snapshot.lookup.regions.find($0) }
        }
        if scratch.request.location < 0, scratch.request.region >= 0 {
            scratch.request.location = state.snapshot.location(ofRegion: scratch.request.region)
        }
    }

    /// - Parameter declared: hash of the id that the request names, 0 = none.
    private func shopper(
        _ declared: UInt64, _ request: EdgeRequest, _ json: JSONReader, _ state: ServingState, storefront: Int32,
        now: Timestamp
    ) throws(Problem) -> Shopper {
        var shopper = Shopper()
        guard parsed.consent else {
            // Without consent nothing about the shopper is read, kept or passed on: not even a declared id.
            return shopper
        }
        if declared != 0 {
            shopper.hash = declared
            shopper.isDeclared = true
        } else if let known = VisitorCookie.read(request.facts.cookie) {
            shopper.visitor = known
        } else {
            shopper.visitor = VisitorCookie.make()
            // An id of our own making is one of this node's shoppers, where there are several nodes.
            for _ in 0..<64 where !environment.caps.counts(environment.shopperHash(shopper.visitor), now: now) {
                shopper.visitor = VisitorCookie.make()
            }
            shopper.cookie = VisitorCookie.line(shopper.visitor, isHTTPS: environment.settings.isHTTPS)
        }
        if declared == 0 { shopper.hash = environment.shopperHash(shopper.visitor) }
        if !parsed.customer.isEmpty {
            let customer = try environment.verifiedCustomer(
                json.swift(parsed.customer), field: "shopper.customer", now: now)
            environment.link(
                visitor: declared == 0 ? shopper.visitor : json.swift(parsed.visitor), customer: customer,
                storefrontID: state.snapshot.storefronts[Int(storefront)].id, now: now)
        }
        return shopper
    }

    /// Audiences that the shopper is in by all that was acknowledged before.
    private func fillAudiences(_ state: ServingState, now: Timestamp) {
        guard scratch.request.shopper != 0, !environment.audiences.isIdle, let live = environment.audiences.installed,
            !live.facts.book.isEmpty
        else {
            return
        }
        members.removeAll(keepingCapacity: true)
        live.facts.members(
            of: scratch.request.shopper, today: live.day(now).number, scratch: &audienceScratch, into: &members)
        for member in members {
            let index = state.snapshot.lookup.audienceByID.find(live.facts.book.ids[Int(member)])
            if index >= 0 { scratch.request.audiences.append(index) }
        }
    }

    // MARK: Consequences

    /// Database ids of the category and the brand that the page is about, 0 = none: its own, else its product's.
    private func about(_ snapshot: Snapshot) -> (category: Int32, brand: Int32) {
        let request = scratch.request
        var category = request.categories.first ?? -1
        var brand = request.brands.first ?? -1
        if let product = request.products.first {
            if category < 0 { category = snapshot.category(ofProduct: product) }
            if brand < 0 { brand = snapshot.products[Int(product)].brand }
        }
        return (
            category >= 0 ? snapshot.categoryIDs[Int(category)] : 0, brand >= 0 ? snapshot.brandIDs[Int(brand)] : 0
        )
    }

    /// Hands the decision to the log; false when it cannot take it, and then nothing may be served.
    private func log(
        _ id: DecisionID, _ state: ServingState, _ json: JSONReader, _ result: DecisionResult, storefront: Int32,
        shopper: Shopper
    ) -> Bool {
        let snapshot = state.snapshot
        let location = scratch.request.location
        let region = scratch.request.region
        let about = about(snapshot)
        let product = scratch.request.products.first.map { snapshot.products[Int($0)].id } ?? 0
        func begin(_ visitor: UnsafeRawBufferPointer) {
            record.begin(
                id: id, storefrontID: snapshot.storefronts[Int(storefront)].id, pageType: parsed.pageType,
                visitor: visitor,
                locationID: location >= 0 ? snapshot.locations[Int(location)].id : 0,
                device: scratch.request.device, snapshotVersion: result.snapshotVersion,
                stockVersion: result.stockVersion, categoryID: about.category, brandID: about.brand,
                region: region >= 0 ? snapshot.regionCodes[Int(region)] : 0,
                prediction: DecisionRecord.Prediction(
                    modelVersion: result.modelVersion, hour: UInt8(scratch.request.minuteOfWeek / 60 % 24),
                    isKnown: result.isKnown), productID: product)
        }
        if shopper.isDeclared {
            json.withBytes(parsed.visitor, begin)
        } else {
            var visitor = shopper.visitor
            visitor.withUTF8 { begin(UnsafeRawBufferPointer($0)) }
        }
        record.page(
            phrase: SearchPhrase.kept(json.text[parsed.query.range]), isSignedIn: scratch.request.isSignedIn,
            isNew: result.isNew)
        for audience in scratch.request.audiences { record.audience(snapshot.audienceIDs[Int(audience)]) }
        for it in result.stopped {
            record.stopped(
                lineItemID: snapshot.lines[Int(it.line)].id, reason: it.reason.rawValue, slots: it.slots)
        }
        for (index, slot) in result.slots.enumerated() {
            record.slot(placementID: snapshot.placements[Int(slot.placement)].id, noFill: slot.noFill.rawValue)
            for reason in 1..<NoFillReason.count {
                let stopped = result.reasonCounts[index * NoFillReason.count + reason]
                if stopped > 0 { record.reason(UInt8(reason), count: stopped) }
            }
            for index in slot.firstAd..<(slot.firstAd + slot.adCount) {
                let ad = result.ads[Int(index)]
                record.ad(
                    lineItemID: snapshot.lines[Int(ad.line)].id,
                    creativeVersionID: snapshot.creatives[Int(ad.creative)].versionID, priceMicros: ad.price,
                    score: ad.score, parts: ad.parts)
                for card in ad.firstCard..<(ad.firstCard + ad.cardCount) {
                    record.product(snapshot.products[Int(result.cards[Int(card)].product)].id)
                }
            }
            for index in slot.firstLoser..<(slot.firstLoser + slot.loserCount) {
                let loser = result.losers[Int(index)]
                record.loser(
                    lineItemID: snapshot.lines[Int(loser.line)].id, reason: loser.reason.rawValue, score: loser.score,
                    parts: loser.parts)
            }
        }
        let sink = environment.log
        do {
            try record.withBytes { (bytes: UnsafeRawBufferPointer) throws -> Void in try sink.append(bytes) }
            return true
        } catch {
            environment.counters.logRefusals.add()
            return false
        }
    }

    /// Gives back what the decision took, because its ads are not served.
    private func takeBack(_ state: ServingState, _ result: DecisionResult, shopper: UInt64, now: Timestamp) {
        for ad in result.ads {
            let line = state.snapshot.lines[Int(ad.line)]
            if ad.reserved > 0 { served.leases.release(line.id, Micros(ad.reserved)) }
            if shopper != 0 {
                environment.profiles.withdraw(
                    shopper, lineItemID: line.id, advertiserID: line.advertiserID, at: now)
            }
        }
    }

    private func count(_ result: DecisionResult, logged: Bool) {
        environment.counters.decisions.add()
        if !logged {
            environment.counters.noFillLogFull.add(Int64(result.slots.count))
            return
        }
        environment.counters.ads.add(Int64(result.ads.count))
        for slot in result.slots where slot.adCount == 0 {
            environment.counters.noFill[Int(slot.noFill.rawValue)].add()
        }
    }

    // MARK: The answer

    private func write(
        _ id: DecisionID, _ state: ServingState, _ json: JSONReader, _ result: DecisionResult, storefront: Int32,
        shopper: UInt64, logged: Bool
    ) {
        let snapshot = state.snapshot
        let period = tokenPeriod(id)
        let signer = environment.tokens.begin(
            id, storefrontID: snapshot.storefronts[Int(storefront)].id, shopperHash: shopper, in: period)
        out.clear()
        out.append("{\"decision_id\":\"")
        out.append(hex: UInt64(bitPattern: id.issuedAt.micros))
        out.append(hex: id.low)
        out.append("\"")
        if !previewFault.isEmpty { out.append(text: ",\"preview\":\"\(previewFault)\"") }
        out.append(",\"slots\":{")
        for (index, slot) in result.slots.enumerated() {
            out.append(index == 0 ? "\"" : ",\"")
            json.withBytes(parsed.slots[index].name) { out.append($0) }
            out.append("\":{\"ads\":[")
            if logged, slot.adCount > 0 {
                for ad in slot.firstAd..<(slot.firstAd + slot.adCount) {
                    if ad > slot.firstAd { out.append(",") }
                    writeAd(result.ads[Int(ad)], slot, state, result, signer)
                }
                out.append("]}")
            } else {
                out.append("],\"no_fill\":\"")
                out.append(text: logged ? slot.noFill.name : "log_full")
                out.append("\"}")
            }
        }
        out.append("}}")
    }

    private func writeAd(
        _ ad: DecisionResult.Ad, _ slot: DecisionResult.Slot, _ state: ServingState, _ result: DecisionResult,
        _ signer: AdTokenSigner
    ) {
        let snapshot = state.snapshot
        let line = snapshot.lines[Int(ad.line)]
        let creative = snapshot.creatives[Int(ad.creative)]
        let start = out.count
        out.append("{")
        snapshot.withFragment(start: creative.fragmentStart, count: creative.fragmentCount) { out.append($0) }
        out.append(",\"token\":\"")
        let tokenStart = out.count
        let cards = Int(ad.cardCount)
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: max(1, cards)) { ids in
            for card in 0..<cards {
                let product = result.cards[Int(ad.firstCard) + card].product
                ids[card] = snapshot.products[Int(product)].id
            }
            out.write(limit: AdTokenCodec.wireLimit) { memory in
                signer.write(
                    placementID: snapshot.placements[Int(slot.placement)].id, lineItemID: line.id,
                    campaignID: line.campaignID, advertiserID: line.advertiserID,
                    creativeVersionID: creative.versionID, ad: ad.ad, position: ad.position, pricing: line.pricing,
                    price: Micros(ad.price), productIDs: UnsafeBufferPointer(rebasing: ids[0..<cards]), into: memory)
            }
        }
        let token = tokenStart..<out.count
        out.append("\",\"products\":[")
        for card in 0..<cards {
            let shown = result.cards[Int(ad.firstCard) + card]
            let product = snapshot.products[Int(shown.product)]
            out.append(card == 0 ? "{" : ",{")
            snapshot.withFragment(start: product.fragmentStart, count: product.fragmentCount) { out.append($0) }
            out.append(",\"url\":\"")
            out.append(clickBase)
            out.appendCopy(of: token)
            out.append("/")
            out.append(decimal: Int64(card))
            out.append("\",\"price_micros\":")
            out.append(decimal: shown.price)
            out.append(",\"price\":\"")
            out.append(roubles: shown.price)
            out.append("\"")
            if shown.oldPrice > 0 {
                out.append(",\"old_price_micros\":")
                out.append(decimal: shown.oldPrice)
            }
            out.append("}")
        }
        out.append("],\"tracking\":{\"impression\":\"")
        out.append(pixelBase)
        out.appendCopy(of: token)
        out.append("\",\"viewable\":\"")
        out.append(pixelBase)
        out.appendCopy(of: token)
        out.append("?kind=viewable\",\"click\":\"")
        out.append(clickBase)
        out.appendCopy(of: token)
        out.append("\"}")
        if parsed.html { writeHTML(ad, state, start: start) }
        out.append("}")
    }

    /// Off the hot path: only for callers that ask for ready-made markup. The template gets the ad as it is so far.
    private func writeHTML(_ ad: DecisionResult.Ad, _ state: ServingState, start: Int) {
        let version = state.snapshot.creatives[Int(ad.creative)].versionID
        guard let render = environment.backend.renderHTML, let creative = state.data.creatives[version] else { return }
        let whole = Array(out.bytes[start...]) + [0x7D]
        guard let html = render(creative.format, whole) else { return }
        out.append(",\"html\":")
        var bytes: [UInt8] = []
        JSONOut.append(html, to: &bytes)
        out.append(bytes)
    }

    /// Wyrand: unpredictable enough for tie-breaks and, with the time and the node, unique for ids.
    func nextRandom() -> UInt64 {
        random &+= 0xA076_1D64_78BD_642F
        let product = random.multipliedFullWidth(by: random ^ 0xE703_7ED1_A0B4_28DB)
        return product.high ^ product.low
    }
}
