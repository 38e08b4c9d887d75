import AdModel
import Testing

@Suite("One index of keys") struct KeyIndexTests {
    struct Record: KeyedRecord, Equatable {
        let key: UInt64
        var value: Int
    }

    /// Records beside an index, as its users have them.
    struct Table: ~Copyable {
        var index = KeyIndex()
        var records: ContiguousArray<Record> = []

        func value(_ key: UInt64) -> Int? {
            let record = index.find(key, in: records)
            return record < 0 ? nil : records[record].value
        }

        mutating func set(_ key: UInt64, _ value: Int) {
            var record = index.find(key, in: records)
            if record < 0 {
                record = index.insert(key, in: records)
                records.append(Record(key: key, value: value))
            }
            records[record].value = value
        }

        mutating func remove(_ key: UInt64) -> Int? {
            let record = index.find(key, in: records)
            guard record >= 0 else { return nil }
            let old = records[record].value
            index.remove(record: record, in: records)
            records[record] = records[records.count - 1]
            records.removeLast()
            return old
        }
    }

    /// How the keys of a run are made: spread, crowded, or with the same low half.
    enum Keys: CaseIterable, Sendable {
        case few, spread, sequence, upperHalf

        func next(_ random: inout KeyRandom) -> UInt64 {
            switch self {
            case .few: random.next() % 40
            case .spread: random.next() % 4_000 &* 0xD134_2543_DE82_EF95
            case .sequence: random.next() % 4_000
            case .upperHalf: random.next() % 4_000 << 40
            }
        }
    }

    @Test("Finds, takes and removes keys as a dictionary does", arguments: Keys.allCases, [UInt64(1), 2, 3])
    func behavesLikeADictionary(keys: Keys, seed: UInt64) {
        var random = KeyRandom(seed)
        var table = Table()
        var model: [UInt64: Int] = [:]
        for step in 0..<30_000 {
            let key = keys.next(&random)
            // Grows at first, shrinks later, so that gaps close at every load.
            if random.next() % 8 < (step < 15_000 ? 2 : 5) {
                #expect(table.remove(key) == model.removeValue(forKey: key), "\(keys), seed \(seed), step \(step)")
            } else {
                table.set(key, step)
                model[key] = step
            }
            let other = keys.next(&random)
            #expect(table.value(other) == model[other], "\(keys), seed \(seed), step \(step)")
            if table.index.count != model.count { return #expect(Bool(false), "\(keys), seed \(seed), step \(step)") }
        }
        #expect(Set(table.records.map(\.key)) == Set(model.keys), "\(keys), seed \(seed)")
        for (key, value) in model { #expect(table.value(key) == value, "\(keys), seed \(seed)") }
    }

    @Test("Keys that collide in all that a slot holds of them are told apart", arguments: [UInt64(4), 5])
    func collisions(seed: UInt64) {
        // The inverse of the hash's factor: products that differ below the upper half alone.
        let inverse: UInt64 = 0xF1DE_83E1_9937_733D
        #expect(inverse &* 0x9E37_79B9_7F4A_7C15 == 1)
        var random = KeyRandom(seed)
        var table = Table()
        var model: [UInt64: Int] = [:]
        for step in 0..<2_000 {
            let key = (UInt64(random.next() % 2) << 63 | random.next() % 60) &* inverse
            if random.next() % 3 == 0 {
                #expect(table.remove(key) == model.removeValue(forKey: key), "seed \(seed), step \(step)")
            } else {
                table.set(key, step)
                model[key] = step
            }
        }
        #expect(table.index.count == model.count)
        for (key, value) in model { #expect(table.value(key) == value, "seed \(seed)") }
    }

    @Test("Every key is found while the index grows, and no other")
    func growth() {
        var table = Table()
        for key in UInt64(0)..<20_000 { table.set(key &* key, Int(key)) }
        #expect((UInt64(0)..<20_000).allSatisfy { table.value($0 &* $0) == Int($0) })
        #expect((UInt64(1)..<20_000).allSatisfy { table.value($0 &* $0 + $0) == nil })
    }
}

struct KeyRandom {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
