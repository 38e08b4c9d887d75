import AdModel
import Postgres

/// One thing that waits for a moderator.
public struct ModerationItem: Equatable, Sendable {
    public enum Kind: String, CaseIterable, Sendable { case campaign, creative }

    public var kind: Kind
    /// `campaign.<id>` or `creative.<id>`.
    public var id: String
    /// Code of the campaign or creative.
    public var code: String
    public var name: String
    public var advertiser: String
    public var campaign: String
    /// Version of the creative; nil for campaigns.
    public var version: Int32?
    public var waitingSince: Timestamp
    /// Microseconds of `waitingSince`, made unequal among up to 1,024 that were sent at one instant: what cursors name.
    public var place: Int64
}

/// What waits, oldest first: campaigns in moderation, and newest versions of creatives that were sent.
public enum ModerationQueue {
    /// - Parameters:
    ///   - after: `place` of the last item of the page before; 0 at the beginning.
    public static func list(
        kind: ModerationItem.Kind?, advertiser: String?, after: Int64, limit: Int64, on db: isolated PostgresConnection
    ) throws -> [ModerationItem] {
        try db.query(
            """
            select * from (
                select q.*, (extract(epoch from since) * 1000000)::bigint * 2048 + internal % 1024 * 2
                    + (kind = 'creative')::int as place
                from (
                    select 'campaign' as kind, k.id as internal, k.code, k.name, a.code as advertiser,
                        k.code as campaign, null::int as version, coalesce((
                            select max(t.changed_at) from campaign_transition t
                            where t.campaign_id = k.id and t.to_state = 'moderation'), now()) as since
                    from campaign k join advertiser a on a.id = k.advertiser_id where k.state = 'moderation'
                    union all
                    select 'creative', c.id, c.code, c.name, a.code, k.code, v.version, v.submitted_at
                    from creative_version v join creative c on c.id = v.creative_id
                    join line_item l on l.id = c.line_item_id join campaign k on k.id = l.campaign_id
                    join advertiser a on a.id = c.advertiser_id
                    where v.state = 'moderation'
                ) q
            ) numbered
            where ($1::text is null or kind = $1) and ($2::text is null or advertiser = $2)
                and place > $3
            order by place limit $4
            """, [.text(orNull: kind?.rawValue), .text(orNull: advertiser), .int8(after), .int8(limit)]
        ).map { row in
            let kind: ModerationItem.Kind = try row.string("kind") == "campaign" ? .campaign : .creative
            let code = try row.string("code")
            return ModerationItem(
                kind: kind, id: "\(kind.rawValue).\(code)", code: code, name: try row.string("name"),
                advertiser: try row.string("advertiser"), campaign: try row.string("campaign"),
                version: try row.int32IfPresent("version"),
                waitingSince: Timestamp(micros: try row.micros("since")), place: try row.int64("place"))
        }
    }
}
