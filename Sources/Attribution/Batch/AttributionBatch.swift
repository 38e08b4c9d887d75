import AdModel

/// A run over rows that lie in memory as bytes, such as the records of an event log: orders first, then touches in any
/// order and any number of parts. It gives the bytes that the same rows give as files.
///
/// Everything that is handed in is borrowed for the time of the call.
public struct AttributionBatch: Sendable {
    /// One line of an order. Ids are unique within the run.
    public struct Line {
        public var orderID: UnsafeBufferPointer<UInt8>
        public var number: Int64
        public var shopperID: UnsafeBufferPointer<UInt8>
        /// UTC microseconds.
        public var orderedAt: Int64
        public var isOnline: Bool
        public var sku: UnsafeBufferPointer<UInt8>
        public var units: Int64
        /// Micro-roubles, VAT-exclusive.
        public var netMicros: Int64

        public init(
            orderID: UnsafeBufferPointer<UInt8>, number: Int64, shopperID: UnsafeBufferPointer<UInt8>,
            orderedAt: Int64, isOnline: Bool, sku: UnsafeBufferPointer<UInt8>, units: Int64, netMicros: Int64
        ) {
            self.orderID = orderID
            self.number = number
            self.shopperID = shopperID
            self.orderedAt = orderedAt
            self.isOnline = isOnline
            self.sku = sku
            self.units = units
            self.netMicros = netMicros
        }
    }

    /// The orders of a run while they are collected.
    public struct Orders: Sendable {
        fileprivate var table: OrderTable

        /// - Parameter expectedLines: a guess; one that is too small costs a few copies.
        public init(_ reference: AttributionReference, expectedLines: Int) {
            table = OrderTable(reference, expectedLines: expectedLines)
        }

        /// - Throws: `conflict` when lines of one order contradict each other; positions count lines.
        public mutating func add(_ line: Line) throws(AttributionError) {
            try table.addLine(
                order: Cell(line.orderID), number: line.number, shopper: Cell(line.shopperID), at: line.orderedAt,
                isOnline: line.isOnline, sku: Cell(line.sku), units: line.units, amount: line.netMicros,
                position: table.lines.count)
        }

        public mutating func add(_ link: IdentityLinkRow) {
            link.visitorID.withCell { visitor in
                link.customerID.withCell { table.addLink(visitor: visitor, customer: $0, at: link.linkedAt.micros) }
            }
        }

        /// - Throws: `invalid_row` or `conflict`.
        public mutating func add(_ adjustment: AdjustmentRow) throws(AttributionError) {
            try table.addAdjustment(adjustment, position: 0)
        }
    }

    private let rules: Rules
    let table: OrderTable
    let filter: TouchFilter

    /// - Throws: `conflict` as `Orders.add`.
    public init(_ orders: consuming Orders, policy: AttributionPolicy) throws(AttributionError) {
        rules = Rules(policy)
        var table = orders.table
        try table.finish()
        filter = TouchFilter(table)
        self.table = table
    }

    /// One part of the touches; a run has as many as it has threads.
    /// - Parameter texts: see `TouchFeed.Texts`.
    public func feed(texts: @escaping TouchFeed.MakeTexts) -> TouchFeed {
        TouchFeed(Contest(rules, lines: table.lines.count), texts: texts)
    }

    /// Joins the parts and writes the rows, as `AttributionJob.finish` does.
    public func finish(_ parts: consuming [TouchFeed]) -> AttributionJob.Outcome {
        guard var first = parts.popLast() else {
            return AttributionJob.Outcome(csv: Array(CreditCSV.header.utf8), rows: 0, touches: 0)
        }
        while let other = parts.popLast() { first.merge(other) }
        return AttributionJob.Outcome(table, first.contest, touches: first.touchCount)
    }
}
