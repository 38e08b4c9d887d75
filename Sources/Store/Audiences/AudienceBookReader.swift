import AdModel
import Audiences
import Postgres

/// Makes a book of audiences: what they name by code becomes what events carry.
enum AudienceBookReader {
    /// All audiences, by id.
    static func definitions(on db: isolated PostgresConnection) throws -> [AudienceDefinition] {
        try db.query("select id, advertiser_id, condition::text as condition from audience order by id").map { row in
            let id = try row.int32("id")
            guard let condition = AudienceDocument.condition(try row.string("condition")) else {
                throw AudienceDocumentError(audience: id)
            }
            return AudienceDefinition(
                id: id, advertiserID: try row.int32IfPresent("advertiser_id"), condition: condition)
        }
    }

    static func book(
        _ definitions: [AudienceDefinition], thresholds: RFMThresholds, on db: isolated PostgresConnection
    ) throws -> AudienceBook {
        func ids(_ sql: String, _ codes: [String]) throws -> Set<Int32>? {
            guard !codes.isEmpty else { return nil }
            return Set(try db.query(sql, [.textArray(codes)]).map { try $0.int32("id") })
        }
        return try AudienceBook(definitions, thresholds: thresholds) { atom in
            let events = atom.events
            var filter = EventFilter()
            if !events.products.isEmpty { filter.skus = Set(events.products.map { TextKey.of($0) }) }
            filter.brandIDs = try ids("select id from brand where code = any($1)", events.brands)
            filter.categoryIDs = try ids(
                """
                with recursive below as (
                    select id from category where code = any($1)
                    union select c.id from category c join below b on c.parent_id = b.id
                ) select id from below
                """, events.categories)
            if !events.phrases.isEmpty { filter.phrases = events.phrases.map(AudiencePhrase.words) }
            filter.campaignIDs = try ids("select id from campaign where code = any($1)", events.campaigns)
            filter.advertiserIDs = try ids("select id from advertiser where code = any($1)", events.advertisers)
            if atom.ownerID != 0 {
                filter.advertiserIDs = filter.advertiserIDs.map { $0.intersection([atom.ownerID]) } ?? [atom.ownerID]
            }
            if !events.creatives.isEmpty { filter.creatives = Set(events.creatives.map { TextKey.of($0) }) }
            return filter
        }
    }
}
