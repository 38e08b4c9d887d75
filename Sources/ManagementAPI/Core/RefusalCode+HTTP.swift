import HTTPTypes
import Store

extension RefusalCode {
    /// Status and title of the problem that carries the code.
    var http: (status: HTTPResponse.Status, title: String) {
        switch self {
        case .badRequest: (.badRequest, "Bad request")
        case .bodyTooLarge: (.contentTooLarge, "Body too large")
        case .conflict: (.conflict, "Conflict")
        case .csrfFailed: (.forbidden, "Cross-site request refused")
        case .forbidden: (.forbidden, "Forbidden")
        case .idempotencyKeyReused: (.unprocessableContent, "Idempotency key reused")
        case .insufficientFunds: (.conflict, "Insufficient funds")
        case .insufficientScope: (.forbidden, "Insufficient scope")
        case .internalError: (.internalServerError, "Internal error")
        case .invalidCredentials: (.unauthorized, "Wrong address or password")
        case .invalidCursor: (.badRequest, "Invalid cursor")
        case .invalidFields: (.unprocessableContent, "Invalid fields")
        case .invalidParameter: (.badRequest, "Invalid parameter")
        case .invalidState: (.conflict, "Not possible in this state")
        case .invalidToken: (.badRequest, "Link no longer works")
        case .lastAdmin: (.conflict, "Last admin")
        case .limitReached: (.conflict, "Limit reached")
        case .malformedJSON: (.badRequest, "Malformed JSON")
        case .methodNotAllowed: (.methodNotAllowed, "Method not allowed")
        case .notFound: (.notFound, "Not found")
        case .numberTooLarge: (.unprocessableContent, "A number is too large")
        case .preconditionFailed: (.preconditionFailed, "Changed meanwhile")
        case .preconditionRequired: (.preconditionRequired, "If-Match required")
        case .queryTooLong: (.uriTooLong, "Query too long")
        case .rangeTooLong: (.badRequest, "Range too long")
        case .rateLimited: (.tooManyRequests, "Too many requests")
        case .referenceConflict: (.conflict, "Reference used already")
        case .secretAlreadyShown: (.conflict, "Secret already shown")
        case .tooManyAttempts: (.tooManyRequests, "Too many attempts")
        case .slotTaken: (.conflict, "The slot is taken")
        case .unauthorized: (.unauthorized, "Not authorised")
        case .unavailable: (.serviceUnavailable, "Temporarily unavailable")
        case .unknownCampaign: (.notFound, "Not found")
        case .unknownParameter: (.badRequest, "Unknown parameter")
        case .unsupportedMediaType: (.unsupportedMediaType, "Unsupported media type")
        case .unsupportedPolicy: (.badRequest, "Unsupported policy")
        }
    }
}
