import AdModel
import Decisioning
import Store

/// What the keeper knows of every line item that may need budget: compact, because all of it is walked every second.
///
/// Lines stand side by side and are changed where they stand. What is needed of the snapshot's line items is taken out
/// of them once per snapshot.
struct LeaseBook {
    /// What leases need of one line item of the snapshot.
    struct Item {
        let id: Int32
        let advertiserID: Int32
        /// Place in the snapshot's line items.
        let place: Int32
        /// Number of its line; -1 while it has none.
        var line: Int32 = -1
        /// Paced by money; a goal is paced by itself, by impressions instead.
        let isPaced: Bool
        let startsAt: Timestamp
        let endsAt: Timestamp
        /// First slice of a line item whose pace is not known: some hundred impressions, or twenty clicks.
        let smallest: Int64

        /// nil for a line item that needs no lease or may not serve whatever the time.
        init?(_ item: borrowing SnapshotInput.LineItem, place: Int) {
            guard item.needsLease, !item.isPaused, item.isApproved else { return nil }
            id = item.id
            advertiserID = item.advertiserID
            self.place = Int32(truncatingIfNeeded: place)
            isPaced = item.isPacedEvenly && item.goalImpressions == nil
            startsAt = item.startsAt
            endsAt = item.endsAt
            smallest =
                switch item.pricing {
                case .cpm: max(1, item.bid.value / 2)
                case .cpc: max(1, item.bid.value * 20)
                case .fixed: 0
                }
        }

        func mayServe(at now: Timestamp) -> Bool { startsAt <= now && endsAt > now }
    }

    /// The lease of one line item.
    struct Line {
        /// 0 = free place.
        var lineItemID: Int32
        /// From when until when its line item may serve; nothing of it is held at any other time.
        var startsAt: Timestamp
        var endsAt: Timestamp
        var leaseID: Int64?
        var expiresAt = Timestamp(micros: .min)
        /// Left of the lease when the keeper last looked.
        var remaining: Int64 = 0
        /// Promised per second, smoothed.
        var pace = 0.0
        /// After a refusal, or a grant that brought nothing.
        var asksForMoreAt = Timestamp(micros: .min)
        /// A lease that ends with its day cannot be made longer before midnight.
        var asksForTimeAt = Timestamp(micros: .min)
        /// What of the old lease stays in the table while the new one is asked for.
        var kept: Int64 = 0
        /// What lapsed unpromised while the database could not be told.
        var unreturned: Int64 = 0
        /// End of the day that the lease is of.
        var dayEnds: Timestamp?

        func hasLapsed(at now: Timestamp) -> Bool { leaseID != nil && expiresAt <= now }

        /// Looks at what is left of the lease. What a lapsed one has left must not be added to the next one: it goes
        /// back as a whole.
        /// - Returns: what is left, and whether the lease has lapsed.
        mutating func look(_ table: LeaseTable, now: Timestamp) -> (remaining: Int64, hasLapsed: Bool) {
            let hasLapsed = hasLapsed(at: now)
            let left = hasLapsed ? table.revoke(lineItemID).value : table.remaining(lineItemID, now: now).value
            remaining = left
            kept = hasLapsed ? 0 : max(0, left)
            if hasLapsed { unreturned += max(0, left) }
            return (left, hasLapsed)
        }
    }

    /// How the day of one line goes; looked at every few seconds and for evenly paced line items alone.
    struct DayPlan {
        /// What the current lease was granted with.
        var granted: Int64 = 0
        var budget: Micros?
        var committed: Int64 = 0
        var day: LeaseDay?
        var controller = PacingController()
        /// Curve of the day, and the number of the forecast that it was made from.
        var curve = DemandForecast.flat
        var curveOf = 0
    }

    /// Of the snapshot that was followed last, in its order.
    private(set) var items: ContiguousArray<Item> = []
    /// That snapshot's line items.
    private(set) var source: PieceArray<SnapshotInput.LineItem> = []
    var lines: ContiguousArray<Line> = []
    /// Beside `lines`.
    var plans: ContiguousArray<DayPlan> = []
    private var numbers: [Int32: Int32] = [:]
    private var free: [Int32] = []
    /// Whether the lines know when their line items may serve.
    private var isFollowing = false

    /// Takes over the line items of a snapshot, unless they are the ones it has.
    mutating func follow(_ lineItems: PieceArray<SnapshotInput.LineItem>) {
        if isFollowing, source.isIdentical(to: lineItems) { return }
        isFollowing = true
        source = lineItems
        items.removeAll(keepingCapacity: true)
        // Whoever is not found below serves at no time.
        for number in lines.indices { lines[number].endsAt = Timestamp(micros: .min) }
        var first = 0
        lineItems.forEachPiece { piece in
            for place in piece.indices {
                guard var item = Item(piece[place], place: first + place) else { continue }
                if let number = numbers[item.id] {
                    item.line = number
                    lines[Int(number)].startsAt = item.startsAt
                    lines[Int(number)].endsAt = item.endsAt
                }
                items.append(item)
            }
            first += piece.count
        }
    }

    /// Number of an item's line; nil when it has none.
    func line(of item: Item) -> Int? {
        let known = Int(item.line)
        if known >= 0, known < lines.count, lines[known].lineItemID == item.id { return known }
        return numbers[item.id].map { Int($0) }
    }

    /// Number of the line of the item at `index`, made if need be.
    mutating func lineMade(at index: Int) -> Int {
        if let known = line(of: items[index]) { return known }
        let line = lineMade(of: items[index])
        items[index].line = Int32(truncatingIfNeeded: line)
        return line
    }

    /// Number of the line of an item, made if need be.
    mutating func lineMade(of item: Item) -> Int {
        lineMade(of: item.id, startsAt: item.startsAt, endsAt: item.endsAt)
    }

    /// Number of the line of a line item, made if need be. When it may serve is looked up by the next `follow`.
    mutating func lineMade(of lineItemID: Int32) -> Int {
        if let known = numbers[lineItemID] { return Int(known) }
        isFollowing = false
        return lineMade(of: lineItemID, startsAt: Timestamp(micros: .min), endsAt: Timestamp(micros: .max))
    }

    private mutating func lineMade(of lineItemID: Int32, startsAt: Timestamp, endsAt: Timestamp) -> Int {
        if let known = numbers[lineItemID] { return Int(known) }
        let line = Line(lineItemID: lineItemID, startsAt: startsAt, endsAt: endsAt)
        if let number = free.popLast() {
            lines[Int(number)] = line
            plans[Int(number)] = DayPlan()
            numbers[lineItemID] = number
            return Int(number)
        }
        lines.append(line)
        plans.append(DayPlan())
        numbers[lineItemID] = Int32(truncatingIfNeeded: lines.count - 1)
        return lines.count - 1
    }

    /// Forgets a line item's line, if it has one.
    mutating func forget(_ lineItemID: Int32) {
        guard let number = numbers.removeValue(forKey: lineItemID) else { return }
        lines[Int(number)].lineItemID = 0
        plans[Int(number)] = DayPlan()
        free.append(number)
    }

    /// Forgets everything.
    mutating func removeAll() { self = LeaseBook() }
}
