/// Collects what is wrong with the fields of one body while the database is asked, so that all of it is told at once.
struct FieldProblems {
    /// Problems that are told.
    static let limit = 50

    private(set) var items: [Refusal.FieldProblem] = []

    var isEmpty: Bool { items.isEmpty }

    mutating func add(_ field: String, _ code: String, _ detail: String) {
        guard items.count < Self.limit else { return }
        items.append(Refusal.FieldProblem(field: field, code: code, detail: detail))
    }

    /// A reference to what is absent or another tenant's.
    mutating func unknown(_ field: String, _ value: String) {
        add(field, "unknown_reference", "There is no “\(value.prefix(64))”.")
    }

    /// Throws `invalid_fields` with everything that was added.
    func throwIfAny() throws(Refusal) {
        guard let first = items.first else { return }
        throw Refusal(.invalidFields, field: first.field, "\(first.field): \(first.detail)", fields: items)
    }
}
