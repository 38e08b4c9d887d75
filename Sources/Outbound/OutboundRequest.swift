/// One call to a foreign address.
public struct OutboundRequest: Sendable {
    public enum Method: String, Sendable {
        case get = "GET", post = "POST", put = "PUT", patch = "PATCH", delete = "DELETE"
    }

    public var method: Method
    public var url: String
    /// In order; `Host`, `Content-Length` and `User-Agent` are set by the client.
    public var headers: [(name: String, value: String)]
    /// Sent with POST, PUT and PATCH.
    public var body: [UInt8]
    /// Bytes of the answer's body, as sent and inflated.
    public var maximumBytes: Int
    /// For the whole call: name, connection, redirects and the last byte.
    public var timeout: Duration
    /// How many redirects are followed, at most `redirectLimit`; 0 hands a redirect over as the answer. Each goes
    /// through every check again; only GET is redirected.
    public var redirects: Int

    public static let redirectLimit = 3

    public init(
        _ method: Method = .get, _ url: String, headers: [(name: String, value: String)] = [], body: [UInt8] = [],
        maximumBytes: Int = 1 << 20, timeout: Duration = .seconds(10), redirects: Int = 0
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.maximumBytes = maximumBytes
        self.timeout = timeout
        self.redirects = min(max(redirects, 0), Self.redirectLimit)
    }
}

/// The answer, whatever its status.
public struct OutboundResponse: Sendable {
    public var status: Int
    public var headers: [(name: String, value: String)]
    /// Inflated.
    public var body: [UInt8]
    /// Where it came from in the end.
    public var url: String

    /// Whether the status is 200…299.
    public var isSuccess: Bool { (200..<300).contains(status) }

    /// First value of a header, by name without regard to case.
    public func header(_ name: String) -> String? { HeaderList.first(name, in: headers) }

    public init(status: Int, headers: [(name: String, value: String)] = [], body: [UInt8] = [], url: String = "") {
        self.status = status
        self.headers = headers
        self.body = body
        self.url = url
    }
}

/// What came of a download. The file holds the body when the status was 200…299.
public struct OutboundDownload: Sendable {
    public var status: Int
    public var headers: [(name: String, value: String)]
    /// Bytes as sent.
    public var receivedBytes: Int
    /// Bytes in the file.
    public var fileBytes: Int
    public var url: String

    /// Whether the status is 200…299.
    public var isSuccess: Bool { (200..<300).contains(status) }

    /// First value of a header, by name without regard to case.
    public func header(_ name: String) -> String? { HeaderList.first(name, in: headers) }
}

enum HeaderList {
    static func first(_ name: String, in headers: [(name: String, value: String)]) -> String? {
        let wanted = name.lowercased()
        return headers.first { $0.name.lowercased() == wanted }?.value
    }
}
