/// A whole CSV file in memory: what is small enough to be kept. Touches are streamed instead.
public struct CSVBytes: Sendable {
    /// Bytes that a tokenizer may read beyond the end of its input, in this and in every chunk of touches.
    public static let padding = 64

    var bytes: [UInt8]
    /// Bytes of the file, with a line end added when the last one lacks it.
    let count: Int

    /// Fills the buffer with at most `size` bytes; the body returns how many it wrote.
    public init<E: Error>(size: Int, _ fill: (UnsafeMutableRawBufferPointer) throws(E) -> Int) throws(E) {
        var written = 0
        var failure: E?
        bytes = [UInt8](unsafeUninitializedCapacity: size + 1 + CSVBytes.padding) { buffer, initialized in
            let raw = UnsafeMutableRawBufferPointer(buffer)
            do throws(E) { written = try fill(UnsafeMutableRawBufferPointer(rebasing: raw[0..<size])) } catch {
                failure = error
            }
            if written > 0, buffer[written - 1] != 0x0A {
                buffer[written] = 0x0A
                written += 1
            }
            for i in written..<(written + CSVBytes.padding) { buffer[i] = 0 }
            initialized = written + CSVBytes.padding
        }
        if let failure { throw failure }
        count = written
    }

    /// A copy of these bytes.
    public init(_ text: some Collection<UInt8>) {
        self.init(size: text.count) { buffer in
            buffer.copyBytes(from: text)
            return text.count
        }
    }

    /// The line (from 1) that a byte offset lies on.
    public func lineNumber(at offset: Int) -> Int {
        bytes[0..<min(max(offset, 0), count)].count { $0 == 0x0A } + 1
    }
}

/// Cuts rows of RFC 4180 into cells. The input ends with LF and has `CSVBytes.padding` readable bytes after it;
/// quoted cells are unescaped in place.
struct CSVTokenizer {
    let columns: Int
    let table: AttributionTable

    /// Reads the row at `p`, which then stands at the next one; false for a blank line.
    /// - Parameter plain: the input holds neither `"` nor CR, so that a cell ends at the next comma or LF.
    @inline(__always)
    func row(
        _ p: inout UnsafeMutablePointer<UInt8>, _ cells: UnsafeMutablePointer<Cell>, plain: Bool,
        end: UnsafeMutablePointer<UInt8>, offset: Int
    ) throws(AttributionError) -> Bool {
        if !plain { return try slowRow(&p, cells, end: end, offset: offset) }
        var column = 0
        var start = p
        while true {
            // Eight bytes at a time: the lowest marked byte is the first comma or line feed.
            let word = UInt64(littleEndian: UnsafeRawPointer(p).loadUnaligned(as: UInt64.self))
            let commas = word ^ 0x2C2C_2C2C_2C2C_2C2C
            let feeds = word ^ 0x0A0A_0A0A_0A0A_0A0A
            let ones: UInt64 = 0x0101_0101_0101_0101
            let marks = (((commas &- ones) & ~commas) | ((feeds &- ones) & ~feeds)) & 0x8080_8080_8080_8080
            if marks == 0 {
                p += 8
                continue
            }
            p += marks.trailingZeroBitCount >> 3
            cells[column] = Cell(start, p - start)
            column += 1
            let isEnd = p.pointee == 0x0A
            p += 1
            start = p
            if column == columns {
                if isEnd { return true }
                throw tooMany(offset)
            }
            if isEnd {
                if column == 1, cells[0].isEmpty { return false }
                throw tooFew(offset, column)
            }
        }
    }

    @inline(never)
    private func slowRow(
        _ p: inout UnsafeMutablePointer<UInt8>, _ cells: UnsafeMutablePointer<Cell>,
        end: UnsafeMutablePointer<UInt8>, offset: Int
    ) throws(AttributionError) -> Bool {
        var column = 0
        while true {
            let cell: Cell
            var wasQuoted = false
            if p.pointee == 0x22 {
                wasQuoted = true
                cell = try quoted(&p, end, offset)
            } else {
                let start = p
                while p.pointee != 0x2C, p.pointee != 0x0A {
                    if p.pointee == 0x22 {
                        throw malformed(
                            offset, "a quote inside a cell that is not quoted; quote the cell and double it")
                    }
                    p += 1
                }
                let hasReturn = p.pointee == 0x0A && p > start && (p - 1).pointee == 0x0D
                cell = Cell(start, p - start - (hasReturn ? 1 : 0))
            }
            guard column < columns else { throw tooMany(offset) }
            cells[column] = cell
            column += 1
            let isEnd = p.pointee == 0x0A
            p += 1
            if isEnd {
                if column == columns { return true }
                if column == 1, cell.isEmpty, !wasQuoted { return false }
                throw tooFew(offset, column)
            }
        }
    }

