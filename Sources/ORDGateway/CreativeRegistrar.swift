import AdModel
import Foundation
import Logging
import ORD
import Postgres
import Store

/// Registers approved creatives with the operator, one run at a time: what is due is taken up, every call is written
/// down before it is made, and a call without an answer is never repeated before the operator has been asked.
public struct CreativeRegistrar: Sendable {
    /// Pause before the register is asked again for its word on a token.
    public static let statusPause: Timestamp.Span = .minutes(10)
    /// Pause before it is asked for the first time.
    public static let firstLook: Timestamp.Span = .seconds(10)

    private let pool: PostgresPool
    private let client: OperatorClient
    private let kktu: KKTUDictionary
    private let batch: Int
    private let logger: Logger
    private let clock: @Sendable () -> Timestamp

    /// - Parameter pool: of the system scope: it works for all advertisers.
    public init(
        pool: PostgresPool, client: OperatorClient, kktu: KKTUDictionary, batch: Int = 50, logger: Logger,
        clock: @escaping @Sendable () -> Timestamp
    ) {
        self.pool = pool
        self.client = client
        self.kktu = kktu
        self.batch = batch
        self.logger = logger
        self.clock = clock
    }

    /// One run; safe to end anywhere.
    public func run() async throws {
        let now = clock()
        let batch = batch
        let tasks = try await pool.transaction { db in
            _ = try RegistrationStore.enqueueForgotten(now: now, on: db)
            return try RegistrationStore.due(now: now, limit: batch, on: db)
        }
        for task in tasks {
            try Task.checkCancellation()
            let taken = clock()
            let isOurs = try await pool.transaction { try RegistrationStore.claim(task, now: taken, on: $0) }
            guard isOurs else { continue }
            switch task.state {
            case "queued": try await send(task)
            case "unknown": try await ask(task)
            default: try await look(task)
            }
        }
    }

    // MARK: Sending

    private func send(_ task: RegistrationTask) async throws {
        let now = clock()
        let objects = try await pool.transaction(.repeatableRead) {
            try RegistrationReader.objects(ofVersion: task.version, now: now, on: $0)
        }
        guard let objects else {
            return try await settle { db, now in
                try RegistrationStore.refuse(
                    task, code: "kktu", field: "kktus", message: "The campaign has no KKTU code.", now: now, on: db)
            }
        }
        if let finding = findings(objects, now: now).first {
            return try await settle { db, now in
                try RegistrationStore.refuse(
                    task, code: finding.code, field: finding.field, message: "\(finding.object): \(finding.message)",
                    now: now, on: db)
            }
        }
        for person in objects.persons {
            guard try await ensure(task, OperatorRequests.person(person)) else { return }
        }
        if let contract = objects.contract {
            guard try await ensure(task, OperatorRequests.contract(contract)) else { return }
        }
        for cid in objects.cids {
            guard try await ensure(task, OperatorRequests.cid(cid)) else { return }
        }
        for (media, bytes) in objects.media {
            let request = OperatorRequest(
                externalID: media.id, path: OperatorRequests.mediaPath(media.id), body: Array(media.sha256.utf8))
            let client = client
            let name = media.path.split(separator: "/").last.map(String.init) ?? media.id
            let sent = try await ensure(task, request) {
                try await client.put(request.path, file: bytes, name: name, type: media.contentType)
            }
            guard sent else { return }
        }
        let request = OperatorRequests.creative(objects.creative)
        let client = client
        let answer = try await journaled(task, .put, request.path, hash: request.fingerprint) {
            try await client.put(request.path, json: request.body)
        }
        guard case .accepted(_, let body) = answer else {
            return try await fail(task, answer, object: "creative \(objects.creative.id)")
        }
        try await attach(task, body, kktu: objects.creative.kktus.first)
    }

