import Foundation
import ManagementAPI
import Store

extension SeedDriver {
    private static let states: Set<String> = ["draft", "moderation", "rejected", "approved", "active", "paused"]

    /// A campaign with its line items and creatives, then through moderation as far as the file says. The retailer's
    /// own key signs every approval, so the audit log says who approved.
    mutating func campaign(_ value: SeedValue, _ path: String) async throws {
        let goal = value["state"]?.text ?? "draft"
        guard Self.states.contains(goal) else {
            throw refuse(
                "\(path).state", value["state"] ?? value,
                "must be one of \(Self.states.sorted().joined(separator: ", "))")
        }
        try await put(
            value, path, "/v1/campaigns", without: ["state", "feedback", "line_items"], fixed: ["advertiser"])
        let id = try self.id(value, path)
        var tokens: [(creative: String, erid: String, value: SeedValue, path: String)] = []
        for (line, inner) in list(value, "line_items", in: path) {
            try await lineItem(line, inner, campaign: id)
            let lineID = try self.id(line, inner)
            for (creative, place) in list(line, "creatives", in: inner) {
                try await self.creative(creative, place, line: lineID, advertiser: value["advertiser"]?.text ?? "")
                if let erid = creative["erid"]?.text {
                    tokens.append((try self.id(creative, place), erid, creative, place))
                } else {
                    report.notServable.append("creative \(try self.id(creative, place)) has no erid yet")
                }
            }
        }
        guard !isCheck else { return }
        try await move(id, to: goal, value, path)
        for token in tokens { try await type(token.erid, for: token.creative, token.value, token.path) }
    }

    private mutating func lineItem(_ value: SeedValue, _ path: String, campaign: String) async throws {
        let answer = try await put(
            value, path, "/v1/campaigns/\(ManagementClient.step(campaign))/line-items", at: "/v1/line-items",
            without: ["creatives", "paused"], fixed: ["tier"])
        guard !isCheck, value["paused"]?.text == "true", answer["paused"] != .bool(true) else { return }
        let address = "/v1/line-items/\(ManagementClient.step(try self.id(value, path)))"
        let paused = try await client.post("\(address)/pause", match: try await client.get(address).etag)
        guard paused.status == 200 else { throw refused(paused, path, value) }
    }

    private mutating func creative(_ value: SeedValue, _ path: String, line: String, advertiser: String) async throws {
        let id = try self.id(value, path)
        var wanted = try json.members(value, without: ["erid", "pictures", "id"], path: path, file: file)
        wanted["media"] = .array(try await pictures(value, path, advertiser: advertiser))
        let address = "/v1/creatives/\(ManagementClient.step(id))"
        let current = try await client.get(address)
        if current.status == 404 {
            wanted["id"] = .string(id)
            wanted["line_item"] = .string(line)
            try await create("/v1/creatives", wanted, path, value, named: "creative \(id)")
            return
        }
        guard current.status == 200 else { throw refused(current, path, value) }
        guard case .object(let newest)? = current["newest"] else { throw refused(current, path, value) }
        var differing: [String: JSONValue] = [:]
        for key in ["fields", "landing_url"] {
            if let value = wanted[key], !SeedJSON.agrees(value, with: newest[key]) { differing[key] = value }
        }
        if !isCheck, case .array(let media)? = newest["media"] {
            let present: [JSONValue] = media.compactMap {
                if case .object(let picture) = $0 { picture["id"] } else { nil }
            }
            if let wanted = wanted["media"], wanted != .array(present) { differing["media"] = wanted }
        }
        guard !differing.isEmpty else {
            report.unchanged += 1
            return
        }
        count(false, "creative \(id): \(differing.keys.sorted().joined(separator: ", "))")
        guard !isCheck else { return }
        let answer = try await client.patch(address, differing, match: current.etag)
        guard answer.status == 200 else { throw refused(answer, path, value) }
    }

    /// Uploads the pictures of a creative; the same picture again is the same id.
    private func pictures(_ value: SeedValue, _ path: String, advertiser: String) async throws -> [JSONValue] {
        var ids: [JSONValue] = []
        for (picture, place) in list(value, "pictures", in: path) {
            let bytes = try SeedPicture.bytes(picture, below: folder, isCheck: isCheck) { throw refuse(place, $0, $1) }
            guard !isCheck else { continue }
            let answer = try await client.upload(
                "/v1/media?advertiser=\(ManagementClient.step(advertiser))", bytes)
            guard [200, 201].contains(answer.status), let id = answer["id"] else {
                throw refused(answer, place, picture)
            }
            ids.append(id)
        }
        return ids
    }

    // MARK: Moderation

