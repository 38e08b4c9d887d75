/// Parameters in wire form, in one buffer.
struct EncodedParameters {
    private var bytes: [UInt8] = []
    private var offsets: [Int] = []
    private var lengths: [Int32] = []
    private var formats: [Int32] = []

    init(_ parameters: [PostgresValue], types: [UInt32]) throws(PostgresError) {
        guard parameters.count == types.count else {
            throw PostgresError(
                .encoding, "the statement has \(types.count) parameters, \(parameters.count) values were given")
        }
        for (index, value) in parameters.enumerated() {
            let start = bytes.count
            if case .null = value {
                offsets.append(-1)
                lengths.append(0)
                formats.append(1)
                continue
            }
            let form = try ValueEncoder.encode(
                value, as: types[index], place: "parameter $\(index + 1)", into: &bytes)
            offsets.append(start)
            lengths.append(Int32(bytes.count - start))
            formats.append(form.rawValue)
            // Parameters in text form end with a NUL.
            bytes.append(0)
        }
    }

    var count: Int32 { Int32(offsets.count) }

    func withPointers<R>(
        _ body: (UnsafePointer<UnsafePointer<CChar>?>?, UnsafePointer<Int32>?, UnsafePointer<Int32>?) -> R
    ) -> R {
        bytes.withUnsafeBytes { bytes in
            let base = bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
            let values = offsets.map { offset in offset < 0 ? nil : base.map { UnsafePointer($0 + offset) } }
            return values.withUnsafeBufferPointer { values in
                lengths.withUnsafeBufferPointer { lengths in
                    formats.withUnsafeBufferPointer { formats in
                        body(values.baseAddress, lengths.baseAddress, formats.baseAddress)
                    }
                }
            }
        }
    }
}
