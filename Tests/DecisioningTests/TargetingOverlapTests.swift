import AdModel
import Decisioning
import Testing

@Suite("Two targetings") struct TargetingOverlapTests {
    @Test("that are said to exclude each other never meet", arguments: [UInt64(1), 2, 3])
    func neverMeet(seed: UInt64) {
        var excluding = 0
        for number in 0..<150 {
            let world = RandomWorld.make(seed: seed &* 7_919 &+ UInt64(number))
            let naive = NaiveEvaluator(world)
            let lines = world.input.lineItems
            let pages = (0..<12).map { RandomWorld.page(seed: seed &* 104_729 &+ UInt64(number * 100 + $0)) }
            for first in lines.prefix(6) {
                for second in lines.prefix(6)
                where first.id < second.id && first.targeting.excludes(second.targeting) {
                    excluding += 1
                    #expect(second.targeting.excludes(first.targeting), "it holds both ways")
                    for page in pages {
                        for placement in world.input.placements {
                            #expect(
                                !naive.isTargeted(first, placement, page) || !naive.isTargeted(second, placement, page),
                                "seed \(seed), world \(number): \(first.targeting) and \(second.targeting) at \(page)")
                        }
                    }
                }
            }
        }
        #expect(excluding > 20, "\(excluding)")
    }
}
