import Store

extension Call {
    /// The members of a JSON object, to be read where the stored row is at hand.
    func members() async throws -> [String: JSONValue] {
        _ = try await body()
        guard case .object(let members)? = JSONValue.parse(try await rawBody()) else { return [:] }
        return members
    }

    /// The same for actions, whose body may be left out.
    func membersIfPresent() async throws -> [String: JSONValue] {
        try await rawBody().isEmpty ? [:] : members()
    }

    /// Whose side the caller is on.
    var campaignActor: CampaignActor { CampaignActor(actor.isRetailer ? .retailer : .advertiser, name: actor.name) }
}

extension JSONText {
    /// An object as text, for the audit log.
    static func object(_ build: (inout JSONText) -> Void) -> String {
        var json = JSONText()
        json.object(build)
        return json.text
    }
}

extension Fields {
    /// The id of a new resource: chosen by the retailer or generated; advertisers may not choose.
    func newCode(_ prefix: String, _ actor: Actor) -> String {
        if !actor.isRetailer { readOnly("id") }
        let chosen = code("id")
        if chosen == "bulk" { problem("id", "The address of this word is taken.", code: "not_allowed") }
        return chosen ?? Code.make(prefix)
    }
}
