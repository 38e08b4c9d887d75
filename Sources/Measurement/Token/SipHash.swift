/// SipHash-2-4 (Aumasson, Bernstein: a keyed pseudo-random function over short messages), 64 and 128 bits wide.
public struct SipHash: Sendable {
    private let k0: UInt64
    private let k1: UInt64

    public init(k0: UInt64, k1: UInt64) {
        self.k0 = k0
        self.k1 = k1
    }

    /// The first 16 bytes of `key`, as the reference reads them.
    public init(key: UnsafeRawBufferPointer) {
        precondition(key.count >= 16, "a SipHash key has 16 bytes")
        k0 = UInt64(littleEndian: key.loadUnaligned(fromByteOffset: 0, as: UInt64.self))
        k1 = UInt64(littleEndian: key.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
    }

    /// 64-bit hash.
    public func hash64(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        var state = State(k0, k1)
        state.absorb(bytes)
        state.v2 ^= 0xFF
        state.finishRounds()
        return state.folded
    }

    /// 64-bit hash of the 16 bytes of two little-endian words.
    public func hash64(_ first: UInt64, _ second: UInt64) -> UInt64 {
        var state = State(k0, k1)
        state.word(first)
        state.word(second)
        state.word(16 << 56)
        state.v2 ^= 0xFF
        state.finishRounds()
        return state.folded
    }

    /// 128-bit hash of the 16 bytes of two little-endian words.
    public func hash128(_ first: UInt64, _ second: UInt64) -> (UInt64, UInt64) {
        var state = State(k0, k1)
        state.v1 ^= 0xEE
        state.word(first)
        state.word(second)
        state.word(16 << 56)
        state.v2 ^= 0xEE
        state.finishRounds()
        let low = state.folded
        state.v1 ^= 0xDD
        state.finishRounds()
        return (low, state.folded)
    }

    /// 128-bit hash: the reference's first and second eight bytes as little-endian words.
    public func hash128(_ bytes: UnsafeRawBufferPointer) -> (UInt64, UInt64) {
        var state = State(k0, k1)
        state.v1 ^= 0xEE
        state.absorb(bytes)
        state.v2 ^= 0xEE
        state.finishRounds()
        let first = state.folded
        state.v1 ^= 0xDD
        state.finishRounds()
        return (first, state.folded)
    }

    private struct State {
        var v0: UInt64
        var v1: UInt64
        var v2: UInt64
        var v3: UInt64

        @inline(__always)
        init(_ k0: UInt64, _ k1: UInt64) {
            v0 = k0 ^ 0x736F_6D65_7073_6575
            v1 = k1 ^ 0x646F_7261_6E64_6F6D
            v2 = k0 ^ 0x6C79_6765_6E65_7261
            v3 = k1 ^ 0x7465_6462_7974_6573
        }

        var folded: UInt64 { v0 ^ v1 ^ v2 ^ v3 }

        @inline(__always)
        mutating func round() {
            v0 = v0 &+ v1
            v1 = v1 &<< 13 | v1 &>> 51
            v1 ^= v0
            v0 = v0 &<< 32 | v0 &>> 32
            v2 = v2 &+ v3
            v3 = v3 &<< 16 | v3 &>> 48
            v3 ^= v2
            v0 = v0 &+ v3
            v3 = v3 &<< 21 | v3 &>> 43
            v3 ^= v0
            v2 = v2 &+ v1
            v1 = v1 &<< 17 | v1 &>> 47
            v1 ^= v2
            v2 = v2 &<< 32 | v2 &>> 32
        }

        @inline(__always)
        mutating func word(_ m: UInt64) {
            v3 ^= m
            round()
            round()
            v0 ^= m
        }

        @inline(__always)
        mutating func finishRounds() {
            round()
            round()
            round()
            round()
        }

        @inline(__always)
        mutating func absorb(_ bytes: UnsafeRawBufferPointer) {
            let whole = bytes.count & ~7
            var offset = 0
            while offset < whole {
                word(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)))
                offset += 8
            }
            var last = UInt64(truncatingIfNeeded: bytes.count) &<< 56
            var shift: UInt64 = 0
            while offset < bytes.count {
                last |= UInt64(bytes[offset]) &<< shift
                shift += 8
                offset += 1
            }
            word(last)
        }
    }
}
