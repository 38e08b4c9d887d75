import AdFormats
import AdModel
import Postgres

/// Creatives and their versions. Rows that the session may not see do not exist.
public enum CreativeStore {
    /// Creatives of one line item.
    public static let creativeLimit = 200
    /// Versions of one creative.
    public static let versionLimit = 500

    /// Columns for `record(_:)`.
    static let columns = """
        c.id, c.code, c.name, c.format, c.paused, c.revision, c.advertiser_id, a.code as advertiser,
        l.code as line_item, l.id as line_item_id, k.code as campaign, k.id as campaign_id, k.state as campaign_state,
        k.kktu,
        (select max(s.version) from creative_version s where s.creative_id = c.id and s.state = 'approved'
            and s.erid is not null and coalesce(s.erid_status, 'new') <> 'bad') as servable,
        \(CreativeVersionRecord.columns)
        """
    static let tables = """
        creative c
        join creative_version v on v.creative_id = c.id
            and v.version = (select max(w.version) from creative_version w where w.creative_id = c.id)
        left join ord_registration r on r.creative_version_id = v.id
        join line_item l on l.id = c.line_item_id
        join campaign k on k.id = l.campaign_id
        join advertiser a on a.id = c.advertiser_id
        """

    static func record(_ row: PostgresRow, on db: isolated PostgresConnection) throws -> CreativeRecord {
        CreativeRecord(
            id: try row.int32("id"), code: try row.string("code"), name: try row.string("name"),
            format: try row.string("format"), paused: try row.bool("paused"), revision: try row.int64("revision"),
            advertiserID: try row.int32("advertiser_id"), advertiser: try row.string("advertiser"),
            lineItem: try row.string("line_item"), lineItemID: try row.int32("line_item_id"),
            campaign: try row.string("campaign"), campaignID: try row.int32("campaign_id"),
            campaignState: try row.string("campaign_state"), kktu: try row.stringIfPresent("kktu"),
            newest: try CreativeVersionRecord(
                row, media: try MediaStore.of(version: try row.int32("version_id"), on: db)),
            servable: try row.int32IfPresent("servable"))
    }

    // MARK: Reading

    /// A creative by its public id; `not_found` when the session sees none.
    /// - Parameter lock: keep others from changing it until the transaction ends.
    public static func find(
        _ code: String, lock: Bool = false, on db: isolated PostgresConnection
    ) throws -> CreativeRecord {
        if lock { try db.query("select 1 from creative where code = $1 for no key update", [.text(code)]) }
        guard
            let row = try db.query("select \(columns) from \(tables) where c.code = $1", [.text(code)]).first
        else { throw Refusal.notFound }
        return try record(row, on: db)
    }

    /// What a list is narrowed to.
    public struct Filter: Sendable {
        public var lineItem: String?
        public var campaign: String?
        public var advertiser: String?
        public var state: CreativeState?
        public var format: String?

        public init(
            lineItem: String? = nil, campaign: String? = nil, advertiser: String? = nil, state: CreativeState? = nil,
            format: String? = nil
        ) {
            self.lineItem = lineItem
            self.campaign = campaign
            self.advertiser = advertiser
            self.state = state
            self.format = format
        }
    }

    /// Creatives that the session sees, oldest first.
    public static func list(
        _ filter: Filter, after: Int64, limit: Int64, on db: isolated PostgresConnection
    ) throws -> [CreativeRecord] {
        let rows = try db.query(
            """
            select \(columns) from \(tables)
            where c.id > $1 and ($2::text is null or l.code = $2) and ($3::text is null or k.code = $3)
                and ($4::text is null or a.code = $4) and ($5::text is null or v.state = $5)
                and ($6::text is null or c.format = $6)
            order by c.id limit $7
            """,
            [
                .int8(after), .text(orNull: filter.lineItem), .text(orNull: filter.campaign),
                .text(orNull: filter.advertiser), .text(orNull: filter.state?.rawValue), .text(orNull: filter.format),
                .int8(limit),
            ])
        var records: [CreativeRecord] = []
        for row in rows { records.append(try record(row, on: db)) }
        return records
    }

    /// Every version, oldest first.
    public static func versions(
        of creative: Int32, on db: isolated PostgresConnection
    ) throws -> [CreativeVersionRecord] {
        let rows = try db.query(
            """
            select \(CreativeVersionRecord.columns) from creative_version v
            left join ord_registration r on r.creative_version_id = v.id
            where v.creative_id = $1 order by v.version
            """, [.int4(creative)])
        var versions: [CreativeVersionRecord] = []
        for row in rows {
            versions.append(
                try CreativeVersionRecord(row, media: try MediaStore.of(version: try row.int32("version_id"), on: db)))
        }
        return versions
    }

