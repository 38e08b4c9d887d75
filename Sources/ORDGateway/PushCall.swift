import AdModel
import Foundation
import ORD
import Postgres
import Store

/// The calls of one sending: each with its row in the journal, each answer with what follows from it.
struct PushCall: Sendable {
    /// What the sender does after a call.
    enum Next: Equatable, Sendable {
        case goOn
        /// The operator asks for a pause, or the sending is not ours any more.
        case stop
    }

    let sender: MonthSender

    // MARK: Sending

    func send(_ tasks: [PushTask]) async throws -> Next {
        let line = tasks[0].line
        let answer: OperatorAnswer?
        if line.stage == .media {
            guard let picture = try await picture(line) else {
                try await settle { db, now in
                    try PushQueue.refuse(
                        tasks, status: nil, code: "media_bytes", field: "media_file",
                        message: "The picture is gone; upload it again.", now: now, on: db)
                }
                return .goOn
            }
            answer = try await journaled(tasks, line.method, line.path, claims: true) { client in
                try await client.put(line.path, file: picture.bytes, name: picture.name, type: picture.contentType)
            }
        } else {
            let body = tasks.count > 1 ? Self.joined(tasks.map(\.line.body)) : line.body
            answer = try await journaled(tasks, line.method, line.path, claims: true) { client in
                try await client.send(line.method, line.path, json: body)
            }
        }
        guard let answer else { return .stop }
        return try await conclude(tasks, answer)
    }

