import AdModel

/// A trained model: log-odds weights of hashed features, calibrated, with how much is known of each.
public struct ClickWeights: Equatable, Sendable {
    public struct Entry: Equatable, Sendable {
        /// Place in the table, below 2^`ClickFeature.bits`.
        public var index: UInt32
        /// Added to the log-odds.
        public var weight: Float
        /// Sum of p(1 - p) over the examples that had the feature: about the clicks that it was seen with.
        public var evidence: Float

        public init(index: UInt32, weight: Float, evidence: Float) {
            self.index = index
            self.weight = weight
            self.evidence = evidence
        }
    }

    /// Number of the stored version; 0 = not stored.
    public var version: Int32
    /// In rising order of index.
    public let entries: [Entry]

    /// Entries at most: a model is read whole by every node.
    public static let entryLimit = 1 << ClickFeature.bits

    public init(version: Int32, entries: [Entry]) {
        self.version = version
        self.entries = entries
    }

    /// The entry of a feature's value; weight and evidence 0 for one that was never seen.
    public func entry(_ feature: ClickFeature, _ value: UInt64) -> Entry {
        let index = feature.index(value)
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].index < index { low = middle + 1 } else { high = middle }
        }
        return low < entries.count && entries[low].index == index
            ? entries[low] : Entry(index: index, weight: 0, evidence: 0)
    }

    /// Log-odds weight of a feature's value, within the template's limit.
    public func weight(_ feature: ClickFeature, _ value: UInt64) -> Double {
        min(max(Double(entry(feature, value).weight), -feature.limit), feature.limit)
    }

    /// Probability that an impression in this context is clicked.
    public func probability(_ context: ClickContext) -> Double {
        var sum = 0.0
        for feature in ClickFeature.allCases { sum += weight(feature, feature.value(context)) }
        return ExactMath.logistic(sum)
    }

    /// e^x as models use it: the same bits everywhere.
    public static func exponential(_ x: Double) -> Double { ExactMath.exp(x) }

    // MARK: Stored form

    private static let magic: [UInt8] = Array("NCM1".utf8)
    private static let entryBytes = 12

    /// `NCM1`, the number of entries, then each entry's index, weight and evidence, little-endian.
    public var bytes: [UInt8] {
        var out = Self.magic
        out.reserveCapacity(8 + entries.count * Self.entryBytes)
        func put(_ value: UInt32) {
            for shift in [0, 8, 16, 24] { out.append(UInt8(truncatingIfNeeded: value >> shift)) }
        }
        put(UInt32(entries.count))
        for entry in entries {
            put(entry.index)
            put(entry.weight.bitPattern)
            put(entry.evidence.bitPattern)
        }
        return out
    }

    /// Reads the stored form; any bytes are safe to pass.
    public init(version: Int32, bytes: [UInt8]) throws(ClickModelError) {
        func word(_ at: Int) -> UInt32 {
            (0..<4).reduce(0) { $0 | UInt32(bytes[at + $1]) << UInt32(8 * $1) }
        }
        guard bytes.count >= 8, Array(bytes[0..<4]) == Self.magic else {
            throw ClickModelError(code: "unreadable_model", message: "not a click model of a known form")
        }
        let count = Int(word(4))
        guard count <= Self.entryLimit, bytes.count == 8 + count * Self.entryBytes else {
            throw ClickModelError(code: "unreadable_model", message: "the click model is cut off or too long")
        }
        var entries: [Entry] = []
        entries.reserveCapacity(count)
        for number in 0..<count {
            let at = 8 + number * Self.entryBytes
            let entry = Entry(
                index: word(at), weight: Float(bitPattern: word(at + 4)), evidence: Float(bitPattern: word(at + 8)))
            guard entry.index < 1 << UInt32(ClickFeature.bits), entries.last.map({ $0.index < entry.index }) ?? true,
                entry.weight.isFinite, entry.evidence.isFinite, entry.evidence >= 0
            else { throw ClickModelError(code: "unreadable_model", message: "entry \(number) of the model is wrong") }
            entries.append(entry)
        }
        self.version = version
        self.entries = entries
    }
}

/// Why a model cannot be used; trying again would fail again.
public struct ClickModelError: Error, Equatable, CustomStringConvertible {
    /// Stable.
    public let code: String
    public let message: String
    public var isRetryable: Bool { false }

    public init(code: String, message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { "\(code): \(message)" }
}
