import AdModel

/// Orders, their lines, adjustments and the people behind them: what touches are offered to.
struct OrderTable: Sendable {
    struct Order: Sendable {
        var shopper: UInt32
        var at: Int64
        var isOnline: Bool
        var position: Int
        /// Newest line of the order; lines chain through `Line.previous`.
        var lastLine: UInt32 = Interner.none
        var highestNumber = Int64.min
    }
    struct Line: Sendable {
        var number: Int64
        var units: Int64
        var amount: Int64
        var order: UInt32
        /// SKU number of the reference, or beyond its count one of `otherSKUs`.
        var sku: UInt32
        var previous: UInt32
        var position: Int
    }
    /// A line that may earn credit, as the touches of its person see it.
    struct Target: Sendable {
        var at: Int64
        var sku: UInt32
        var group: UInt32
        /// Canonical at `at`.
        var brand: UInt32
        var line: UInt32
    }
    struct Adjustment: Sendable {
        var id: UInt32
        var order: UInt32
        var line: Int64?
        var at: Int64
        var kind: AdjustmentKind
        var units: Int64?
        var amount: Int64?
        var position: Int

        func hasSameContent(_ o: Adjustment) -> Bool {
            order == o.order && line == o.line && at == o.at && kind == o.kind && units == o.units && amount == o.amount
        }
    }
    struct Move: Sendable {
        var move: AdjustedLine.Move
        var adjustment: UInt32
    }
    private struct Link: Sendable {
        var at: Int64
        var customer: UInt32
    }

    let reference: AttributionReference
    var otherSKUs = Interner()
    var shoppers: Interner
    var orders: [Order] = []
    var orderIDs: Interner
    var lines: [Line] = []
    var adjustmentIDs = Interner()
    private(set) var adjustments: [Adjustment] = []
    private var adjustmentOrders = Interner()
    private var pendingLinks: [(key: UInt32, item: Link)] = []
    private var links = Grouped<Link>()
    private(set) var targets: [Target] = []
    private(set) var targetStarts: [UInt32] = [0]
    private(set) var moves = Grouped<Move>()
    /// Adjustments that name an order or line that is not there.
    private(set) var ignoredAdjustments = 0

    init(_ reference: AttributionReference, expectedLines: Int = 8) {
        self.reference = reference
        // Several lines make an order, and several orders a shopper; both tables grow when that is wrong.
        shoppers = Interner(capacity: expectedLines / 3)
        orderIDs = Interner(capacity: expectedLines / 3)
        lines.reserveCapacity(expectedLines)
    }

    // MARK: Collecting

    mutating func addLink(visitor: Cell, customer: Cell, at: Int64) {
        if visitor.isEmpty || customer.isEmpty { return }
        pendingLinks.append((shoppers.intern(visitor), Link(at: at, customer: shoppers.intern(customer))))
    }

    mutating func addLine(
        order orderID: Cell, number: Int64, shopper: Cell, at: Int64, isOnline: Bool, sku: Cell, units: Int64,
        amount: Int64, position: Int
    ) throws(AttributionError) {
        guard !orderID.isEmpty else { throw .row(.lines, position, "order_id is empty; every line names its order") }
        let person = shoppers.intern(shopper)
        let order = orderIDs.intern(orderID)
        var number32 = reference.skus.find(sku)
        if number32 == Interner.none, !sku.isEmpty {
            number32 = UInt32(reference.skus.count) + otherSKUs.intern(sku)
        }
        if Int(order) == orders.count {
            orders.append(Order(shopper: person, at: at, isOnline: isOnline, position: position))
        } else {
            let known = orders[Int(order)]
            guard known.shopper == person, known.at == at, known.isOnline == isOnline else {
                throw .conflict(
                    .lines, position, known.position,
                    "lines of order \(orderIDs.id(order).text) differ in shopper, time or channel; make them alike")
            }
        }
        if number <= orders[Int(order)].highestNumber {
            var at = orders[Int(order)].lastLine
            while at != Interner.none, lines[Int(at)].number != number { at = lines[Int(at)].previous }
            if at != Interner.none {
                let known = lines[Int(at)]
                guard known.sku == number32, known.units == units, known.amount == amount else {
                    throw .conflict(
                        .lines, position, known.position,
                        "line \(number) of order \(orderIDs.id(order).text) is given twice with different content")
                }
                return
            }
        }
        orders[Int(order)].highestNumber = max(orders[Int(order)].highestNumber, number)
        lines.append(
            Line(
                number: number, units: units, amount: amount, order: order, sku: number32,
                previous: orders[Int(order)].lastLine, position: position))
        orders[Int(order)].lastLine = UInt32(lines.count - 1)
    }

