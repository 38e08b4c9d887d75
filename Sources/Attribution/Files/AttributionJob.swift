import AdModel

/// A run over files: everything but the touches is read first, then touches stream past it in any number of parts.
public struct AttributionJob: Sendable {
    /// The files that are kept in memory; nil = not given = an empty table (rule 4).
    public struct Files: Sendable {
        public var lines: CSVBytes
        public var products: CSVBytes
        public var campaigns: CSVBytes?
        public var brands: CSVBytes?
        public var grants: CSVBytes?
        public var links: CSVBytes?
        public var adjustments: CSVBytes?
        public var rivals: CSVBytes?

        public init(
            lines: CSVBytes, products: CSVBytes, campaigns: CSVBytes? = nil, brands: CSVBytes? = nil,
            grants: CSVBytes? = nil, links: CSVBytes? = nil, adjustments: CSVBytes? = nil, rivals: CSVBytes? = nil
        ) {
            self.lines = lines
            self.products = products
            self.campaigns = campaigns
            self.brands = brands
            self.grants = grants
            self.links = links
            self.adjustments = adjustments
            self.rivals = rivals
        }
    }

    let rules: Rules
    let table: OrderTable
    private let filter: TouchFilter
    private let rivals: Contest?
    private let owners: CampaignOwners

    /// Order lines read.
    public var lineCount: Int { table.lines.count }
    /// Adjustments that name an order or line that is not in the files.
    public var ignoredAdjustments: Int { table.ignoredAdjustments }
    /// Rivals that name an order or line that is not in the files.
    public let ignoredRivals: Int

    /// - Throws: `invalid_file`, `invalid_row` or `conflict`; positions are byte offsets into the files.
    public init(_ files: consuming Files, policy: AttributionPolicy) throws(AttributionError) {
        rules = Rules(policy)
        let reference = try AttributionJob.reference(&files)
        owners = CampaignOwners(reference)
        var table = try AttributionJob.orders(&files, reference)
        try table.finish()
        var contest = Contest(rules, lines: table.lines.count)
        ignoredRivals = try AttributionJob.read(&files.rivals, into: &contest, table)
        rivals = files.rivals == nil ? nil : contest
        filter = TouchFilter(table)
        self.table = table
    }

    private static func reference(_ files: inout Files) throws(AttributionError) -> AttributionReference {
        var builder = ReferenceBuilder()
        try files.products.forEachRow(.products) { row throws(AttributionError) in
            try builder.addProduct(
                sku: row[0], group: row[1], brand: row[2], categories: row[3], at: row.offset)
        }
        try files.campaigns?.forEachRow(.campaigns) { row throws(AttributionError) in
            try builder.addCampaign(
                CampaignVersionRow(
                    campaignID: row[0].id, advertiserID: row[1].id, brandIDs: row[2].list, listedSKUs: row[3].list,
                    listedCategoryIDs: row[4].list, validFrom: try row.optionalInstant(5),
                    validTo: try row.optionalInstant(6)), at: row.offset)
        }
        try files.brands?.forEachRow(.brands) { row throws(AttributionError) in
            builder.addAlias(
                BrandAliasRow(
                    alias: row[0].id, brandID: row[1].id, validFrom: try row.optionalInstant(2),
                    validTo: try row.optionalInstant(3)), at: row.offset)
        }
        try files.grants?.forEachRow(.grants) { row throws(AttributionError) in
            builder.addGrant(
                BrandGrantRow(
                    advertiserID: row[0].id, brandID: row[1].id, validFrom: try row.optionalInstant(2),
                    validTo: try row.optionalInstant(3)))
        }
        return AttributionReference(builder, try builder.finish())
    }

