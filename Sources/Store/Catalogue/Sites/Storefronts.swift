import AdModel
import Foundation
import ORD
import Postgres

/// A site or an app where ads are shown; it is one pad (площадка) to the operator of advertising data.
public struct StorefrontRecord: Sendable, Equatable {
    public var id: Int32
    public var code: String
    public var name: String
    public var url: String
    /// `web, mobile_app, hbbtv, smarttv`, the operator's words.
    public var kind: String
    /// IANA zone, for dayparts only.
    public var zone: String
    /// Code of the location of shoppers whose region names none.
    public var defaultLocation: String?
    /// Hosts that clicks may land on, beside the host of `url`.
    public var landingHosts: [String]
    public var revision: Int64

    public init(
        id: Int32 = 0, code: String, name: String, url: String, kind: String = "web", zone: String = "Europe/Moscow",
        defaultLocation: String? = nil, landingHosts: [String] = [], revision: Int64 = 1
    ) {
        self.id = id
        self.code = code
        self.name = name
        self.url = url
        self.kind = kind
        self.zone = zone
        self.defaultLocation = defaultLocation
        self.landingHosts = landingHosts
        self.revision = revision
    }

    /// External id of the storefront's pad.
    public var padID: String { "pad-\(code)" }

    /// What the operator would refuse about the pad, apart from its owner.
    public var padFindings: [Finding] {
        Pad(id: padID, personID: "", type: kind, name: name, url: url).findings(persons: [:])
            .filter { $0.field != "person_external_id" }
    }
}

/// Storefronts as the retailer keeps them.
public enum Storefronts {
    /// Storefronts of one installation.
    public static let limit = 100
    public static let landingHostLimit = 100

    private static let selection = """
        select s.*, l.code as default_location from storefront s
        left join stock_location l on l.id = s.default_location_id
        """

    /// By id, ascending.
    public static func list(
        after: Int64, limit: Int64, on db: isolated PostgresConnection
    ) throws -> [StorefrontRecord] {
        try db.query("\(selection) where s.id > $1 order by s.id limit $2", [.int8(after), .int8(limit)]).map(record)
    }

    /// Throws `Refusal.notFound`. `lock` keeps the row until the end of the transaction.
    public static func find(
        _ code: String, lock: Bool = false, on db: isolated PostgresConnection
    ) throws -> StorefrontRecord {
        guard
            let row = try db.query("\(selection) where s.code = $1 \(lock ? "for update of s" : "")", [.text(code)])
                .first
        else { throw Refusal.notFound }
        return try record(row)
    }

    public static func create(_ draft: StorefrontRecord, on db: isolated PostgresConnection) throws -> StorefrontRecord
    {
        let location = try check(draft, on: db)
        guard try db.query("select count(*) as n from storefront").single().int("n") < limit else {
            throw Refusal(.conflict, "There are \(limit) storefronts already, which is the limit.")
        }
        let added = try db.query(
            """
            insert into storefront (code, name, url, kind, zone, default_location_id, landing_hosts)
            values ($1, $2, $3, $4, $5, $6, $7) on conflict (code) do nothing
            """,
            [
                .text(draft.code), .text(draft.name), .text(draft.url), .text(draft.kind), .text(draft.zone),
                .int4(orNull: location), .textArray(draft.landingHosts),
            ])
        guard added.affected == 1 else {
            throw Refusal(.conflict, field: "id", "There is a storefront “\(draft.code)” already.")
        }
        return try find(draft.code, on: db)
    }

    /// Writes all columns but the code and returns the row with its new revision.
    public static func update(
        _ storefront: StorefrontRecord, on db: isolated PostgresConnection
    ) throws -> StorefrontRecord {
        let location = try check(storefront, on: db)
        try db.query(
            """
            update storefront set name = $3, url = $4, kind = $5, zone = $6, default_location_id = $7,
                landing_hosts = $8, revision = revision + 1
            where id = $1 and revision = $2
            """,
            [
                .int4(storefront.id), .int8(storefront.revision), .text(storefront.name), .text(storefront.url),
                .text(storefront.kind), .text(storefront.zone), .int4(orNull: location),
                .textArray(storefront.landingHosts),
            ])
        return try find(storefront.code, on: db)
    }

    /// Refused once anything refers to it: its pad and its events are accounted for by name.
    public static func delete(_ storefront: StorefrontRecord, on db: isolated PostgresConnection) throws {
        try SiteReferences.refuse(
            "storefront",
            [
                ("it has placements", "select 1 from placement where storefront_id = $1"),
                ("a feed belongs to it", "select 1 from feed where storefront_id = $1"),
                ("feeds were imported for it", "select 1 from feed_import where storefront_id = $1"),
                ("an API key belongs to it", "select 1 from api_key where storefront_id = $1"),
                ("it has orders", "select 1 from customer_order where storefront_id = $1"),
                ("it has events", "select 1 from client_event_identity where storefront_id = $1"),
                ("it has delivered ads", "select 1 from performance_day where storefront_id = $1"),
                ("it has asked for ads", "select 1 from delivery_day where storefront_id = $1"),
                ("it has charges", "select 1 from charge where storefront_id = $1"),
            ], id: storefront.id, on: db)
        try db.query("delete from storefront where id = $1", [.int4(storefront.id)])
    }

    /// Returns the internal id of the default location.
    private static func check(_ draft: StorefrontRecord, on db: isolated PostgresConnection) throws -> Int32? {
        guard draft.code.utf8.allSatisfy({ $0 != 0x5F }) else {
            throw Refusal.field(
                "id", "invalid", "Only latin letters, digits, dots and dashes: it becomes the id of the pad.")
        }
        guard let parts = URLComponents(string: draft.url), let host = parts.host, !host.isEmpty, parts.user == nil,
            parts.scheme == "https" || parts.scheme == "http"
        else { throw Refusal.field("url", "invalid", "Not an absolute http or https address.") }
        guard TimeZone(identifier: draft.zone) != nil else {
            throw Refusal.field("zone", "invalid", "Not a zone like Europe/Moscow.")
        }
        for (index, host) in draft.landingHosts.enumerated() where !isHost(host) {
            throw Refusal.field("landing_hosts[\(index)]", "invalid", "Not a bare host name in small letters.")
        }
        if let finding = draft.padFindings.first {
            let fields = ["type": "kind", "external_id": "id", "id": "id"]
            throw Refusal.field(fields[finding.field] ?? finding.field, finding.code, finding.message)
        }
        guard let code = draft.defaultLocation else { return nil }
        guard let row = try db.query("select id from stock_location where code = $1", [.text(code)]).first else {
            throw Refusal.unknownReference("default_location", code)
        }
        return try row.int32("id")
    }

    private static func isHost(_ text: String) -> Bool {
        (1...253).contains(text.utf8.count)
            && text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
                (1...63).contains(label.utf8.count) && label.utf8.first != 0x2D && label.utf8.last != 0x2D
                    && label.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x2D }
            }
    }

    private static func record(_ row: PostgresRow) throws -> StorefrontRecord {
        StorefrontRecord(
            id: try row.int32("id"), code: try row.string("code"), name: try row.string("name"),
            url: try row.string("url"), kind: try row.string("kind"), zone: try row.string("zone"),
            defaultLocation: try row.stringIfPresent("default_location"),
            landingHosts: try row.stringArray("landing_hosts"), revision: try row.int64("revision"))
    }
}
