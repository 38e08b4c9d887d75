import AdModel

/// Turns leaders into ledger rows (rules 16 to 19). A class, so that closures hold it without copying its tables.
final class CreditWriter {
    let table: OrderTable
    let contest: Contest

    init(table: OrderTable, contest: Contest) {
        self.table = table
        self.contest = contest
    }

    private var isNet: Bool { contest.rules.policy.basis == .net }

    /// Lines that have a credit, in output order.
    func sortedLines(_ lines: [UInt32]) -> [UInt32] {
        if lines.count < 2 { return lines }
        struct Key {
            var prefix: UInt64
            var line: UInt32
        }
        // Eight bytes of the order id decide nearly every comparison without a look at the id itself.
        var keys = lines.map { line in
            Key(
                prefix: table.orderIDs.withBytes(table.lines[Int(line)].order) { bytes in
                    var prefix: UInt64 = 0
                    for i in 0..<8 { prefix = prefix << 8 | (i < bytes.count ? UInt64(bytes[i]) : 0) }
                    return prefix
                }, line: line)
        }
        keys.sort { a, b in
            if a.prefix != b.prefix { return a.prefix < b.prefix }
            let (x, y) = (table.lines[Int(a.line)], table.lines[Int(b.line)])
            if x.order != y.order { return table.orderIDs.precedes(x.order, y.order) }
            return x.number < y.number
        }
        return keys.map(\.line)
    }

    /// Winners of a line in output order.
    func sortedWinners(_ line: UInt32) -> [Contest.Leader] {
        var winners = contest.winners(line)
        if winners.count > 1 { winners.sort(by: precedes) }
        return winners
    }

    private func precedes(_ a: Contest.Leader, _ b: Contest.Leader) -> Bool {
        contest.withTexts(a.touch) { at, aa, ac, al in
            contest.withTexts(b.touch) { bt, ba, bc, bl in
                for (x, y) in [(aa, ba), (ac, bc), (al, bl), (at, bt)] where !x.equals(y) {
                    return bytesPrecede(x.buffer, y.buffer)
                }
                return a.isClick && !b.isClick
            }
        }
    }

    /// What a credit of the line comes with: its own row and one for each adjustment that moved something.
    struct Movement {
        var kind: CreditRow.Kind
        var units: Int64
        var amount: Int64
        /// Index into the table's adjustments; nil for the order itself.
        var adjustment: UInt32?
    }

    /// Credit and moves of a line in output order.
    func movements(_ line: UInt32) -> [Movement] {
        let row = table.lines[Int(line)]
        var result = [Movement(kind: .credit, units: row.units, amount: row.amount, adjustment: nil)]
        guard isNet, !table.moves.range(line).isEmpty else { return result }
        for move in table.moves.rows(line) {
            let takes = move.move.units < 0 || move.move.amount < 0
            result.append(
                Movement(
                    kind: takes ? .reversal : .credit, units: move.move.units, amount: move.move.amount,
                    adjustment: move.adjustment))
        }
        result.sort { a, b in
            if a.kind != b.kind { return a.kind == .credit }
            return (a.units, a.amount) < (b.units, b.amount)
        }
        return result
    }

    /// Rows of one line.
    func rows(_ line: UInt32) -> [CreditRow] {
        let winners = sortedWinners(line)
        if winners.isEmpty { return [] }
        let row = table.lines[Int(line)]
        let order = table.orders[Int(row.order)]
        let orderID = table.orderIDs.id(row.order)
        let movements = movements(line)
        var result: [CreditRow] = []
        for winner in winners {
            contest.withTexts(winner.touch) { touchID, advertiser, campaign, lineItem in
                for movement in movements {
                    let adjustment = movement.adjustment.map { table.adjustments[Int($0)] }
                    result.append(
                        CreditRow(
                            orderID: orderID, lineNumber: row.number, policy: contest.rules.policy.name,
                            advertiserID: advertiser.id, campaignID: campaign.id, lineItemID: lineItem.id,
                            touchID: touchID.id, interaction: winner.isClick ? .click : .view,
                            level: MatchLevel(strength: winner.strength), kind: movement.kind,
                            units: movement.units, amountMicros: movement.amount,
                            orderedAt: Timestamp(micros: order.at), touchedAt: Timestamp(micros: winner.at),
                            cause: adjustment.map { .adjustment(table.adjustmentIDs.id($0.id)) } ?? .order,
                            causeAt: Timestamp(micros: adjustment?.at ?? order.at)))
                }
            }
        }
        return result
    }

