import AdModel
import Decisioning
import Measurement
import Testing

@Suite("Decisions explained")
struct ExplanationTests {
    /// What the log would have kept of the engine's last decision.
    static func record(_ engine: Engine, _ page: Page, id: DecisionID) -> DecisionRecord {
        let snapshot = engine.snapshot
        let request = engine.request(page)
        let result = engine.scratch.result
        let slots = result.slots.enumerated().map { index, slot in
            let ads = slot.firstAd..<(slot.firstAd + slot.adCount)
            let losers = slot.firstLoser..<(slot.firstLoser + slot.loserCount)
            return DecisionRecord.Slot(
                placementID: snapshot.placements[Int(slot.placement)].id, noFill: slot.noFill.rawValue,
                ads: ads.map {
                    let ad = result.ads[Int($0)]
                    return DecisionRecord.Ad(
                        lineItemID: snapshot.lines[Int(ad.line)].id,
                        creativeVersionID: snapshot.creatives[Int(ad.creative)].versionID, priceMicros: ad.price,
                        score: ad.score, productIDs: [], parts: ad.parts)
                },
                losers: losers.map {
                    let loser = result.losers[Int($0)]
                    return DecisionRecord.Candidate(
                        lineItemID: snapshot.lines[Int(loser.line)].id, reason: loser.reason.rawValue,
                        score: loser.score, parts: loser.parts)
                })
        }
        return DecisionRecord(
            id: id, storefrontID: 1, pageType: request.pageType,
            visitorID: page.hasShopper ? "v" : nil,
            locationID: request.location < 0 ? 0 : snapshot.locations[Int(request.location)].id,
            device: request.device, snapshotVersion: 1, stockVersion: 3, slots: slots,
            context: .init(
                categoryID: request.categories.first.map { $0 < 0 ? 0 : snapshot.categoryIDs[Int($0)] } ?? 0,
                brandID: request.brands.first.map { $0 < 0 ? 0 : snapshot.brandIDs[Int($0)] } ?? 0,
                region: page.region ?? ""),
            prediction: .init(hour: 0, isKnown: page.hasShopper),
            detail: .init(
                productID: request.products.first.map { $0 < 0 ? 0 : snapshot.products[Int($0)].id } ?? 0,
                isSignedIn: request.isSignedIn, isNew: result.isNew,
                audienceIDs: request.audiences.filter { $0 >= 0 }.map { snapshot.audienceIDs[Int($0)] },
                stopped: result.stopped.map {
                    .init(lineItemID: snapshot.lines[Int($0.line)].id, reason: $0.reason.rawValue, slots: $0.slots)
                }))
    }

    static func replay(_ record: DecisionRecord, _ engine: Engine, _ page: Page) -> DecisionReplay {
        DecisionReplay(
            record, snapshot: engine.snapshot, stock: engine.stock,
            shopper: page.hasShopper ? Engine.shopper : 0, zoneOffset: .seconds(0),
            words: engine.request(page).words, sku: page.product)
    }

    /// A page as the edge asks about it, which names one category and one brand, decided with the seed of its id.
    static func decided(_ world: World, _ page: Page) throws -> (Engine, Page, DecisionID) {
        let id = DecisionID(issuedAt: world.now, low: world.seed)
        var (world, page) = (world, page)
        world.seed = id.seed
        page.categories = Array(page.categories.prefix(1))
        page.brands = Array(page.brands.prefix(1))
        // The record does not keep the shop's own keys.
        page.keys = [:]
        page.minuteOfWeek = Int32((floorDivide(world.now.micros, 60_000_000) + 3 * 1_440) % 10_080)
        let engine = try Engine(world)
        _ = engine.decide(page)
        return (engine, page, id)
    }

    static func explain(
        _ world: World, _ page: Page, lines: [Int32], isBlinded: Bool
    ) throws -> (record: DecisionRecord, answers: [LineExplanation]) {
        let (engine, page, id) = try decided(world, page)
        let record = record(engine, page, id: id)
        return (
            record,
            DecisionExplainer.explain(
                record, lineItemIDs: lines, replay: replay(record, engine, page), isBlinded: isBlinded)
        )
    }