    private mutating func move(_ id: String, to goal: String, _ value: SeedValue, _ path: String) async throws {
        guard goal != "draft" else { return }
        let address = "/v1/campaigns/\(ManagementClient.step(id))"
        var current = try await client.get(address)
        let open = goal == "rejected" ? ["draft"] : ["draft", "rejected"]
        if let state = current.text("state"), open.contains(state) {
            let answer = try await client.post("\(address)/submit", match: current.etag)
            guard answer.status == 200 else { throw refused(answer, path, value) }
            count(false, "campaign \(id): moderation")
            current = try await client.get(address)
        }
        if goal == "rejected" {
            guard current.text("state") == "moderation" else { return }
            try await reject("campaign.\(id)", value, path)
            count(false, "campaign \(id): rejected")
            return
        }
        if goal != "moderation", current.text("state") == "moderation" {
            try await approve("campaign.\(id)", value, path)
            count(false, "campaign \(id): approved")
        }
        // Versions that were added to a campaign which is approved already.
        for (line, inner) in list(value, "line_items", in: path) {
            for (creative, place) in list(line, "creatives", in: inner) where goal != "moderation" {
                try await approveNewest(try self.id(creative, place), creative, place)
            }
        }
        if goal == "paused" { try await pause(id, value, path) }
    }

    private mutating func pause(_ id: String, _ value: SeedValue, _ path: String) async throws {
        let address = "/v1/campaigns/\(ManagementClient.step(id))"
        let current = try await client.get(address)
        guard ["approved", "active"].contains(current.text("state") ?? ""), current["held"] != .bool(true) else {
            return
        }
        let answer = try await client.post("\(address)/pause", match: current.etag)
        guard answer.status == 200 else { throw refused(answer, path, value) }
        count(false, "campaign \(id): paused")
    }

    /// Rejects in the words of the file.
    private func reject(_ item: String, _ value: SeedValue, _ path: String) async throws {
        guard let feedback = value["feedback"]?.text else {
            throw refuse("\(path).feedback", value, "says why the campaign is rejected")
        }
        let address = "/v1/moderation/\(ManagementClient.step(item))"
        let entry = try await client.get(address)
        guard entry.status == 200 else { throw refused(entry, path, value) }
        let answer = try await client.post("\(address)/reject", ["feedback": .string(feedback)], match: entry.etag)
        guard answer.status == 200 else { throw refused(answer, path, value) }
    }

    private mutating func approveNewest(_ id: String, _ value: SeedValue, _ path: String) async throws {
        let address = "/v1/creatives/\(ManagementClient.step(id))"
        var current = try await client.get(address)
        func state() -> String? {
            guard case .object(let newest)? = current["newest"], case .string(let state)? = newest["state"] else {
                return nil
            }
            return state
        }
        if state() == "draft" || state() == "rejected" {
            let answer = try await client.post("\(address)/submit", match: current.etag)
            guard answer.status == 200 else { throw refused(answer, path, value) }
            current = try await client.get(address)
        }
        if state() == "moderation" {
            try await approve("creative.\(id)", value, path)
            count(false, "creative \(id): approved")
        }
    }

    /// Approves, taking every warning upon the file's author by name.
    private func approve(_ item: String, _ value: SeedValue, _ path: String) async throws {
        let address = "/v1/moderation/\(ManagementClient.step(item))"
        let entry = try await client.get(address)
        guard entry.status == 200 else { throw refused(entry, path, value) }
        var codes: Set<String> = []
        collectWarnings(entry.json, into: &codes)
        let overrides = codes.sorted().map {
            JSONValue.object(["code": .string($0), "reason": .string("accepted by the author of the seed file")])
        }
        let answer = try await client.post("\(address)/approve", ["overrides": .array(overrides)], match: entry.etag)
        guard answer.status == 200 else { throw refused(answer, path, value) }
    }

    private func collectWarnings(_ value: JSONValue, into codes: inout Set<String>) {
        switch value {
        case .array(let items): for item in items { collectWarnings(item, into: &codes) }
        case .object(let members):
            if members["effect"] == .string("warn"), case .string(let code)? = members["code"] { codes.insert(code) }
            for member in members.values { collectWarnings(member, into: &codes) }
        default: break
        }
    }

    /// Gives the newest version the token that the file names, unless it has it.
    private mutating func type(_ erid: String, for id: String, _ value: SeedValue, _ path: String) async throws {
        let address = "/v1/creatives/\(ManagementClient.step(id))"
        let current = try await client.get(address)
        guard case .object(let newest)? = current["newest"], case .integer(let version)? = newest["version"] else {
            throw refused(current, path, value)
        }
        guard newest["state"] == .string("approved"), newest["erid"] != .string(erid) else { return }
        let answer = try await client.put("\(address)/versions/\(version)/erid", ["erid": .string(erid)])
        guard answer.status == 200 else { throw refused(answer, path, value) }
        count(false, "creative \(id): erid")
    }
}
