import Foundation
import Outbound

/// Where the operator is and how to call him.
public struct OperatorOptions: Sendable {
    /// Without a trailing slash, `https://api.ord.vk.com`.
    public var baseURL: String
    /// Sent as `Authorization: Bearer …`.
    public var token: String
    /// For one call.
    public var timeout: Duration = .seconds(20)
    /// Calls in a second, at most.
    public var callsPerSecond = 5
    /// Versions taken up in one run.
    public var batch = 50

    public init(baseURL: String, token: String) {
        self.baseURL = baseURL
        self.token = token
    }
}

/// What a call came to.
public enum OperatorAnswer: Equatable, Sendable {
    /// 2xx with its body.
    case accepted(status: Int, body: [UInt8])
    /// The operator will not take it as it is.
    case refused(status: Int, code: String, field: String?, message: String)
    /// There is nothing of that name.
    case notFound
    /// Nobody knows whether it was treated.
    case unknown(message: String)
    /// It was not treated; trying again later is safe.
    case failed(status: Int?, code: String, message: String, retryAfterSeconds: Int?)
}

/// How fast the operator is called: shared by everything that calls one operator.
public actor OperatorPace {
    private var nextCall: ContinuousClock.Instant?

    public init() {}

    /// Returns when the next call may be made.
    func wait(callsPerSecond: Int) async throws {
        let clock = ContinuousClock()
        let now = clock.now
        let start = max(nextCall ?? now, now)
        nextCall = start + .seconds(1) / max(1, callsPerSecond)
        if start > now { try await clock.sleep(until: start) }
        try Task.checkCancellation()
    }
}

/// Calls to the operator, not too fast.
public struct OperatorClient: Sendable {
    private let options: OperatorOptions
    private let outbound: OutboundClient
    private let pace: OperatorPace

    public init(options: OperatorOptions, outbound: OutboundClient, pace: OperatorPace = OperatorPace()) {
        self.options = options
        self.outbound = outbound
        self.pace = pace
    }

    /// Bytes of one answer: a page of the register's list is the longest.
    public static let answerLimit = 8 << 20

    /// Reads.
    public func get(_ path: String) async throws -> OperatorAnswer {
        try await call(.get, path, contentType: nil, body: [])
    }

    /// Sends what is no object of its own (rows of statistics), or removes one.
    /// - Parameter method: `POST`, `PUT` or `DELETE`.
    public func send(_ method: String, _ path: String, json body: [UInt8]) async throws -> OperatorAnswer {
        guard let method = OutboundRequest.Method(rawValue: method) else {
            return .failed(
                status: nil, code: "operator_method", message: "There is no such call.", retryAfterSeconds: nil)
        }
        return try await call(method, path, contentType: method == .delete ? nil : "application/json", body: body)
    }

    /// Writes an object.
    public func put(_ path: String, json body: [UInt8]) async throws -> OperatorAnswer {
        try await call(.put, path, contentType: "application/json", body: body)
    }

    /// Sends a picture.
    public func put(_ path: String, file: [UInt8], name: String, type: String) async throws -> OperatorAnswer {
        let form = MultipartForm(field: "media_file", fileName: name, contentType: type, bytes: file)
        return try await call(.put, path, contentType: form.contentType, body: form.body)
    }

    /// Throws only `CancellationError`: everything else is an answer.
    private func call(
        _ method: OutboundRequest.Method, _ path: String, contentType: String?, body: [UInt8]
    ) async throws -> OperatorAnswer {
        try await pace.wait(callsPerSecond: options.callsPerSecond)
        var headers = [("Authorization", "Bearer \(options.token)"), ("Accept", "application/json")]
        if let contentType { headers.append(("Content-Type", contentType)) }
        let request = OutboundRequest(
            method, options.baseURL + path, headers: headers, body: body, maximumBytes: Self.answerLimit,
            timeout: options.timeout)
        do {
            return Self.classify(try await outbound.send(request))
        } catch let error as OutboundError {
            return Self.classify(error)
        }
    }

    static func classify(_ response: OutboundResponse) -> OperatorAnswer {
        let status = response.status
        switch status {
        case 200..<300: return .accepted(status: status, body: response.body)
        case 404 where Self.error(response.body).field == nil: return .notFound
        case 401, 403:
            let error = Self.error(response.body)
            return .failed(
                status: status, code: error.code ?? "operator_access",
                message: "The operator does not accept our credentials.", retryAfterSeconds: nil)
        case 429:
            return .failed(
                status: status, code: "operator_rate_limit", message: "The operator asks for a pause.",
                retryAfterSeconds: response.header("retry-after").flatMap(Int.init).map { min(max($0, 1), 86_400) })
        case 503:
            return .failed(
                status: status, code: "operator_unavailable", message: "The operator is not available.",
                retryAfterSeconds: response.header("retry-after").flatMap(Int.init).map { min(max($0, 1), 86_400) })
        case 400..<500:
            let error = Self.error(response.body)
            return .refused(
                status: status, code: error.code ?? "operator_\(status)", field: error.field,
                message: error.message ?? "The operator refused the request with status \(status).")
        case 300..<400:
            return .failed(
                status: status, code: "operator_redirect", message: "The operator's address redirects; correct it.",
                retryAfterSeconds: nil)
        default: return .unknown(message: "The operator failed with status \(status).")
        }
    }

    static func classify(_ error: OutboundError) -> OperatorAnswer {
        switch error {
        case .timedOut, .cutOff, .tooLarge, .inflatesTooLarge, .badEncoding, .notHTTP:
            .unknown(message: error.description)
        case .invalidURL, .schemeNotAllowed, .forbiddenAddress, .unknownHost, .cannotConnect, .tls, .tooManyRedirects,
            .file, .invalidRequest:
            .failed(status: nil, code: error.code, message: error.description, retryAfterSeconds: nil)
        }
    }

    /// The operator's error shape: `error_code`, `message`, and `field`, `query_param` or `path_param`.
    private static func error(_ body: [UInt8]) -> (code: String?, field: String?, message: String?) {
        guard let object = try? JSONSerialization.jsonObject(with: Data(body)) as? [String: Any] else {
            return (nil, nil, nil)
        }
        return (object["error_code"] as? String, object["field"] as? String, object["message"] as? String)
    }
}

/// A form with one file.
struct MultipartForm {
    var contentType: String
    var body: [UInt8]

    init(field: String, fileName: String, contentType type: String, bytes: [UInt8]) {
        // The boundary is not in the file with a probability that nobody will see fail.
        let boundary = "nimb-\(String(UInt64.random(in: .min ... .max), radix: 36))\(String(bytes.count, radix: 36))"
        contentType = "multipart/form-data; boundary=\(boundary)"
        body = Array(
            """
            --\(boundary)\r
            Content-Disposition: form-data; name="\(field)"; filename="\(fileName)"\r
            Content-Type: \(type)\r
            \r

            """.utf8)
        body += bytes
        body += Array("\r\n--\(boundary)--\r\n".utf8)
    }
}
