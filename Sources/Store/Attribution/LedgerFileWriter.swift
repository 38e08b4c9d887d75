import AdModel
import Attribution

/// Writes the files of one export, blinding as it goes.
struct LedgerFileWriter {
    static let headers: [(file: String, header: String)] = [
        ("touches", "touch_id,shopper_id,occurred_at,kind,advertiser_id,campaign_id,line_item_id,promoted_skus"),
        ("lines", "order_id,line_no,shopper_id,ordered_at,channel,sku,units,net_amount_micros"),
        ("products", "sku,group_id,brand_id,category_id"),
        ("campaigns", "campaign_id,advertiser_id,brand_ids,listed_skus,listed_categories,valid_from,valid_to"),
        ("brands", "alias,brand_id,valid_from,valid_to"),
        ("grants", "advertiser_id,brand_id,valid_from,valid_to"),
        ("links", "visitor_id,customer_id,linked_at"),
        ("adjustments", "adjustment_id,order_id,line_no,occurred_at,kind,units,amount_micros"),
        ("rivals", "order_id,line_no,touch_id,kind,occurred_at,level"),
    ]

    let advertiserID: AttributionID
    let advertiserCode: String
    let blinding: Blinding
    let names: AttributionNames
    let sink: any LedgerFileSink
    private var policies: [String] = []
    private var seenSKUs: Set<AttributionID> = []
    /// By policy; kept because the file is sorted by blinded ids.
    private var credited: [String: [CreditRow]] = [:]
    private var rivalNumber = 0

    init(
        advertiserID: AttributionID, advertiserCode: String, blinding: Blinding, names: AttributionNames,
        sink: any LedgerFileSink
    ) {
        self.advertiserID = advertiserID
        self.advertiserCode = advertiserCode
        self.blinding = blinding
        self.names = names
        self.sink = sink
    }

    /// SKUs that were bought or promoted, sorted by bytes.
    var skus: [String] { seenSKUs.sorted().map(\.text) }

    /// Makes the files of a policy's folder.
    mutating func begin(_ policy: String) throws {
        policies.append(policy)
        for (file, header) in Self.headers { try sink.append(Array((header + "\n").utf8), to: "\(policy)/\(file).csv") }
    }

    mutating func touch(_ touch: TouchRow, _ policy: AttributionPolicy) throws {
        seenSKUs.formUnion(touch.promotedSKUs)
        var row = LedgerFileRow()
        row.add(touch.touchID)
        row.add(blinding.shopper(touch.shopperID))
        row.add(touch.occurredAt.micros)
        row.add(touch.kind.rawValue)
        row.add(advertiserCode)
        row.add(names.campaign(touch.campaignID))
        row.add(names.lineItem(touch.lineItemID))
        row.add(touch.promotedSKUs)
        try sink.append(row.ended, to: "\(policy.name)/touches.csv")
    }

    private struct LineKey: Hashable {
        var order: AttributionID
        var line: Int64
        /// Only where clicks and views are two contests.
        var interaction: Interaction?
    }

    /// Lines with a candidate of the advertiser, and the one rival of each that could take it.
    mutating func round(
        _ world: AttributionWorld, policy: AttributionPolicy, summary: inout LedgerFiles.Summary
    ) throws {
        let own = advertiserID
        func best(_ competes: (TouchRow) -> Bool) throws -> [LineKey: CreditRow] {
            var result: [LineKey: CreditRow] = [:]
            let input = world.input { $0.policy == policy.name && competes($0.touch) }
            for row in try AttributionEngine.credits(input, reference: world.reference, policy: policy)
            where row.cause == .order {
                let key = LineKey(
                    order: row.orderID, line: row.lineNumber,
                    interaction: policy.separatesInteractions ? row.interaction : nil)
                result[key] = row
            }
            return result
        }
        // Whoever would win if the advertiser were alone is a candidate; the best one is the one to beat.
        let mine = try best { $0.advertiserID == own }
        if mine.isEmpty { return }
        // Where each advertiser or campaign has a winner of its own, nobody is a rival.
        let others = policy.scope == .line ? try best { $0.advertiserID != own } : [:]
        let keys = Set(mine.keys.map { LineKey(order: $0.order, line: $0.line, interaction: nil) })
        let orders = try lines(world, keys, policy.name, &summary)
        try adjustments(world, keys, orders, policy.name)
        try links(world, keys, policy.name)
        for (key, rival) in others.sorted(by: { ($0.key.order, $0.key.line) < ($1.key.order, $1.key.line) }) {
            guard let candidate = mine[key], let order = orders[key.order] else { continue }
            rivalNumber += 1
            var row = LedgerFileRow()
            row.add(order)
            row.add(key.line)
            // An id tells whose touch it was; all that counts is on which side of a tie it stands.
            row.add((candidate.touchID < rival.touchID ? "~" : "!") + String(rivalNumber))
            row.add(rival.interaction.rawValue)
            row.add(rival.touchedAt.micros)
            row.add(rival.level.rawValue)
            try sink.append(row.ended, to: "\(policy.name)/rivals.csv")
            summary.rivals += 1
        }
    }

