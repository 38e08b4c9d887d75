import Crypto
import Foundation
import ORD

/// What the stub has been sent and what it answers to.
public actor StubBook {
    private var objects: [String: [String: [UInt8]]] = [:]
    private var looks: [String: Int] = [:]
    private var spoiled: [String: String] = [:]
    private var faults: [(place: String, fault: StubFault, times: Int)] = []
    private let looksBeforeVerified: Int
    /// `METHOD path` of every request that was treated, in order, up to a limit.
    public private(set) var log: [String] = []
    public static let logLimit = 10_000

    /// - Parameter looksBeforeVerified: status questions answered `processing` before `verified`.
    public init(looksBeforeVerified: Int = 1) { self.looksBeforeVerified = looksBeforeVerified }

    /// Misbehaves the next times that a request begins like this, `PUT /v3/creative`.
    public func plan(_ fault: StubFault, on place: String, times: Int = 1) {
        faults.append((place, fault, times))
    }

    /// The body that is kept under an id.
    public func body(_ kind: String, _ id: String) -> [UInt8]? { objects[kind]?[id] }

    /// Times that an object was written.
    public func writes(_ path: String) -> Int { log.count { $0 == "PUT \(path)" } }

    func takeFault(for place: String) -> StubFault? {
        guard let index = faults.firstIndex(where: { place.hasPrefix($0.place) && $0.times > 0 }) else { return nil }
        faults[index].times -= 1
        let fault = faults[index].fault
        if faults[index].times == 0 { faults.remove(at: index) }
        return fault
    }

    func spoil(_ id: String, _ message: String) { spoiled[id] = message }

    func get(_ kind: String, _ id: String) -> StubReply {
        note("GET", kind, id)
        guard objects[kind]?[id] != nil else { return Self.absent }
        return kind == "creative"
            ? StubReply(status: 200, json: StubReply.encoded(["erid": Self.erid(of: id)]))
            : StubReply(status: 200, json: "{}")
    }

    func status(of id: String) -> StubReply {
        note("GET", "status", id)
        guard objects["creative"]?[id] != nil else { return Self.absent }
        if let message = spoiled[id] {
            return StubReply(status: 200, json: StubReply.encoded(["status": "bad", "messages": [message]]))
        }
        looks[id, default: 0] += 1
        let status = (looks[id] ?? 0) > looksBeforeVerified ? "verified" : "processing"
        return StubReply(status: 200, json: StubReply.encoded(["status": status, "messages": [String]()]))
    }

    func put(_ kind: String, _ id: String, _ body: [UInt8], contentType: String) -> StubReply {
        note("PUT", kind, id)
        if kind == "media" {
            guard contentType.hasPrefix("multipart/form-data; boundary=") else {
                return .error(400, "common_validation_error", "media_file", "send a form")
            }
        } else {
            guard let object = (try? JSONSerialization.jsonObject(with: Data(body))) as? [String: Any] else {
                return .error(400, "common_invalid_json", nil, "not a JSON object")
            }
            if let refusal = StubRules.problem(kind, object, knows: { objects[$0]?[$1] != nil }) { return refusal }
        }
        let isNew = objects[kind]?[id] == nil
        objects[kind, default: [:]][id] = body
        let answer: [String: Any] =
            kind == "creative" ? ["erid": Self.erid(of: id), "messages": [String]()] : ["messages": [String]()]
        return StubReply(status: isNew ? 201 : 200, json: StubReply.encoded(answer))
    }

    /// The same id always gets the same token.
    public static func erid(of id: String) -> String {
        let alphabet = Array("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz".utf8)
        let digest = SHA256.hash(data: Array(id.utf8))
        return "2Vfnx" + String(decoding: digest.prefix(12).map { alphabet[Int($0) % alphabet.count] }, as: UTF8.self)
    }

    private static let absent = StubReply.error(404, "common_not_found_error", nil, "there is no such object")

    private func note(_ method: String, _ kind: String, _ id: String) {
        let path =
            switch kind {
            case "creative": "/v3/creative/\(id)"
            case "status": "/v1/creative/\(id)/erir_status"
            default: "/v1/\(kind)/\(id)"
            }
        if log.count < Self.logLimit { log.append("\(method) \(path)") }
    }
}

/// The operator's rules, as far as what we send can break them.
enum StubRules {
    private static let members: [String: (required: Set<String>, known: Set<String>)] = [
        "person": (["name", "roles", "juridical_details"], ["name", "roles", "juridical_details", "rs_url"]),
        "contract": (
            ["type", "client_external_id", "contractor_external_id", "date", "subject_type"],
            [
                "type", "client_external_id", "contractor_external_id", "date", "subject_type", "date_end", "serial",
                "action_type", "parent_contract_external_id", "amount", "flags",
            ]
        ),
        "creative": (
            ["form", "kktus"],
            [
                "form", "kktus", "contract_external_ids", "person_external_id", "cids", "name", "brand", "category",
                "description", "pay_type", "targeting", "target_urls", "texts", "media_external_ids", "flags",
            ]
        ),
    ]

    static func problem(
        _ kind: String, _ object: [String: Any], knows: (String, String) -> Bool
    ) -> StubReply? {
        guard let rule = members[kind] else { return nil }
        if let missing = rule.required.sorted().first(where: { object[$0] == nil }) {
            return .error(400, "common_required_field", missing, "\(missing) is required")
        }
        if let unknown = object.keys.sorted().first(where: { !rule.known.contains($0) }) {
            return .error(400, "common_unknown_field", unknown, "\(unknown) is not known")
        }
        if let null = object.keys.sorted().first(where: { object[$0] is NSNull }) {
            return .error(400, "common_null_field", null, "\(null) must not be null")
        }
        func absent(_ field: String) -> StubReply {
            .error(404, "common_not_found_error", field, "\(field) names an object that is not registered")
        }
        if kind == "contract" {
            for field in ["client_external_id", "contractor_external_id"]
            where !knows("person", object[field] as? String ?? "") { return absent(field) }
        }
        return kind == "creative" ? creativeProblem(object, knows: knows, absent: absent) : nil
    }

    private static func creativeProblem(
        _ object: [String: Any], knows: (String, String) -> Bool, absent: (String) -> StubReply
    ) -> StubReply? {
        let owners = ["contract_external_ids", "person_external_id", "cids"].filter { object[$0] != nil }
        guard owners.count == 1 else {
            return .error(400, "creative_owner", "contract_external_ids", "exactly one owner")
        }
        for id in object["contract_external_ids"] as? [String] ?? [] where !knows("contract", id) {
            return absent("contract_external_ids")
        }
        if let id = object["person_external_id"] as? String, !knows("person", id) {
            return absent("person_external_id")
        }
        let media = object["media_external_ids"] as? [String] ?? []
        for id in media where !knows("media", id) { return absent("media_external_ids") }
        let kktus = object["kktus"] as? [String] ?? []
        guard kktus.count == 1, kktus.allSatisfy({ $0.split(separator: ".").count == 3 }) else {
            return .error(400, "creative_kktus", "kktus", "one code of the third level")
        }
        let form = object["form"] as? String ?? ""
        guard Creative.forms.contains(form) else { return .error(400, "creative_form", "form", "no such form") }
        let texts = object["texts"] as? [String] ?? []
        if Creative.hasMedia(form) == media.isEmpty {
            return .error(400, "creative_media", "media_external_ids", "the form decides whether there are media")
        }
        if Creative.hasTexts(form) == texts.isEmpty {
            return .error(400, "creative_texts", "texts", "the form decides whether there are texts")
        }
        return nil
    }
}
