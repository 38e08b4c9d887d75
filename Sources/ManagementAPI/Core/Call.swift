import AdModel
import Crypto
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import Postgres
import Store
import Synchronization

/// One authenticated request as a route sees it.
public struct Call: Sendable {
    /// Bytes of a JSON body that are read unless a route says otherwise.
    public static let bodyLimit = 1 << 20

    /// Who calls, with only those roles that the route allows.
    public let actor: Actor
    public let now: Timestamp
    public let requestID: String
    public let services: ManagementServices
    /// The peer's address as /24 or /48, for guess throttling and rate limits; never stored as is.
    public let network: String
    public let method: String
    let request: Request
    let parameters: Parameters
    private let memory = BodyMemory()

    private final class BodyMemory: Sendable {
        let bytes = Mutex<[UInt8]?>(nil)
    }

    init(
        actor: Actor, now: Timestamp, requestID: String, services: ManagementServices, network: String,
        request: Request, parameters: Parameters
    ) {
        self.actor = actor
        self.now = now
        self.requestID = requestID
        self.services = services
        self.network = network
        self.method = request.method.rawValue
        self.request = request
        self.parameters = parameters
    }

    /// A parameter of the path, percent-decoded.
    /// Empty, which is the id of nothing, for what cannot be one.
    public func path(_ name: String) -> String {
        let text = parameters.get(name)?.removingPercentEncoding ?? ""
        return text.utf8.contains(0) ? "" : text
    }

    /// A header by name.
    public func header(_ name: String) -> String? { HTTPField.Name(name).flatMap { request.headers[$0] } }

    public func query() throws(Refusal) -> QueryReader {
        try QueryReader(request.uri.query, sealer: services.sealer)
    }

    /// For routes without parameters.
    public func requireNoQuery() throws(Refusal) { try query().finish() }

    // MARK: Body

    /// The body's bytes, at most `limit`; read once, kept for later calls.
    public func rawBody(limit: Int = Call.bodyLimit) async throws -> [UInt8] {
        if let bytes = memory.bytes.withLock({ $0 }) { return bytes }
        if let length = header("content-length").flatMap(Int.init), length > limit {
            throw Refusal(.bodyTooLarge, "At most \(limit) bytes of body.")
        }
        if let encoding = header("content-encoding"), encoding != "identity" {
            throw Refusal(.unsupportedMediaType, "Send the body without Content-Encoding.")
        }
        let bytes: [UInt8]
        do {
            bytes = Array(buffer: try await request.body.collect(upTo: limit))
        } catch is NIOTooManyBytesError {
            throw Refusal(.bodyTooLarge, "At most \(limit) bytes of body.")
        }
        memory.bytes.withLock { $0 = bytes }
        return bytes
    }

    /// The body as a JSON object.
    public func body(limit: Int = Call.bodyLimit) async throws -> Fields {
        let type = header("content-type")?.lowercased() ?? ""
        guard type.hasPrefix("application/json") || type.hasPrefix("application/merge-patch+json") else {
            throw Refusal(.unsupportedMediaType, "Send Content-Type: application/json.")
        }
        guard let value = JSONValue.parse(try await rawBody(limit: limit)) else {
            throw Refusal(.malformedJSON, "The body is not JSON in UTF-8, or nested too deep.")
        }
        guard case .object(let members) = value else {
            throw Refusal(.malformedJSON, "The body must be a JSON object.")
        }
        return Fields(members)
    }

    // MARK: Transactions

    /// Reads in one snapshot of the database, as the caller's tenant.
    public func read<R: Sendable>(
        _ body: @Sendable (isolated PostgresConnection) throws -> R
    ) async throws -> R {
        let scope = actor.scope
        return try await services.pool.transaction(.repeatableRead) { db in
            try db.script("set transaction read only")
            try scope.enter(on: db)
            return try body(db)
        }
    }

    /// Writes in one transaction, as the caller's tenant: rows, audit entries, version and the answer of a repeated
    /// request commit together or not at all.
    public func write(
        _ body: @Sendable (isolated PostgresConnection, inout Change) throws -> Answer
    ) async throws -> Answer {
        let scope = actor.scope
        let idempotency = try await idempotency()
        return try await services.pool.transaction { db in
            try scope.enter(on: db)
            if let idempotency, let known = try idempotency.begin(on: db) { return known }
            var change = Change(call: self)
            let answer = try body(db, &change)
            try change.finish(on: db)
            try idempotency?.finish(answer, on: db)
            return answer
        }
    }

    private func idempotency() async throws -> Idempotency? {
        guard request.method == .post, let key = header("idempotency-key") else { return nil }
        guard (1...255).contains(key.utf8.count), key.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw Refusal(
                .invalidParameter, field: "Idempotency-Key", "1 to 255 printable ASCII characters without spaces.")
        }
        // A route that reads no body has none to compare.
        let body = memory.bytes.withLock { $0 } ?? []
        let hash = SHA256.hash(data: Array("\(method) \(request.uri.path)\n".utf8) + body)
        return Idempotency(actor: actor.name, key: key, requestHash: Array(hash), now: now)
    }
}
