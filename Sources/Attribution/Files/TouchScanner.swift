import AdModel

/// Reads chunks of a touches file and lets each touch compete. One scanner a thread; afterwards they are joined.
public struct TouchScanner: Sendable {
    /// First and last id of a chunk, kept to see whether ids ascend through the whole file.
    private struct Piece: Sendable {
        var offset: Int
        var first: [UInt8]
        var last: [UInt8]
    }

    /// Places of the wanted columns in a row.
    private struct Places: Sendable {
        var touchID: Int
        var shopper: Int
        var at: Int
        var kind: Int
        var advertiser: Int
        var campaign: Int
        var lineItem: Int
        var promoted: Int
    }

    private let layout: CSVLayout
    private let places: Places
    private let batch = Batch()
    var contest: Contest
    private var owners: CampaignOwners
    private var pieces: [Piece] = []
    private var ascends = true
    /// Rows read, repeated ones included.
    public private(set) var touchCount = 0

    init(_ layout: CSVLayout, _ contest: Contest, _ owners: CampaignOwners) {
        self.layout = layout
        let p = layout.places
        places = Places(
            touchID: p[0], shopper: p[1], at: p[2], kind: p[3], advertiser: p[4], campaign: p[5], lineItem: p[6],
            promoted: p[7])
        self.contest = contest
        self.owners = owners
    }

    /// - Parameters:
    ///   - chunk: whole rows, the last one ended by LF, with `CSVBytes.padding` bytes after them. Is overwritten.
    ///   - count: bytes of the rows.
    ///   - offset: where the chunk lies in the file.
    mutating func consume(
        _ chunk: UnsafeMutableRawBufferPointer, count: Int, offset: Int, _ table: OrderTable, _ filter: TouchFilter
    ) throws(AttributionError) {
        guard count > 0, let base = chunk.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return }
        let plain = !RowBoundary.contains(UnsafeBufferPointer(start: base, count: count), 0x22, 0x0D)
        var first: [UInt8]?
        var last = Cell.empty
        var p = base
        let end = base + count
        try batch.withMemory(layout.columns) { memory throws(AttributionError) in
            while p < end {
                let rows = try read(&p, end, offset - Int(bitPattern: base), plain, memory, filter, &last)
                if first == nil, rows > 0 { first = Array(memory.cells[layout.places[0]].buffer) }
                touchCount += rows
                offerSurvivors(memory, rows, filter, table)
            }
        }
        if let first { pieces.append(Piece(offset: offset, first: first, last: Array(last.buffer))) }
    }

    /// Rows that are read before any of them is looked up: the lookups then wait for memory together.
    private struct Batch: Sendable {
        static let rows = TouchProbe.batch

        struct Memory {
            let cells: UnsafeMutablePointer<Cell>
            let probes: UnsafeMutablePointer<TouchProbe>
        }

        func withMemory(
            _ columns: Int, _ body: (Memory) throws(AttributionError) -> Void
        ) throws(AttributionError) {
            let cells = UnsafeMutablePointer<Cell>.allocate(capacity: columns * Batch.rows)
            let probes = UnsafeMutablePointer<TouchProbe>.allocate(capacity: Batch.rows)
            defer {
                cells.deallocate()
                probes.deallocate()
            }
            try body(Memory(cells: cells, probes: probes))
        }
    }

    /// Reads and checks up to a batch of rows; how many there were.
    /// - Parameter bias: what makes an address a byte offset in the file.
    @inline(__always)
    private mutating func read(
        _ p: inout UnsafeMutablePointer<UInt8>, _ end: UnsafeMutablePointer<UInt8>, _ bias: Int, _ plain: Bool,
        _ memory: Batch.Memory, _ filter: TouchFilter, _ last: inout Cell
    ) throws(AttributionError) -> Int {
        let tokenizer = CSVTokenizer(columns: layout.columns, table: .touches)
        var count = 0
        while p < end, count < Batch.rows {
            let position = Int(bitPattern: p) + bias
            let cells = memory.cells + count * layout.columns
            guard try tokenizer.row(&p, cells, plain: plain, end: end, offset: position) else { continue }
            let touchID = cells[places.touchID]
            guard let at = cells[places.at].instant, let isClick = TouchScanner.isClick(cells[places.kind]),
                !touchID.isEmpty
            else { throw invalid(cells, position) }
            if ascends, !last.isEmpty, !TouchScanner.precedes(last, touchID) { ascends = false }
            last = touchID
            if let claim = owners.claim(cells[places.campaign], cells[places.advertiser], position: position) {
                throw claim.error(cells[places.campaign].id, position: position)
            }
            memory.probes[count] = TouchProbe(
                at: at, parts: filter.parts(from: at, window: contest.rules.window(isClick: isClick)),
                hash: IDKey(cells[places.shopper]).hash, targets: 0..<0, isClick: isClick)
            count += 1
        }
        return count
    }

    /// Lets those touches compete that may matter.
    @inline(__always)
    private mutating func offerSurvivors(
        _ memory: Batch.Memory, _ count: Int, _ filter: TouchFilter, _ table: OrderTable
    ) {
        let (columns, places) = (layout.columns, places)
        contest.offer(
            memory.probes, count, filter, table, shopper: { memory.cells[$0 * columns + places.shopper] },
            touch: { i, probe in
                let cells = memory.cells + i * columns
                return TouchCells(
                    touchID: cells[places.touchID], shopper: cells[places.shopper], at: probe.at,
                    isClick: probe.isClick, advertiser: cells[places.advertiser], campaign: cells[places.campaign],
                    lineItem: cells[places.lineItem], promoted: .list(cells[places.promoted]))
            })
    }

    @inline(__always)
    static func isClick(_ kind: Cell) -> Bool? {
        guard let base = kind.base else { return nil }
        let raw = UnsafeRawPointer(base)
        if kind.count == 4, raw.loadUnaligned(as: UInt32.self) == UInt32(littleEndian: 0x7765_6976) { return false }
        if kind.count == 5, raw.loadUnaligned(as: UInt32.self) == UInt32(littleEndian: 0x6369_6C63), base[4] == 0x6B {
            return true
        }
        return nil
    }

    @inline(never)
    private func invalid(_ cells: UnsafeMutablePointer<Cell>, _ position: Int) -> AttributionError {
        let row = CSVRow(cells: cells, layout: layout, offset: position)
        if row[0].isEmpty { return .row(.touches, position, "touch_id is empty; every touch has an id of its own") }
        do throws(AttributionError) {
            _ = try row.instant(2)
            _ = try row.kind(3)
        } catch { return error }
        return .row(.touches, position, "the row cannot be read")
    }

    /// Strictly ascending by bytes.
    @inline(__always)
    private static func precedes(_ a: Cell, _ b: Cell) -> Bool {
        guard a.count == b.count, a.count >= 8, a.count <= 16, let x = a.base, let y = b.base else {
            return bytesPrecede(a.buffer, b.buffer)
        }
        let (rawX, rawY) = (UnsafeRawPointer(x), UnsafeRawPointer(y))
        let headX = UInt64(bigEndian: rawX.loadUnaligned(as: UInt64.self))
        let headY = UInt64(bigEndian: rawY.loadUnaligned(as: UInt64.self))
        if headX != headY { return headX < headY }
        let tailX = UInt64(bigEndian: rawX.loadUnaligned(fromByteOffset: a.count - 8, as: UInt64.self))
        let tailY = UInt64(bigEndian: rawY.loadUnaligned(fromByteOffset: a.count - 8, as: UInt64.self))
        return tailX < tailY
    }

    /// Takes over what another part of the same file found.
    mutating func merge(_ other: TouchScanner) throws(AttributionError) {
        if let (first, second) = owners.merge(other.owners) {
            throw AttributionError(
                code: "conflict", message: "a campaign has two advertisers; keep one", table: second.table,
                position: second.position, otherTable: first.table, otherPosition: first.position)
        }
        contest.merge(other.contest)
        pieces += other.pieces
        ascends = ascends && other.ascends
        touchCount += other.touchCount
    }

    /// True when touch ids ascend strictly through the file that these scanners read: then none is repeated.
    public static func idsAscend(_ parts: [TouchScanner]) -> Bool {
        guard parts.allSatisfy(\.ascends) else { return false }
        let pieces = parts.flatMap(\.pieces).sorted { $0.offset < $1.offset }
        return zip(pieces, pieces.dropFirst()).allSatisfy { $0.last.lexicographicallyPrecedes($1.first) }
    }
}

