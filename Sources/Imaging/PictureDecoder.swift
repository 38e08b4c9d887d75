import CVips
import Dispatch

/// A picture that was decoded and encoded anew: nothing of the upload but its pixels is left.
public struct DecodedPicture: Sendable, Equatable {
    /// `image/png`, `image/jpeg`, `image/webp` or `image/gif`.
    public var contentType: String
    /// Pixels of one frame.
    public var width: Int
    public var height: Int
    /// Frames; 1 for a still picture.
    public var frames: Int
    public var bytes: [UInt8]

    public init(contentType: String, width: Int, height: Int, frames: Int, bytes: [UInt8]) {
        self.contentType = contentType
        self.width = width
        self.height = height
        self.frames = frames
        self.bytes = bytes
    }
}

/// What a picture may be before it is decoded.
public struct PictureLimits: Sendable {
    /// Bytes of the upload.
    public var bytes = 8 << 20
    /// Pixels of a side of one frame.
    public var side = 10_000
    /// Pixels of all frames together.
    public var pixels = 40_000_000
    /// Frames of an animation.
    public var frames = 60
    /// Longest time that decoding and encoding take.
    public var time: Duration = .seconds(10)
    /// Pictures decoded at a time.
    public var concurrent = 2
    /// Uploads that wait for their turn; one more is refused at once.
    public var waiting = 16

    public init() {}
}

/// Why a picture was not accepted.
public struct PictureError: Error, Sendable, Equatable, CustomStringConvertible {
    public enum Code: String, Sendable, CaseIterable {
        /// The bytes are none of PNG, JPEG, WebP and GIF.
        case notAPicture = "not_a_picture"
        /// They begin as one, but cannot be decoded to their end.
        case damaged
        case tooManyBytes = "too_many_bytes"
        case tooManyPixels = "too_many_pixels"
        case tooManyFrames = "too_many_frames"
        /// Decoding took longer than the limit.
        case tooSlow = "too_slow"
        /// Too many uploads are waiting.
        case busy
    }

    public let code: Code
    /// What to do about it, for people.
    public let message: String
    /// Only waiting helps, and only against `busy`.
    public var isRetryable: Bool { code == .busy }
    public var description: String { "\(code.rawValue): \(message)" }
}

/// Decodes pictures of strangers with libvips: the type comes from the content, only four decoders are reachable,
/// limits are checked on the header before a pixel is decoded, and what comes out is a new file.
public final class PictureDecoder: Sendable {
    public let limits: PictureLimits
    private let turns: Turns

    public init(limits: PictureLimits = PictureLimits()) {
        self.limits = limits
        turns = Turns(concurrent: limits.concurrent, waiting: limits.waiting)
    }

    /// Decodes and encodes anew, on a thread of its own.
    /// - Throws: `PictureError`.
    public func decode(_ bytes: [UInt8]) async throws(PictureError) -> DecodedPicture {
        guard bytes.count <= limits.bytes else {
            throw PictureError(code: .tooManyBytes, message: "an upload may have at most \(limits.bytes) bytes")
        }
        guard let type = PictureType(bytes) else {
            throw PictureError(code: .notAPicture, message: "send a PNG, JPEG, WebP or GIF picture")
        }
        guard await turns.enter() else {
            throw PictureError(code: .busy, message: "too many pictures are being decoded; try again in a moment")
        }
        let limits = limits
        let result: Result<DecodedPicture, PictureError> = await withCheckedContinuation { continuation in
            DispatchQueue.global(qos: .utility).async {
                continuation.resume(
                    returning: Result { () throws(PictureError) in try Vips.decode(bytes, type, limits) })
            }
        }
        await turns.leave()
        return try result.get()
    }
}

/// The four types, by their first bytes.
enum PictureType: UInt32, CaseIterable, Sendable {
    case png = 0
    case jpeg = 1
    case webp = 2
    case gif = 3

    init?(_ bytes: [UInt8]) {
        func has(_ text: String, at place: Int) -> Bool {
            bytes.count >= place + text.utf8.count && bytes[place...].starts(with: text.utf8)
        }
        if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) {
            self = .png
        } else if bytes.starts(with: [0xFF, 0xD8, 0xFF]) {
            self = .jpeg
        } else if has("RIFF", at: 0), has("WEBP", at: 8) {
            self = .webp
        } else if has("GIF87a", at: 0) || has("GIF89a", at: 0) {
            self = .gif
        } else {
            return nil
        }
    }

    var contentType: String {
        switch self {
        case .png: "image/png"
        case .jpeg: "image/jpeg"
        case .webp: "image/webp"
        case .gif: "image/gif"
        }
    }
}

/// Lets a bounded number in at a time and a bounded number wait.
actor Turns {
    private let concurrent: Int
    private let waiting: Int
    private var inside = 0
    private var line: [CheckedContinuation<Void, Never>] = []

    init(concurrent: Int, waiting: Int) {
        self.concurrent = concurrent
        self.waiting = waiting
    }

    /// False when the line is full.
    func enter() async -> Bool {
        if inside < concurrent {
            inside += 1
            return true
        }
        guard line.count < waiting else { return false }
        await withCheckedContinuation { line.append($0) }
        return true
    }

    func leave() {
        // The place goes to the next in line; `inside` stays.
        if line.isEmpty { inside -= 1 } else { line.removeFirst().resume() }
    }
}
