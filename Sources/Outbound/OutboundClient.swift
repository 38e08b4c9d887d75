import AsyncHTTPClient
import Glibc
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix

/// The one client for addresses that somebody else wrote down: feeds, webhooks, operators.
///
/// A name is resolved once, each address is checked, and the connection goes to that very address, while TLS and
/// `Host` keep the name: there is no second look-up that could answer differently. Every redirect starts over.
public struct OutboundClient: Sendable {
    private let policy: OutboundPolicy
    private let group: any EventLoopGroup
    private let resolve: NameResolver

    /// Addresses of one name that are tried before giving up.
    public static let addressesTried = 3
    /// For one connection, TLS included.
    public static let connectTimeout: Duration = .seconds(10)

    /// - Parameter resolver: only for tests; the system's unless given.
    public init(
        policy: OutboundPolicy, eventLoopGroup: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton,
        resolver: NameResolver? = nil
    ) {
        self.policy = policy
        group = eventLoopGroup
        resolve = resolver ?? SystemResolver.resolve
    }

    /// Sends a request and takes the whole answer into memory. Throws `OutboundError` or `CancellationError`; an
    /// answer of any status is not an error.
    public func send(_ request: OutboundRequest) async throws -> OutboundResponse {
        try await Self.within(request.timeout) {
            try await follow(request) { head, url, stream in
                var body: [UInt8] = []
                let decoder = BodyDecoder(head: head, limit: request.maximumBytes)
                try await decoder.run(stream) { body += $0 }
                return OutboundResponse(
                    status: Int(head.status.code), headers: Self.list(head.headers), body: body, url: url.text)
            }
        }
    }

    /// Sends a request and streams a successful answer's body to a new file, which must not exist yet and is removed
    /// again on an error. `inflatedLimit` bounds the file; `request.maximumBytes` what is sent.
    /// - Parameter inflateFile: also inflate a body that is itself a gzip file (`catalogue.xml.gz`).
    public func download(
        _ request: OutboundRequest, to path: String, inflatedLimit: Int, inflateFile: Bool = true
    ) async throws -> OutboundDownload {
        try await Self.within(request.timeout) {
            try await follow(request) { head, url, stream in
                var download = OutboundDownload(
                    status: Int(head.status.code), headers: Self.list(head.headers), receivedBytes: 0, fileBytes: 0,
                    url: url.text)
                guard download.isSuccess else { return download }
                let decoder = BodyDecoder(
                    head: head, limit: request.maximumBytes, inflatedLimit: inflatedLimit, inflateFile: inflateFile)
                let file = try NewFile(path)
                do {
                    let counts = try await decoder.run(stream) { try file.write($0) }
                    try file.close()
                    download.receivedBytes = counts.received
                    download.fileBytes = counts.delivered
                } catch {
                    file.discard()
                    throw error
                }
                return download
            }
        }
    }

    // MARK: Steps

    private typealias Consumer<R> = (_ head: HTTPClientResponse, _ url: OutboundURL, HTTPClientResponse.Body)
        async throws -> R

    private func follow<R: Sendable>(_ request: OutboundRequest, _ consume: Consumer<R>) async throws -> R {
        var url = try OutboundURL(request.url)
        var headers = request.headers
        var redirectsLeft = request.method == .get ? request.redirects : 0
        while true {
            try policy.check(url)
            let step: Step<R> = try await call(url, request, headers) { head in
                if redirectsLeft > 0 || (request.method == .get && request.redirects > 0),
                    Self.redirectStatuses.contains(head.status.code),
                    let location = head.headers.first(name: "location")
                {
                    guard redirectsLeft > 0 else { throw OutboundError.tooManyRedirects(limit: request.redirects) }
                    return .redirect(try url.resolving(location))
                }
                return .done(try await consume(head, url, head.body))
            }
            switch step {
            case .done(let value): return value
            case .redirect(let next):
                redirectsLeft -= 1
                // Credentials belong to the origin that they were meant for.
                if next.origin != url.origin {
                    headers.removeAll { ["authorization", "cookie"].contains($0.name.lowercased()) }
                }
                url = next
            }
        }
    }

    private enum Step<R: Sendable>: Sendable {
        case done(R)
        case redirect(OutboundURL)
    }

    private static let redirectStatuses: Set<UInt> = [301, 302, 303, 307, 308]

    /// Connects to the addresses of the host, one after the other, until one accepts.
    private func call<R: Sendable>(
        _ url: OutboundURL, _ request: OutboundRequest, _ headers: [(name: String, value: String)],
        _ body: (HTTPClientResponse) async throws -> R
    ) async throws -> R {
        let addresses = try await addresses(of: url)
        let prepared = try Self.prepare(url, request, headers)
        var failure = OutboundError.cannotConnect(host: url.host)
        for address in addresses.prefix(Self.addressesTried) {
            let client = HTTPClient(
                eventLoopGroup: group, configuration: Self.configuration(url, address))
            do {
                let value: R
                do {
                    let head = try await client.execute(prepared, timeout: .hours(24))
                    value = try await body(head)
                } catch {
                    throw Self.typed(error, url)
                }
                try? await client.shutdown()
                return value
            } catch let error as OutboundError {
                try? await client.shutdown()
                // Nothing was sent yet, so the next address may be tried whatever the method is.
                guard case .cannotConnect = error else { throw error }
                failure = error
            } catch {
                try? await client.shutdown()
                throw error
            }
        }
        throw failure
    }

