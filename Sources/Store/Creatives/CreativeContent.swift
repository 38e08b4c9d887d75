import AdFormats
import AdModel
import Foundation
import Postgres

/// What a version of a creative says and shows, before it is stored.
public struct CreativeContent: Sendable {
    public var fields: FieldValue
    public var landingURL: String
    /// Public ids of pictures, in their order.
    public var media: [String]

    public init(fields: FieldValue, landingURL: String, media: [String]) {
        self.fields = fields
        self.landingURL = landingURL
        self.media = media
    }

    /// Characters of a landing address.
    public static let addressLimit = 2_000

    /// Everything that is wrong with the content, by field of the request.
    ///
    /// - Parameters:
    ///   - pictures: the pictures found for `media`, nil where there is none that the advertiser may use.
    ///   - hosts: lower-case hosts that clicks may land on.
    public func problems(
        format: AdFormat, pictures: [StoredMedia?], hosts: Set<String>
    ) -> [Refusal.FieldProblem] {
        var problems = format.validate(fields).map {
            Refusal.FieldProblem(
                field: $0.path.isEmpty ? "fields" : "fields.\($0.path)", code: $0.code,
                detail: Self.sentence($0.message))
        }
        if let problem = Self.addressProblem(landingURL, hosts: hosts) { problems.append(problem) }
        for (index, picture) in pictures.enumerated() where picture == nil {
            problems.append(
                Refusal.FieldProblem(
                    field: "media[\(index)]", code: "unknown_reference", detail: "There is no such picture."))
        }
        if Set(media).count != media.count {
            problems.append(
                Refusal.FieldProblem(field: "media", code: "duplicate", detail: "A picture is listed twice."))
        }
        if pictures.allSatisfy({ $0 != nil }) {
            let seen = pictures.compactMap { $0 }.map {
                AdFormat.Picture(contentType: $0.contentType, width: $0.width, height: $0.height, bytes: $0.size)
            }
            problems += format.validate(pictures: seen).map {
                Refusal.FieldProblem(
                    field: $0.path.replacing("pictures", with: "media", maxReplacements: 1), code: $0.code,
                    detail: Self.sentence($0.message))
            }
        }
        return problems
    }

    /// What is wrong with a landing address: it must be absolute, of a storefront's host, without a token.
    static func addressProblem(_ url: String, hosts: Set<String>) -> Refusal.FieldProblem? {
        func problem(_ code: String, _ detail: String) -> Refusal.FieldProblem {
            Refusal.FieldProblem(field: "landing_url", code: code, detail: detail)
        }
        guard url.unicodeScalars.count <= addressLimit else {
            return problem("too_long", "At most \(addressLimit) characters.")
        }
        guard url.unicodeScalars.allSatisfy({ $0.value > 0x20 && $0.value != 0x7F && $0 != "\\" }),
            let parts = URLComponents(string: url), let scheme = parts.scheme?.lowercased(),
            scheme == "https" || scheme == "http", let host = parts.host?.lowercased(), !host.isEmpty,
            parts.user == nil, parts.password == nil
        else { return problem("bad_url", "Must be an absolute http or https address without a user name.") }
        guard hosts.contains(host) else {
            let known = hosts.sorted().prefix(5).joined(separator: ", ")
            return problem("wrong_host", "Must lie on a host of the storefront: \(known).")
        }
        if parts.queryItems?.contains(where: { $0.name.lowercased() == "erid" }) ?? false {
            return problem("erid_given", "Leave erid out: it is added when the ad is served.")
        }
        return nil
    }

    private static func sentence(_ text: String) -> String {
        let first = text.prefix(1).uppercased() + text.dropFirst()
        return first.hasSuffix(".") ? first : first + "."
    }
}

extension CreativeStore {
    /// `https://shop.example/path` to `https://shop.example` and `shop.example`.
    static func originAndHost(_ url: String) -> (origin: String, host: String?) {
        guard let parts = URLComponents(string: url), let scheme = parts.scheme, let host = parts.host else {
            return ("", nil)
        }
        let port = parts.port.map { ":\($0)" } ?? ""
        return ("\(scheme.lowercased())://\(host.lowercased())\(port)", host.lowercased())
    }

    /// Lower-case hosts that clicks may land on, of every storefront.
    public static func landingHosts(on db: isolated PostgresConnection) throws -> Set<String> {
        var hosts: Set<String> = []
        for row in try db.query("select url, landing_hosts from storefront order by id") {
            hosts.formUnion(try row.stringArray("landing_hosts").map { $0.lowercased() })
            if let host = CreativeStore.originAndHost(try row.string("url")).host { hosts.insert(host) }
        }
        return hosts
    }
}
