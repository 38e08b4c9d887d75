import AdModel

/// Reads chunks of a touches file and lets each touch compete. One scanner a thread; afterwards they are joined.
public struct TouchScanner: Sendable {
    /// First and last id of a chunk, kept to see whether ids ascend through the whole file.
    private struct Piece: Sendable {
        var offset: Int
        var first: [UInt8]
        var last: [UInt8]
    }

    private let layout: CSVLayout
    var contest: Contest
    private var owners: CampaignOwners
    private var pieces: [Piece] = []
    private var ascends = true
    /// Rows read, repeated ones included.
    public private(set) var touchCount = 0

    init(_ layout: CSVLayout, _ contest: Contest, _ owners: CampaignOwners) {
        self.layout = layout
        self.contest = contest
        self.owners = owners
    }

    /// - Parameters:
    ///   - chunk: whole rows, the last one ended by LF, with `CSVBytes.padding` bytes after them. Is overwritten.
    ///   - count: bytes of the rows.
    ///   - offset: where the chunk lies in the file.
    mutating func consume(
        _ chunk: UnsafeMutableRawBufferPointer, count: Int, offset: Int, _ table: OrderTable
    ) throws(AttributionError) {
        guard count > 0, let base = chunk.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return }
        let tokenizer = CSVTokenizer(columns: layout.columns, table: .touches)
        let plain = !TouchScanner.hasQuotesOrReturns(UnsafeRawBufferPointer(rebasing: chunk[0..<count]))
        let cells = UnsafeMutablePointer<Cell>.allocate(capacity: layout.columns)
        defer { cells.deallocate() }
        let places = (
            layout.places[0], layout.places[1], layout.places[2], layout.places[3], layout.places[4],
            layout.places[5], layout.places[6], layout.places[7]
        )
        var p = base
        let end = base + count
        var first: Cell?
        var last = Cell.empty
        while p < end {
            let position = offset + (p - base)
            guard try tokenizer.row(&p, cells, plain: plain, end: end, offset: position) else { continue }
            let touchID = cells[places.0]
            let kind = cells[places.3]
            guard let at = cells[places.2].instant, let isClick = TouchScanner.isClick(kind), !touchID.isEmpty else {
                throw invalid(cells, position)
            }
            if first == nil {
                first = touchID
            } else if ascends, !TouchScanner.precedes(last, touchID) {
                ascends = false
            }
            last = touchID
            let campaign = cells[places.5]
            let advertiser = cells[places.4]
            if let claim = owners.claim(campaign, advertiser, position: position) {
                throw claim.error(campaign.id, position: position)
            }
            touchCount += 1
            contest.offer(
                TouchCells(
                    touchID: touchID, shopper: cells[places.1], at: at, isClick: isClick, advertiser: advertiser,
                    campaign: campaign, lineItem: cells[places.6], promoted: .list(cells[places.7])), to: table)
        }
        if let first {
            pieces.append(Piece(offset: offset, first: Array(first.buffer), last: Array(last.buffer)))
        }
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

    private static func hasQuotesOrReturns(_ bytes: UnsafeRawBufferPointer) -> Bool {
        // Sixteen at a time; the compiler turns this into vector compares.
        var i = 0
        var found = SIMD32<UInt8>(repeating: 0)
        let quotes = SIMD32<UInt8>(repeating: 0x22)
        let returns = SIMD32<UInt8>(repeating: 0x0D)
        let one = SIMD32<UInt8>(repeating: 1)
        while i + 32 <= bytes.count {
            let block = bytes.loadUnaligned(fromByteOffset: i, as: SIMD32<UInt8>.self)
            found.replace(with: one, where: (block .== quotes) .| (block .== returns))
            i += 32
        }
        if found.max() > 0 { return true }
        while i < bytes.count {
            if bytes[i] == 0x22 || bytes[i] == 0x0D { return true }
            i += 1
        }
        return false
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
        if !bytes.contains(0x22) {
            return (bytes.lastIndex(of: 0x0A) ?? -1) + 1
        }
        // A line feed between an odd number of quotes and the next is part of a cell.
        var isQuoted = false
        var end = 0
        for (i, byte) in bytes.enumerated() {
            if byte == 0x22 { isQuoted.toggle() } else if byte == 0x0A, !isQuoted { end = i + 1 }
        }
        return end
    }
}
