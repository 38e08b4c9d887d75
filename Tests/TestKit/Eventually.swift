/// A condition did not come true in time.
public struct DeadlineError: Error, CustomStringConvertible {
    public let description: String
    public init(description: String) { self.description = description }
}

/// Waits until `condition` is true, asking again and again; throws `DeadlineError` when the time is over.
public func eventually(
    within limit: Duration = .seconds(10), every pause: Duration = .milliseconds(20), _ what: String = "the condition",
    isolation: isolated (any Actor)? = #isolation, _ condition: () async throws -> Bool
) async throws {
    try await eventualValue(within: limit, every: pause, what, isolation: isolation) {
        try await condition() ? () : nil
    }
}

/// Waits until `attempt` yields a value, asking again and again; throws `DeadlineError` when the time is over.
public func eventualValue<Value>(
    within limit: Duration = .seconds(10), every pause: Duration = .milliseconds(20), _ what: String = "the value",
    isolation: isolated (any Actor)? = #isolation, _ attempt: () async throws -> Value?
) async throws -> Value {
    let clock = ContinuousClock()
    let deadline = clock.now + limit
    while true {
        if let value = try await attempt() { return value }
        guard clock.now < deadline else { throw DeadlineError(description: "\(what) did not appear in \(limit)") }
        try await Task.sleep(for: pause)
    }
}
