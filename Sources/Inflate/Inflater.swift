import CZlib

/// Compressed bytes could not be inflated.
public enum InflateError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Not gzip or deflate, or damaged.
    case damaged
    /// The stream ends in the middle.
    case cutOff
    /// More than the limit came out.
    case tooLarge(limit: Int)
    /// The library has no memory.
    case noMemory

    /// Stable code.
    public var code: String {
        switch self {
        case .damaged: "inflate_damaged"
        case .cutOff: "inflate_cut_off"
        case .tooLarge: "inflate_too_large"
        case .noMemory: "inflate_no_memory"
        }
    }
    public var isRetryable: Bool { self == .cutOff || self == .noMemory }

    public var description: String {
        switch self {
        case .damaged: "the compressed data is damaged or of another kind"
        case .cutOff: "the compressed data ends in the middle"
        case .tooLarge(let limit): "the data inflates to more than \(limit) bytes"
        case .noMemory: "there was no memory to inflate the data"
        }
    }
}

/// Inflates a stream piece by piece and stops as soon as more comes out than is allowed: what a hostile sender can
/// make us hold is one output buffer, whatever he sends.
public struct Inflater: ~Copyable {
    /// What the bytes are.
    public enum Format: Sendable {
        /// RFC 1952; several members one after the other are one stream.
        case gzip
        /// HTTP's `deflate`: RFC 1950, or RFC 1951 without a header, which some servers send.
        case deflate
    }

    /// Bytes handed over at a time.
    public static let chunk = 65_536

    private let format: Format
    private let limit: Int
    private var stream: UnsafeMutablePointer<z_stream>
    private var isOpen = false
    private var hasEnded = false
    private var pending: [UInt8] = []
    /// Bytes that have come out.
    public private(set) var count = 0

    public init(_ format: Format, limit: Int) {
        self.format = format
        self.limit = limit
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
    }

    deinit {
        if isOpen { inflateEnd(stream) }
        stream.deinitialize(count: 1)
        stream.deallocate()
    }

    /// Inflates `bytes` and hands what comes out to `body`, at most `chunk` bytes at a time.
    public mutating func push(
        _ bytes: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        guard !bytes.isEmpty else { return }
        if !isOpen {
            // Two bytes tell a header from bare deflate; a first piece of one byte waits for the second.
            pending += bytes
            guard pending.count >= 2 else { return }
            try open(pending[0], pending[1])
            let start = pending
            pending = []
            try start.withUnsafeBytes { try run($0, body) }
        } else {
            try run(bytes, body)
        }
    }

    /// The stream has ended; throws when it may not end here.
    public consuming func finish() throws(InflateError) {
        guard (isOpen && hasEnded) || (!isOpen && pending.isEmpty) else { throw .cutOff }
    }

    private mutating func open(_ first: UInt8, _ second: UInt8) throws(InflateError) {
        let windowBits: Int32
        switch format {
        case .gzip: windowBits = 15 + 16
        case .deflate:
            let hasHeader = first & 0x0F == 8 && (Int(first) << 8 | Int(second)) % 31 == 0
            windowBits = hasHeader ? 15 : -15
        }
        guard inflateInit2_(stream, windowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            throw .noMemory
        }
        isOpen = true
    }

    private mutating func run(
        _ bytes: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        guard let base = bytes.baseAddress else { return }
        let out = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.chunk, alignment: 16)
        defer { out.deallocate() }
        stream.pointee.next_in = UnsafeMutablePointer(mutating: base.assumingMemoryBound(to: UInt8.self))
        stream.pointee.avail_in = UInt32(bytes.count)
        defer {
            stream.pointee.next_in = nil
            stream.pointee.avail_in = 0
        }
        while true {
            if hasEnded {
                guard stream.pointee.avail_in > 0 else { return }
                // A further gzip member; anything else after the end is not ours to read.
                guard format == .gzip, inflateReset(stream) == Z_OK else { throw InflateError.damaged }
                hasEnded = false
            }
            stream.pointee.next_out = out.baseAddress?.assumingMemoryBound(to: UInt8.self)
            stream.pointee.avail_out = UInt32(out.count)
            let result = inflate(stream, Z_NO_FLUSH)
            let produced = out.count - Int(stream.pointee.avail_out)
            switch result {
            case Z_OK, Z_BUF_ERROR: break
            case Z_STREAM_END: hasEnded = true
            case Z_MEM_ERROR: throw InflateError.noMemory
            default: throw InflateError.damaged
            }
            count += produced
            guard count <= limit else { throw InflateError.tooLarge(limit: limit) }
            if produced > 0 { try body(UnsafeRawBufferPointer(rebasing: out[..<produced])) }
            // Input used up and room left in the output: nothing more can come out of this piece.
            if !hasEnded, stream.pointee.avail_in == 0, produced < out.count { return }
            if result == Z_BUF_ERROR, produced == 0 { return }
        }
    }
}