    /// `{"items":[a]}` and `{"items":[b]}` as `{"items":[a,b]}`, byte for byte.
    static func joined(_ bodies: [[UInt8]]) -> [UInt8] {
        let head = Array(#"{"items":["#.utf8)
        let rows = bodies.map { $0.dropFirst(head.count).dropLast(2) }
        return head + rows.joined(separator: [UInt8(ascii: ",")]) + Array("]}".utf8)
    }

    private func picture(_ line: BundleLine) async throws -> (bytes: [UInt8], name: String, contentType: String)? {
        let object = (try? JSONSerialization.jsonObject(with: Data(line.body))) as? [String: Any]
        guard let sha256 = object?["sha256"] as? String, let file = object?["media_file"] as? String else { return nil }
        let media = try await sender.pool.transaction { try PushQueue.media(sha256: sha256, on: $0) }
        let name = file.split(separator: "/").last.map(String.init) ?? file
        return media.map { ($0.bytes, name, $0.contentType) }
    }

    private func conclude(_ tasks: [PushTask], _ answer: OperatorAnswer) async throws -> Next {
        switch answer {
        case .accepted(let status, let body):
            try await accept(tasks, status: status, body: body)
        case .refused(410, _, _, _) where tasks[0].line.stage.isDelete:
            try await settle { db, now in try PushQueue.accept(tasks, status: 410, now: now, on: db) }
        case .refused(let status, let code, let field, let message):
            try await settle { db, now in
                try PushQueue.refuse(
                    tasks, status: status, code: code, field: field, message: message, now: now, on: db)
            }
        case .notFound where tasks[0].line.stage.isDelete:
            try await settle { db, now in try PushQueue.accept(tasks, status: 404, now: now, on: db) }
        case .notFound:
            try await settle { db, now in
                try PushQueue.refuse(
                    tasks, status: 404, code: "common_not_found_error", field: nil,
                    message: "The operator knows nothing of that name.", now: now, on: db)
            }
        case .unknown(let message):
            try await settle { db, now in try PushQueue.lose(tasks, message: message, now: now, on: db) }
        case .failed:
            try await postpone(tasks, to: "queued", answer)
            return .stop
        }
        return .goOn
    }

    private func accept(_ tasks: [PushTask], status: Int?, body: [UInt8]) async throws {
        let erid = tasks[0].line.stage == .creatives ? Self.text(body, "erid") : nil
        try await settle { db, now in
            if let erid, try !PushRegister.attach(erid: erid, to: tasks[0].line.externalID, now: now, on: db) {
                return try PushQueue.refuse(
                    tasks, status: status, code: "erid_conflict", field: "erid",
                    message: "The operator's token is not the one that this version has, or another's.", now: now,
                    on: db)
            }
            try PushQueue.accept(tasks, status: status, now: now, on: db)
        }
    }

    // MARK: Asking

    /// After a call without an answer: what has the operator got?
    func ask(_ tasks: [PushTask]) async throws -> Next {
        let line = tasks[0].line
        if line.path.hasPrefix("/v3/statistics") { return try await askRows(tasks) }
        let path = Self.question(line)
        guard let answer = try await journaled(tasks, "GET", path, claims: false, { try await $0.get(path) }) else {
            return .stop
        }
        let isDelete = line.stage.isDelete
        switch answer {
        case .accepted(_, let body) where !isDelete && (line.stage == .media || OperatorHas.it(line.body, in: body)):
            try await accept(tasks, status: answer.status, body: body)
        case .notFound where isDelete:
            try await settle { db, now in try PushQueue.accept(tasks, status: 404, now: now, on: db) }
        case .accepted, .notFound:
            // It never arrived, or an older form is there: writing the whole object is safe.
            try await settle { db, now in try PushQueue.requeue(tasks, now: now, on: db) }
        default:
            try await postpone(tasks, to: "unknown", answer)
            return .stop
        }
        return .goOn
    }

    /// Rows of one page of the operator's list.
    static let pageLimit = 1_000

    /// Rows have no address of their own: the month's list is read until all that are asked for were met.
    private func askRows(_ tasks: [PushTask]) async throws -> Next {
        let month = tasks[0].line.externalID.suffix(10)
        let isDelete = tasks[0].line.stage.isDelete
        var wanted = Dictionary(tasks.map { ($0.line.externalID, $0) }) { first, _ in first }
        var found: Set<String> = []
        var offset = 0
        while !wanted.isEmpty {
            let path = "/v3/statistics/list?months=\(month)&offset=\(offset)&limit=\(Self.pageLimit)"
            let answer = try await journaled(tasks, "GET", path, claims: false) { try await $0.get(path) }
            guard let answer else { return .stop }
            guard case .accepted(_, let body) = answer, let rows = OperatorHas.rows(in: body) else {
                try await postpone(tasks, to: "unknown", answer)
                return .stop
            }
            for row in rows {
                guard let task = wanted.removeValue(forKey: row.id) else { continue }
                if isDelete || OperatorHas.row(task.line.body, in: row.json) { found.insert(row.id) }
            }
            offset += rows.count
            if rows.count < Self.pageLimit { break }
        }
        let met = found
        let arrived = tasks.filter { met.contains($0.line.externalID) != isDelete }
        let others = tasks.filter { met.contains($0.line.externalID) == isDelete }
        try await settle { db, now in
            try PushQueue.accept(arrived, status: 200, now: now, on: db)
            try PushQueue.requeue(others, now: now, on: db)
        }
        return .goOn
    }

    private static func question(_ line: BundleLine) -> String {
        switch line.stage {
        case .media: "\(line.path)/info"
        case .deletedActs where line.path.hasSuffix("/delete"): String(line.path.dropLast("/delete".utf8.count))
        default: line.path
        }
    }

    // MARK: The register

    /// The register's word on many objects, out of its list.
    func lookAtList(_ tasks: [PushTask], page: Int) async throws {
        guard let first = tasks.first else { return }
        var wanted: [RegisterEntry.Key: PushTask] = [:]
        for task in tasks {
            guard let type = task.line.stage.registerType else { continue }
            wanted[RegisterEntry.Key(type: type, id: task.line.externalID)] = task
        }
        var offset = 0
        while !wanted.isEmpty {
            let path = "/v1/erir_statuses?offset=\(offset)&limit=\(page)"
            let answer = try await journaled([first], "GET", path, claims: false) { try await $0.get(path) }
            // An operator without the list, or a pause: the questions one by one tell.
            guard case .accepted(_, let body)? = answer, let entries = RegisterEntry.list(body) else { return }
            let met = entries.compactMap { entry in wanted.removeValue(forKey: entry.key).map { ($0, entry) } }
            try await settle { db, now in
                for (task, entry) in met {
                    try PushRegister.settle(task, status: entry.status, messages: entry.messages, now: now, on: db)
                }
            }
            offset += entries.count
            if entries.count < page { return }
        }
    }

    /// What became of the levy on an act that the register has.
    private func lookAtLevy(_ task: PushTask) async throws -> Next {
        let path = "/v4/invoice/\(task.line.externalID)"
        guard let answer = try await journaled([task], "GET", path, claims: false, { try await $0.get(path) }) else {
            return .stop
        }
        guard case .accepted(_, let body) = answer else {
            let (isPause, after) = (answer.isPause, answer.pause)
            try await settle { db, now in
                try PushRegister.postpone(
                    task, after: after ?? PushRegister.levyPause, everything: isPause, now: now, on: db)
            }
            return isPause ? .stop : .goOn
        }
        try await settle { db, now in
            try PushRegister.settleLevy(task, status: Self.text(body, "erir_tax_status"), now: now, on: db)
        }
        return .goOn
    }

    func look(_ task: PushTask) async throws -> Next {
        guard let type = task.line.stage.registerType else { return .goOn }
        if task.awaitsLevy { return try await lookAtLevy(task) }
        let path = "/v1/\(type)/\(task.line.externalID)/erir_status"
        guard let answer = try await journaled([task], "GET", path, claims: false, { try await $0.get(path) }) else {
            return .stop
        }
        guard case .accepted(_, let body) = answer, let status = Self.text(body, "status") else {
            let (isPause, after) = (answer.isPause, answer.pause)
            try await settle { db, now in
                try PushRegister.postpone(task, after: after, everything: isPause, now: now, on: db)
            }
            return isPause ? .stop : .goOn
        }
        let messages = RegisterEntry.messages((try? JSONSerialization.jsonObject(with: Data(body))) as? [String: Any])
        try await settle { db, now in
            try PushRegister.settle(task, status: status, messages: messages, now: now, on: db)
        }
        return .goOn
    }

    // MARK: Journal

    /// Makes a call between its two rows of the journal; nil when what it carries is not ours any more.
    private func journaled(
        _ tasks: [PushTask], _ method: String, _ path: String, claims: Bool,
        _ call: @Sendable (OperatorClient) async throws -> OperatorAnswer
    ) async throws -> OperatorAnswer? {
        let (started, runner) = (sender.clock(), sender.runner)
        let number: Int64?
        do {
            number = try await sender.pool.transaction { db in
                try PushQueue.begin(
                    tasks, method, path: String(path.prefix(300)), claims: claims, runner: runner, now: started, on: db)
            }
        } catch is PushQueue.ClaimLost {
            number = nil
        }
        guard let number else { return nil }
        let answer = try await call(sender.client)
        try await settle { db, now in
            try RegistrationStore.end(
                number, answer.outcome, status: answer.status, errorCode: answer.errorCode, now: now, on: db)
        }
        return answer
    }

    private func postpone(_ tasks: [PushTask], to state: String, _ answer: OperatorAnswer) async throws {
        let message: String
        switch answer {
        case .failed(_, _, let text, _), .unknown(let text), .refused(_, _, _, let text): message = text
        default: message = "The operator could not be asked; asked again later."
        }
        let (isPause, after) = (answer.isPause, answer.pause)
        try await settle { db, now in
            try PushQueue.postpone(
                tasks, to: state, status: answer.status, code: answer.errorCode ?? "no_answer", message: message,
                after: after, everything: isPause, now: now, on: db)
        }
    }

    private func settle(
        _ body: @Sendable (isolated PostgresConnection, Timestamp) throws -> Void
    ) async throws {
        let now = sender.clock()
        try await sender.pool.transaction { try body($0, now) }
    }

    static func text(_ body: [UInt8], _ key: String) -> String? {
        ((try? JSONSerialization.jsonObject(with: Data(body))) as? [String: Any])?[key] as? String
    }
}

/// The register's word on one object, as its list has it.
struct RegisterEntry: Sendable {
    struct Key: Hashable, Sendable {
        var type: String
        var id: String
    }

    var key: Key
    var status: String
    var messages: [String]

    /// A page of the list: `{"items":[{"data_type","external_id","status","messages"}]}`; nil when it is none.
    static func list(_ body: [UInt8]) -> [RegisterEntry]? {
        let object = (try? JSONSerialization.jsonObject(with: Data(body))) as? [String: Any]
        guard let items = object?["items"] as? [[String: Any]] else { return nil }
        return items.map { item in
            RegisterEntry(
                key: Key(type: item["data_type"] as? String ?? "", id: item["external_id"] as? String ?? ""),
                status: item["status"] as? String ?? "processing", messages: messages(item))
        }
    }

    static func messages(_ object: [String: Any]?) -> [String] {
        (object?["messages"] as? [Any] ?? []).compactMap { message in
            message as? String ?? (message as? [String: Any])?["text"] as? String
        }
    }
}

extension OperatorAnswer {
    /// The operator cannot be called at all for a while: nothing else is tried before.
    var isPause: Bool { if case .failed = self { true } else { false } }

    /// How long he asks us to wait; nil when he does not say.
    var pause: Timestamp.Span? {
        if case .failed(_, _, _, let seconds?) = self { .seconds(Int64(seconds)) } else { nil }
    }
}
