import AdModel

/// An encoded order read where it lies. Valid only while the bytes are; the layout is the one of `LogRecordCodec`.
public struct OrderView {
    /// One line; the SKU's bytes are borrowed.
    public struct Line {
        public var lineNo: Int32
        public var units: Int32
        /// Micro-roubles, VAT-exclusive.
        public var netMicros: Int64
        public var sku: UnsafeBufferPointer<UInt8>
    }

    /// UTC microseconds.
    public let orderedAt: Int64
    public let storefrontID: Int32
    public let channel: OrderChannel
    public let orderID: UnsafeBufferPointer<UInt8>
    /// Empty when the order names none.
    public let visitorID: UnsafeBufferPointer<UInt8>
    public let customerID: UnsafeBufferPointer<UInt8>
    private let lineCount: Int
    private let lines: LogByteReader

    /// - Throws: `.unknownKind` for another kind of record, and what decoding throws.
    public init(_ bytes: UnsafeRawBufferPointer) throws(LogRecordError) {
        var reader = LogByteReader(bytes)
        let kind = try reader.integer(UInt8.self)
        guard kind == LogRecordKind.order.rawValue else { throw .unknownKind(kind) }
        let version = try reader.integer(UInt8.self)
        guard version == LogRecordCodec.version else { throw .unsupportedVersion(version) }
        orderedAt = try reader.integer(Int64.self)
        _ = try reader.integer(Int64.self)
        storefrontID = try reader.integer(Int32.self)
        channel = try OrderChannel(logCode: reader.integer())
        lineCount = try reader.count(UInt16.self, atMost: .max, itemSize: 26)
        orderID = try reader.borrowedString()
        visitorID = try reader.borrowedString()
        customerID = try reader.borrowedString()
        lines = reader
    }

    /// Calls the body with each line.
    public func forEachLine(_ body: (Line) throws -> Void) throws {
        var reader = lines
        for _ in 0..<lineCount {
            let number = try reader.integer(Int32.self)
            let units = try reader.integer(Int32.self)
            _ = try reader.integer(Int64.self)
            let net = try reader.integer(Int64.self)
            try body(Line(lineNo: number, units: units, netMicros: net, sku: try reader.borrowedString()))
        }
    }
}
