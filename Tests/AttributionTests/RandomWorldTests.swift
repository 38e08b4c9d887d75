import AdModel
import Attribution
import Testing

@Suite struct RandomWorldTests {
    @Test("rows, files and the slow reference agree on random worlds", arguments: 0..<4)
    func agreement(part: Int) throws {
        var credits = 0
        for seed in 0..<300 {
            var random = SplitMix64(UInt64(part) << 32 | UInt64(seed))
            let world = World.random(&random)
            var policies = AttributionPolicy.presets
            policies.append(try World.policy(&random))
            for policy in policies {
                let expected = SlowReference(world: world, policy: policy).output()
                credits += expected.count { $0 == 0x0A } - 1
                let label = "part \(part), seed \(seed), \(policy)"
                try #require(try world.rowsOutput(policy) == expected, "\(label)")
                let style: WorldFiles.Style = random.chance(50) ? .plain : .baroque
                let files = WorldFiles(world.shuffled(&random), style: style)
                let output = try files.run(policy, chunk: 1 + random.below(400), parts: 1 + random.below(3))
                try #require(output == expected, "files, \(label)")
                let batch = try WorldBatch(world.shuffled(&random)).run(policy, parts: 1 + random.below(3))
                try #require(batch == expected, "borrowed rows, \(label)")
            }
        }
        // Worlds without credits would agree about nothing.
        #expect(credits > 3_000)
    }

    @Test("an advertiser's own touches and the rivals reproduce his credits")
    func rivals() throws {
        var checked = 0
        for seed in 0..<80 {
            var random = SplitMix64(0xA11CE << 16 | UInt64(seed))
            let world = World.random(&random)
            for policy in AttributionPolicy.presets {
                let reference = try world.reference()
                let all = try AttributionEngine.credits(world.input, reference: reference, policy: policy)
                for advertiser in Set(world.touches.map(\.advertiserID)) {
                    var own = world
                    own.touches.removeAll { $0.advertiserID != advertiser }
                    own.rivals = try rivals(of: advertiser, world, reference, policy)
                    let found = try AttributionEngine.credits(own.input, reference: reference, policy: policy)
                    let expected = all.filter { $0.advertiserID == advertiser }
                    #expect(found == expected, "seed \(seed), \(policy.name), \(advertiser.text)")
                    #expect(try WorldFiles(own).run(policy) == CreditCSV.file(expected), "seed \(seed), \(policy.name)")
                    checked += expected.count
                }
            }
        }
        #expect(checked > 300)
    }

    /// Every candidate of the others, found one touch at a time.
    private func rivals(
        of advertiser: AttributionID, _ world: World, _ reference: AttributionReference, _ policy: AttributionPolicy
    ) throws -> [RivalRow] {
        var result: [RivalRow] = []
        for touch in Set(world.touches) where touch.advertiserID != advertiser {
            var alone = world
            alone.touches = [touch]
            let rows = try AttributionEngine.credits(alone.input, reference: reference, policy: policy)
            for row in Set(rows.map(\.netKey)) {
                result.append(
                    RivalRow(
                        orderID: row.orderID, lineNumber: row.lineNumber, touchID: row.touchID, kind: row.interaction,
                        occurredAt: touch.occurredAt, level: row.level))
            }
        }
        return result
    }

    @Test("explain names every touch once: it won, or it lost for a reason")
    func explained() throws {
        var seen: Set<LosingReason> = []
        for seed in 0..<300 {
            var random = SplitMix64(0xE << 40 | UInt64(seed))
            var world = World.random(&random)
            for i in world.touches.indices where random.chance(10) {
                if world.touches.count(where: { $0.touchID == world.touches[i].touchID }) == 1 {
                    world.touches[i].isInvalid = true
                }
            }
            let policy = random.chance(60) ? random.pick(AttributionPolicy.presets) : try World.policy(&random)
            let decisions = try AttributionEngine.decide(
                world.input, reference: try world.reference(), policy: policy, explain: true)
            let ids = Set(world.touches.map(\.touchID))
            for decision in decisions {
                guard
                    let line = world.lines.first(where: {
                        $0.orderID == decision.orderID && $0.lineNumber == decision.lineNumber
                    }), line.units >= 1, line.netAmountMicros >= 0
                else { continue }
                let winners = Set(decision.credits.map(\.touchID))
                #expect(winners.union(decision.losers.map(\.touchID)) == ids, "seed \(seed), \(policy)")
                #expect(winners.count + decision.losers.count == ids.count, "seed \(seed), \(policy)")
                seen.formUnion(decision.losers.map(\.reason))
            }
        }
        #expect(
            seen == Set(LosingReason.allCases), "reasons never met: \(Set(LosingReason.allCases).subtracting(seen))")
    }
}
