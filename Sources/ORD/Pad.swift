/// A site or an app of the retailer where ads are shown (площадка): one per storefront.
public struct Pad: Hashable, Codable, Sendable {
    /// External id, `pad-<storefront code>`.
    public var id: String
    public var personID: String
    public var isOwner: Bool
    /// `web, mobile_app, hbbtv, smarttv`.
    public var type: String
    public var name: String
    public var url: String?

    public init(id: String, personID: String, isOwner: Bool = true, type: String, name: String, url: String?) {
        self.id = id
        self.personID = personID
        self.isOwner = isOwner
        self.type = type
        self.name = name
        self.url = url
    }

    public static let types = ["web", "mobile_app", "hbbtv", "smarttv"]

    /// Everything that the operator would refuse.
    public func findings(persons: [String: Person]) -> [Finding] {
        var c = Checker("pad \(id)")
        ExternalID.check(id, "id", &c)
        c.choice("type", type, Self.types)
        c.length("name", name, 1...100)
        if persons[personID] == nil {
            c.fail("person_external_id", "not_found", "there is no counterparty \(personID)")
        }
        let url = url?.isEmpty == true ? nil : url
        if type == "web" || type == "mobile_app" {
            if let url = c.required("url", url, "a site or an app needs its address") { c.webAddress("url", url) }
        } else if let url {
            c.webAddress("url", url)
        }
        return c.findings
    }
}
