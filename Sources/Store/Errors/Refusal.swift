/// Why a change or a question of the management side was refused. Nothing has changed.
public struct Refusal: Error, Equatable, Sendable {
    /// One field at fault.
    public struct FieldProblem: Equatable, Sendable {
        /// Path in the body, `flight.to` or `lines[0].sku`.
        public var field: String
        /// Stable word, for example `required`, `unknown_reference`, `out_of_range`.
        public var code: String
        /// What is wrong and what would be right, without personal data.
        public var detail: String

        public init(field: String, code: String, detail: String) {
            self.field = field
            self.code = code
            self.detail = detail
        }
    }

    public var code: RefusalCode
    /// The field or parameter at fault, when there is one.
    public var field: String?
    /// What is wrong and what to do, without personal data.
    public var detail: String
    /// Every field at fault when there are several; bounded by the number of fields of a body.
    public var fields: [FieldProblem]
    /// Seconds after which another try makes sense.
    public var retryAfter: Int?

    public init(
        _ code: RefusalCode, field: String? = nil, _ detail: String, fields: [FieldProblem] = [], retryAfter: Int? = nil
    ) {
        self.code = code
        self.field = field
        self.detail = detail
        self.fields = fields
        self.retryAfter = retryAfter
    }

    /// One field whose value is refused; answered like every other problem of a body.
    public static func field(_ field: String, _ code: String = "invalid", _ detail: String) -> Refusal {
        Refusal(
            .invalidFields, field: field, detail, fields: [FieldProblem(field: field, code: code, detail: detail)])
    }

    /// A reference to something that does not exist or is another tenant's: the two look alike.
    public static func unknownReference(_ field: String, _ value: String) -> Refusal {
        .field(field, "unknown_reference", "There is no “\(value.prefix(64))”.")
    }

    /// Absent and foreign alike.
    public static let notFound = Refusal(.notFound, "There is nothing at this address.")
}
