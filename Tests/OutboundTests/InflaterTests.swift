import CZlib
import Foundation
import Inflate
import Testing

/// Compresses for tests with the library's other half.
enum Deflater {
    /// `windowBits`: 31 gzip, 15 zlib, -15 bare.
    static func deflate(_ bytes: [UInt8], windowBits: Int32 = 31) -> [UInt8] {
        var stream = z_stream()
        deflateInit2_(
            &stream, 9, Z_DEFLATED, windowBits, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size))
        defer { deflateEnd(&stream) }
        var input = bytes
        var output = [UInt8](repeating: 0, count: bytes.count + bytes.count / 100 + 128)
        let count = input.withUnsafeMutableBufferPointer { source in
            output.withUnsafeMutableBufferPointer { target in
                stream.next_in = source.baseAddress
                stream.avail_in = UInt32(source.count)
                stream.next_out = target.baseAddress
                stream.avail_out = UInt32(target.count)
                CZlib.deflate(&stream, Z_FINISH)
                return target.count - Int(stream.avail_out)
            }
        }
        return Array(output[..<count])
    }
}

@Suite struct InflaterBehaviour {
    private func inflate(
        _ bytes: [UInt8], _ format: Inflater.Format = .gzip, piece: Int = .max, limit: Int = 1 << 24
    ) throws -> [UInt8] {
        var inflater = Inflater(format, limit: limit)
        var out: [UInt8] = []
        var start = 0
        while start < bytes.count {
            let end = min(bytes.count, start + min(piece, bytes.count))
            try bytes[start..<end].withUnsafeBytes { try inflater.push($0) { out += $0 } }
            start = end
        }
        try inflater.finish()
        return out
    }

    @Test func anyPiecesGiveTheSameBytes() throws {
        let seed = UInt64.random(in: .min ... .max)
        var random = SplitMix64(seed: seed)
        for _ in 0..<40 {
            let words = (0..<Int.random(in: 0...30_000, using: &random)).map { _ in
                UInt8.random(in: 0...(Bool.random(using: &random) ? 3 : 255), using: &random)
            }
            for (format, bits): (Inflater.Format, Int32) in [(.gzip, 31), (.deflate, 15), (.deflate, -15)] {
                let packed = Deflater.deflate(words, windowBits: bits)
                let piece = Int.random(in: 1...max(1, packed.count), using: &random)
                #expect(try inflate(packed, format, piece: piece) == words, "seed \(seed)")
            }
        }
    }

    @Test func membersFollowEachOther() throws {
        let packed = Deflater.deflate(Array("first ".utf8)) + Deflater.deflate(Array("second".utf8))
        for piece in 1...packed.count { #expect(try inflate(packed, piece: piece) == Array("first second".utf8)) }
    }

    @Test func damageIsFoundWhereverItIs() throws {
        let words = (0..<4_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let packed = Deflater.deflate(words)
        for cut in stride(from: 1, to: packed.count, by: 7) {
            #expect(throws: InflateError.self) { try inflate(Array(packed[..<cut])) }
        }
        #expect(throws: InflateError.damaged) { try inflate(packed + [1, 2, 3, 4]) }
        #expect(throws: InflateError.damaged) { try inflate(Array("<?xml version".utf8)) }
        var broken = packed
        broken[broken.count - 8] ^= 1
        #expect(throws: InflateError.damaged) { try inflate(broken) }
        #expect(try inflate([]) == [])
    }

    @Test func aBombStopsAtTheLimit() throws {
        let bomb = Deflater.deflate([UInt8](repeating: 0, count: 50_000_000))
        #expect(bomb.count < 60_000)
        var inflater = Inflater(.gzip, limit: 1_000_000)
        var out = 0
        #expect(throws: InflateError.tooLarge(limit: 1_000_000)) {
            try bomb.withUnsafeBytes { try inflater.push($0) { out += $0.count } }
        }
        #expect(out <= 1_000_000)
        #expect(try inflate(Deflater.deflate([UInt8](repeating: 7, count: 1_000)), limit: 1_000).count == 1_000)
        #expect(throws: InflateError.tooLarge(limit: 999)) {
            try inflate(Deflater.deflate([UInt8](repeating: 7, count: 1_000)), limit: 999)
        }
    }
}
