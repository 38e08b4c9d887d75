import AdModel
import Foundation
import ManagementAPI

/// Makes an installation what a seed file says, through the management API and nothing else: each thing is asked for,
/// created when it is absent and changed where it differs. Stopped anywhere, the next run goes on.
struct SeedDriver {
    let client: ManagementClient
    let file: String
    /// Where pictures are looked for.
    let folder: URL
    /// Tell what would be done, change nothing.
    let isCheck: Bool
    /// Told of the id and the secret of each new key.
    let onKey: @Sendable (String, String) throws -> Void
    /// Told of each thing, for progress.
    let progress: @Sendable (String) -> Void
    var json: SeedJSON
    var report = SeedReport()

    private static let sections: Set<String> = [
        "retailer", "counterparties", "stock_locations", "storefronts", "brands", "advertisers", "contracts",
        "campaigns", "feeds", "api_keys", "category_kktu", "agency_cids",
    ]

    init(
        client: ManagementClient, file: String, folder: URL, isCheck: Bool, zone: TimeZone, today: Day,
        onKey: @escaping @Sendable (String, String) throws -> Void, progress: @escaping @Sendable (String) -> Void
    ) {
        self.client = client
        self.file = file
        self.folder = folder
        self.isCheck = isCheck
        self.onKey = onKey
        self.progress = progress
        json = SeedJSON(zone: zone, today: today)
    }

    mutating func apply(_ tree: SeedValue) async throws -> SeedReport {
        guard case .map(let entries) = tree.content else { throw refuse("", tree, "must be a mapping") }
        for entry in entries where !Self.sections.contains(entry.key) {
            throw refuse(
                entry.key, entry.value, "unknown; known here: \(Self.sections.sorted().joined(separator: ", "))")
        }
        for (value, path) in list(tree, "counterparties") { try await put(value, path, "/v1/counterparties") }
        if let retailer = tree["retailer"] { try await retail(retailer) }
        for (value, path) in list(tree, "stock_locations") { try await put(value, path, "/v1/stock-locations") }
        for (value, path) in list(tree, "storefronts") { try await storefront(value, path) }
        for (value, path) in list(tree, "brands") { try await brand(value, path) }
        for (value, path) in list(tree, "advertisers") { try await advertiser(value, path) }
        for (value, path) in list(tree, "contracts") {
            try await put(value, path, "/v1/contracts", fixed: ["advertiser"])
        }
        for (value, path) in list(tree, "agency_cids") { try await agencyCID(value, path) }
        for (value, path) in list(tree, "category_kktu") { try await categoryKKTU(value, path) }
        for (value, path) in list(tree, "campaigns") { try await campaign(value, path) }
        for (value, path) in list(tree, "feeds") {
            try await put(value, path, "/v1/feeds", fixed: ["storefront", "location"])
        }
        for (value, path) in list(tree, "api_keys") { try await key(value, path) }
        return report
    }

    // MARK: Things

    private mutating func retail(_ value: SeedValue) async throws {
        let wanted = try json.members(value, without: [], path: "retailer", file: file)
        let current = try await client.get("/v1/retailer")
        if current.status == 404 {
            try await create("/v1/retailer", wanted, "retailer", value, named: "retailer")
        } else {
            try await change(
                "/v1/retailer", current, wanted, fixed: ["id"], "retailer", value, named: "retailer")
        }
    }

    private mutating func storefront(_ value: SeedValue, _ path: String) async throws {
        try await put(value, path, "/v1/storefronts", without: ["placements"])
        let id = try self.id(value, path)
        for (placement, inner) in list(value, "placements", in: path) {
            try await put(placement, inner, "/v1/storefronts/\(ManagementClient.step(id))/placements")
        }
    }

    private mutating func brand(_ value: SeedValue, _ path: String) async throws {
        try await put(value, path, "/v1/brands", without: ["aliases"])
        let id = try self.id(value, path)
        // The name is a spelling by itself.
        var spellings = [(SeedValue(.map([.init(key: "alias", value: value["name"] ?? SeedValue(.null))])), path)]
        for (alias, inner) in list(value, "aliases", in: path) {
            let isText = alias.text != nil
            let entry = isText ? SeedValue(.map([.init(key: "alias", value: alias)]), line: alias.line) : alias
            if entry["alias"]?.text != value["name"]?.text { spellings.append((entry, inner)) }
        }
        for (entry, inner) in spellings {
            let spelling = entry["alias"]?.text ?? ""
            let query = "?brand=\(ManagementClient.step(id))&alias=\(ManagementClient.step(spelling))"
            try await add(
                entry, inner, "/v1/brand-aliases", isThere: query, ["brand": .string(id)], named: "alias \(spelling)")
        }
    }