    @Test("Nothing that an advertiser is told depends on what rivals bid, beyond being outbid")
    func rivalsDoNotShow() throws {
        var flips = 0
        var compared = 0
        for seed in UInt64(1)...400 {
            var random = SplitMix(seed &* 31)
            let world = RandomWorld.make(seed: seed)
            var other = world
            for index in other.input.lineItems.indices where other.input.lineItems[index].advertiserID != 1 {
                let factor = [0, 1, 3, 50][random.below(4)]
                let bid = other.input.lineItems[index].bid.value
                other.input.lineItems[index].bid = Micros(bid / 2 * Int64(factor))
            }
            let own = world.input.lineItems.filter { $0.advertiserID == 1 }.map(\.id)
            for number in 0..<5 {
                let page = RandomWorld.page(seed: seed &* 1_000 &+ UInt64(number))
                let before = try Self.explain(world, page, lines: own, isBlinded: true).answers
                let after = try Self.explain(other, page, lines: own, isBlinded: true).answers
                #expect(before.count == after.count)
                for (a, b) in zip(before, after) where a != b {
                    #expect(
                        a.outcome == .outbid || b.outcome == .outbid,
                        "world \(seed), page \(number): \(a) became \(b)")
                    #expect(a.outcome != b.outcome, "world \(seed), page \(number): \(a) became \(b)")
                    flips += 1
                }
                compared += before.count
            }
        }
        #expect(compared > 1_000)
        #expect(flips > 20, "the rivals' bids moved hardly anything")
    }

    @Test("What is told of a line item that was served or lost is what the record has")
    func recordComesFirst() throws {
        var served = 0
        for seed in UInt64(1)...150 {
            let world = RandomWorld.make(seed: seed)
            let page = RandomWorld.page(seed: seed)
            let (record, answers) = try Self.explain(
                world, page, lines: world.input.lineItems.map(\.id), isBlinded: false)
            for answer in answers {
                let slot = record.slots[answer.slot]
                if let ad = slot.ads.first(where: { $0.lineItemID == answer.lineItemID }) {
                    #expect(answer.outcome == .served && answer.score == ad.score && !answer.isReconstructed)
                    served += 1
                } else if let loser = slot.losers.first(where: { $0.lineItemID == answer.lineItemID }) {
                    let reason = NoFillReason(rawValue: loser.reason) ?? .none
                    #expect(answer.outcome == (reason == .none ? .outbid : .stopped(reason)), "world \(seed)")
                    #expect(!answer.isReconstructed)
                } else {
                    #expect(answer.outcome != .served && answer.outcome != .unknown, "world \(seed): \(answer)")
                }
            }
        }
        #expect(served > 50)
    }

    @Test("A line item that pacing, budget or a cap stopped is told so, not that it was outbid")
    func lateReasonsAreKept() throws {
        var told: Set<NoFillReason> = []
        for seed in UInt64(1)...300 {
            let world = RandomWorld.make(seed: seed)
            let page = RandomWorld.page(seed: seed)
            let (record, answers) = try Self.explain(
                world, page, lines: world.input.lineItems.map(\.id), isBlinded: false)
            for stopped in record.detail?.stopped ?? [] {
                guard let reason = NoFillReason(rawValue: stopped.reason) else { continue }
                let own = answers.filter { $0.lineItemID == stopped.lineItemID }
                if own.contains(where: { $0.outcome == .stopped(reason) }) { told.insert(reason) }
            }
        }
        #expect(told.isSuperset(of: [.paced, .leaseExhausted, .frequencyCapped, .budgetExhausted]))
    }

    @Test("Without the snapshot only what the record says is told")
    func withoutSnapshot() throws {
        let (engine, page, id) = try Self.decided(RandomWorld.make(seed: 3), RandomWorld.page(seed: 3))
        let record = Self.record(engine, page, id: id)
        let answers = DecisionExplainer.explain(
            record, lineItemIDs: [77_777], replay: nil, isBlinded: false)
        #expect(answers.allSatisfy { $0.outcome == .unknown && !$0.isReconstructed })
        #expect(answers.count == record.slots.count)
    }
}
