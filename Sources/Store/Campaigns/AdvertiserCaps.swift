import Foundation
import Postgres
import Profiles

/// How often one shopper may see something within a window.
public struct FrequencyCap: Equatable, Sendable, Codable {
    /// Caps of one line item or advertiser.
    public static let limit = 4
    public static let countRange: ClosedRange<Int64> = 1...10_000

    public var count: Int
    public var per: CapWindow

    public init(count: Int, per: CapWindow) {
        self.count = count
        self.per = per
    }

    /// Words for `per`.
    public static let windows = CapWindow.allCases.map(\.rawValue)

    /// nil when `per` is none of `windows`.
    public init?(count: Int, per word: String) {
        guard let per = CapWindow(rawValue: word) else { return nil }
        self.init(count: count, per: per)
    }

    /// Word of the window.
    public var window: String { per.rawValue }

    /// As stored: `[{"count":3,"per":"day"}]`.
    public static func json(_ caps: [FrequencyCap]) -> String {
        "[" + caps.map { "{\"count\":\($0.count),\"per\":\"\($0.per.rawValue)\"}" }.joined(separator: ",") + "]"
    }

    /// What a column holds. Throws `DecodingError`.
    static func read(_ json: String) throws -> [FrequencyCap] {
        try JSONDecoder().decode([FrequencyCap].self, from: Data(json.utf8))
    }
}

/// Caps over all line items of an advertiser. Only the retailer sets them.
public enum AdvertiserCaps {
    /// Caps of an advertiser by public id, with the internal id and the revision of the caps; nil when the session
    /// sees no such advertiser.
    public static func find(
        _ advertiser: String, locked: Bool = false, on db: isolated PostgresConnection
    ) throws -> (id: Int32, caps: [FrequencyCap], revision: Int64)? {
        try db.query(
            """
            select id, caps::text as caps, caps_revision from advertiser where code = $1
            \(locked ? "for no key update" : "")
            """, [.text(advertiser)]
        ).first.map {
            (try $0.int32("id"), try FrequencyCap.read(try $0.string("caps")), try $0.int64("caps_revision"))
        }
    }

    /// Replaces the caps; returns the new revision.
    public static func set(
        _ caps: [FrequencyCap], of advertiser: Int32, on db: isolated PostgresConnection
    ) throws -> Int64 {
        let row = try db.query(
            "update advertiser set caps = $2, caps_revision = caps_revision + 1 where id = $1 returning caps_revision",
            [.int4(advertiser), .jsonb(FrequencyCap.json(caps))]
        ).first
        guard let row else { throw Refusal.notFound }
        return try row.int64("caps_revision")
    }
}