    /// What the operator would refuse, found without asking him.
    private func findings(_ objects: RegistrationObjects, now: Timestamp) -> [Finding] {
        let persons = Dictionary(objects.persons.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        let contracts = Dictionary(
            [objects.contract].compactMap { $0 }.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        let today = Day(number: Int32(now.micros / 86_400_000_000))
        var findings = objects.persons.flatMap { $0.findings() }
        if let contract = objects.contract {
            findings += contract.findings(persons: persons, contracts: contracts, today: today)
        }
        findings += objects.cids.flatMap { $0.findings() }
        findings += objects.creative.findings(
            contracts: contracts, persons: persons, media: Set(objects.media.map(\.media.id)), kktu: kktu)
        return findings.filter { $0.severity == .error }
    }

    /// Sends an object that the operator does not have in this form; false when the task ended here.
    private func ensure(
        _ task: RegistrationTask, _ request: OperatorRequest, put: (@Sendable () async throws -> OperatorAnswer)? = nil
    ) async throws -> Bool {
        let hash = request.fingerprint
        let (isKnown, isUncertain) = try await pool.withConnection { db in
            (
                try RegistrationStore.isKnown(request.externalID, bodyHash: hash, on: db),
                try RegistrationStore.isUncertain(path: request.path, bodyHash: hash, on: db)
            )
        }
        if isKnown { return true }
        let client = client
        if isUncertain {
            let question = put == nil ? request.path : "\(request.path)/info"
            let answer = try await journaled(task, .get, question, hash: nil) { try await client.get(question) }
            switch answer {
            // A picture is known by its content; of other objects an older form may be what the operator has.
            case .accepted(_, let body) where put != nil || OperatorHas.it(request.body, in: body):
                return try await remember(request, hash)
            case .accepted, .notFound: break
            default:
                try await fail(task, answer, object: request.externalID)
                return false
            }
        }
        let answer = try await journaled(task, .put, request.path, hash: hash) {
            if let put { return try await put() }
            return try await client.put(request.path, json: request.body)
        }
        if case .accepted = answer { return try await remember(request, hash) }
        try await fail(task, answer, object: request.externalID)
        return false
    }

    private func remember(_ request: OperatorRequest, _ hash: [UInt8]) async throws -> Bool {
        try await settle { db, now in
            try RegistrationStore.remember(request.externalID, bodyHash: hash, now: now, on: db)
        }
        return true
    }

    // MARK: Asking

    /// After a call without an answer: what has the operator got?
    private func ask(_ task: RegistrationTask) async throws {
        let path = OperatorRequests.creativePath(task.externalID)
        let client = client
        let answer = try await journaled(task, .get, path, hash: nil) { try await client.get(path) }
        switch answer {
        case .accepted(_, let body): try await attach(task, body, kktu: nil)
        case .notFound:
            // It never arrived, so it is sent as if for the first time.
            try await settle { db, now in
                try RegistrationStore.postpone(
                    task, to: "queued", code: "not_arrived", message: "The operator has not received it; sent again.",
                    after: Timestamp.Span(micros: 0), now: now, on: db)
            }
        default: try await stay(task, answer, in: "unknown")
        }
    }

    /// The register's word on a token.
    private func look(_ task: RegistrationTask) async throws {
        let path = OperatorRequests.statusPath(ofCreative: task.externalID)
        let client = client
        let answer = try await journaled(task, .get, path, hash: nil) { try await client.get(path) }
        guard case .accepted(_, let body) = answer,
            let object = try? JSONSerialization.jsonObject(with: Data(body)) as? [String: Any],
            let status = object["status"] as? String
        else { return try await stay(task, answer, in: "registered") }
        let messages = (object["messages"] as? [Any] ?? []).compactMap { message in
            message as? String ?? (message as? [String: Any])?["text"] as? String
        }
        try await settle { db, now in
            try RegistrationStore.settle(
                task, status: status, messages: messages, now: now, again: Self.statusPause, on: db)
        }
    }

    // MARK: Outcomes

    private func attach(_ task: RegistrationTask, _ body: [UInt8], kktu: String?) async throws {
        let object = (try? JSONSerialization.jsonObject(with: Data(body))) as? [String: Any]
        guard let erid = object?["erid"] as? String, ERID.isPlausible(erid) else {
            return try await settle { db, now in
                try RegistrationStore.refuse(
                    task, code: "no_erid", field: "erid", message: "The operator's answer holds no usable token.",
                    now: now, on: db)
            }
        }
        try await settle { db, now in
            _ = try RegistrationStore.attach(
                erid: erid, to: task, kktu: kktu, now: now, firstLook: Self.firstLook, on: db)
        }
    }

    private func fail(_ task: RegistrationTask, _ answer: OperatorAnswer, object: String) async throws {
        logger.warning(
            "registration did not succeed",
            metadata: [
                "creative": "\(task.externalID)", "object": "\(object)", "outcome": "\(answer.outcome.rawValue)",
            ])
        try await settle { db, now in
            switch answer {
            case .accepted: break
            case .refused(_, let code, let field, let message):
                try RegistrationStore.refuse(
                    task, code: code, field: field, message: "\(object): \(message)", now: now, on: db)
            case .notFound:
                try RegistrationStore.refuse(
                    task, code: "common_not_found_error", field: nil,
                    message: "\(object): the operator knows nothing of that name.", now: now, on: db)
            case .unknown(let message): try RegistrationStore.lose(task, message: message, now: now, on: db)
            case .failed(_, let code, let message, let seconds):
                try RegistrationStore.postpone(
                    task, to: "queued", code: code, message: message, after: seconds.map { .seconds(Int64($0)) },
                    now: now, on: db)
            }
        }
    }

    /// A question without a useful answer is asked again later.
    private func stay(_ task: RegistrationTask, _ answer: OperatorAnswer, in state: String) async throws {
        try await settle { db, now in
            var pause: Timestamp.Span?
            if case .failed(_, _, _, let seconds?) = answer { pause = .seconds(Int64(seconds)) }
            try RegistrationStore.postpone(
                task, to: state, code: answer.errorCode ?? "no_answer",
                message: "The operator could not be asked; asked again later.", after: pause, now: now, on: db)
        }
    }

    private func journaled(
        _ task: RegistrationTask, _ method: RegistrationCall.Method, _ path: String, hash: [UInt8]?,
        _ call: @Sendable () async throws -> OperatorAnswer
    ) async throws -> OperatorAnswer {
        let started = clock()
        let number = try await pool.transaction { db in
            try RegistrationStore.begin(method, path: path, bodyHash: hash, version: task.version, now: started, on: db)
        }
        let answer = try await call()
        try await settle { db, now in
            try RegistrationStore.end(
                number, answer.outcome, status: answer.status, errorCode: answer.errorCode, now: now, on: db)
        }
        return answer
    }

    private func settle(
        _ body: @Sendable (isolated PostgresConnection, Timestamp) throws -> Void
    ) async throws {
        let now = clock()
        try await pool.transaction { try body($0, now) }
    }
}

extension OperatorAnswer {
    var outcome: RegistrationCall.Outcome {
        switch self {
        case .accepted: .accepted
        case .refused, .notFound: .refused
        case .unknown: .unknown
        case .failed: .failed
        }
    }

    var status: Int? {
        switch self {
        case .accepted(let status, _), .refused(let status, _, _, _): status
        case .notFound: 404
        case .failed(let status, _, _, _): status
        case .unknown: nil
        }
    }

    var errorCode: String? {
        switch self {
        case .accepted: nil
        case .refused(_, let code, _, _), .failed(_, let code, _, _): code
        case .notFound: "common_not_found_error"
        case .unknown: "no_answer"
        }
    }
}
