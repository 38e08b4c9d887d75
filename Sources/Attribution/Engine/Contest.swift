import AdModel

/// The best candidate so far of every line and scope. Touches may be offered in any order, and two contests over
/// the same orders may be merged: the result is the same, because candidates are totally ordered.
struct Contest: Sendable {
    /// One candidate that leads its line and scope.
    struct Leader: Sendable {
        var at: Int64
        /// Index of the touch's texts.
        var touch: UInt32
        /// Number of the advertiser or campaign within the contest; 0 when the scope is the line.
        var scope: UInt32
        /// Next leader of the same line.
        var next: UInt32
        var before: UInt8
        var after: UInt8
        var strength: UInt8
        var isClick: Bool
        var isRival: Bool
    }

    /// Where the texts of a touch lie in `text`: touch, advertiser, campaign, line item.
    private struct Texts: Sendable {
        var start: Int
        var touch: UInt32
        var advertiser: UInt32
        var campaign: UInt32
        var lineItem: UInt32
    }

    let rules: Rules
    private var heads: [UInt32]
    private var leaders: [Leader] = []
    private var texts: [Texts] = []
    private var text: [UInt8] = []
    private var scopes = Interner()
    private var context = TouchContext()

    init(_ rules: Rules, lines: Int) {
        self.rules = rules
        heads = [UInt32](repeating: Interner.none, count: lines)
    }

    /// Lets a touch compete for every line of its person in its window.
    @inline(__always)
    mutating func offer(_ touch: TouchCells, to table: OrderTable) {
        offer(touch, targets: table.targets(of: table.shoppers.find(touch.shopper), at: touch.at), of: table)
    }

    /// The same with the lines of the person already found.
    @inline(__always)
    mutating func offer(_ touch: TouchCells, targets: Range<Int>, of table: OrderTable) {
        let window = rules.window(isClick: touch.isClick)
        if window < 0 { return }
        var at = targets.lowerBound
        let end = targets.upperBound
        if end - at > 16 {
            var high = end
            while at < high {
                let middle = (at + high) / 2
                if table.targets[middle].at < touch.at { at = middle + 1 } else { high = middle }
            }
        } else {
            while at < end, table.targets[at].at < touch.at { at += 1 }
        }
        if at < end, Rules.isWithin(window, from: touch.at, to: table.targets[at].at) {
            compete(touch, at..<end, window, table)
        }
    }

    @inline(never)
    private mutating func compete(_ touch: TouchCells, _ range: Range<Int>, _ window: Int64, _ table: OrderTable) {
        context.clear()
        touch.promoted.forEach { context.promote($0, in: table) }
        context.belongs(to: touch.campaign, of: touch.advertiser, at: touch.at, in: table.reference)
        var stored = Interner.none
        for index in range {
            let target = table.targets[index]
            guard Rules.isWithin(window, from: touch.at, to: target.at) else { break }
            let strength = context.strength(target, levels: rules.levels, in: table.reference)
            if strength < 0 { continue }
            let candidate = Leader(
                at: touch.at, touch: 0, scope: 0, next: Interner.none,
                before: rules.before(UInt8(strength), isClick: touch.isClick),
                after: rules.after(UInt8(strength), isClick: touch.isClick), strength: UInt8(strength),
                isClick: touch.isClick, isRival: false)
            enter(candidate, touch, line: target.line, &stored)
        }
    }

    /// A rival of another advertiser: it matters only where one winner is chosen among all.
    mutating func offerRival(
        touchID: Cell, isClick: Bool, at: Int64, level: MatchLevel, line: UInt32, orderedAt: Int64
    ) {
        let strength = level.strength
        guard rules.policy.scope == .line, rules.has(strength),
            Rules.isWithin(rules.window(isClick: isClick), from: at, to: orderedAt)
        else { return }
        let touch = TouchCells(
            touchID: touchID, shopper: .empty, at: at, isClick: isClick, advertiser: .empty, campaign: .empty,
            lineItem: .empty, promoted: .list(.empty))
        var stored = Interner.none
        let candidate = Leader(
            at: at, touch: 0, scope: 0, next: Interner.none, before: rules.before(strength, isClick: isClick),
            after: rules.after(strength, isClick: isClick), strength: strength, isClick: isClick, isRival: true)
        enter(candidate, touch, line: line, &stored)
    }

    /// Puts the candidate in its place when nobody of its line and scope is better.
    @inline(__always)
    private mutating func enter(_ candidate: Leader, _ touch: TouchCells, line: UInt32, _ stored: inout UInt32) {
        var candidate = candidate
        switch rules.policy.scope {
        case .line: candidate.scope = 0
        case .advertiser: candidate.scope = scopes.intern(touch.advertiser)
        case .campaign: candidate.scope = scopes.intern(touch.campaign)
        }
        var at = heads[Int(line)]
        while at != Interner.none {
            let leader = leaders[Int(at)]
            if leader.scope == candidate.scope,
                !rules.policy.separatesInteractions || leader.isClick == candidate.isClick
            {
                guard isBetter(candidate, touch.touchID, than: leader) else { return }
                candidate.touch = store(touch, &stored)
                candidate.next = leader.next
                leaders[Int(at)] = candidate
                return
            }
            at = leader.next
        }
        candidate.touch = store(touch, &stored)
        candidate.next = heads[Int(line)]
        heads[Int(line)] = UInt32(leaders.count)
        leaders.append(candidate)
    }