    /// Blinded ids by order.
    private mutating func lines(
        _ world: AttributionWorld, _ keys: Set<LineKey>, _ policy: String, _ summary: inout LedgerFiles.Summary
    ) throws -> [AttributionID: String] {
        var orders: [AttributionID: String] = [:]
        for line in world.lines.sorted(by: { ($0.orderID, $0.lineNumber) < ($1.orderID, $1.lineNumber) })
        where keys.contains(LineKey(order: line.orderID, line: line.lineNumber, interaction: nil)) {
            guard let key = world.orders[line.orderID] else { continue }
            let order = blinding.order(key, at: line.orderedAt)
            if orders.updateValue(order, forKey: line.orderID) == nil { summary.orders += 1 }
            summary.lines += 1
            seenSKUs.insert(line.sku)
            var row = LedgerFileRow()
            row.add(order)
            row.add(line.lineNumber)
            row.add(blinding.shopper(line.shopperID))
            row.add(line.orderedAt.micros)
            row.add(line.channel.rawValue)
            row.add(line.sku)
            row.add(line.units)
            row.add(line.netAmountMicros)
            try sink.append(row.ended, to: "\(policy)/lines.csv")
        }
        return orders
    }

    /// Numbered within the order as they apply: the shop's own ids may tell the order.
    private func adjustments(
        _ world: AttributionWorld, _ keys: Set<LineKey>, _ orders: [AttributionID: String], _ policy: String
    ) throws {
        var numbers: [AttributionID: Int] = [:]
        let sorted = world.adjustments.sorted {
            $0.occurredAt != $1.occurredAt ? $0.occurredAt < $1.occurredAt : $0.adjustmentID < $1.adjustmentID
        }
        for it in sorted {
            guard let order = orders[it.orderID] else { continue }
            if let line = it.lineNumber, !keys.contains(LineKey(order: it.orderID, line: line, interaction: nil)) {
                continue
            }
            let number = (numbers[it.orderID] ?? 0) + 1
            numbers[it.orderID] = number
            let digits = String(number)
            var row = LedgerFileRow()
            row.add("\(order).\(String(repeating: "0", count: max(0, 6 - digits.count)))\(digits)")
            row.add(order)
            row.add(orNull: it.lineNumber)
            row.add(it.occurredAt.micros)
            row.add(it.kind.rawValue)
            row.add(orNull: it.units)
            row.add(orNull: it.amountMicros)
            try sink.append(row.ended, to: "\(policy)/adjustments.csv")
        }
    }

    /// Of several links at one instant the greatest customer counts; blinded ids would sort otherwise, so the others
    /// stay out.
    private func links(_ world: AttributionWorld, _ keys: Set<LineKey>, _ policy: String) throws {
        struct Instant: Hashable {
            var visitor: AttributionID
            var at: Int64
        }
        let own = advertiserID
        var shoppers = Set(world.candidates.filter { $0.touch.advertiserID == own }.map(\.touch.shopperID))
        for line in world.lines
        where keys.contains(LineKey(order: line.orderID, line: line.lineNumber, interaction: nil)) {
            shoppers.insert(line.shopperID)
        }
        var greatest: [Instant: AttributionID] = [:]
        for link in world.links where shoppers.contains(link.visitorID) {
            let key = Instant(visitor: link.visitorID, at: link.linkedAt.micros)
            greatest[key] = max(greatest[key] ?? link.customerID, link.customerID)
        }
        for (key, customer) in greatest.sorted(by: { ($0.key.visitor, $0.key.at) < ($1.key.visitor, $1.key.at) }) {
            var row = LedgerFileRow()
            row.add(blinding.shopper(key.visitor))
            row.add(blinding.shopper(customer))
            row.add(key.at)
            try sink.append(row.ended, to: "\(policy)/links.csv")
        }
    }

