import CStemmer

/// What the forms of a Russian word have in common, by Snowball's algorithm: зерно, зерна and зерном are one. Words
/// without Cyrillic letters, such as brand names, stay as they are.
///
/// Not to be used by two threads at one time.
public final class WordStemmer {
    private let stemmer: OpaquePointer?

    /// Words stay as they are where the library does not know the language.
    public init() { stemmer = sb_stemmer_new("russian", "UTF_8") }

    deinit { if let stemmer { sb_stemmer_delete(stemmer) } }

    /// Calls `body` with the bytes of a word's stem; they are good until it returns.
    /// - Parameter word: UTF-8, in lower case.
    @inlinable
    public func withStem<R>(_ word: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> R) -> R {
        guard Self.isCyrillic(word), let stem = stem(word) else { return body(word) }
        return body(stem)
    }

    /// Stem of a word in lower case.
    public func stem(_ word: String) -> String {
        ContiguousArray(word.utf8).withUnsafeBytes { bytes in
            withStem(bytes) { String(decoding: $0, as: UTF8.self) }
        }
    }

    /// The library's own memory, good until its next word.
    @usableFromInline
    func stem(_ word: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        guard let stemmer, let start = word.baseAddress,
            let found = sb_stemmer_stem(stemmer, start.assumingMemoryBound(to: UInt8.self), Int32(word.count))
        else { return nil }
        return UnsafeRawBufferPointer(start: found, count: Int(sb_stemmer_length(stemmer)))
    }

    /// U+0400...U+04FF begin with one of these bytes.
    @usableFromInline
    static func isCyrillic(_ word: UnsafeRawBufferPointer) -> Bool {
        guard let first = word.first else { return false }
        return (0xD0...0xD3).contains(first)
    }
}
