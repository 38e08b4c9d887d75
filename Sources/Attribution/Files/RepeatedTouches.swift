import AdModel

/// Finds repeated touch ids in a file whose ids do not ascend (rule 5): first the hashes of all ids, then, only if a
/// hash comes twice, the content of those rows.
public struct RepeatedTouches: Sendable {
    private let layout: CSVLayout
    private var hashes: [UInt64] = []
    private var suspects: Set<UInt64> = []
    private var contents: [Digest: (content: Digest, position: Int)] = [:]

    /// 128 bits of a hash; an id of at most 15 bytes is its own.
    private struct Digest: Hashable, Sendable {
        var low: UInt64
        var high: UInt64

        mutating func add(_ cell: Cell) {
            let key = IDKey(cell)
            low = IDKey.mix(low ^ key.low, 0x9E37_79B9_7F4A_7C15 ^ key.high)
            high = IDKey.mix(high &+ key.high, 0xD1B5_4A32_D192_ED03 ^ key.low &+ low)
        }
    }

    public init(_ layout: CSVLayout) { self.layout = layout }

    /// First pass: notes the ids of a chunk.
    public mutating func note(_ chunk: UnsafeMutableRawBufferPointer, count: Int, offset: Int) throws(AttributionError)
    {
        try RepeatedTouches.forEachRow(layout, chunk, count, offset) { cells, _ in
            let key = IDKey(cells[layout.places[0]])
            hashes.append(IDKey.mix(key.low ^ 0xA076_1D64_78BD_642F, key.high ^ 0xE703_7ED1_A0B4_28DB))
        }
    }

    /// Ends the first pass; true when a second one is needed.
    public mutating func needsSecondPass() -> Bool {
        // By the top bits first: each part then sorts within the cache.
        var parts = [[UInt64]](repeating: [], count: 256)
        for hash in hashes { parts[Int(hash >> 56)].append(hash) }
        hashes = []
        for i in parts.indices {
            parts[i].sort()
            for (a, b) in zip(parts[i], parts[i].dropFirst()) where a == b { suspects.insert(a) }
            parts[i] = []
        }
        return !suspects.isEmpty
    }

    /// Second pass: compares rows with one id.
    public mutating func check(
        _ chunk: UnsafeMutableRawBufferPointer, count: Int, offset: Int
    ) throws(AttributionError) {
        var failure: AttributionError?
        try RepeatedTouches.forEachRow(layout, chunk, count, offset) { cells, position in
            let id = cells[layout.places[0]]
            let key = IDKey(id)
            let hash = IDKey.mix(key.low ^ 0xA076_1D64_78BD_642F, key.high ^ 0xE703_7ED1_A0B4_28DB)
            guard failure == nil, suspects.contains(hash) else { return }
            let content = content(cells)
            let digest = Digest(low: key.low, high: key.high)
            if let old = contents[digest] {
                if old.content != content {
                    failure = .conflict(
                        .touches, position, old.position,
                        "touch \(id.id.text) is given twice with different content")
                }
            } else {
                contents[digest] = (content, position)
            }
        }
        if let failure { throw failure }
    }

    private func content(_ cells: UnsafeMutablePointer<Cell>) -> Digest {
        let row = CSVRow(cells: cells, layout: layout, offset: 0)
        let at = UInt64(bitPattern: row[2].instant ?? 0)
        var digest = Digest(low: at, high: IDKey.mix(at ^ 0x5899_65CC_7537_4CC3, 0x8EBC_6AF0_9C88_C6E3))
        for column in [1, 3, 4, 5, 6] { digest.add(row[column]) }
        row[7].forEachElement { digest.add($0) }
        return digest
    }

    private static func forEachRow(
        _ layout: CSVLayout, _ chunk: UnsafeMutableRawBufferPointer, _ count: Int, _ offset: Int,
        _ body: (UnsafeMutablePointer<Cell>, Int) -> Void
    ) throws(AttributionError) {
        guard count > 0, let base = chunk.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return }
        let cells = UnsafeMutablePointer<Cell>.allocate(capacity: layout.columns)
        defer { cells.deallocate() }
        let tokenizer = CSVTokenizer(columns: layout.columns, table: .touches)
        let plain = !chunk[0..<count].contains { $0 == 0x22 || $0 == 0x0D }
        var p = base
        let end = base + count
        while p < end {
            let position = offset + (p - base)
            if try tokenizer.row(&p, cells, plain: plain, end: end, offset: position) { body(cells, position) }
        }
    }
}