    /// Appends the output rows of one line; the number of rows.
    func append(_ line: UInt32, to out: inout [UInt8]) -> Int {
        let winners = sortedWinners(line)
        if winners.isEmpty { return 0 }
        let row = table.lines[Int(line)]
        let movements = table.moves.isEmpty ? nil : movements(line)
        var count = 0
        for winner in winners {
            if let movements {
                for movement in movements { appendRow(row, winner, movement, &out) }
                count += movements.count
            } else {
                let credit = Movement(kind: .credit, units: row.units, amount: row.amount, adjustment: nil)
                appendRow(row, winner, credit, &out)
                count += 1
            }
        }
        return count
    }

    private func appendRow(
        _ row: OrderTable.Line, _ winner: Contest.Leader, _ movement: Movement, _ out: inout [UInt8]
    ) {
        table.orderIDs.withBytes(row.order) { CreditCSV.appendCell($0, to: &out) }
        out.append(0x2C)
        CreditCSV.append(row.number, to: &out)
        out.append(0x2C)
        out.append(contentsOf: contest.rules.policy.name.utf8)
        contest.withTexts(winner.touch) { touchID, advertiser, campaign, lineItem in
            for cell in [advertiser, campaign, lineItem, touchID] {
                out.append(0x2C)
                CreditCSV.appendCell(cell.buffer, to: &out)
            }
        }
        CreditCSV.append(winner.isClick ? ",click," : ",view,", to: &out)
        CreditCSV.append(CreditCSV.name(winner.strength), to: &out)
        CreditCSV.append(movement.kind == .credit ? ",credit," : ",reversal,", to: &out)
        CreditCSV.append(movement.units, to: &out)
        out.append(0x2C)
        CreditCSV.append(movement.amount, to: &out)
        out.append(0x0A)
    }
}

/// The bytes of the output file (rule 19).
public enum CreditCSV {
    /// Header with its line end.
    public static let header =
        "order_id,line_no,policy,advertiser_id,campaign_id,line_item_id,touch_id,interaction,level,kind,units,amount_micros\n"

    /// The file of these rows, sorted.
    public static func file(_ rows: some Sequence<CreditRow>) -> [UInt8] {
        var out = Array(header.utf8)
        for row in rows.sorted(by: CreditRow.precedes) {
            append(row.netKey, to: &out)
            append(row.kind == .credit ? ",credit," : ",reversal,", to: &out)
            append(row.units, to: &out)
            out.append(0x2C)
            append(row.amountMicros, to: &out)
            out.append(0x0A)
        }
        return out
    }

    static func append(_ key: NetKey, to out: inout [UInt8]) {
        appendCell(key.orderID.bytes, to: &out)
        out.append(0x2C)
        append(key.lineNumber, to: &out)
        out.append(0x2C)
        out.append(contentsOf: key.policy.utf8)
        for id in [key.advertiserID, key.campaignID, key.lineItemID, key.touchID] {
            out.append(0x2C)
            appendCell(id.bytes, to: &out)
        }
        append(key.interaction == .click ? ",click," : ",view,", to: &out)
        append(name(key.level.strength), to: &out)
    }

    static func name(_ strength: UInt8) -> StaticString {
        switch strength {
        case 4: "sku"
        case 3: "variant"
        case 2: "listed"
        case 1: "brand"
        default: "order"
        }
    }

    static func append(_ text: StaticString, to out: inout [UInt8]) {
        out.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Quotes only around a cell with a comma, a quote, CR or LF.
    public static func appendCell(_ cell: some Collection<UInt8>, to out: inout [UInt8]) {
        guard cell.contains(where: { $0 == 0x2C || $0 == 0x22 || $0 == 0x0A || $0 == 0x0D }) else {
            out.append(contentsOf: cell)
            return
        }
        out.append(0x22)
        for byte in cell {
            if byte == 0x22 { out.append(0x22) }
            out.append(byte)
        }
        out.append(0x22)
    }

    static func append(_ number: Int64, to out: inout [UInt8]) {
        var rest = number.magnitude
        if number < 0 { out.append(0x2D) }
        let start = out.count
        repeat {
            out.append(UInt8(truncatingIfNeeded: rest % 10) + 0x30)
            rest /= 10
        } while rest > 0
        out[start...].reverse()
    }
}
