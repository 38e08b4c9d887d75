import AsyncHTTPClient
import Inflate
import NIOCore
import NIOHTTP1

/// Reads an answer's body piece by piece, inflates it, and stops at either limit.
struct BodyDecoder: Sendable {
    private let encoding: String
    private let declaredLength: Int?
    private let limit: Int
    private let inflatedLimit: Int
    private let inflateFile: Bool

    init(head: HTTPClientResponse, limit: Int, inflatedLimit: Int? = nil, inflateFile: Bool = false) {
        encoding = head.headers["content-encoding"].joined(separator: ",").lowercased().filter { $0 != " " }
        declaredLength = head.headers.first(name: "content-length").flatMap { Int($0) }
        self.limit = limit
        self.inflatedLimit = inflatedLimit ?? limit
        self.inflateFile = inflateFile
    }

    /// Hands the decoded body to `sink`. Returns the bytes as sent and as handed over.
    @discardableResult
    func run(
        _ stream: HTTPClientResponse.Body, _ sink: (UnsafeRawBufferPointer) throws -> Void
    ) async throws -> (received: Int, delivered: Int) {
        if let declaredLength, declaredLength > limit { throw OutboundError.tooLarge(limit: limit) }
        let outer = try Stage(encoding: encoding, limit: inflatedLimit)
        // The kind of a file shows in its first two bytes.
        var inner: Stage? = inflateFile ? nil : Stage(.identity, limit: inflatedLimit)
        var opening: [UInt8] = []
        var received = 0
        var delivered = 0
        func count(_ bytes: UnsafeRawBufferPointer) throws {
            delivered += bytes.count
            try sink(bytes)
        }
        do {
            for try await buffer in stream {
                received += buffer.readableBytes
                guard received <= limit else { throw OutboundError.tooLarge(limit: limit) }
                try buffer.withUnsafeReadableBytes { bytes in
                    try outer.push(bytes) { decoded in
                        if inner == nil {
                            opening += decoded
                            guard opening.count >= 2 else { return }
                            inner = Stage(
                                opening[0] == 0x1F && opening[1] == 0x8B ? .gzip : .identity, limit: inflatedLimit)
                            try opening.withUnsafeBytes { try inner?.push($0, count) }
                            opening = []
                        } else {
                            try inner?.push(decoded, count)
                        }
                    }
                }
            }
            try outer.finish()
            if !opening.isEmpty { try opening.withUnsafeBytes { try count($0) } }
            try inner?.finish()
        } catch let error as InflateError {
            switch error {
            case .tooLarge(let limit): throw OutboundError.inflatesTooLarge(limit: limit)
            case .cutOff: throw OutboundError.cutOff
            case .damaged, .noMemory: throw OutboundError.badEncoding(error.description)
            }
        }
        return (received, delivered)
    }
}

/// One encoding of a body.
private final class Stage {
    enum Kind { case identity, gzip, deflate }

    private var inflater: Inflater?
    private let limit: Int
    private var count = 0

    init(_ kind: Kind, limit: Int) {
        self.limit = limit
        switch kind {
        case .identity: inflater = nil
        case .gzip: inflater = Inflater(.gzip, limit: limit)
        case .deflate: inflater = Inflater(.deflate, limit: limit)
        }
    }

    convenience init(encoding: String, limit: Int) throws(OutboundError) {
        switch encoding {
        case "", "identity": self.init(.identity, limit: limit)
        case "gzip", "x-gzip": self.init(.gzip, limit: limit)
        case "deflate": self.init(.deflate, limit: limit)
        default: throw .badEncoding("its encoding is neither gzip nor deflate")
        }
    }

    func push(_ bytes: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        if inflater != nil {
            try inflater?.push(bytes, body)
        } else {
            count += bytes.count
            guard count <= limit else { throw InflateError.tooLarge(limit: limit) }
            try body(bytes)
        }
    }

    func finish() throws {
        if let inflater = inflater.take() { try inflater.finish() }
    }
}
