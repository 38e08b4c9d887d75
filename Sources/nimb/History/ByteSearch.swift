/// Looks for a mark among bytes.
enum ByteSearch {
    /// Where `mark` is first found at or after `start`; nil when it is not.
    static func find(_ mark: StaticString, in bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
        let count = mark.utf8CodeUnitCount
        let wanted = mark.utf8Start
        let last = bytes.count - count
        guard count > 0, start <= last else { return nil }
        // The middle of a mark is rarer than the quotes it begins and ends with.
        let middle = count / 2
        let rare = wanted[middle]
        var at = start
        while at <= last {
            if bytes[at + middle] == rare {
                var matched = 0
                while matched < count, bytes[at + matched] == wanted[matched] { matched += 1 }
                if matched == count { return at }
            }
            at += 1
        }
        return nil
    }
}
