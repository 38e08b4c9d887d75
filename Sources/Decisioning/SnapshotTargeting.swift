import AdModel

/// One line item's targeting on its way into the index.
private struct Clauses {
    /// The attributes to post it under: those of its most selective dimension.
    var pivot: [Int32] = [AttributeSpace.any]
    /// Its clause; nil = none.
    var clause: Int?
    private var share = 1.0

    /// - Parameters:
    ///   - share: part of all requests that have one of the attributes, roughly.
    ///   - clause: place of the dimension's clause.
    mutating func consider(_ keys: [Int32], negated: Bool, _ share: Double, clause: Int) {
        if !negated, share < self.share {
            pivot = keys
            self.clause = clause
            self.share = share
        }
    }
}

/// Where the clauses of a line item are, and the attributes to post it under.
struct TargetingPlan {
    var firstClause: Int32
    var clauseCount: UInt16
    var slotClauseCount: UInt8
    var pivot: [Int32]
    /// Whether the first clause is the one over `pivot`.
    var isFirstPosted: Bool
}

extension SnapshotBuilder {
    /// Clauses of one line item, and the attributes to post it under.
    mutating func addClauses(_ targeting: Targeting) -> TargetingPlan {
        var found = Clauses()
        let first = clauses.count
        addPageClauses(targeting.wanted, negated: false, &found)
        addPageClauses(targeting.excluded, negated: true, &found)
        addShopperClauses(targeting.wanted, negated: false, &found)
        addShopperClauses(targeting.excluded, negated: true, &found)
        let firstSlotClause = clauses.count
        for (values, negated) in [(targeting.wanted, false), (targeting.excluded, true)]
        where !values.placements.isEmpty {
            let known = values.placements.flatMap { placementsByCode[$0] ?? [] }
            let keys = addClause(known.map { space.placements + $0 }, negated)
            found.consider(keys, negated: negated, Double(keys.count) * 0.15, clause: clauses.count - 1)
        }
        // The clause that the index has asked already goes first, where the walk can leave it out.
        var isFirstPosted = false
        if let clause = found.clause, clause < firstSlotClause {
            clauses.swapAt(first, clause)
            isFirstPosted = true
        }
        return TargetingPlan(
            firstClause: Int32(first), clauseCount: UInt16(firstSlotClause - first),
            slotClauseCount: UInt8(clauses.count - firstSlotClause), pivot: found.pivot, isFirstPosted: isFirstPosted)
    }

    private mutating func addPageClauses(_ values: TargetingValues, negated: Bool, _ found: inout Clauses) {
        if !values.pageTypes.isEmpty {
            let keys = addClause(values.pageTypes.map { space.pageType($0) }, negated)
            found.consider(keys, negated: negated, Double(keys.count) * 0.25, clause: clauses.count - 1)
        }
        if !values.categories.isEmpty {
            let known = values.categories.map { lookup.categories.find($0) }.filter { $0 >= 0 }
            if known.count < values.categories.count { unknown.categories.formUnion(values.categories) }
            let keys = addClause(known.map { space.categories + $0 }, negated)
            let covered = known.reduce(0) { $0 + subtreeSizes[Int($1)] }
            found.consider(
                keys, negated: negated, Double(covered) / Double(max(subtreeSizes.count, 1)), clause: clauses.count - 1)
        }
        if !values.brands.isEmpty {
            let known = values.brands.map { lookup.brands.find($0) }.filter { $0 >= 0 }
            if known.count < values.brands.count { unknown.brands.formUnion(values.brands) }
            let keys = addClause(known.map { space.brands + $0 }, negated)
            found.consider(
                keys, negated: negated, 0.2 * Double(keys.count) / Double(max(input.brands.count, 1)),
                clause: clauses.count - 1)
        }
        if !values.products.isEmpty {
            let keys = addClause(values.products.map { attribute(of: $0, .product) }, negated)
            found.consider(
                keys, negated: negated, 0.2 * Double(keys.count) / Double(max(products.count, 1)),
                clause: clauses.count - 1)
        }
        if !values.phrases.isEmpty {
            let keys = addClause(values.phrases.compactMap { attribute(of: $0) }, negated)
            found.consider(keys, negated: negated, 0.001 * Double(keys.count), clause: clauses.count - 1)
        }
        for (key, words) in values.keys.sorted(by: { $0.key < $1.key }) where !words.isEmpty {
            let keys = addClause(words.map { attribute(of: "\(key)=\($0)", .key) }, negated)
            found.consider(keys, negated: negated, 0.1 * Double(keys.count), clause: clauses.count - 1)
        }
        if !values.dayparts.isEmpty { addHours(values.dayparts, negated) }
    }

