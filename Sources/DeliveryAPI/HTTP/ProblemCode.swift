/// The closed list of problem codes that the delivery API answers with; `delivery.yaml` lists the same ones.
///
/// A code never changes its meaning. Events inside a batch use the same words in their per-event results.
public enum ProblemCode: String, CaseIterable, Sendable {
    // What HTTP itself refuses.
    case malformedRequest = "malformed_request"
    case headersTooLarge = "headers_too_large"
    case bodyTooLarge = "body_too_large"
    case lengthRequired = "length_required"
    case requestTimeout = "request_timeout"
    case expectationFailed = "expectation_failed"
    case notFound = "not_found"
    case methodNotAllowed = "method_not_allowed"
    case unsupportedMediaType = "unsupported_media_type"
    // What a body may be wrong in.
    case invalidJSON = "invalid_json"
    case unknownField = "unknown_field"
    case duplicateField = "duplicate_field"
    case missingField = "missing_field"
    case invalidField = "invalid_field"
    case tooMany = "too_many"
    case personalData = "personal_data"
    case unknownStorefront = "unknown_storefront"
    case unknownPlacement = "unknown_placement"
    case unknownLocation = "unknown_location"
    case unknownProduct = "unknown_product"
    // Who asks.
    case unauthorized
    case wrongStorefront = "wrong_storefront"
    case invalidCustomerSignature = "invalid_customer_signature"
    // Tokens.
    case malformedToken = "malformed_token"
    case forgedToken = "forged_token"
    case preview
    case unknownAd = "unknown_ad"
    // Orders.
    case orderConflict = "order_conflict"
    case adjustmentConflict = "adjustment_conflict"
    // The state of this node.
    case notReady = "not_ready"
    case logFull = "log_full"
    case logUnavailable = "log_unavailable"
    case databaseUnavailable = "database_unavailable"
    case tooManyConnections = "too_many_connections"
    case shuttingDown = "shutting_down"
    case internalError = "internal_error"

    /// HTTP status that goes with the code.
    public var status: UInt16 {
        switch self {
        case .malformedRequest, .invalidJSON, .unknownField, .duplicateField, .missingField, .invalidField, .tooMany,
            .personalData, .unknownStorefront, .unknownPlacement, .unknownLocation, .unknownProduct,
            .invalidCustomerSignature, .malformedToken, .forgedToken, .preview:
            400
        case .unauthorized: 401
        case .wrongStorefront: 403
        case .notFound, .unknownAd: 404
        case .methodNotAllowed: 405
        case .requestTimeout: 408
        case .orderConflict, .adjustmentConflict: 409
        case .lengthRequired: 411
        case .bodyTooLarge: 413
        case .unsupportedMediaType: 415
        case .expectationFailed: 417
        case .headersTooLarge: 431
        case .internalError: 500
        case .notReady, .logFull, .logUnavailable, .databaseUnavailable, .tooManyConnections, .shuttingDown: 503
        }
    }

    /// Short human sentence, the same for every occurrence (RFC 9457 `title`).
    public var title: String {
        switch self {
        case .malformedRequest: "The request is not valid HTTP/1.1."
        case .headersTooLarge: "The request head is too large."
        case .bodyTooLarge: "The request body is too large."
        case .lengthRequired: "The request must say how long its body is."
        case .requestTimeout: "The request did not arrive in time."
        case .expectationFailed: "Only the expectation 100-continue is understood."
        case .notFound: "There is nothing at this address."
        case .methodNotAllowed: "This address does not take that method."
        case .unsupportedMediaType: "The body must be application/json."
        case .invalidJSON: "The body is not valid JSON."
        case .unknownField: "A field is not known."
        case .duplicateField: "A field is given twice."
        case .missingField: "A required field is missing."
        case .invalidField: "A field has an unacceptable value."
        case .tooMany: "A list has too many entries."
        case .personalData: "Personal data is not accepted as an id."
        case .unknownStorefront: "The storefront is not known."
        case .unknownPlacement: "The placement is not known."
        case .unknownLocation: "The location is not known."
        case .unknownProduct: "The product is not known."
        case .unauthorized: "A valid server key is required."
        case .preview: "A preview is not counted."
        case .wrongStorefront: "The server key belongs to another storefront."
        case .invalidCustomerSignature: "The signed customer id is not valid."
        case .malformedToken: "The ad token cannot be read."
        case .forgedToken: "The ad token is not authentic."
        case .unknownAd: "The ad is not known."
        case .orderConflict: "The order exists with other content."
        case .adjustmentConflict: "The adjustment exists with other content."
        case .notReady: "The server has not loaded its data yet."
        case .logFull: "The event log cannot take more at the moment."
        case .logUnavailable: "The event log is not available."
        case .databaseUnavailable: "The database is not available."
        case .tooManyConnections: "Too many connections."
        case .shuttingDown: "The server is shutting down."
        case .internalError: "Something went wrong inside the server."
        }
    }

    /// Whether the same request may succeed later; such answers carry `Retry-After`.
    public var isRetryable: Bool { status == 503 || status == 408 }
}

/// A request that cannot be served, before it becomes an `application/problem+json` answer.
public struct Problem: Error, Equatable, Sendable {
    public var code: ProblemCode
    /// What is wrong with this request and what to do; no personal data.
    public var detail: String
    /// Path of the offending field, `lines[0].sku`.
    public var field: String?

    public init(_ code: ProblemCode, _ detail: String, field: String? = nil) {
        self.code = code
        self.detail = detail
        self.field = field
    }
}
