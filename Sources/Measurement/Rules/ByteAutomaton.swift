/// Aho-Corasick over lower-cased bytes with a dense transition table, its columns reduced to the bytes that occur in
/// patterns: one table look-up per byte of input.
struct ByteAutomaton: Sendable {
    struct Pattern: Sendable {
        var bytes: [UInt8]
        var atStart: Bool
        var atEnd: Bool
        var isPeople: Bool
    }

    private struct Output: Sendable {
        var length: Int32
        var atStart: Bool
        var atEnd: Bool
        var isPeople: Bool
    }

    /// Column of each byte, upper case folded; 0 for bytes that no pattern has.
    private let column: [UInt8]
    private let columns: Int
    /// Next state by state x column.
    private let next: [Int32]
    /// Range of `outputs` that end in each state, by prefix sum.
    private let firstOutput: [Int32]
    private let outputs: [Output]

    init(_ patterns: [Pattern]) {
        var column = [UInt8](repeating: 0, count: 256)
        var columns = 1
        for byte in patterns.flatMap(\.bytes) where column[Int(byte)] == 0 {
            // 255 columns are enough: upper-case letters never occur in patterns.
            column[Int(byte)] = UInt8(columns)
            columns += 1
        }
        for upper in 0x41...0x5A { column[upper] = column[upper | 0x20] }

        var next = [Int32](repeating: -1, count: columns)
        var ends: [[Output]] = [[]]
        for pattern in patterns {
            var state = 0
            for byte in pattern.bytes {
                let edge = state * columns + Int(column[Int(byte)])
                if next[edge] < 0 {
                    next[edge] = Int32(ends.count)
                    ends.append([])
                    next.append(contentsOf: repeatElement(-1, count: columns))
                }
                state = Int(next[edge])
            }
            ends[state].append(
                Output(
                    length: Int32(pattern.bytes.count), atStart: pattern.atStart, atEnd: pattern.atEnd,
                    isPeople: pattern.isPeople))
        }

        // Breadth first: a state's fallback is nearer to the root, so it is complete when it is needed.
        var fallback = [Int](repeating: 0, count: ends.count)
        var queue: [Int] = []
        for c in 0..<columns {
            if next[c] < 0 {
                next[c] = 0
            } else {
                queue.append(Int(next[c]))
            }
        }
        var head = 0
        while head < queue.count {
            let state = queue[head]
            head += 1
            ends[state] += ends[fallback[state]]
            for c in 0..<columns {
                let edge = state * columns + c
                let behind = next[fallback[state] * columns + c]
                if next[edge] < 0 {
                    next[edge] = behind
                } else {
                    fallback[Int(next[edge])] = Int(behind)
                    queue.append(Int(next[edge]))
                }
            }
        }
        var firstOutput: [Int32] = [0]
        for end in ends { firstOutput.append((firstOutput.last ?? 0) + Int32(end.count)) }
        self.column = column
        self.columns = columns
        self.next = next
        self.firstOutput = firstOutput
        outputs = ends.flatMap { $0 }
    }

    /// Whether a pattern of machines occurs for which `counts(start, end)` holds, then the search ends; else whether one
    /// of people does.
    func scan(_ bytes: UnsafeRawBufferPointer, where counts: (Int, Int) -> Bool) -> (machine: Bool, people: Bool) {
        var state = 0
        var end = 0
        var people = false
        for byte in bytes {
            end += 1
            state = Int(next[state * columns + Int(column[Int(byte)])])
            let first = Int(firstOutput[state])
            let last = Int(firstOutput[state + 1])
            if first == last { continue }
            for output in outputs[first..<last] {
                let start = end - Int(output.length)
                if output.atStart && start != 0 || output.atEnd && end != bytes.count { continue }
                if output.isPeople {
                    people = true
                } else if counts(start, end) {
                    return (true, people)
                }
            }
        }
        return (false, people)
    }

    @inline(__always)
    static func lowercased(_ byte: UInt8) -> UInt8 { byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte }
}
