import AdModel

/// Touches of one thread, offered as they are read. Their ids are only written out for the few that may matter.
public struct TouchFeed: Sendable {
    /// The ids of a touch. The bytes live until the next call of the function that made them.
    public struct Texts {
        public var touchID: UnsafeBufferPointer<UInt8>
        public var advertiserID: UnsafeBufferPointer<UInt8>
        public var campaignID: UnsafeBufferPointer<UInt8>
        public var lineItemID: UnsafeBufferPointer<UInt8>
        /// SKUs, joined by `|`.
        public var promotedSKUs: UnsafeBufferPointer<UInt8>

        public init(
            touchID: UnsafeBufferPointer<UInt8>, advertiserID: UnsafeBufferPointer<UInt8>,
            campaignID: UnsafeBufferPointer<UInt8>, lineItemID: UnsafeBufferPointer<UInt8>,
            promotedSKUs: UnsafeBufferPointer<UInt8>
        ) {
            self.touchID = touchID
            self.advertiserID = advertiserID
            self.campaignID = campaignID
            self.lineItemID = lineItemID
            self.promotedSKUs = promotedSKUs
        }
    }

    /// Makes the ids of the touch whose record is given.
    public typealias MakeTexts = @Sendable (UnsafeRawBufferPointer) -> Texts

    private struct Waiting {
        let probes: UnsafeMutablePointer<TouchProbe>
        let shoppers: UnsafeMutablePointer<Cell>
        let records: UnsafeMutablePointer<UnsafeRawBufferPointer>
        var count = 0
    }

    var contest: Contest
    /// Touches offered.
    public private(set) var touchCount = 0
    private let texts: MakeTexts

    init(_ contest: Contest, texts: @escaping MakeTexts) {
        self.contest = contest
        self.texts = texts
    }

    /// Lets touches compete: the body is called once and gives each touch to the function it is passed.
    /// - Parameter read: gets `add(at, isClick, shopper, record)`; the record is what `MakeTexts` is called with, and
    ///   lives as long as this call.
    public mutating func offer(
        to batch: AttributionBatch,
        _ read: (_ add: (Int64, Bool, UnsafeBufferPointer<UInt8>, UnsafeRawBufferPointer) -> Void) -> Void
    ) {
        let size = TouchProbe.batch
        var waiting = Waiting(
            probes: .allocate(capacity: size), shoppers: .allocate(capacity: size), records: .allocate(capacity: size))
        defer {
            waiting.probes.deallocate()
            waiting.shoppers.deallocate()
            waiting.records.deallocate()
        }
        var contest = contest
        self.contest = Contest(contest.rules, lines: 0)
        var seen = 0
        let (filter, table, texts) = (batch.filter, batch.table, texts)
        let windows = (contest.rules.window(isClick: true), contest.rules.window(isClick: false))
        func flush() {
            let (shoppers, records) = (waiting.shoppers, waiting.records)
            contest.offer(
                waiting.probes, waiting.count, filter, table, shopper: { shoppers[$0] },
                touch: { i, probe in
                    let made = texts(records[i])
                    return TouchCells(
                        touchID: Cell(made.touchID), shopper: shoppers[i], at: probe.at, isClick: probe.isClick,
                        advertiser: Cell(made.advertiserID), campaign: Cell(made.campaignID),
                        lineItem: Cell(made.lineItemID), promoted: .list(Cell(made.promotedSKUs)))
                })
            waiting.count = 0
        }
        read { at, isClick, shopper, record in
            let i = waiting.count
            let cell = Cell(shopper)
            (waiting.probes + i).initialize(
                to: TouchProbe(
                    at: at, parts: filter.parts(from: at, window: isClick ? windows.0 : windows.1),
                    hash: IDKey(cell).hash, targets: 0..<0, isClick: isClick))
            (waiting.shoppers + i).initialize(to: cell)
            (waiting.records + i).initialize(to: record)
            waiting.count = i + 1
            seen += 1
            if waiting.count == size { flush() }
        }
        flush()
        self.contest = contest
        touchCount += seen
    }

    mutating func merge(_ other: TouchFeed) {
        contest.merge(other.contest)
        touchCount += other.touchCount
    }
}
