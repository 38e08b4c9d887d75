/// 64-bit names of texts (SKUs, codes, words): FNV-1a. Facts are matched by them, so that no event keeps its texts.
public enum TextKey {
    public static func of(_ bytes: some Sequence<UInt8>) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return hash
    }

    public static func of(_ text: String) -> UInt64 { of(text.utf8) }
}