    private func addresses(of url: OutboundURL) async throws -> [IPAddress] {
        let found: [IPAddress]
        if let literal = url.literalAddress {
            found = [literal]
        } else {
            found = try await resolve(url.host)
            guard !found.isEmpty else { throw OutboundError.unknownHost(host: url.host) }
        }
        let allowed = policy.allowsPrivate(url) ? found : found.filter(\.isPublic)
        guard !allowed.isEmpty else { throw OutboundError.forbiddenAddress(host: url.host) }
        return allowed
    }

    private static func configuration(_ url: OutboundURL, _ address: IPAddress) -> HTTPClient.Configuration {
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow,
            timeout: HTTPClient.Configuration.Timeout(connect: .seconds(connectTimeout.components.seconds)))
        configuration.httpVersion = .http1Only
        configuration.connectionPool.retryConnectionEstablishment = false
        // The checked address stands in for the name in `connect` alone.
        if url.literalAddress == nil { configuration.dnsOverride = [url.host: address.description] }
        return configuration
    }

    private static func prepare(
        _ url: OutboundURL, _ request: OutboundRequest, _ headers: [(name: String, value: String)]
    ) throws(OutboundError) -> HTTPClientRequest {
        var prepared = HTTPClientRequest(url: url.text)
        prepared.method = HTTPMethod(rawValue: request.method.rawValue)
        prepared.headers.add(name: "User-Agent", value: "Nimb/1.0")
        prepared.headers.add(name: "Accept-Encoding", value: "gzip, deflate")
        for (name, value) in headers {
            guard !ownHeaders.contains(name.lowercased()) else {
                throw .invalidRequest("the header \(name) is set by the client")
            }
            // A line break would begin another header.
            guard isToken(name), value.utf8.allSatisfy({ $0 == 9 || (0x20...0x7E).contains($0) }) else {
                throw .invalidRequest("a header holds a character that HTTP does not carry")
            }
            prepared.headers.add(name: name, value: value)
        }
        if [.post, .put, .patch].contains(request.method) { prepared.body = .bytes(ByteBuffer(bytes: request.body)) }
        return prepared
    }

    private static let ownHeaders: Set<String> = [
        "host", "content-length", "transfer-encoding", "connection", "user-agent", "accept-encoding",
    ]

    private static func isToken(_ name: String) -> Bool {
        !name.isEmpty
            && name.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x5F: true
                default: false
                }
            }
    }

    /// What the libraries below throw, in our words.
    private static func typed(_ error: any Error, _ url: OutboundURL) -> any Error {
        switch error {
        case is OutboundError, is CancellationError: return error
        case let error as HTTPClientError:
            switch error {
            case .connectTimeout, .getConnectionFromPoolTimeout: return OutboundError.cannotConnect(host: url.host)
            case .tlsHandshakeTimeout: return OutboundError.tls(host: url.host)
            case .remoteConnectionClosed, .uncleanShutdown:
                return OutboundError.cutOff
            case .cancelled: return CancellationError()
            case .deadlineExceeded, .readTimeout, .writeTimeout: return OutboundError.cutOff
            default: return OutboundError.invalidRequest(error.shortDescription)
            }
        case HTTPParserError.invalidEOFState: return OutboundError.cutOff
        case is HTTPParserError: return OutboundError.notHTTP
        case let error as IOError:
            return refusals.contains(error.errnoCode) ? OutboundError.cannotConnect(host: url.host) : .cutOff
        case is NIOConnectionError, ChannelError.connectTimeout: return OutboundError.cannotConnect(host: url.host)
        case is ChannelError: return OutboundError.cutOff
        // Errors of the TLS library are its own types, which this target does not see.
        default: return url.scheme == .https ? OutboundError.tls(host: url.host) : OutboundError.cutOff
        }
    }

    /// What the system says when a connection was not made at all: nothing has been sent.
    private static let refusals: Set<CInt> = [ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, EADDRNOTAVAIL]

    private static func list(_ headers: HTTPHeaders) -> [(name: String, value: String)] {
        headers.map { (name: $0.name, value: $0.value) }
    }

    /// Ends `body` when the time is over; a hung server then costs nothing more.
    private static func within<R: Sendable>(
        _ limit: Duration, _ body: @escaping @Sendable () async throws -> R
    ) async throws -> R {
        try await withThrowingTaskGroup(of: R?.self) { group in
            group.addTask { try await body() }
            group.addTask {
                try await Task.sleep(for: limit)
                return nil
            }
            defer { group.cancelAll() }
            guard let first = try await group.next(), let value = first else {
                throw OutboundError.timedOut(seconds: Int(limit.components.seconds))
            }
            return value
        }
    }
}
