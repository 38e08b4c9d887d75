import Dispatch
import Synchronization

/// Makes and checks password hashes. A protocol, so that tests can count and cheapen the work.
public protocol PasswordHashing: Sendable {
    /// The text to store for a password.
    func hash(_ password: String) async throws -> String
    /// Whether the password belongs to the stored text. Does the same work for nil and for a text that cannot be read,
    /// and then says no.
    func verify(_ password: String, against stored: String?) async throws -> Bool
    /// Whether the stored text was made with less work than new ones are.
    func needsRenewal(_ stored: String) -> Bool
}

/// Too many passwords wait to be hashed; try again later.
public struct PasswordQueueFull: Error {
    public init() {}
}

/// scrypt on threads of its own: neither an event loop nor a data base connection waits for it.
public final class ScryptHasher: PasswordHashing {
    /// Passwords that may wait for their turn; one more gets `PasswordQueueFull` at once.
    public static let queueLimit = 64
    /// Passwords hashed at the same time, each with the memory that its parameters ask for.
    public static let concurrency = 2

    private let parameters: ScryptParameters
    private let queues: [DispatchQueue]
    private let state = Mutex((waiting: 0, next: 0))
    /// Stands in for the hash of a user that does not exist.
    private let nobody: PasswordHash

    public init(parameters: ScryptParameters = .current) {
        self.parameters = parameters
        queues = (0..<Self.concurrency).map { DispatchQueue(label: "nimb.password.\($0)") }
        nobody = .ofNobody(parameters)
    }

    public func hash(_ password: String) async throws -> String {
        let parameters = parameters
        return try await run {
            try PasswordHash(
                password: password, salt: RandomBytes.make(PasswordHash.saltBytes), parameters: parameters
            ).text
        }
    }

    public func verify(_ password: String, against stored: String?) async throws -> Bool {
        let known = stored.flatMap { PasswordHash($0) }
        let hash = known ?? nobody
        let matches = try await run { try hash.matches(password) }
        return matches && known != nil
    }

    public func needsRenewal(_ stored: String) -> Bool { PasswordHash(stored)?.parameters != parameters }

    private func run<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
        let queue: DispatchQueue? = state.withLock { state in
            guard state.waiting < Self.queueLimit else { return nil }
            state.waiting += 1
            state.next = (state.next + 1) % Self.concurrency
            return queues[state.next]
        }
        guard let queue else { throw PasswordQueueFull() }
        defer { state.withLock { $0.waiting -= 1 } }
        return try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Result { try work() }) }
        }
    }
}