    mutating func addAdjustment(_ row: AdjustmentRow, position: Int) throws(AttributionError) {
        if let why = row.misfit {
            throw .row(.adjustments, position, "adjustment \(row.adjustmentID.text): \(why)")
        }
        let id = adjustmentIDs.intern(row.adjustmentID)
        guard id != Interner.none else { throw .row(.adjustments, position, "adjustment_id is empty") }
        let new = Adjustment(
            id: id, order: adjustmentOrders.intern(row.orderID), line: row.lineNumber, at: row.occurredAt.micros,
            kind: row.kind, units: row.units, amount: row.amountMicros, position: position)
        if Int(id) < adjustments.count {
            let old = adjustments[Int(id)]
            guard old.hasSameContent(new) else {
                throw .conflict(
                    .adjustments, position, old.position,
                    "adjustment \(row.adjustmentID.text) is given twice with different content")
            }
            return
        }
        adjustments.append(new)
    }

    /// The line of an order, `none` when there is none.
    func line(order orderID: Cell, number: Int64) -> UInt32 {
        let order = orderIDs.find(orderID)
        if order == Interner.none { return Interner.none }
        return line(order: order, number: number)
    }

    private func line(order: UInt32, number: Int64) -> UInt32 {
        var at = orders[Int(order)].lastLine
        while at != Interner.none, lines[Int(at)].number != number { at = lines[Int(at)].previous }
        return at
    }

    // MARK: Ready to be asked

    /// Sorts links, lays lines out by person and applies adjustments.
    mutating func finish() throws(AttributionError) {
        sortLinks()
        layOutTargets()
        try applyAdjustments()
    }

    private mutating func sortLinks() {
        if pendingLinks.isEmpty { return }
        links = Grouped(pendingLinks, count: shoppers.count)
        pendingLinks = []
        let shoppers = shoppers
        links.sortEach { $0.at != $1.at ? $0.at < $1.at : shoppers.precedes($0.customer, $1.customer) }
    }

    /// Who an id was at an instant (rule 7): one step through its links.
    @inline(__always)
    func person(_ shopper: UInt32, at t: Int64) -> UInt32 {
        if links.isEmpty { return shopper }
        return linkedPerson(shopper, at: t)
    }

    /// Places in `targets` of the lines of the person that an id was at an instant.
    @inline(__always)
    func targets(of shopper: UInt32, at t: Int64) -> Range<Int> {
        if shopper == Interner.none { return 0..<0 }
        let person = Int(person(shopper, at: t))
        return Int(targetStarts[person])..<Int(targetStarts[person + 1])
    }

    private func linkedPerson(_ shopper: UInt32, at t: Int64) -> UInt32 {
        let range = links.range(shopper)
        if range.isEmpty { return shopper }
        var low = range.lowerBound
        var high = range.upperBound
        while low < high {
            let middle = (low + high) / 2
            if links.items[middle].at <= t { low = middle + 1 } else { high = middle }
        }
        if low > range.lowerBound { return links.items[low - 1].customer }
        // None yet: the earliest link claims the anonymous past; of several at that instant the greatest customer.
        var first = range.lowerBound
        while first + 1 < range.upperBound, links.items[first + 1].at == links.items[range.lowerBound].at { first += 1 }
        return links.items[first].customer
    }

