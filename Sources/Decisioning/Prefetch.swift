import CPrefetch

extension Snapshot {
    /// Starts to fetch the bytes of a creative or product that will be part of the answer. Products that were looked at
    /// last are megabytes away from each other.
    @inline(__always)
    func prefetchFragment(start: Int, count: Int) {
        fragments.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress, start >= 0, start + count <= bytes.count else { return }
            var line = start
            while line < start + count {
                nimb_prefetch(base + line)
                line += 64
            }
        }
    }
}
