/// The search phrases that line items are aimed at, as a tree of words: a search is found in it by walking from each of
/// its words, whatever the number of phrases.
struct PhraseTree: Sendable {
    /// Child by parent node and word: open addressing, at most half full; an empty key is free.
    private var keys: ContiguousArray<UInt64> = [.max, .max]
    private var children: ContiguousArray<Int32> = [0, 0]
    private var count = 0
    /// Attribute of a search that contains what leads to a node, and of one that is just that; -1 = nobody asks.
    private(set) var containing: ContiguousArray<Int32> = [-1]
    private(set) var exact: ContiguousArray<Int32> = [-1]

    var isEmpty: Bool { containing.count == 1 }

    /// The node that a word leads to, -1 = none.
    @inline(__always)
    func child(_ node: Int32, _ word: Int32) -> Int32 {
        if word < 0 { return -1 }
        let key = Self.key(node, word)
        let mask = keys.count &- 1
        var place = Self.hash(key) & mask
        while keys[place] != .max {
            if keys[place] == key { return children[place] }
            place = (place &+ 1) & mask
        }
        return -1
    }

    /// The node at the end of `words`, made if it is not there.
    mutating func insert(_ words: [Int32]) -> Int32 {
        var node: Int32 = 0
        for word in words {
            var next = child(node, word)
            if next < 0 {
                next = Int32(containing.count)
                containing.append(-1)
                exact.append(-1)
                put(Self.key(node, word), next)
            }
            node = next
        }
        return node
    }

    mutating func setContaining(_ node: Int32, _ attribute: Int32) { containing[Int(node)] = attribute }
    mutating func setExact(_ node: Int32, _ attribute: Int32) { exact[Int(node)] = attribute }

    private mutating func put(_ key: UInt64, _ child: Int32) {
        if (count + 1) * 2 > keys.count {
            let old = (keys, children)
            keys = ContiguousArray(repeating: .max, count: old.0.count * 2)
            children = ContiguousArray(repeating: 0, count: old.0.count * 2)
            for place in old.0.indices where old.0[place] != .max { occupy(old.0[place], old.1[place]) }
        }
        occupy(key, child)
        count += 1
    }

    private mutating func occupy(_ key: UInt64, _ child: Int32) {
        let mask = keys.count - 1
        var place = Self.hash(key) & mask
        while keys[place] != .max { place = (place + 1) & mask }
        keys[place] = key
        children[place] = child
    }

    @inline(__always)
    private static func key(_ node: Int32, _ word: Int32) -> UInt64 {
        UInt64(UInt32(bitPattern: node)) << 32 | UInt64(UInt32(bitPattern: word))
    }

    @inline(__always)
    private static func hash(_ key: UInt64) -> Int {
        let mixed = key &* 0x9E37_79B9_7F4A_7C15
        return Int(truncatingIfNeeded: mixed ^ mixed &>> 29) & Int.max
    }
}