    /// One version; `not_found` when there is none of that number.
    public static func version(
        _ number: Int32, of creative: Int32, on db: isolated PostgresConnection
    ) throws -> CreativeVersionRecord {
        guard let version = try versions(of: creative, on: db).first(where: { $0.version == number }) else {
            throw Refusal.notFound
        }
        return version
    }

    /// The newest version that was ever approved before `number`: what a moderator compares with.
    public static func lastApproved(
        before number: Int32, of creative: Int32, on db: isolated PostgresConnection
    ) throws -> CreativeVersionRecord? {
        try versions(of: creative, on: db).last { $0.version < number && $0.approvedAt != nil }
    }

    // MARK: Writing

    /// A new creative with its first version, a draft.
    /// - Throws: `invalid_fields` with everything that is wrong.
    public static func create(
        code: String?, lineItem: String, name: String, format: AdFormat, content: CreativeContent, actor: String,
        now: Timestamp, on db: isolated PostgresConnection
    ) throws -> CreativeRecord {
        guard
            let line = try db.query(
                """
                select l.id, l.advertiser_id, l.archived, k.state from line_item l join campaign k on k.id = l.campaign_id
                where l.code = $1 for no key update of l
                """, [.text(lineItem)]
            ).first
        else { throw Refusal.unknownReference("line_item", lineItem) }
        let state = try line.string("state")
        guard try !line.bool("archived"), state != "finished", state != "archived" else {
            throw Refusal(.invalidState, field: "line_item", "The line item is over; creatives cannot be added to it.")
        }
        let lineID = try line.int32("id")
        let advertiser = try line.int32("advertiser_id")
        let count = try db.query("select count(*) as n from creative where line_item_id = $1", [.int4(lineID)])
            .single().int("n")
        guard count < creativeLimit else {
            throw Refusal(
                .conflict, field: "line_item", "The line item has \(count) creatives, as many as there may be.")
        }
        let media = try check(content, format: format, advertiser: advertiser, on: db)
        let code = code ?? Code.make("crv")
        guard try db.query("select 1 from creative where code = $1", [.text(code)]).isEmpty else {
            throw Refusal.field("id", "taken", "There is a creative of this id already.")
        }
        let id = try db.query(
            """
            insert into creative (code, line_item_id, advertiser_id, format, name) values ($1, $2, $3, $4, $5)
            returning id
            """, [.text(code), .int4(lineID), .int4(advertiser), .text(format.name), .text(name)]
        ).single().int32("id")
        try addVersion(
            1, of: id, content: content, media: media, format: format, actor: actor, now: now, on: db)
        return try find(code, on: db)
    }

    /// Problems of the content thrown at once; the hashes of its pictures otherwise.
    private static func check(
        _ content: CreativeContent, format: AdFormat, advertiser: Int32, on db: isolated PostgresConnection
    ) throws -> [[UInt8]] {
        var pictures: [StoredMedia?] = []
        for id in content.media { pictures.append(try MediaStore.find(id, advertiser: advertiser, on: db)) }
        let problems = Array(
            content.problems(format: format, pictures: pictures, hosts: try landingHosts(on: db)).prefix(
                FieldProblems.limit))
        if let first = problems.first {
            throw Refusal(.invalidFields, field: first.field, "\(first.field): \(first.detail)", fields: problems)
        }
        return content.media.compactMap(MediaStore.hash(of:))
    }

    private static func addVersion(
        _ number: Int32, of creative: Int32, content: CreativeContent, media: [[UInt8]], format: AdFormat,
        actor: String,
        now: Timestamp, on db: isolated PostgresConnection
    ) throws {
        try db.query(
            """
            insert into creative_version (creative_id, version, fields, landing_url, media_sha256, ord_form, created_at,
                created_by, cards)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
            """,
            [
                .int4(creative), .int4(number), .jsonb(content.fields.json), .text(content.landingURL),
                .byteaArray(media), .text(format.ordForm), .timestamptz(micros: now.micros), .text(actor),
                .int2(Int16(format.maximumCards)),
            ])
    }

    /// Changes name and pausing; content goes through `edit`.
    public static func update(
        _ creative: CreativeRecord, name: String, paused: Bool, on db: isolated PostgresConnection
    ) throws -> CreativeRecord {
        try db.query(
            "update creative set name = $2, paused = $3, revision = revision + 1 where id = $1",
            [.int4(creative.id), .text(name), .bool(paused)])
        return try find(creative.code, on: db)
    }