    private static func orders(
        _ files: inout Files, _ reference: AttributionReference
    ) throws(AttributionError) -> OrderTable {
        // A line is rarely shorter than 48 bytes; a guess that is too small only costs a few copies.
        var table = OrderTable(reference, expectedLines: files.lines.count / 48)
        try files.links?.forEachRow(.links) { row throws(AttributionError) in
            table.addLink(visitor: row[0], customer: row[1], at: try row.instant(2))
        }
        try files.lines.forEachRow(.lines) { row throws(AttributionError) in
            let isOnline = row[4].equals("online")
            if !isOnline, !row[4].equals("offline") { throw row.bad(4, "must be online or offline") }
            try table.addLine(
                order: row[0], number: try row.integer(1), shopper: row[2], at: try row.instant(3),
                isOnline: isOnline, sku: row[5], units: try row.integer(6), amount: try row.integer(7),
                position: row.offset)
        }
        try files.adjustments?.forEachRow(.adjustments) { row throws(AttributionError) in
            guard let kind = AdjustmentKind(rawValue: String(decoding: row[4].buffer, as: UTF8.self)) else {
                throw row.bad(4, "must be cancel, return or price")
            }
            try table.addAdjustment(
                AdjustmentRow(
                    adjustmentID: row[0].id, orderID: row[1].id, lineNumber: try row.optionalInteger(2),
                    occurredAt: Timestamp(micros: try row.instant(3)), kind: kind,
                    units: try row.optionalInteger(5), amountMicros: try row.optionalInteger(6)),
                position: row.offset)
        }
        return table
    }

    /// Lets rivals compete; the number that names no line.
    private static func read(
        _ file: inout CSVBytes?, into contest: inout Contest, _ table: OrderTable
    ) throws(AttributionError) -> Int {
        struct Key: Hashable {
            var line: UInt32
            var touch: AttributionID
        }
        struct Content: Equatable {
            var isClick: Bool
            var at: Int64
            var level: MatchLevel
        }
        var seen: [Key: (Content, Int)] = [:]
        var ignored = 0
        try file?.forEachRow(.rivals) { row throws(AttributionError) in
            let number = try row.integer(1)
            let content = Content(isClick: try row.kind(3) == .click, at: try row.instant(4), level: try row.level(5))
            let line = table.line(order: row[0], number: number)
            if line == Interner.none {
                ignored += 1
                return
            }
            let key = Key(line: line, touch: row[2].id)
            if let old = seen[key] {
                guard old.0 == content else {
                    throw .conflict(
                        .rivals, row.offset, old.1,
                        "rival \(key.touch.text) of one line is given twice with different content")
                }
                return
            }
            seen[key] = (content, row.offset)
            contest.offerRival(
                touchID: row[2], isClick: content.isClick, at: content.at, level: content.level, line: line,
                orderedAt: table.orders[Int(table.lines[Int(line)].order)].at)
        }
        return ignored
    }

    /// One part of the touches; a run has as many as it has threads.
    public func scanner(_ layout: CSVLayout) -> TouchScanner {
        TouchScanner(layout, Contest(rules, lines: table.lines.count), owners)
    }

    /// Lets touches of a scanner compete; see `TouchScanner.consume`.
    public func consume(
        _ chunk: UnsafeMutableRawBufferPointer, count: Int, offset: Int, with scanner: inout TouchScanner
    ) throws(AttributionError) {
        try scanner.consume(chunk, count: count, offset: offset, table, filter)
    }

    /// What the parts found.
    public struct Outcome: Sendable {
        /// Bytes of the output file.
        public var csv: [UInt8]
        /// Rows in it, without the header.
        public var rows: Int
        public var touches: Int

        /// Nothing was found.
        init(csv: [UInt8], rows: Int, touches: Int) {
            self.csv = csv
            self.rows = rows
            self.touches = touches
        }

        init(_ table: OrderTable, _ contest: Contest, touches: Int) {
            let writer = CreditWriter(table: table, contest: contest)
            csv = Array(CreditCSV.header.utf8)
            rows = 0
            for line in writer.sortedLines(contest.ledLines) { rows += writer.append(line, to: &csv) }
            self.touches = touches
        }
    }

    /// Joins the parts and writes the rows.
    /// - Throws: `conflict` when two parts contradict each other.
    public func finish(_ parts: consuming [TouchScanner]) throws(AttributionError) -> Outcome {
        guard var first = parts.popLast() else {
            return Outcome(csv: Array(CreditCSV.header.utf8), rows: 0, touches: 0)
        }
        while let other = parts.popLast() { try first.merge(other) }
        if let rivals { first.contest.merge(rivals) }
        return Outcome(table, first.contest, touches: first.touchCount)
    }
}

extension CSVRow {
    func level(_ column: Int) throws(AttributionError) -> MatchLevel {
        guard let level = MatchLevel(rawValue: String(decoding: self[column].buffer, as: UTF8.self)) else {
            throw bad(column, "must be sku, variant, listed, brand or order")
        }
        return level
    }
}
