import Decisioning
import Testing

@Suite("Homes of caps")
struct CapHomesTests {
    @Test("Every shopper has one home, and about as many have each")
    func spread() {
        let homes = CapHomes(members: [3, 1, 2])
        var random = SplitMix(9)
        var counts: [Int16: Int] = [:]
        for _ in 0..<30_000 {
            let shopper = random.next()
            let home = homes.home(of: shopper) ?? 0
            #expect(homes.home(of: shopper) == home)
            counts[home, default: 0] += 1
        }
        #expect(counts.keys.sorted() == [1, 2, 3])
        #expect(counts.values.allSatisfy { (9_000...11_000).contains($0) }, "\(counts)")
        #expect(CapHomes(members: []).home(of: 5) == nil)
        #expect(CapHomes(members: [7]).home(of: 5) == 7)
    }

    @Test("When a node joins, shoppers move to it and between no others")
    func onlyTheNewcomersMove() {
        let before = CapHomes(members: [1, 2, 3])
        let after = CapHomes(members: [1, 2, 3, 4])
        var random = SplitMix(10)
        var moved = 0
        for _ in 0..<10_000 {
            let shopper = random.next()
            guard before.home(of: shopper) != after.home(of: shopper) else { continue }
            #expect(after.home(of: shopper) == 4)
            moved += 1
        }
        #expect((2_200...2_800).contains(moved), "\(moved)")
    }
}
