/// The closed list of reasons for which a management request is refused. Raw values are the `code` of the problem and
/// never change their meaning; programs may branch on them.
public enum RefusalCode: String, CaseIterable, Sendable {
    case badRequest = "bad_request"
    case bodyTooLarge = "body_too_large"
    case conflict
    case csrfFailed = "csrf_failed"
    case forbidden
    case idempotencyKeyReused = "idempotency_key_reused"
    case insufficientFunds = "insufficient_funds"
    case insufficientScope = "insufficient_scope"
    case internalError = "internal_error"
    case invalidCredentials = "invalid_credentials"
    case invalidCursor = "invalid_cursor"
    case invalidFields = "invalid_fields"
    case invalidParameter = "invalid_parameter"
    case invalidState = "invalid_state"
    case invalidToken = "invalid_token"
    case lastAdmin = "last_admin"
    case limitReached = "limit_reached"
    case malformedJSON = "malformed_json"
    case methodNotAllowed = "method_not_allowed"
    case notFound = "not_found"
    case numberTooLarge = "number_too_large"
    case preconditionFailed = "precondition_failed"
    case preconditionRequired = "precondition_required"
    case queryTooLong = "query_too_long"
    case rangeTooLong = "range_too_long"
    case rateLimited = "rate_limited"
    case referenceConflict = "reference_conflict"
    case secretAlreadyShown = "secret_already_shown"
    case slotTaken = "slot_taken"
    case tooManyAttempts = "too_many_attempts"
    case unauthorized
    case unavailable
    case unknownCampaign = "unknown_campaign"
    case unknownParameter = "unknown_parameter"
    case unsupportedMediaType = "unsupported_media_type"
    case unsupportedPolicy = "unsupported_policy"
}
