/// One file that leaves the house.
public struct ExportFile: Hashable, Sendable {
    /// Letters, digits, `.` and `-` only: safe as the name of a file and in a header.
    public var name: String
    /// As HTTP says it, with the character set of texts.
    public var contentType: String
    public var bytes: [UInt8]

    public init(name: String, contentType: String, bytes: [UInt8]) {
        self.name = name
        self.contentType = contentType
        self.bytes = bytes
    }
}