    private mutating func advertiser(_ value: SeedValue, _ path: String) async throws {
        try await put(value, path, "/v1/advertisers", without: ["top_ups", "grants", "caps"])
        let id = try self.id(value, path)
        let address = "/v1/advertisers/\(ManagementClient.step(id))"
        for (grant, inner) in list(value, "grants", in: path) {
            let isText = grant.text != nil
            let entry = isText ? SeedValue(.map([.init(key: "brand", value: grant)]), line: grant.line) : grant
            let brand = entry["brand"]?.text ?? ""
            let query = "?advertiser=\(ManagementClient.step(id))&brand=\(ManagementClient.step(brand))"
            try await add(
                entry, inner, "/v1/grants", isThere: query, ["advertiser": .string(id)], named: "grant \(id) \(brand)")
        }
        for (topUp, inner) in list(value, "top_ups", in: path) {
            var wanted = try json.members(topUp, without: [], path: inner, file: file)
            if wanted["reason"] == nil { wanted["reason"] = .string("seed file") }
            guard !isCheck else { continue }
            // Booked once per reference by the API itself.
            let answer = try await client.post("\(address)/wallet/top-ups", wanted)
            guard (200..<300).contains(answer.status) else { throw refused(answer, inner, topUp) }
            if answer.status == 201 {
                count(true, "top-up \(topUp["reference"]?.text ?? "")")
            } else {
                report.unchanged += 1
            }
        }
        if value["caps"] != nil {
            let wanted = try json.members(
                value, without: Set(keys(value)).subtracting(["caps"]), path: path, file: file)
            guard !isCheck else { return }
            let answer = try await client.put("\(address)/caps", wanted)
            guard (200..<300).contains(answer.status) else { throw refused(answer, path, value) }
        }
    }

    private mutating func key(_ value: SeedValue, _ path: String) async throws {
        let id = try self.id(value, path)
        let address = "/v1/api-keys"
        if try await client.get("\(address)/\(ManagementClient.step(id))").status == 200 {
            report.unchanged += 1
            return
        }
        var wanted = try json.members(value, without: [], path: path, file: file)
        if wanted["name"] == nil { wanted["name"] = .string(id) }
        guard !isCheck else {
            count(true, "key \(id)")
            return
        }
        let answer = try await client.post(address, wanted)
        guard answer.status == 201 else { throw refused(answer, path, value) }
        let secret = answer.text("key") ?? answer.text("secret") ?? ""
        try onKey(id, secret)
        count(true, "key \(id)")
        report.keys.append((id, value["kind"]?.text ?? "", secret))
    }

    /// Says which code the goods of a category have.
    private mutating func categoryKKTU(_ value: SeedValue, _ path: String) async throws {
        guard let category = value["category"]?.text, let code = value["kktu"]?.text else {
            throw refuse(path, value, "needs category and kktu")
        }
        guard !isCheck else { return }
        let answer = try await client.put(
            "/v1/category-kktu/\(ManagementClient.step(category))", ["kktu": .string(code)])
        guard answer.status == 200 else { throw refused(answer, path, value) }
        report.unchanged += 1
    }

    /// Enters a contract of an advertiser with his agency by the identifier that the register gave it.
    private mutating func agencyCID(_ value: SeedValue, _ path: String) async throws {
        guard let cid = value["cid"]?.text, !cid.isEmpty else { throw refuse("\(path).cid", value, "is required") }
        let wanted = try json.members(value, without: ["cid"], path: path, file: file)
        let address = "/v1/agency-cids/\(ManagementClient.step(cid))"
        let current = try await client.get(address)
        if current.status == 200, wanted.allSatisfy({ SeedJSON.agrees($0.value, with: current[$0.key]) }) {
            report.unchanged += 1
            return
        }
        let name = "agency-cids \(cid)"
        guard !isCheck else { return count(current.status == 404, name) }
        let answer = try await client.put(address, wanted)
        guard (200..<300).contains(answer.status) else { throw refused(answer, path, value) }
        count(answer.status == 201, name)
    }

    // MARK: One thing