    /// Puts new content into the newest version while that is not approved (it becomes a draft again), else into a
    /// new version; the approved one goes on serving until the new one is servable. The same content changes nothing.
    public static func edit(
        _ creative: CreativeRecord, format: AdFormat, content: CreativeContent, actor: String, now: Timestamp,
        on db: isolated PostgresConnection
    ) throws -> CreativeRecord {
        let newest = creative.newest
        let media = try check(content, format: format, advertiser: creative.advertiserID, on: db)
        let isSame =
            try FieldValue(json: Array(newest.fieldsJSON.utf8)) == content.fields
            && newest.landingURL == content.landingURL && newest.media.map(\.id) == content.media
        if isSame { return creative }
        if newest.state.isOpen {
            try db.query(
                """
                update creative_version set fields = $2, landing_url = $3, media_sha256 = $4, ord_form = $5,
                    submitted_at = null, submitted_by = null, rejected_at = null, rejected_by = null, feedback = null,
                    revision = revision + 1
                where id = $1
                """,
                [
                    .int4(newest.id), .jsonb(content.fields.json), .text(content.landingURL), .byteaArray(media),
                    .text(format.ordForm),
                ])
        } else {
            guard newest.version < versionLimit else {
                throw Refusal(.conflict, "The creative has \(versionLimit) versions; make another creative.")
            }
            try addVersion(
                newest.version + 1, of: creative.id, content: content, media: media, format: format,
                actor: actor, now: now, on: db)
        }
        try db.query("update creative set revision = revision + 1 where id = $1", [.int4(creative.id)])
        return try find(creative.code, on: db)
    }

    /// Sends the newest version to moderation, for the first time or again.
    /// - Throws: `invalid_state` when there is nothing to send, when the campaign is over or has no KKTU code.
    public static func submit(
        _ creative: CreativeRecord, actor: String, now: Timestamp, on db: isolated PostgresConnection
    ) throws -> CreativeRecord {
        guard creative.newest.state == .draft || creative.newest.state == .rejected else {
            throw Refusal(
                .invalidState,
                "Version \(creative.newest.version) is in the state \(creative.newest.state.rawValue); "
                    + "only a draft or a rejected version is sent to moderation.")
        }
        guard creative.campaignState != "finished", creative.campaignState != "archived" else {
            throw Refusal(.invalidState, "The campaign is \(creative.campaignState).")
        }
        guard creative.kktu != nil else {
            throw Refusal(
                .invalidState, field: "kktu", "Choose the campaign's KKTU code first: nothing is moderated without it.")
        }
        try markSubmitted("id = \(creative.newest.id)", actor: actor, now: now, on: db)
        try db.query("update creative set revision = revision + 1 where id = $1", [.int4(creative.id)])
        return try find(creative.code, on: db)
    }

    private static func markSubmitted(
        _ condition: String, actor: String, now: Timestamp, on db: isolated PostgresConnection
    ) throws {
        try db.query(
            """
            update creative_version set submitted_at = $1, submitted_by = $2, rejected_at = null, rejected_by = null,
                feedback = null, revision = revision + 1
            where \(condition)
            """, [.timestamptz(micros: now.micros), .text(actor)])
    }

    /// Sends every draft of a campaign to moderation, as the campaign goes there itself.
    public static func submitDrafts(
        ofCampaign campaign: Int32, actor: String, now: Timestamp, on db: isolated PostgresConnection
    ) throws {
        let drafts = """
            state = 'draft' and creative_id in (
                select c.id from creative c join line_item l on l.id = c.line_item_id where l.campaign_id = \(campaign))
            """
        try db.query(
            """
            update creative c set revision = revision + 1
            where exists (select 1 from creative_version where creative_id = c.id and \(drafts))
            """)
        try markSubmitted(drafts, actor: actor, now: now, on: db)
    }

    /// Takes the newest version out of the queue.
    public static func withdraw(
        _ creative: CreativeRecord, on db: isolated PostgresConnection
    ) throws -> CreativeRecord {
        guard creative.newest.state == .moderation else {
            throw Refusal(.invalidState, "Version \(creative.newest.version) does not wait for moderation.")
        }
        try db.query(
            """
            update creative_version set submitted_at = null, submitted_by = null, revision = revision + 1 where id = $1
            """, [.int4(creative.newest.id)])
        try db.query("update creative set revision = revision + 1 where id = $1", [.int4(creative.id)])
        return try find(creative.code, on: db)
    }
}
