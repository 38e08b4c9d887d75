import AdModel

extension Work {
    mutating func isTargeted(_ line: Snapshot.Line, _ request: DecisionRequest, _ snapshot: Snapshot) -> Bool {
        var at = Int(line.firstClause)
        let end = at &+ Int(line.clauseCount)
        while at < end {
            let clause = snapshot.clauses[at]
            at += 1
            var found = false
            if clause.isHours {
                let hour = Int(min(max(request.minuteOfWeek, 0), 10_079)) / 60
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

    mutating func slotsTargeted(_ line: Snapshot.Line, _ accepting: UInt32, _ snapshot: Snapshot) -> UInt32 {
        var mask = accepting
        var left = accepting
        while left != 0 {
            let index = left.trailingZeroBitCount
            left &= left &- 1
            let attribute = slots[index].attribute
            for at in Int(line.firstSlotClause)..<Int(line.firstSlotClause + line.slotClauseCount) {
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
    mutating func slotsClosedToRivals(_ line: Snapshot.Line, _ accepting: UInt32, _ snapshot: Snapshot) -> UInt32 {
        var closed: UInt32 = 0
        var left = accepting
        while left != 0 {
            let index = left.trailingZeroBitCount
            left &= left &- 1
            let level = max(pageBlock, slots[index].competitorBlock)
            if level == 2 || level == 1 && sharesCategory(line, snapshot) { closed |= 1 << UInt32(index) }
        }
        return closed
    }

    /// Whether the category that a line item promotes is one of the page's, or lies above or below one of them.
    private mutating func sharesCategory(_ line: Snapshot.Line, _ snapshot: Snapshot) -> Bool {
        if line.categoryAttribute == 0 { return false }
        if attributeStamp[Int(line.categoryAttribute)] == epoch { return true }
        var at = line.categoryAttribute &- snapshot.space.categories
        for _ in 0..<Snapshot.categoryDepth where at >= 0 {
            for own in pageCategories where own == at { return true }
            at = snapshot.categoryParents[Int(at)]
        }
        return false
    }
}