    /// Takes what is booked, one row a part.
    mutating func credits(_ rows: [CreditRow]) {
        for row in rows {
            guard let storefront = AttributionWorld.storefront(row.orderID) else { continue }
            var blinded = row
            blinded.orderID = AttributionID(
                blinding.order(
                    OrderKey(storefrontID: storefront, orderID: AttributionWorld.unscoped(row.orderID)),
                    at: row.orderedAt))
            blinded.advertiserID = AttributionID(advertiserCode)
            blinded.campaignID = AttributionID(names.campaign(row.campaignID))
            blinded.lineItemID = AttributionID(names.lineItem(row.lineItemID))
            credited[row.policy, default: []].append(blinded)
        }
    }

    // MARK: Reference data, the same in every folder

    mutating func campaign(
        _ id: AttributionID, brands: [String], skus: [String], categories: [String], from: Int64, to: Int64
    ) throws {
        var row = LedgerFileRow()
        row.add(names.campaign(id))
        row.add(advertiserCode)
        row.add(brands.map { AttributionID($0) })
        row.add(skus.map { AttributionID($0) })
        row.add(categories.map { AttributionID($0) })
        row.add(instant: from)
        row.add(instant: to)
        try everywhere(row, "campaigns")
    }

    func grant(_ brand: String, from: Int64, to: Int64) throws {
        var row = LedgerFileRow()
        row.add(advertiserCode)
        row.add(brand)
        row.add(instant: from)
        row.add(instant: to)
        try everywhere(row, "grants")
    }

    func alias(_ alias: String, brand: String, from: Int64, to: Int64) throws {
        var row = LedgerFileRow()
        row.add(alias)
        row.add(brand)
        row.add(instant: from)
        row.add(instant: to)
        try everywhere(row, "brands")
    }

    func product(_ sku: String, group: String, brand: String, categories: [String]) throws {
        var row = LedgerFileRow()
        row.add(sku)
        row.add(group)
        row.add(brand)
        row.add(categories.map { AttributionID($0) })
        try everywhere(row, "products")
    }

    private func everywhere(_ row: LedgerFileRow, _ file: String) throws {
        for policy in policies { try sink.append(row.ended, to: "\(policy)/\(file).csv") }
    }

    /// Writes what is booked and what the export is.
    mutating func finish(_ summary: inout LedgerFiles.Summary, request: LedgerFiles.Request) throws {
        // Credits of a policy that no touch competes under any more would be a finding; they are shown all the same.
        for policy in Set(policies).union(credited.keys).sorted() {
            let rows = credited[policy] ?? []
            summary.credits += rows.count
            try sink.append(CreditCSV.file(rows), to: "\(policy)/credits.csv")
        }
        let list = policies.map { "\"\($0)\"" }.joined(separator: ",")
        let text = """
            {"advertiser":"\(advertiserCode)","from":"\(request.from)","to":"\(request.to)","policies":[\(list)],\
            "orders":\(summary.orders),"lines":\(summary.lines),"touches":\(summary.touches),"rivals":\(summary.rivals),\
            "credits":\(summary.credits),"check":"in a policy's folder: nimb attribute --touches touches.csv \
            --lines lines.csv --products products.csv --campaigns campaigns.csv --brands brands.csv --grants grants.csv \
            --links links.csv --adjustments adjustments.csv --rivals rivals.csv --policy <folder> --out check.csv; \
            check.csv then equals credits.csv byte for byte"}

            """
        try sink.append(Array(text.utf8), to: "manifest.json")
    }
}

/// One CSV row in the making.
struct LedgerFileRow {
    private var bytes: [UInt8] = []
    private var isFirst = true

    /// The row with its line end.
    var ended: [UInt8] { bytes + [0x0A] }

    mutating func add(_ cell: [UInt8]) {
        if !isFirst { bytes.append(0x2C) }
        isFirst = false
        CreditCSV.appendCell(cell, to: &bytes)
    }

    mutating func add(_ id: AttributionID) { add(id.bytes) }
    mutating func add(_ text: String) { add(Array(text.utf8)) }
    mutating func add(_ number: Int64) { add(String(number)) }
    mutating func add(orNull number: Int64?) { add(number.map(String.init) ?? "") }
    /// Microseconds; an infinite end is an empty cell.
    mutating func add(instant: Int64) { add(instant == .min || instant == .max ? "" : String(instant)) }
    mutating func add(_ ids: [AttributionID]) { add(Array(ids.map(\.bytes).joined(separator: [0x7C]))) }
}
