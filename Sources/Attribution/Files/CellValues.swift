import AdModel

extension Cell {
    /// A decimal integer with an optional minus; nil for anything else and beyond Int64.
    @inline(__always)
    var integer: Int64? {
        guard let base, count > 0 else { return nil }
        if count == 16, let value = Cell.eightDigits(base), let rest = Cell.eightDigits(base + 8) {
            return Int64(value &* 100_000_000 &+ rest)
        }
        return slowInteger
    }

    private var slowInteger: Int64? {
        guard let base else { return nil }
        let isNegative = base[0] == 0x2D
        var i = isNegative ? 1 : 0
        guard i < count else { return nil }
        var value: Int64 = 0
        while i < count {
            let digit = base[i] &- 0x30
            guard digit <= 9 else { return nil }
            let (tens, o1) = value.multipliedReportingOverflow(by: 10)
            let (next, o2) = tens.subtractingReportingOverflow(Int64(digit))
            guard !o1, !o2 else { return nil }
            // Counted downwards, so that the smallest Int64 can be read too.
            value = next
            i += 1
        }
        if isNegative { return value }
        return value == Int64.min ? nil : -value
    }

    @inline(__always)
    private static func eightDigits(_ base: UnsafePointer<UInt8>) -> UInt64? {
        let word = UInt64(littleEndian: UnsafeRawPointer(base).loadUnaligned(as: UInt64.self))
        let digits = word &- 0x3030_3030_3030_3030
        guard (digits | (digits &+ 0x7676_7676_7676_7676)) & 0x8080_8080_8080_8080 == 0,
            word & 0x8080_8080_8080_8080 == 0
        else { return nil }
        // Pairs, then fours, then eight digits.
        let pairs = (digits &* 10) &+ (digits &>> 8)
        let low = (pairs & 0x0000_00FF_0000_00FF) &* 0x000F_4240_0000_0064
        let high = ((pairs &>> 16) & 0x0000_00FF_0000_00FF) &* 0x0000_2710_0000_0001
        return (low &+ high) &>> 32
    }

    /// RFC 3339 with a zone, or integer Unix microseconds; nil for anything else, a bare date among it.
    @inline(__always)
    var instant: Int64? {
        if let integer { return integer }
        return Timestamp(rfc3339: buffer)?.micros
    }

    /// Elements of a `|` list as ids.
    var list: [AttributionID] {
        var result: [AttributionID] = []
        forEachElement { result.append($0.id) }
        return result
    }

    /// For messages: what the cell says, shortened.
    var quotedText: String {
        let text = String(decoding: buffer.prefix(40), as: UTF8.self)
        return "\"\(text)\(count > 40 ? "…" : "")\""
    }
}

/// The cells of a row by wanted column, with the errors of a file.
struct CSVRow {
    let cells: UnsafeMutablePointer<Cell>
    let layout: CSVLayout
    let offset: Int

    @inline(__always)
    subscript(_ column: Int) -> Cell { cells[layout.places[column]] }

    func integer(_ column: Int) throws(AttributionError) -> Int64 {
        guard let value = self[column].integer else {
            throw bad(column, "must be an integer of 64 bits")
        }
        return value
    }

    func optionalInteger(_ column: Int) throws(AttributionError) -> Int64? {
        self[column].isEmpty ? nil : try integer(column)
    }

    func instant(_ column: Int) throws(AttributionError) -> Int64 {
        guard let value = self[column].instant else {
            throw bad(column, "must be an RFC 3339 instant with a zone or integer Unix microseconds")
        }
        return value
    }

    func optionalInstant(_ column: Int) throws(AttributionError) -> Timestamp? {
        self[column].isEmpty ? nil : Timestamp(micros: try instant(column))
    }

    func kind(_ column: Int) throws(AttributionError) -> Interaction {
        if self[column].equals("click") { return .click }
        if self[column].equals("view") { return .view }
        throw bad(column, "must be click or view")
    }

    func bad(_ column: Int, _ must: String) -> AttributionError {
        .row(
            layout.table, offset,
            "\(CSVLayout.columns(of: layout.table)[column]) \(must), not \(self[column].quotedText)")
    }
}

extension CSVBytes {
    /// Reads the header and calls the body with every row.
    mutating func forEachRow(
        _ table: AttributionTable, _ body: (CSVRow) throws(AttributionError) -> Void
    ) throws(AttributionError) {
        let layout = try CSVLayout(table, prefix: bytes[0..<count])
        var failure: AttributionError?
        let size = count
        bytes.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            let plain = !RowBoundary.contains(UnsafeBufferPointer(rebasing: buffer[layout.length..<size]), 0x22, 0x0D)
            let cells = UnsafeMutablePointer<Cell>.allocate(capacity: layout.columns)
            defer { cells.deallocate() }
            let tokenizer = CSVTokenizer(columns: layout.columns, table: table)
            var p = base + layout.length
            let end = base + size
            do throws(AttributionError) {
                while p < end {
                    let offset = p - base
                    guard try tokenizer.row(&p, cells, plain: plain, end: end, offset: offset) else { continue }
                    try body(CSVRow(cells: cells, layout: layout, offset: offset))
                }
            } catch { failure = error }
        }
        if let failure { throw failure }
    }
}
