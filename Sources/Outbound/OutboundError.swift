/// Why a call to a foreign address did not work.
public enum OutboundError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The address is not one that is called; says what is wrong with it.
    case invalidURL(String)
    /// Plain http to a host that is not on the list.
    case schemeNotAllowed(host: String)
    /// The name means only addresses that are never called (loopback, private, …).
    case forbiddenAddress(host: String)
    case unknownHost(host: String)
    case cannotConnect(host: String)
    /// The certificate is not valid for the host, or there is no common TLS version.
    case tls(host: String)
    /// The whole call took longer than its limit.
    case timedOut(seconds: Int)
    /// The body as sent is larger than allowed.
    case tooLarge(limit: Int)
    /// The body inflates to more than allowed.
    case inflatesTooLarge(limit: Int)
    /// The body's encoding is unknown or damaged.
    case badEncoding(String)
    /// The connection ended in the middle of the answer.
    case cutOff
    /// What was answered is not HTTP.
    case notHTTP
    case tooManyRedirects(limit: Int)
    /// The body cannot be written to the file.
    case file(String)
    /// A header of the request holds what HTTP does not carry.
    case invalidRequest(String)

    /// Stable code.
    public var code: String {
        switch self {
        case .invalidURL: "outbound_invalid_url"
        case .schemeNotAllowed: "outbound_scheme_not_allowed"
        case .forbiddenAddress: "outbound_forbidden_address"
        case .unknownHost: "outbound_unknown_host"
        case .cannotConnect: "outbound_cannot_connect"
        case .tls: "outbound_tls"
        case .timedOut: "outbound_timed_out"
        case .tooLarge: "outbound_too_large"
        case .inflatesTooLarge: "outbound_inflates_too_large"
        case .badEncoding: "outbound_bad_encoding"
        case .cutOff: "outbound_cut_off"
        case .notHTTP: "outbound_not_http"
        case .tooManyRedirects: "outbound_too_many_redirects"
        case .file: "outbound_file"
        case .invalidRequest: "outbound_invalid_request"
        }
    }

    /// Whether the same call may work later without anybody changing anything.
    public var isRetryable: Bool {
        switch self {
        case .unknownHost, .cannotConnect, .timedOut, .cutOff, .file: true
        case .invalidURL, .schemeNotAllowed, .forbiddenAddress, .tls, .tooLarge, .inflatesTooLarge, .badEncoding,
            .notHTTP, .tooManyRedirects, .invalidRequest:
            false
        }
    }

    /// For people; names the host but never the path, which may hold a secret.
    public var description: String {
        switch self {
        case .invalidURL(let reason): "the address is not accepted: \(reason)"
        case .schemeNotAllowed(let host):
            "\(host) is called with https only; use https, or put the host on the list of plain hosts"
        case .forbiddenAddress(let host):
            "\(host) is an address of a private or special network, which is never called unless its host is listed"
        case .unknownHost(let host): "the name \(host) cannot be resolved"
        case .cannotConnect(let host): "\(host) does not accept a connection"
        case .tls(let host): "no secure connection to \(host); its certificate may be invalid"
        case .timedOut(let seconds): "there was no complete answer within \(seconds) s"
        case .tooLarge(let limit): "the answer is larger than \(limit) bytes"
        case .inflatesTooLarge(let limit): "the answer inflates to more than \(limit) bytes"
        case .badEncoding(let reason): "the answer cannot be decoded: \(reason)"
        case .cutOff: "the answer ended in the middle"
        case .notHTTP: "the answer is not HTTP"
        case .tooManyRedirects(let limit): "more than \(limit) redirects"
        case .file(let reason): "the answer cannot be stored: \(reason)"
        case .invalidRequest(let reason): "the request cannot be sent: \(reason)"
        }
    }
}
