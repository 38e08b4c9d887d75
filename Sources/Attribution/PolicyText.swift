import AdModel

extension AttributionPolicy {
    /// Everything the policy says, one statement a line, always spelled the same: what a report's policy hash is of.
    public var canonicalText: String {
        func window(_ span: Timestamp.Span?) -> String { span.map { "\($0.micros) us" } ?? "none" }
        return """
            policy \(name)
            click_window \(window(clickWindow))
            view_window \(window(viewWindow))
            counted_view \(viewCounting.rawValue)
            levels \(levels.map(\.rawValue).joined(separator: " "))
            precedence \(precedence.map(\.rawValue).joined(separator: " "))
            scope \(scope.rawValue)
            separates_interactions \(separatesInteractions)
            basis \(basis.rawValue)

            """
    }
}