    /// The union of a set that each person has, over everyone an id may be at some time.
    func timesOfPeople(of shopper: UInt32, _ times: [UInt64]) -> UInt64 {
        let range = links.range(shopper)
        if range.isEmpty { return times[Int(shopper)] }
        return links.items[range].reduce(0) { $0 | times[Int($1.customer)] }
    }

    private mutating func layOutTargets() {
        let people = orders.map { $0.shopper == Interner.none ? Interner.none : person($0.shopper, at: $0.at) }
        targetStarts = [UInt32](repeating: 0, count: shoppers.count + 2)
        func earns(_ line: Line) -> Bool {
            line.units >= 1 && line.amount >= 0 && people[Int(line.order)] != Interner.none
        }
        var total = 0
        for line in lines where earns(line) {
            targetStarts[Int(people[Int(line.order)]) + 1] += 1
            total += 1
        }
        for i in 0...shoppers.count { targetStarts[i + 1] += targetStarts[i] }
        targets = [Target](
            repeating: Target(at: 0, sku: 0, group: Interner.none, brand: Interner.none, line: 0), count: total)
        var next = targetStarts
        for (i, line) in lines.enumerated() where earns(line) {
            let person = Int(people[Int(line.order)])
            let at = orders[Int(line.order)].at
            var target = Target(at: at, sku: line.sku, group: Interner.none, brand: Interner.none, line: UInt32(i))
            if line.sku != Interner.none, Int(line.sku) < reference.products.count {
                let product = reference.products[Int(line.sku)]
                target.group = product.group
                target.brand = reference.canonical(product.brand, at: at)
            }
            targets[Int(next[person])] = target
            next[person] += 1
        }
        for person in 0..<shoppers.count {
            let range = Int(targetStarts[person])..<Int(targetStarts[person + 1])
            if range.count > 1 { targets[range].sort { $0.at < $1.at } }
        }
    }

    private mutating func applyAdjustments() throws(AttributionError) {
        if adjustments.isEmpty { return }
        var perLine: [(key: UInt32, item: UInt32)] = []
        for (i, adjustment) in adjustments.enumerated() {
            let order = adjustmentOrders.withBytes(adjustment.order) { orderIDs.find(Cell($0.baseAddress, $0.count)) }
            guard order != Interner.none else {
                ignoredAdjustments += 1
                continue
            }
            if let number = adjustment.line {
                let found = line(order: order, number: number)
                if found == Interner.none { ignoredAdjustments += 1 } else { perLine.append((found, UInt32(i))) }
            } else {
                var at = orders[Int(order)].lastLine
                while at != Interner.none {
                    perLine.append((at, UInt32(i)))
                    at = lines[Int(at)].previous
                }
            }
        }
        var grouped = Grouped(perLine, count: lines.count)
        let ids = adjustmentIDs
        let rows = adjustments
        grouped.sortEach {
            let (a, b) = (rows[Int($0)], rows[Int($1)])
            return a.at != b.at ? a.at < b.at : ids.precedes(a.id, b.id)
        }
        var result: [(key: UInt32, item: Move)] = []
        for at in 0..<UInt32(lines.count) where !grouped.range(at).isEmpty {
            let line = lines[Int(at)]
            if line.units < 1 || line.amount < 0 { continue }
            var left = AdjustedLine(units: line.units, amount: line.amount)
            for number in grouped.rows(at) {
                let row = rows[Int(number)]
                let moved: AdjustedLine.Move
                if row.kind == .price {
                    guard let change = left.changePrice(by: row.amount ?? 0) else {
                        throw .row(
                            .adjustments, row.position,
                            "adjustment \(ids.id(row.id).text) takes the line's amount beyond 64 bits")
                    }
                    moved = change
                } else {
                    moved = left.take(units: row.units, amount: row.amount)
                }
                if moved.units != 0 || moved.amount != 0 { result.append((at, Move(move: moved, adjustment: number))) }
            }
        }
        moves = Grouped(result, count: lines.count)
    }
}
