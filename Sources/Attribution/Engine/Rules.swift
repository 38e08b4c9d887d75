import AdModel

/// A policy in the form that the inner loop asks it.
struct Rules: Sendable {
    let policy: AttributionPolicy
    /// Microseconds; negative when the kind does not count.
    let clickWindow: Int64
    let viewWindow: Int64
    /// Bit `strength` is set for each level of the policy.
    let levels: UInt8
    private let beforeRecency: (match: UInt8, interaction: UInt8)
    private let afterRecency: (match: UInt8, interaction: UInt8)

    init(_ policy: AttributionPolicy) {
        self.policy = policy
        clickWindow = policy.clickWindow?.micros ?? -1
        viewWindow = policy.viewWindow?.micros ?? -1
        levels = policy.levels.reduce(0) { $0 | 1 << $1.strength }
        // Each comparator is a digit of a number; the earlier one has the greater weight.
        let recency = policy.precedence.firstIndex(of: .recency) ?? policy.precedence.count
        func weights(_ part: ArraySlice<AttributionPolicy.Comparator>) -> (match: UInt8, interaction: UInt8) {
            let match = part.firstIndex(of: .match)
            let interaction = part.firstIndex(of: .interaction)
            if let match, let interaction { return match < interaction ? (2, 1) : (1, 8) }
            return (match == nil ? 0 : 1, interaction == nil ? 0 : 1)
        }
        beforeRecency = weights(policy.precedence[..<recency])
        afterRecency = weights(policy.precedence[recency...])
    }

    /// What is compared before the time.
    @inline(__always)
    func before(_ strength: UInt8, isClick: Bool) -> UInt8 {
        strength &* beforeRecency.match &+ (isClick ? beforeRecency.interaction : 0)
    }

    /// What is compared after the time.
    @inline(__always)
    func after(_ strength: UInt8, isClick: Bool) -> UInt8 {
        strength &* afterRecency.match &+ (isClick ? afterRecency.interaction : 0)
    }

    @inline(__always)
    func window(isClick: Bool) -> Int64 { isClick ? clickWindow : viewWindow }

    /// Whether a level of that strength is one of the policy's.
    @inline(__always)
    func has(_ strength: UInt8) -> Bool { levels & (1 << strength) != 0 }

    /// Both ends included; instants may be as far apart as 64 bits go.
    @inline(__always)
    static func isWithin(_ window: Int64, from touch: Int64, to order: Int64) -> Bool {
        let (age, overflow) = order.subtractingReportingOverflow(touch)
        return !overflow && age >= 0 && age <= window
    }
}

/// What a touch promotes and belongs to, in numbers: resolved once, asked for every line in its window.
struct TouchContext {
    var promoted: [UInt32] = []
    var promotedGroups: [UInt32] = []
    var advertiser = Interner.none
    /// Index of the campaign's version in force when the touch happened; -1 = none.
    var version = -1

    mutating func clear() {
        promoted.removeAll(keepingCapacity: true)
        promotedGroups.removeAll(keepingCapacity: true)
    }

    /// Adds one promoted SKU.
    @inline(__always)
    mutating func promote(_ sku: Cell, in table: OrderTable) {
        var number = table.reference.skus.find(sku)
        if number == Interner.none {
            let other = table.otherSKUs.find(sku)
            if other == Interner.none { return }
            number = UInt32(table.reference.skus.count) + other
        }
        promoted.append(number)
        if Int(number) < table.reference.products.count {
            let group = table.reference.products[Int(number)].group
            if group != Interner.none { promotedGroups.append(group) }
        }
    }

    /// Whom the touch belongs to, and what its campaign credited at its time.
    mutating func belongs(to campaign: Cell, of advertiser: Cell, at t: Int64, in reference: AttributionReference) {
        let number = reference.campaigns.find(campaign)
        version = reference.version(of: number, at: t)
        self.advertiser = reference.advertisers.find(advertiser)
        if advertiser.isEmpty, number != Interner.none {
            self.advertiser = reference.campaignAdvertiser[Int(number)]
        }
    }

    /// Strength of the strongest of `levels` that holds for the line (rules 12 and 13); -1 = none.
    @inline(__always)
    func strength(_ line: OrderTable.Target, levels: UInt8, in reference: AttributionReference) -> Int {
        if levels & 0b10000 != 0, line.sku != Interner.none {
            for sku in promoted where sku == line.sku { return 4 }
        }
        if levels & 0b01000 != 0, line.group != Interner.none {
            for group in promotedGroups where group == line.group { return 3 }
        }
        if levels & 0b00110 != 0, version >= 0, line.brand != Interner.none {
            if levels & 0b00100 != 0, isListed(line, in: reference),
                reference.owns(advertiser, line.brand, at: line.at)
            {
                return 2
            }
            if levels & 0b00010 != 0, hasBrand(line, in: reference),
                reference.owns(advertiser, line.brand, at: line.at)
            {
                return 1
            }
        }
        return levels & 1 != 0 ? 0 : -1
    }

    func isListed(_ line: OrderTable.Target, in reference: AttributionReference) -> Bool {
        if version < 0 { return false }
        let version = reference.versions.items[version]
        if TouchContext.contains(reference.lists, version.skus, line.sku) { return true }
        if version.categories.isEmpty { return false }
        for category in reference.productCategories.rows(line.sku)
        where TouchContext.contains(reference.lists, version.categories, category) { return true }
        return false
    }

    func hasBrand(_ line: OrderTable.Target, in reference: AttributionReference) -> Bool {
        if version < 0 || line.brand == Interner.none { return false }
        let brands = reference.versions.items[version].brands
        for i in brands where reference.canonical(reference.lists[Int(i)], at: line.at) == line.brand { return true }
        return false
    }

    private static func contains(_ lists: [UInt32], _ range: Range<Int32>, _ number: UInt32) -> Bool {
        var low = Int(range.lowerBound)
        let end = Int(range.upperBound)
        var high = end
        while low < high {
            let middle = (low + high) / 2
            if lists[middle] < number { low = middle + 1 } else { high = middle }
        }
        return low < end && lists[low] == number
    }
}
