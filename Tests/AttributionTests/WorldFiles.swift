import AdModel
import Attribution

/// A world written as the files of `nimb attribute`, and a run over such files.
struct WorldFiles {
    /// Harmless ways to write the same rows (rule 1).
    struct Style {
        var mark = false
        var returns = false
        var extraColumn = false
        var reversedColumns = false
        var quotesEverything = false
        var withoutLastLineEnd = false
        static let plain = Style()
        static let baroque = Style(
            mark: true, returns: true, extraColumn: true, reversedColumns: true, quotesEverything: true,
            withoutLastLineEnd: true)
    }

    var texts: [AttributionTable: [UInt8]]

    init(texts: [AttributionTable: [UInt8]]) { self.texts = texts }

    init(_ world: World, style: Style = .plain) {
        texts = [:]
        for table in AttributionTable.allCases {
            let rows = WorldFiles.rows(world, table)
            if rows.isEmpty, table != .touches, table != .lines, table != .products { continue }
            texts[table] = WorldFiles.text(CSVLayout.columns(of: table), rows, style)
        }
    }

    static func text(_ header: [String], _ rows: [[String]], _ style: Style) -> [UInt8] {
        var out: [UInt8] = style.mark ? [0xEF, 0xBB, 0xBF] : []
        let end = style.returns ? "\r\n" : "\n"
        for var row in [header] + rows {
            if style.reversedColumns { row.reverse() }
            if style.extraColumn { row.insert("note, \"x\"\nmore", at: row.count / 2) }
            let cells = row.map { cell in
                let needs = cell.utf8.contains { $0 == 0x2C || $0 == 0x22 || $0 == 0x0A || $0 == 0x0D }
                guard needs || style.quotesEverything else { return cell }
                return "\"" + cell.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"")
                    + "\""
            }
            out += Array((cells.joined(separator: ",") + end).utf8)
        }
        if style.withoutLastLineEnd { out.removeLast(end.utf8.count) }
        return out
    }

    private static func rows(_ world: World, _ table: AttributionTable) -> [[String]] {
        func list(_ ids: [AttributionID]) -> String { ids.map(\.text).joined(separator: "|") }
        func at(_ time: Timestamp?) -> String { time.map { String($0.micros) } ?? "" }
        func number(_ value: Int64?) -> String { value.map(String.init) ?? "" }
        switch table {
        case .touches:
            return world.touches.map {
                [
                    $0.touchID.text, $0.shopperID.text, at($0.occurredAt), $0.kind.rawValue, $0.advertiserID.text,
                    $0.campaignID.text, $0.lineItemID.text, list($0.promotedSKUs),
                ]
            }
        case .lines:
            return world.lines.map {
                [
                    $0.orderID.text, String($0.lineNumber), $0.shopperID.text, at($0.orderedAt), $0.channel.rawValue,
                    $0.sku.text, String($0.units), String($0.netAmountMicros),
                ]
            }
        case .products:
            return world.products.map { [$0.sku.text, $0.groupID.text, $0.brandID.text, list($0.categoryIDs)] }
        case .campaigns:
            return world.campaigns.map {
                [
                    $0.campaignID.text, $0.advertiserID.text, list($0.brandIDs), list($0.listedSKUs),
                    list($0.listedCategoryIDs), at($0.validFrom), at($0.validTo),
                ]
            }
        case .brands:
            return world.aliases.map { [$0.alias.text, $0.brandID.text, at($0.validFrom), at($0.validTo)] }
        case .grants:
            return world.grants.map { [$0.advertiserID.text, $0.brandID.text, at($0.validFrom), at($0.validTo)] }
        case .links:
            return world.links.map { [$0.visitorID.text, $0.customerID.text, at($0.linkedAt)] }
        case .adjustments:
            return world.adjustments.map {
                [
                    $0.adjustmentID.text, $0.orderID.text, number($0.lineNumber), at($0.occurredAt), $0.kind.rawValue,
                    number($0.units), number($0.amountMicros),
                ]
            }
        case .rivals:
            return world.rivals.map {
                [
                    $0.orderID.text, String($0.lineNumber), $0.touchID.text, $0.kind.rawValue, at($0.occurredAt),
                    $0.level.rawValue,
                ]
            }
        }
    }

    // MARK: Running

    private func file(_ table: AttributionTable) -> CSVBytes? { texts[table].map { CSVBytes($0) } }

    /// Runs over the files, touches cut into chunks of about `chunk` bytes dealt to `parts` scanners.
    func run(_ policy: AttributionPolicy, chunk: Int = 1 << 20, parts: Int = 1) throws -> [UInt8] {
        let files = AttributionJob.Files(
            lines: file(.lines) ?? CSVBytes([]), products: file(.products) ?? CSVBytes([]),
            campaigns: file(.campaigns), brands: file(.brands), grants: file(.grants), links: file(.links),
            adjustments: file(.adjustments), rivals: file(.rivals))
        let job = try AttributionJob(files, policy: policy)
        let touches = texts[.touches] ?? []
        let layout = try CSVLayout(.touches, prefix: touches)
        var scanners = (0..<parts).map { _ in job.scanner(layout) }
        let chunks = WorldFiles.chunks(touches, from: layout.length, about: chunk)
        for (i, piece) in chunks.enumerated() {
            try WorldFiles.withBuffer(piece.bytes) { buffer, count in
                try job.consume(buffer, count: count, offset: piece.offset, with: &scanners[i % parts])
            }
        }
        if !TouchScanner.idsAscend(scanners) {
            var repeated = RepeatedTouches(layout)
            for piece in chunks {
                try WorldFiles.withBuffer(piece.bytes) { try repeated.note($0, count: $1, offset: piece.offset) }
            }
            if repeated.needsSecondPass() {
                for piece in chunks {
                    try WorldFiles.withBuffer(piece.bytes) { try repeated.check($0, count: $1, offset: piece.offset) }
                }
            }
        }
        return try job.finish(scanners).csv
    }

    private static func chunks(_ text: [UInt8], from start: Int, about size: Int) -> [(offset: Int, bytes: [UInt8])] {
        var result: [(offset: Int, bytes: [UInt8])] = []
        var at = start
        var length = size
        while at < text.count {
            let end = min(text.count, at + length)
            var bytes = Array(text[at..<end])
            if end == text.count, bytes.last != 0x0A { bytes.append(0x0A) }
            let rows = bytes.withUnsafeBytes { RowBoundary.last(in: $0) }
            if rows == 0 {
                // No row ends here: look further, and at the end of the file take what there is.
                if end == text.count {
                    result.append((at, bytes))
                    return result
                }
                length += size
                continue
            }
            result.append((at, Array(bytes[0..<rows])))
            at += rows
            length = size
        }
        return result
    }

    private static func withBuffer(_ bytes: [UInt8], _ body: (UnsafeMutableRawBufferPointer, Int) throws -> Void) throws
    {
        var padded = bytes + [UInt8](repeating: 0, count: CSVBytes.padding)
        try padded.withUnsafeMutableBytes { try body($0, bytes.count) }
    }
}
