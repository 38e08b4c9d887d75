import AdModel

extension Work {
    /// - Parameter isFound: by the index, so that the clause of its posting holds.
    mutating func isTargeted(_ unit: Snapshot.Unit, isFound: Bool, _ snapshot: Snapshot) -> Bool {
        var at = Int(unit.firstClause)
        let end = at &+ Int(unit.clauseCount)
        if isFound, unit.isFirstPosted { at &+= 1 }
        while at < end {
            let clause = snapshot.clauses[at]
            at += 1
            var found = false
            if clause.isHours {
                let hour = hourOfWeek
                found = snapshot.hourMasks[Int(clause.first) &+ hour &>> 6] &>> UInt64(hour & 63) & 1 != 0
            } else {
                var key = Int(clause.first)
                let last = key &+ Int(clause.count)
                while key < last {
                    if attributeStamp[Int(snapshot.clauseKeys[key])] == epoch {
                        found = true
                        break
                    }
                    key += 1
                }
            }
            if found == clause.negated { return false }
        }
        return true
    }

    mutating func slotsTargeted(_ unit: Snapshot.Unit, _ accepting: UInt32, _ snapshot: Snapshot) -> UInt32 {
        var mask = accepting
        var left = accepting
        while left != 0 {
            let index = left.trailingZeroBitCount
            left &= left &- 1
            let attribute = slots[index].attribute
            let first = Int(unit.firstClause) + Int(unit.clauseCount)
            for at in first..<(first + Int(unit.slotClauseCount)) {
                let clause = snapshot.clauses[at]
                var found = false
                for key in Int(clause.first)..<Int(clause.first + clause.count)
                where snapshot.clauseKeys[key] == attribute {
                    found = true
                    break
                }
                if found == clause.negated {
                    mask &= ~(1 << UInt32(index))
                    break
                }
            }
        }
        return mask
    }

    /// Which of the slots are closed to a line item that promotes another brand than the page is about.
    mutating func slotsClosedToRivals(_ unit: Snapshot.Unit, _ accepting: UInt32, _ snapshot: Snapshot) -> UInt32 {
        var closed: UInt32 = 0
        var left = accepting
        while left != 0 {
            let index = left.trailingZeroBitCount
            left &= left &- 1
            let level = max(pageBlock, slots[index].competitorBlock)
            if level == 2 || level == 1 && sharesCategory(unit, snapshot) { closed |= 1 << UInt32(index) }
        }
        return closed
    }

    /// Whether the category that a line item promotes is one of the page's, or lies above or below one of them.
    private mutating func sharesCategory(_ unit: Snapshot.Unit, _ snapshot: Snapshot) -> Bool {
        if unit.categoryAttribute == 0 { return false }
        if attributeStamp[Int(unit.categoryAttribute)] == epoch { return true }
        var at = unit.categoryAttribute &- snapshot.space.categories
        for _ in 0..<Snapshot.categoryDepth where at >= 0 {
            for own in pageCategories.indices where pageCategories[own] == at { return true }
            at = snapshot.categoryParents[Int(at)]
        }
        return false
    }
}
