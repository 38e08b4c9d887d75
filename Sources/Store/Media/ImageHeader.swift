/// What the first bytes of a picture say: its type and size in pixels.
///
/// The size is read from the file itself, never taken from a caller: a shop reserves room on its page by it.
public struct ImageHeader: Sendable, Equatable {
    /// Largest picture that is stored, bytes.
    public static let byteLimit = 2_097_152
    /// Largest width and height.
    public static let sideLimit = 10_000

    /// `image/png`, `image/jpeg`, `image/gif` or `image/webp`.
    public var contentType: String
    public var width: Int
    public var height: Int

    /// Reads the header; nil when the bytes are none of the four types or state no usable size.
    public init?(_ bytes: [UInt8]) {
        func u16(_ at: Int, big: Bool) -> Int {
            big ? Int(bytes[at]) << 8 | Int(bytes[at + 1]) : Int(bytes[at + 1]) << 8 | Int(bytes[at])
        }
        func u24(_ at: Int) -> Int { Int(bytes[at]) | Int(bytes[at + 1]) << 8 | Int(bytes[at + 2]) << 16 }
        func has(_ text: String, _ at: Int) -> Bool {
            bytes.count >= at + text.utf8.count && bytes[at...].starts(with: text.utf8)
        }
        let found: (String, Int, Int)?
        if bytes.count >= 33, bytes[0] == 0x89, has("PNG\r\n\u{1A}\n", 1), has("IHDR", 12) {
            found = (
                "image/png", u16(16, big: true) << 16 | u16(18, big: true),
                u16(20, big: true) << 16 | u16(22, big: true)
            )
        } else if has("GIF87a", 0) || has("GIF89a", 0), bytes.count >= 13 {
            found = ("image/gif", u16(6, big: false), u16(8, big: false))
        } else if has("RIFF", 0), has("WEBP", 8), bytes.count >= 30 {
            if has("VP8 ", 12), bytes[23] == 0x9D, bytes[24] == 0x01, bytes[25] == 0x2A {
                found = ("image/webp", u16(26, big: false) & 0x3FFF, u16(28, big: false) & 0x3FFF)
            } else if has("VP8L", 12), bytes[20] == 0x2F {
                let bits = u24(21) | Int(bytes[24]) << 24
                found = ("image/webp", bits & 0x3FFF + 1, bits >> 14 & 0x3FFF + 1)
            } else if has("VP8X", 12) {
                found = ("image/webp", u24(24) + 1, u24(27) + 1)
            } else {
                found = nil
            }
        } else if bytes.count >= 4, bytes[0] == 0xFF, bytes[1] == 0xD8 {
            found = ImageHeader.jpegSize(bytes).map { ("image/jpeg", $0.0, $0.1) }
        } else {
            found = nil
        }
        guard let (type, width, height) = found, (1...Self.sideLimit).contains(width),
            (1...Self.sideLimit).contains(height)
        else { return nil }
        contentType = type
        self.width = width
        self.height = height
    }

    /// Walks the segments up to the first start-of-frame.
    private static func jpegSize(_ bytes: [UInt8]) -> (Int, Int)? {
        var at = 2
        while at + 9 < bytes.count {
            guard bytes[at] == 0xFF else { return nil }
            let marker = bytes[at + 1]
            if marker == 0xFF {
                at += 1
                continue
            }
            if marker == 0x01 || (0xD0...0xD8).contains(marker) {
                at += 2
                continue
            }
            let isFrame = (0xC0...0xCF).contains(marker) && marker != 0xC4 && marker != 0xC8 && marker != 0xCC
            if isFrame {
                return (
                    Int(bytes[at + 7]) << 8 | Int(bytes[at + 8]), Int(bytes[at + 5]) << 8 | Int(bytes[at + 6])
                )
            }
            guard marker != 0xD9, marker != 0xDA else { return nil }
            let length = Int(bytes[at + 2]) << 8 | Int(bytes[at + 3])
            guard length >= 2 else { return nil }
            at += 2 + length
        }
        return nil
    }
}
