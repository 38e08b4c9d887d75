import Postgres
import Store

/// `/v1/moderation-rules`: what may not be advertised, what needs a warning, what words are refused.
enum ModerationRuleRoutes {
    static func add(to table: inout RouteTable) {
        table.get("/v1/moderation-rules", .moderation, .everyone, list)
        table.post("/v1/moderation-rules", .moderation, .sellers, create)
        table.get("/v1/moderation-rules/{id}", .moderation, .everyone, find)
        table.patch("/v1/moderation-rules/{id}", .moderation, .sellers, edit)
    }

    private static func render(_ json: inout JSONText, _ rule: ModerationRule) {
        json.member("id", rule.code)
        json.member("title", rule.title)
        json.member("effect", rule.effect.rawValue)
        json.member("message", rule.message)
        json.member("kktu", rule.kktu)
        json.member("category_words", rule.categoryWords)
        json.member("words", rule.words)
        json.member("required", rule.required)
        json.member("enabled", rule.enabled)
    }

    private static func audited(_ rule: ModerationRule) -> String {
        var json = JSONText()
        json.object { render(&$0, rule) }
        return json.text
    }

    @Sendable private static func list(_ call: Call) async throws -> Answer {
        let query = try call.query()
        let page = try query.page()
        try query.finish()
        return try await call.read { db in
            let rules = try ModerationRules.all(on: db).filter { Int64($0.id) > page.after }
            return .list(rules, call, page, id: { Int64($0.id) }) { render(&$0, $1) }
        }
    }

    @Sendable private static func find(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        return try await call.read { db in
            let rule = try ModerationRules.find(call.path("id"), on: db)
            return .json(revision: rule.revision) { render(&$0, rule) }
        }
    }

    /// Members of a body over what is known.
    private static func read(_ body: Fields, over rule: ModerationRule, isNew: Bool) -> ModerationRule {
        var rule = rule
        if isNew || body.has("title") { rule.title = body.text("title", limit: 120) ?? "" }
        if isNew || body.has("effect") {
            rule.effect =
                body.word("effect", ModerationFinding.Effect.allCases.map(\.rawValue))
                .flatMap(ModerationFinding.Effect.init) ?? .block
        }
        if isNew || body.has("message") { rule.message = body.text("message", limit: 500) ?? "" }
        if body.has("kktu") { rule.kktu = body.texts("kktu", limit: 100, itemLimit: 10) }
        if body.has("category_words") { rule.categoryWords = body.texts("category_words", limit: 200, itemLimit: 64) }
        if body.has("words") { rule.words = body.texts("words", limit: 500, itemLimit: 64) }
        if body.has("required") { rule.required = body.texts("required", limit: 50, itemLimit: 128) }
        if let enabled = body.bool("enabled") { rule.enabled = enabled }
        if rule.kktu.isEmpty, rule.categoryWords.isEmpty, rule.words.isEmpty {
            body.problem(
                "words", "Say when the rule applies: kktu, category_words or words.", code: "required")
        }
        for (index, code) in rule.kktu.enumerated()
        where code.wholeMatch(of: /(?:[1-9]|[12][0-9]|30)(?:\.[0-9]{1,2}){0,2}/) == nil {
            body.problem("kktu[\(index)]", "Must be a KKTU code of any level.")
        }
        return rule
    }

    @Sendable private static func create(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let body = try await call.body()
        let code = body.text("id", limit: 64)
        if let code, code.wholeMatch(of: /[a-z0-9][a-z0-9_]*/) == nil {
            body.problem("id", "Only small latin letters, digits and underscores.")
        }
        let blank = ModerationRule(code: code ?? "", title: "", effect: .block, message: "")
        let rule = read(body, over: blank, isNew: true)
        try body.finish()
        return try await call.write { db, change in
            guard try ModerationRules.all(on: db).allSatisfy({ $0.code != rule.code }) else {
                throw Refusal.field("id", "taken", "There is a rule of this id already.")
            }
            let stored = try ModerationRules.put(rule, on: db)
            change.audit(
                "moderation_rule.created", object: "moderation_rule", id: stored.code, after: audited(stored))
            return .json(
                status: 201, revision: stored.revision, location: "/v1/moderation-rules/\(stored.code)"
            ) { render(&$0, stored) }
        }
    }

    @Sendable private static func edit(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let body = try await call.body()
        body.readOnly("id")
        let known = try await call.read { try ModerationRules.find(call.path("id"), on: $0) }
        let rule = read(body, over: known, isNew: false)
        try body.finish()
        return try await call.write { db, change in
            let before = try ModerationRules.find(rule.code, on: db)
            try change.requireMatch(before.revision)
            guard before.revision == known.revision else {
                throw Refusal(.preconditionFailed, "It has changed since you read it; read it again, then change it.")
            }
            let after = try ModerationRules.put(rule, on: db)
            change.audit(
                "moderation_rule.updated", object: "moderation_rule", id: after.code, before: audited(before),
                after: audited(after))
            return .json(revision: after.revision) { render(&$0, after) }
        }
    }
}
