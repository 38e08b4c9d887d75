import AdModel
import Testing

@Suite("A list in pieces") struct PieceArrayTests {
    private struct Numbers {
        var state: UInt64
        mutating func next(_ limit: Int) -> Int {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
            return Int((z ^ z >> 31) % UInt64(limit))
        }
    }

    @Test func isAnArrayWhateverIsDoneToIt() {
        for seed in UInt64(1)...40 {
            var random = Numbers(state: seed)
            var array = Array(0..<random.next(400))
            var pieces = PieceArray(array)
            for step in 0..<120 {
                let before = pieces
                let copy = array
                let at = random.next(array.count + 1)
                switch random.next(6) {
                case 0:
                    array.append(step)
                    pieces.append(step)
                case 1:
                    array.insert(step, at: at)
                    pieces.insert(step, at: at)
                case 2 where at < array.count:
                    array.remove(at: at)
                    pieces.remove(at: at)
                case 3 where at < array.count:
                    array[at] += 1_000
                    pieces[at] += 1_000
                case 4:
                    let end = at + random.next(array.count - at + 1)
                    let new = Array(repeating: step, count: random.next(200))
                    array.replaceSubrange(at..<end, with: new)
                    pieces.replaceSubrange(at..<end, with: new)
                default:
                    let odd = random.next(7) + 2
                    array.removeAll { $0 % odd == 0 }
                    pieces.removeAll { $0 % odd == 0 }
                }
                #expect(Array(pieces) == array, "seed \(seed), step \(step)")
                #expect(pieces.indices.map { pieces[$0] } == array, "seed \(seed), step \(step)")
                #expect(Array(before) == copy, "seed \(seed), step \(step): what it was copied from")
                var walked: [Int] = []
                pieces.forEachPiece { walked.append(contentsOf: $0) }
                #expect(walked == array, "seed \(seed), step \(step)")
            }
        }
    }

    @Test func pagesAreADictionary() {
        for seed in UInt64(1)...20 {
            var random = Numbers(state: seed)
            var dictionary: [Int32: Int] = [:]
            var pages = IDPages<Int>()
            for step in 0..<300 {
                let id = Int32(random.next(500))
                let value = random.next(3) == 0 ? nil : step
                let before = pages
                let old = dictionary[id]
                dictionary[id] = value
                pages[id] = value
                #expect(pages[id] == value)
                #expect(before[id] == old)
                #expect(pages.count == dictionary.count)
                #expect((pages == before) == (old == value), "seed \(seed), step \(step)")
            }
            #expect(pages.ids == dictionary.keys.sorted())
        }
        var pages = IDPages<Int>()
        pages[-1] = 4
        #expect(pages[-1] == nil && pages.isEmpty)
    }
}
