/// An id as the exact bytes it was given in: no trimming, case folding or Unicode normalisation (rule 2).
///
/// Swift's `String` compares by canonical equivalence, which would make two different ids equal; bytes do not.
public struct AttributionID: Hashable, Comparable, Sendable, ExpressibleByStringLiteral {
    /// UTF-8 bytes; empty means "absent", which equals nothing (rule 3).
    public var bytes: [UInt8]

    public init(_ bytes: [UInt8]) { self.bytes = bytes }
    public init(_ text: String) { bytes = Array(text.utf8) }
    public init(_ number: some BinaryInteger) { bytes = Array(String(number).utf8) }
    public init(stringLiteral value: String) { bytes = Array(value.utf8) }

    /// The absent id.
    public static var absent: AttributionID { AttributionID([UInt8]()) }
    public var isAbsent: Bool { bytes.isEmpty }
    /// For display only.
    public var text: String { String(decoding: bytes, as: UTF8.self) }

    /// Greater means greater by bytes: `t9` > `t10`.
    public static func < (a: AttributionID, b: AttributionID) -> Bool {
        a.bytes.lexicographicallyPrecedes(b.bytes)
    }
}
