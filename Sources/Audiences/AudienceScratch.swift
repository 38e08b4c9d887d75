/// Working memory of evaluations, to be reused: nothing is allocated once it has grown to its book.
public struct AudienceScratch: Sendable {
    /// Events counted, by leaf.
    var sums: ContiguousArray<Int32> = []
    /// First and last day of each leaf's period.
    private var first: ContiguousArray<Int32> = []
    private var last: ContiguousArray<Int32> = []
    private var today: Int32 = .min
    private var book: AudienceBook?
    var buyer = Buyer()

    public init() {}

    mutating func begin(_ book: AudienceBook, today: Int32) {
        let count = book.leaves.count
        if self.book !== book || self.today != today {
            self.book = book
            self.today = today
            sums = ContiguousArray(repeating: 0, count: count)
            first = sums
            last = sums
            for index in 0..<count {
                let days = book.leaves[index].period.days(today: today)
                first[index] = days.first
                last[index] = days.last
            }
        } else {
            for index in 0..<count { sums[index] = 0 }
        }
        buyer = Buyer()
    }

    mutating func add(_ count: Int32, day: Int32, leaves: Range<Int32>) {
        for leaf in leaves where day >= first[Int(leaf)] && day <= last[Int(leaf)] {
            sums[Int(leaf)] &+= count
        }
    }
}

extension AudienceBook {
    /// Appends the positions (in `definitions`) of the audiences that hold for what was gathered.
    func evaluate(
        _ scratch: AudienceScratch, today: Int32, championSpend: Int64, into members: inout ContiguousArray<Int32>
    ) {
        var recency: UInt8 = 0
        var value: UInt8 = 0
        if needsBuyer, scratch.buyer.orders > 0 {
            let buyer = scratch.buyer
            recency = 1 << thresholds.recency(daysSince: today &- buyer.lastDay).bit
            value = 1 << thresholds.value(orders: buyer.orders, spend: buyer.spend, championSpend: championSpend).bit
        }
        for audience in programs.indices {
            var stack: UInt64 = 0
            for at in programs[audience] {
                switch steps[Int(at)] {
                case .leaf(let index):
                    let leaf = leaves[Int(index)]
                    let holds: Bool
                    if leaf.atom < 0 {
                        holds =
                            recency != 0 && (leaf.recency == 0 || leaf.recency & recency != 0)
                            && (leaf.value == 0 || leaf.value & value != 0)
                    } else {
                        let count = scratch.sums[Int(index)]
                        holds = (count >= leaf.from && count <= leaf.to) == leaf.did
                    }
                    stack = stack &<< 1 | (holds ? 1 : 0)
                case .all(let count):
                    let mask = (UInt64(1) &<< UInt64(count)) &- 1
                    stack = (stack &>> UInt64(count)) &<< 1 | (stack & mask == mask ? 1 : 0)
                case .any(let count):
                    let mask = (UInt64(1) &<< UInt64(count)) &- 1
                    stack = (stack &>> UInt64(count)) &<< 1 | (stack & mask != 0 ? 1 : 0)
                case .not: stack ^= 1
                }
            }
            if stack & 1 != 0 { members.append(Int32(audience)) }
        }
    }
}

extension Recency {
    var bit: UInt8 {
        switch self {
        case .active: 0
        case .cooling: 1
        case .sleeping: 2
        case .lost: 3
        }
    }
}

extension BuyerValue {
    var bit: UInt8 {
        switch self {
        case .first: 0
        case .repeat: 1
        case .champion: 2
        }
    }
}