/// Finds where rows end, so that a file can be read in chunks of whole rows.
public enum RowBoundary {
    /// End of the last whole row of a buffer that starts at a row; 0 when no row ends in it.
    public static func last(in bytes: UnsafeRawBufferPointer) -> Int {
        if !contains(bytes.bindMemory(to: UInt8.self), 0x22, 0x22) {
            var end = bytes.count
            while end > 0, bytes[end - 1] != 0x0A { end -= 1 }
            return end
        }
        // A line feed between an odd number of quotes and the next is part of a cell.
        var isQuoted = false
        var end = 0
        for (i, byte) in bytes.enumerated() {
            if byte == 0x22 { isQuoted.toggle() } else if byte == 0x0A, !isQuoted { end = i + 1 }
        }
        return end
    }

    /// Whether one of two bytes occurs.
    static func contains(_ bytes: UnsafeBufferPointer<UInt8>, _ a: UInt8, _ b: UInt8) -> Bool {
        var start = 0
        while start < bytes.count {
            // Without a way out of the loop the compiler compares many bytes at once.
            let end = min(bytes.count, start + 4_096)
            var found: UInt8 = 0
            for i in start..<end { found |= (bytes[i] == a ? 1 : 0) | (bytes[i] == b ? 1 : 0) }
            if found != 0 { return true }
            start = end
        }
        return false
    }
}
