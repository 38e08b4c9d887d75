import Crypto
import Foundation

/// What the stub has been sent and what it answers to.
public actor StubBook {
    private var objects: [String: [String: StubValue]] = [:]
    private var sent: [String: [UInt8]] = [:]
    private var looks: [String: Int] = [:]
    private var spoiled: [String: String] = [:]
    private var blocked: Set<String> = []
    private var faults: [(place: String, fault: StubFault, times: Int)] = []
    private let looksBeforeVerified: Int
    private let today: @Sendable () -> String
    /// `METHOD path` of every request that was treated, in order, up to a limit.
    public private(set) var log: [String] = []
    public static let logLimit = 100_000
    /// Called before each request is treated; tests end the sender here.
    private var onRequest: (@Sendable (String) -> Void)?

    /// - Parameters:
    ///   - looksBeforeVerified: status questions answered `processing` before `verified`.
    ///   - today: the operator's day (UTC), `2026-11-22`.
    public init(looksBeforeVerified: Int = 1, today: (@Sendable () -> String)? = nil) {
        self.looksBeforeVerified = looksBeforeVerified
        self.today = today ?? { String(Date().ISO8601Format().prefix(10)) }
    }

    /// Misbehaves the next times that a request begins like this, `PUT /v3/creative`.
    public func plan(_ fault: StubFault, on place: String, times: Int = 1) {
        faults.append((place, fault, times))
    }

    /// Calls back with `METHOD path` before each request is treated.
    public func watch(_ body: (@Sendable (String) -> Void)?) { onRequest = body }

    /// The levy was charged: the act cannot change any more.
    public func block(act: String) { blocked.insert(act) }

    /// Forgets an object, as if it had never come.
    public func forget(_ kind: String, _ id: String) { objects[kind]?[id] = nil }

    /// The body that is kept under an id.
    public func body(_ kind: String, _ id: String) -> [UInt8]? { sent["\(kind) \(id)"] }

    /// Ids of the objects of a kind, in order; rows of statistics by the operator's names for them.
    public func ids(_ kind: String) -> [String] { (objects[kind] ?? [:]).keys.sorted() }

    /// Everything that the operator has, one line an object, to be compared.
    public var contents: [String] {
        objects.sorted { $0.key < $1.key }.flatMap { kind, values in
            values.sorted { $0.key < $1.key }.map { "\(kind) \($0) \(StubReply.encoded($1.plain))" }
        }
    }

    /// Times that an object was written.
    public func writes(_ path: String) -> Int { log.count { $0 == "PUT \(path)" } }

    func takeFault(for place: String) -> StubFault? {
        onRequest?(place)
        guard let index = faults.firstIndex(where: { place.hasPrefix($0.place) && $0.times > 0 }) else { return nil }
        faults[index].times -= 1
        let fault = faults[index].fault
        if faults[index].times == 0 { faults.remove(at: index) }
        return fault
    }

    func spoil(_ path: String, _ message: String) { spoiled[path] = message }

    // MARK: Reading

    func get(_ kind: String, _ id: String, path: String) -> StubReply {
        note("GET", path)
        guard let value = objects[kind]?[id] else { return Self.absent }
        guard case .object(var members) = value else { return Self.absent }
        if kind == "creative" { members["erid"] = .text(Self.erid(of: id)) }
        if kind == "invoice" { members["erir_tax_status"] = .text(blocked.contains(id) ? "blocked" : "no_tax") }
        return StubReply(status: 200, json: StubReply.encoded(StubValue.object(members).plain))
    }

    /// `GET /v3/statistics/list?months=…&offset=…&limit=…`.
    func rows(months: String, offset: Int, limit: Int, path: String) -> StubReply {
        note("GET", path)
        let found = (objects["statistics"] ?? [:]).filter { $0.key.hasSuffix("__\(months)") }
        let page = found.sorted { $0.key < $1.key }.dropFirst(offset).prefix(min(max(limit, 0), 1_000))
        return StubReply(status: 200, json: StubReply.encoded(["items": page.map(\.value.plain)]))
    }

    /// `GET /v1/erir_statuses?offset=…&limit=…`: the register's word on everything, in order of reference.
    func statuses(offset: Int, limit: Int, path: String) -> StubReply {
        note("GET", path)
        let kinds = ["person", "contract", "cid", "creative", "invoice", "pad", "statistics"]
        let all = kinds.flatMap { kind in (objects[kind] ?? [:]).keys.sorted().map { (kind, $0) } }
        let items: [[String: Any]] = all.dropFirst(offset).prefix(min(max(limit, 0), 60_000)).map { kind, id in
            let word = word("/v1/\(kind)/\(id)/erir_status")
            return ["data_type": kind, "external_id": id, "status": word.status, "messages": word.messages]
        }
        return StubReply(status: 200, json: StubReply.encoded(["items": items, "total_items_count": all.count]))
    }

    private func word(_ path: String) -> (status: String, messages: [String]) {
        if let message = spoiled[path] { return ("bad", [message]) }
        looks[path, default: 0] += 1
        return ((looks[path] ?? 0) > looksBeforeVerified ? "verified" : "processing", [])
    }

    /// The register's word on an object.
    func status(_ kind: String, _ id: String, path: String) -> StubReply {
        note("GET", path)
        guard objects[kind]?[id] != nil else { return Self.absent }
        let word = word(path)
        return StubReply(
            status: 200, json: StubReply.encoded(["status": word.status, "messages": word.messages] as [String: Any]))
    }

    // MARK: Writing

    func put(_ kind: String, _ id: String, _ body: [UInt8], contentType: String, path: String) -> StubReply {
        note("PUT", path)
        guard kind != "media" else { return media(id, body, contentType) }
        guard let value = StubValue(body), let schema = StubSchema.all[kind] else {
            return .error(400, "common_invalid_json", nil, "not a JSON object")
        }
        guard (1...255).contains(id.unicodeScalars.count) else {
            return .error(400, "common_length_out_of_ranges", nil, "the id must have 1 to 255 characters")
        }
        if kind == "invoice", blocked.contains(id) {
            return .error(409, "common_conflict_error", nil, "the levy was charged; the act cannot change")
        }
        let (problems, ignored) = schema.check(value)
        if let problem = problems.first ?? rules.problem(kind, id, value) { return .error(problem, value) }
        let isNew = objects[kind]?[id] == nil
        keep(kind, id, value, body)
        looks["/v1/\(kind)/\(id)/erir_status"] = nil
        spoiled["/v1/\(kind)/\(id)/erir_status"] = nil
        var answer: [String: Any] = ["messages": Self.messages(ignored)]
        if kind == "creative" { answer["erid"] = Self.erid(of: id) }
        return StubReply(status: isNew ? 201 : 200, json: StubReply.encoded(answer))
    }

    private func media(_ id: String, _ body: [UInt8], _ contentType: String) -> StubReply {
        guard contentType.hasPrefix("multipart/form-data; boundary=") else {
            return .error(400, "common_validation_error", "media_file", "send a form")
        }
        let isNew = objects["media"]?[id] == nil
        keep("media", id, .object(["sha256": .text(Self.fileHash(body))]), body)
        return StubReply(status: isNew ? 201 : 200, json: StubReply.encoded(["messages": [String]()]))
    }

    /// Of the file inside a form with one file.
    private static func fileHash(_ form: [UInt8]) -> String {
        let data = Data(form)
        let start = data.range(of: Data("\r\n\r\n".utf8))?.upperBound ?? data.startIndex
        let end = data.range(of: Data("\r\n--".utf8), options: .backwards)?.lowerBound ?? data.endIndex
        return SHA256.hash(data: data[start..<max(start, end)]).map { String($0, radix: 16) }.joined(separator: ".")
    }

    /// Rows are taken all or none, and replace those of the same creative, pad and month.
    func addRows(_ body: [UInt8], path: String) -> StubReply {
        note("POST", path)
        guard let value = StubValue(body), let schema = StubSchema.all["statistics"] else {
            return .error(400, "common_invalid_json", nil, "not a JSON object")
        }
        let (problems, ignored) = schema.check(value)
        if let problem = problems.first { return .error(problem, value) }
        let rows = value["items"]?.list ?? []
        let acts = StubActRules(rules: rules)
        for (index, row) in rows.enumerated() {
            if let problem = acts.row(row, "items[\(index)]") { return .error(problem, value) }
        }
        var ids: [String] = []
        for row in rows {
            let id = Self.rowID(row)
            keep("statistics", id, row, body)
            looks["/v1/statistics/\(id)/erir_status"] = nil
            spoiled["/v1/statistics/\(id)/erir_status"] = nil
            ids.append(id)
        }
        let answer: [String: Any] = ["external_ids": ids, "messages": Self.messages(ignored)]
        return StubReply(status: 200, json: StubReply.encoded(answer))
    }

    func deleteRows(_ body: [UInt8], path: String) -> StubReply {
        note("POST", path)
        guard let value = StubValue(body), let schema = StubSchema.all["statistics_delete"] else {
            return .error(400, "common_invalid_json", nil, "not a JSON object")
        }
        if let problem = schema.check(value).problems.first { return .error(problem, value) }
        let ids = (value["items"]?.list ?? []).map(Self.rowID)
        guard ids.contains(where: { objects["statistics"]?[$0] != nil }) else {
            return .error(410, "invoice_no_statistics_to_delete", nil, "there are no such rows")
        }
        for id in ids { objects["statistics"]?[id] = nil }
        return StubReply(status: 200, json: StubReply.encoded(["messages": [String]()]))
    }

    func deleteAct(_ id: String, path: String) -> StubReply {
        note("DELETE", path)
        if blocked.contains(id) {
            return .error(409, "common_conflict_error", nil, "the levy was charged; the act cannot change")
        }
        guard objects["invoice"]?.removeValue(forKey: id) != nil else { return Self.absent }
        return StubReply(status: 200, json: StubReply.encoded(["messages": [String]()]))
    }

    private var rules: StubRules {
        let objects = objects
        return StubRules(known: { objects[$0]?[$1] }, today: today())
    }

    private func keep(_ kind: String, _ id: String, _ value: StubValue, _ body: [UInt8]) {
        objects[kind, default: [:]][id] = value
        sent["\(kind) \(id)"] = body
    }

    private static func rowID(_ row: StubValue) -> String {
        func text(_ name: String) -> String { row[name]?.text ?? "" }
        return "\(text("creative_external_id"))__\(text("pad_external_id"))__"
            + "\(text("date_start_actual").prefix(7))-01"
    }

    private static func messages(_ ignored: [String]) -> [[String: Any]] {
        ignored.isEmpty ? [] : [["text": "Unknown fields ignored", "fields": ignored]]
    }

    /// The same id always gets the same token.
    public static func erid(of id: String) -> String {
        let alphabet = Array("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz".utf8)
        let digest = SHA256.hash(data: Array(id.utf8))
        return "2Vfnx" + String(decoding: digest.prefix(12).map { alphabet[Int($0) % alphabet.count] }, as: UTF8.self)
    }

    private static let absent = StubReply.error(404, "common_not_found_error", nil, "there is no such object")

    private func note(_ method: String, _ path: String) {
        if log.count < Self.logLimit { log.append("\(method) \(path)") }
    }
}