    /// Creates a thing by its id, or changes the members that differ.
    @discardableResult
    mutating func put(
        _ value: SeedValue, _ path: String, _ collection: String, at address: String? = nil,
        without skipped: Set<String> = [], fixed: Set<String> = [], adding extra: [String: JSONValue] = [:]
    ) async throws -> ManagementClient.Answer {
        let id = try self.id(value, path)
        let wanted = try json.members(value, without: skipped, path: path, file: file).merging(extra) { mine, _ in mine
        }
        let address = "\(address ?? collection)/\(ManagementClient.step(id))"
        let name = "\(address.split(separator: "/").dropFirst().first ?? "") \(id)"
        let current = try await client.get(address)
        if current.status == 404 { return try await create(collection, wanted, path, value, named: name) }
        return try await change(address, current, wanted, fixed: fixed.union(["id"]), path, value, named: name)
    }

    @discardableResult
    mutating func create(
        _ collection: String, _ wanted: [String: JSONValue], _ path: String, _ value: SeedValue, named name: String
    ) async throws -> ManagementClient.Answer {
        guard !isCheck else {
            count(true, name)
            return .init(status: 201, json: .object(wanted))
        }
        let answer = try await client.post(collection, wanted)
        guard answer.status == 201 else { throw refused(answer, path, value) }
        count(true, name)
        return answer
    }

    @discardableResult
    mutating func change(
        _ address: String, _ current: ManagementClient.Answer, _ wanted: [String: JSONValue], fixed: Set<String>,
        _ path: String, _ value: SeedValue, named name: String
    ) async throws -> ManagementClient.Answer {
        guard current.status == 200 else { throw refused(current, path, value) }
        let differing = wanted.filter { !SeedJSON.agrees($0.value, with: current[$0.key]) }
        for key in differing.keys.sorted() where fixed.contains(key) {
            throw refuse("\(path).\(key)", value[key] ?? value, "is set once and cannot change")
        }
        guard !differing.isEmpty else {
            report.unchanged += 1
            return current
        }
        guard !isCheck else {
            count(false, "\(name): \(differing.keys.sorted().joined(separator: ", "))")
            return current
        }
        let answer = try await client.patch(address, differing, match: current.etag)
        guard answer.status == 200 else { throw refused(answer, path, value) }
        count(false, "\(name): \(differing.keys.sorted().joined(separator: ", "))")
        return answer
    }

    /// Adds a row that has no id of its own unless the list that `isThere` asks for holds one.
    private mutating func add(
        _ value: SeedValue, _ path: String, _ collection: String, isThere query: String, _ extra: [String: JSONValue],
        named name: String
    ) async throws {
        let present = try await client.get(collection + query)
        if case .array(let items)? = present["items"], !items.isEmpty {
            report.unchanged += 1
            return
        }
        let wanted = try json.members(value, without: [], path: path, file: file).merging(extra) { mine, _ in mine }
        try await create(collection, wanted, path, value, named: name)
    }

    // MARK: Telling

    mutating func count(_ created: Bool, _ name: String) {
        if created { report.created += 1 } else { report.updated += 1 }
        report.changes.append("\(created ? "created" : "changed") \(name)")
        progress(name)
    }

    func refuse(_ path: String, _ value: SeedValue, _ reason: String) -> SeedError {
        SeedError(file: file, path: path, line: value.line, reason)
    }

    /// The API's problem with the places in the file that it speaks of.
    func refused(_ answer: ManagementClient.Answer, _ path: String, _ value: SeedValue) -> SeedError {
        var problems: [SeedError.Problem] = []
        if case .array(let errors)? = answer["errors"] {
            for case .object(let error) in errors {
                guard case .string(let field)? = error["field"], case .string(let detail)? = error["detail"] else {
                    continue
                }
                let key = String(field.prefix { $0 != "." && $0 != "[" })
                let written = value[key] ?? value[key.replacing("_micros", with: "_rub")]
                problems.append(.init(path: "\(path).\(field)", line: (written ?? value).line, reason: detail))
            }
        }
        if problems.isEmpty {
            let detail = answer.text("detail") ?? "the server answered \(answer.status)"
            problems = [.init(path: path, line: value.line, reason: detail)]
        }
        return SeedError(file: file, problems: problems)
    }

    func id(_ value: SeedValue, _ path: String) throws -> String {
        guard let id = value["id"]?.text, !id.isEmpty else { throw refuse("\(path).id", value, "is required") }
        return id
    }

    func keys(_ value: SeedValue) -> [String] {
        if case .map(let entries) = value.content { entries.map(\.key) } else { [] }
    }

    /// The entries of a list under a key, each with its path.
    func list(_ value: SeedValue, _ key: String, in path: String = "") -> [(SeedValue, String)] {
        let prefix = path.isEmpty ? key : "\(path).\(key)"
        return (value[key]?.items ?? []).enumerated().map { ($1, "\(prefix)[\($0)]") }
    }
}