    /// A quoted cell; `p` then stands at the comma or line feed after it.
    private func quoted(
        _ p: inout UnsafeMutablePointer<UInt8>, _ end: UnsafeMutablePointer<UInt8>, _ offset: Int
    ) throws(AttributionError) -> Cell {
        let start = p + 1
        var write = start
        p += 1
        while true {
            guard p < end else { throw malformed(offset, "a quoted cell does not end") }
            if p.pointee == 0x22 {
                p += 1
                if p.pointee != 0x22 { break }
            }
            write.pointee = p.pointee
            write += 1
            p += 1
        }
        if p.pointee == 0x0D, p[1] == 0x0A { p += 1 }
        guard p < end, p.pointee == 0x2C || p.pointee == 0x0A else {
            throw malformed(offset, "text after the closing quote of a cell")
        }
        return Cell(start, write - start)
    }

    private func malformed(_ offset: Int, _ why: String) -> AttributionError {
        AttributionError(code: "invalid_file", message: why, table: table, position: offset)
    }

    @inline(never)
    private func tooMany(_ offset: Int) -> AttributionError {
        malformed(offset, "the row has more cells than the header, which has \(columns)")
    }

    @inline(never)
    private func tooFew(_ offset: Int, _ count: Int) -> AttributionError {
        malformed(offset, "the row has \(count) cells, the header \(columns)")
    }
}

/// Where the wanted columns of a file are.
public struct CSVLayout: Sendable {
    /// Longest header row in bytes.
    public static let headerLimit = 65_536

    let table: AttributionTable
    let columns: Int
    /// By wanted column: its place in the row.
    let places: [Int]
    /// Bytes of the byte-order mark and the header row: the rows start here.
    public let length: Int

    /// Reads the header. Columns may come in any order and extra ones are ignored; a byte-order mark is skipped.
    /// - Parameter prefix: the file's first bytes, with the whole header row in it.
    public init(_ table: AttributionTable, prefix: some Collection<UInt8>) throws(AttributionError) {
        func refuse(_ why: String) -> AttributionError {
            AttributionError(code: "invalid_file", message: why, table: table, position: 0)
        }
        var head = Array(prefix.prefix(CSVLayout.headerLimit))
        let mark = head.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        head.append(0x0A)
        guard head.count > mark + 1 else { throw refuse("the file is empty; it needs at least a header") }
        let most = head.count { $0 == 0x2C } + 1
        let end = head.count
        head.append(contentsOf: repeatElement(0, count: CSVBytes.padding))
        var names: [[UInt8]] = []
        var length = 0
        var failure: AttributionError?
        head.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            var p = base + mark
            var limit = 1
            // The number of columns is not known yet: try what the row turns out to have.
            while limit <= most {
                var copy = Array(UnsafeBufferPointer(start: base, count: buffer.count))
                let done: Bool = copy.withUnsafeMutableBufferPointer { copied in
                    guard let start = copied.baseAddress else { return true }
                    p = start + mark
                    let cells = UnsafeMutablePointer<Cell>.allocate(capacity: limit)
                    defer { cells.deallocate() }
                    do throws(AttributionError) {
                        let tokenizer = CSVTokenizer(columns: limit, table: table)
                        guard try tokenizer.row(&p, cells, plain: false, end: start + end, offset: 0) else {
                            failure = refuse("the first line is blank; it must be the header")
                            return true
                        }
                        names = (0..<limit).map { Array(cells[$0].buffer) }
                        length = p - start
                        failure = nil
                        return true
                    } catch {
                        failure = error
                        return false
                    }
                }
                if done { break }
                limit += 1
            }
        }
        if let failure { throw failure }
        let wanted = CSVLayout.columns(of: table)
        var places: [Int] = []
        for name in wanted {
            let found = names.indices.filter { names[$0] == Array(name.utf8) }
            guard let place = found.first else {
                throw refuse("the header lacks the column \(name); needed are \(wanted.joined(separator: ","))")
            }
            guard found.count == 1 else { throw refuse("the header names the column \(name) twice") }
            places.append(place)
        }
        self.table = table
        columns = names.count
        self.places = places
        self.length = length
    }

    /// The columns of each file, as documented.
    public static func columns(of table: AttributionTable) -> [String] {
        switch table {
        case .touches:
            [
                "touch_id", "shopper_id", "occurred_at", "kind", "advertiser_id", "campaign_id", "line_item_id",
                "promoted_skus",
            ]
        case .lines:
            ["order_id", "line_no", "shopper_id", "ordered_at", "channel", "sku", "units", "net_amount_micros"]
        case .products: ["sku", "group_id", "brand_id", "category_id"]
        case .campaigns:
            [
                "campaign_id", "advertiser_id", "brand_ids", "listed_skus", "listed_categories", "valid_from",
                "valid_to",
            ]
        case .brands: ["alias", "brand_id", "valid_from", "valid_to"]
        case .grants: ["advertiser_id", "brand_id", "valid_from", "valid_to"]
        case .links: ["visitor_id", "customer_id", "linked_at"]
        case .adjustments:
            ["adjustment_id", "order_id", "line_no", "occurred_at", "kind", "units", "amount_micros"]
        case .rivals: ["order_id", "line_no", "touch_id", "kind", "occurred_at", "level"]
        }
    }
}