    @inline(__always)
    private func isBetter(_ a: Leader, _ id: Cell, than b: Leader) -> Bool {
        if a.before != b.before { return a.before > b.before }
        if a.at != b.at { return a.at > b.at }
        if a.after != b.after { return a.after > b.after }
        return withTexts(b.touch) { touch, _, _, _ in bytesPrecede(touch.buffer, id.buffer) }
    }

    private mutating func store(_ touch: TouchCells, _ stored: inout UInt32) -> UInt32 {
        if stored != Interner.none { return stored }
        stored = UInt32(texts.count)
        texts.append(
            Texts(
                start: text.count, touch: UInt32(touch.touchID.count), advertiser: UInt32(touch.advertiser.count),
                campaign: UInt32(touch.campaign.count), lineItem: UInt32(touch.lineItem.count)))
        text.append(contentsOf: touch.touchID.buffer)
        text.append(contentsOf: touch.advertiser.buffer)
        text.append(contentsOf: touch.campaign.buffer)
        text.append(contentsOf: touch.lineItem.buffer)
        return stored
    }

    /// Calls the body with touch, advertiser, campaign and line item of a stored touch.
    func withTexts<R>(_ index: UInt32, _ body: (Cell, Cell, Cell, Cell) -> R) -> R {
        let at = texts[Int(index)]
        return text.withUnsafeBufferPointer { buffer in
            let base = buffer.baseAddress.map { $0 + at.start }
            let advertiser = base.map { $0 + Int(at.touch) }
            let campaign = advertiser.map { $0 + Int(at.advertiser) }
            let lineItem = campaign.map { $0 + Int(at.campaign) }
            return body(
                Cell(base, Int(at.touch)), Cell(advertiser, Int(at.advertiser)), Cell(campaign, Int(at.campaign)),
                Cell(lineItem, Int(at.lineItem)))
        }
    }

    /// Leaders of a line that earn a row: a rival that leads earns none.
    func winners(_ line: UInt32) -> [Leader] {
        var result: [Leader] = []
        var at = heads[Int(line)]
        while at != Interner.none {
            let leader = leaders[Int(at)]
            if !leader.isRival { result.append(leader) }
            at = leader.next
        }
        return result
    }

    /// The leader among whom a candidate of that advertiser, campaign and kind competes; a rival may be it.
    func leader(_ line: UInt32, advertiser: Cell, campaign: Cell, isClick: Bool) -> Leader? {
        let scope: UInt32
        switch rules.policy.scope {
        case .line: scope = 0
        case .advertiser: scope = scopes.find(advertiser)
        case .campaign: scope = scopes.find(campaign)
        }
        var at = heads[Int(line)]
        while at != Interner.none {
            let leader = leaders[Int(at)]
            if leader.scope == scope, !rules.policy.separatesInteractions || leader.isClick == isClick { return leader }
            at = leader.next
        }
        return nil
    }

    /// Lines with at least one leader.
    var ledLines: [UInt32] { heads.indices.filter { heads[$0] != Interner.none }.map(UInt32.init) }

    /// Lets the leaders of another contest over the same orders compete here.
    mutating func merge(_ other: Contest) {
        for line in heads.indices {
            var at = other.heads[line]
            while at != Interner.none {
                let leader = other.leaders[Int(at)]
                other.withTexts(leader.touch) { touchID, advertiser, campaign, lineItem in
                    let touch = TouchCells(
                        touchID: touchID, shopper: .empty, at: leader.at, isClick: leader.isClick,
                        advertiser: advertiser, campaign: campaign, lineItem: lineItem, promoted: .list(.empty))
                    var stored = Interner.none
                    enter(leader, touch, line: UInt32(line), &stored)
                }
                at = leader.next
            }
        }
    }
}

/// A touch as the contest sees it.
struct TouchCells {
    /// Promoted SKUs: a `|` list of a file, or ids.
    enum Promoted {
        case list(Cell)
        case ids([AttributionID])

        @inline(__always)
        func forEach(_ body: (Cell) -> Void) {
            switch self {
            case .list(let cell): cell.forEachElement(body)
            case .ids(let ids): for id in ids where !id.isAbsent { id.withCell(body) }
            }
        }
    }

    var touchID: Cell
    var shopper: Cell
    var at: Int64
    var isClick: Bool
    var advertiser: Cell
    var campaign: Cell
    var lineItem: Cell
    var promoted: Promoted
}
