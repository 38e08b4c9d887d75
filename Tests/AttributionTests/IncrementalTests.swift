import AdModel
import Attribution
import Testing

@Suite struct IncrementalTests {
    private enum Arrival {
        case touch(TouchRow)
        case order([OrderLineRow])
        case link(IdentityLinkRow)
        case adjustment(AdjustmentRow)
        case invalid(AttributionID)
        /// Reference data that was late, or wrong and then corrected.
        case product(ProductRow)
        case campaign(CampaignVersionRow)
        case alias(BrandAliasRow)
        case grant(BrandGrantRow)
    }

    @Test("any arrival order and batching comes to the net position of the batch", arguments: 0..<2)
    func anyOrder(part: Int) throws {
        var corrections = 0
        var lateReferences = 0
        for seed in 0..<1_500 {
            var random = SplitMix64(UInt64(part + 1) << 48 | UInt64(seed))
            let world = World.random(&random, unusualIDs: false)
            let policy = random.chance(50) ? AttributionPolicy.default : try World.policy(&random)
            var arrivals: [Arrival] = world.touches.map { .touch($0) }
            arrivals += Dictionary(grouping: world.lines, by: \.orderID).values.map { .order($0) }
            arrivals += world.links.map { .link($0) }
            arrivals += world.adjustments.map { .adjustment($0) }
            var final = world
            for touch in Set(world.touches.map(\.touchID)).sorted() where random.chance(8) {
                arrivals.append(.invalid(touch))
                final.touches.removeAll { $0.touchID == touch }
            }
            // In every other world the catalogue, lists, aliases and grants come in any order too.
            var known = World()
            if random.chance(50) {
                arrivals += world.products.map { .product($0) }
                arrivals += world.campaigns.map { .campaign($0) }
                arrivals += world.aliases.map { .alias($0) }
                arrivals += world.grants.map { .grant($0) }
                lateReferences += 1
            } else {
                (known.products, known.campaigns) = (world.products, world.campaigns)
                (known.aliases, known.grants) = (world.aliases, world.grants)
            }
            arrivals.shuffle(using: &random)

            var invalid: Set<AttributionID> = []
            var ledger: [CreditRow] = []
            var at = 0
            while at < arrivals.count {
                let batch = 1 + random.below(6)
                for arrival in arrivals[at..<min(at + batch, arrivals.count)] {
                    switch arrival {
                    case .touch(let touch): known.touches.append(touch)
                    case .order(let lines): known.lines += lines
                    case .link(let link): known.links.append(link)
                    case .adjustment(let row): known.adjustments.append(row)
                    case .invalid(let id): invalid.insert(id)
                    case .product(let row): known.products.append(row)
                    case .campaign(let row): known.campaigns.append(row)
                    case .alias(let row): known.aliases.append(row)
                    case .grant(let row): known.grants.append(row)
                    }
                }
                at += batch
                for i in known.touches.indices where invalid.contains(known.touches[i].touchID) {
                    known.touches[i].isInvalid = true
                }
                let now = try AttributionEngine.credits(
                    known.input, reference: try known.reference(), policy: policy)
                let new = LedgerDifference.rows(history: ledger, recomputed: now, cause: .rerun("batch"))
                corrections += new.count { $0.cause == .rerun("batch") }
                ledger += new
                try #require(NetPosition(ledger) == NetPosition(now), "part \(part), seed \(seed)")
            }
            let batch = try AttributionEngine.credits(
                final.input, reference: try final.reference(), policy: policy)
            try #require(NetPosition(ledger).csv == NetPosition(batch).csv, "part \(part), seed \(seed)")
            #expect(LedgerDifference.rows(history: ledger, recomputed: batch, cause: .lateLink).isEmpty)
        }
        // Late touches and links must have taken credits away again, or the test proves nothing.
        #expect(corrections > 150)
        #expect(lateReferences > 300)
    }

    @Test("deciding one order alone gives what the whole world gives for it")
    func oneOrder() throws {
        for seed in 0..<100 {
            var random = SplitMix64(0x0DD << 32 | UInt64(seed))
            let world = World.random(&random)
            let reference = try world.reference()
            for policy in AttributionPolicy.presets {
                let whole = try AttributionEngine.credits(world.input, reference: reference, policy: policy)
                var parts: [CreditRow] = []
                for order in Set(world.lines.map(\.orderID)) {
                    var input = world.input
                    input.lines.removeAll { $0.orderID != order }
                    input.adjustments.removeAll { $0.orderID != order }
                    parts += try AttributionEngine.decide(input, reference: reference, policy: policy)
                        .flatMap(\.credits)
                }
                #expect(parts.sorted(by: CreditRow.precedes) == whole, "seed \(seed), \(policy.name)")
            }
        }
    }
}