    private mutating func addShopperClauses(_ values: TargetingValues, negated: Bool, _ found: inout Clauses) {
        if !values.devices.isEmpty {
            let keys = addClause(values.devices.map { space.device($0) }, negated)
            found.consider(keys, negated: negated, Double(keys.count) * 0.3, clause: clauses.count - 1)
        }
        if !values.regions.isEmpty {
            let known = values.regions.map { lookup.regions.find($0) }.filter { $0 >= 0 }
            let keys = addClause(known.map { regionAttributes[Int($0)] }, negated)
            found.consider(keys, negated: negated, Double(keys.count) * 0.1, clause: clauses.count - 1)
        }
        if !values.locations.isEmpty {
            let known = values.locations.map { lookup.locations.find($0) }.filter { $0 >= 0 }
            let keys = addClause(known.map { space.locations + $0 }, negated)
            found.consider(
                keys, negated: negated, Double(keys.count) / Double(max(input.locations.count, 1)),
                clause: clauses.count - 1)
        }
        if !values.audiences.isEmpty {
            let known = values.audiences.map { lookup.audiences.find($0) }.filter { $0 >= 0 }
            let keys = addClause(known.map { space.audiences + $0 }, negated)
            found.consider(keys, negated: negated, Double(keys.count) * 0.05, clause: clauses.count - 1)
        }
        if !values.shoppers.isEmpty {
            let keys = addClause(values.shoppers.map { space.shopper(isNew: $0 == .new) }, negated)
            found.consider(keys, negated: negated, Double(keys.count) * 0.5, clause: clauses.count - 1)
        }
        if let signedIn = values.signedIn {
            let keys = addClause([space.signedIn(signedIn)], negated)
            found.consider(keys, negated: negated, 0.5, clause: clauses.count - 1)
        }
    }

    /// Attribute of what line items name one by one: the next free one when nobody has named it before.
    private mutating func attribute(of name: String, _ kind: Snapshot.Named) -> Int32 {
        let known = lookup.named.find(name, scope: kind.rawValue)
        if known >= 0 { return known }
        let attribute = space.add()
        lookup.named.insert(name, scope: kind.rawValue, value: attribute)
        return attribute
    }

    /// The same of a search phrase; nil when it has no words.
    private mutating func attribute(of target: PhraseTarget) -> Int32? {
        let words = PhraseWords.of(target.phrase).map { word -> Int32 in
            let known = lookup.words.find(word)
            if known >= 0 { return known }
            let number = Int32(lookup.words.count)
            lookup.words.insert(word, scope: 0, value: number)
            return number
        }
        if words.isEmpty { return nil }
        let node = phrases.insert(words)
        switch target.match {
        case .exact:
            if phrases.exact[Int(node)] < 0 { phrases.setExact(node, space.add()) }
            return phrases.exact[Int(node)]
        case .contains:
            if phrases.containing[Int(node)] < 0 { phrases.setContaining(node, space.add()) }
            return phrases.containing[Int(node)]
        }
    }

    /// A clause over attributes; a repeated value counts once. Unknown codes are left out: a wanted clause of only
    /// such codes matches nothing.
    private mutating func addClause(_ keys: [Int32], _ negated: Bool) -> [Int32] {
        var unique: [Int32] = []
        var seen: Set<Int32> = []
        for key in keys where seen.insert(key).inserted { unique.append(key) }
        clauses.append(
            Snapshot.Clause(
                first: Int32(clauseKeys.count), count: Int32(unique.count), isHours: false, negated: negated))
        clauseKeys.append(contentsOf: unique)
        return unique
    }

    private mutating func addHours(_ dayparts: [Daypart], _ negated: Bool) {
        let first = Int32(hourMasks.count)
        hourMasks.append(contentsOf: [0, 0, 0])
        for hour in 0..<168 where dayparts.contains(where: { $0.contains(hourOfWeek: hour) }) {
            hourMasks[Int(first) + hour / 64] |= 1 << UInt64(hour % 64)
        }
        clauses.append(Snapshot.Clause(first: first, count: 3, isHours: true, negated: negated))
    }
}
