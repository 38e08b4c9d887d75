/// The headers by which a browser says that nobody has asked for this page yet.
public enum PrefetchHeader {
    /// True for `Purpose`, `Sec-Purpose` and `X-Moz` with a value that starts with `prefetch`, in any case.
    public static func announcesPrefetch(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) -> Bool {
        guard names.contains(where: { equals(name, $0) }) else { return false }
        var start = 0
        while start < value.count, value[start] == 0x20 || value[start] == 0x09 { start += 1 }
        guard value.count - start >= word.utf8CodeUnitCount else { return false }
        let end = start + word.utf8CodeUnitCount
        guard equals(UnsafeRawBufferPointer(rebasing: value[start..<end]), word) else { return false }
        // `prefetch;prerender` is one, `prefetched` is not.
        guard end < value.count else { return true }
        return [0x20, 0x09, 0x2C, 0x3B].contains(value[end])
    }

    /// The same for strings.
    public static func announcesPrefetch(name: String, value: String) -> Bool {
        var name = name
        var value = value
        return name.withUTF8 { name in
            value.withUTF8 { announcesPrefetch(name: UnsafeRawBufferPointer(name), value: UnsafeRawBufferPointer($0)) }
        }
    }

    private static let names: [StaticString] = ["purpose", "sec-purpose", "x-moz"]
    private static let word: StaticString = "prefetch"

    private static func equals(_ bytes: UnsafeRawBufferPointer, _ lowercase: StaticString) -> Bool {
        guard bytes.count == lowercase.utf8CodeUnitCount else { return false }
        for (i, byte) in bytes.enumerated() {
            let folded = byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte
            guard folded == lowercase.utf8Start[i] else { return false }
        }
        return true
    }
}
