import AdModel
import Decisioning
import Measurement
import Postgres

/// What holding shoppers out of campaigns left in the log: ghost ads, and whom each campaign won first.
///
/// A served win and a ghost are taken from the same record at the same moment, the decision: whether an ad was then
/// rendered would depend on the ad, and the two sides could not be compared.
public enum HoldoutLedger {
    /// Whether some campaign stepped aside in the decision.
    public static func hasGhost(_ record: DecisionRecord) -> Bool {
        record.slots.contains { $0.losers.contains { $0.reason == NoFillReason.holdout.rawValue } }
    }

    /// Stores the ghosts of new decisions and the first win of each shopper of a campaign that has a holdout. Whoever
    /// has no id cannot be held out and is on neither side.
    public static func write(_ decisions: [DecisionRecord], on connection: isolated PostgresConnection) throws {
        var wins: [Win] = []
        for record in decisions {
            guard let visitor = record.visitorID, !visitor.isEmpty else { continue }
            for slot in record.slots {
                for ad in slot.ads { wins.append(Win(record, visitor, slot.placementID, ad.lineItemID, nil)) }
                for loser in slot.losers where loser.reason == NoFillReason.holdout.rawValue {
                    wins.append(Win(record, visitor, slot.placementID, loser.lineItemID, loser.score))
                }
            }
        }
        guard !wins.isEmpty else { return }
        let lines = try lineItems(Set(wins.map(\.lineItemID)), on: connection)
        try writeGhosts(wins.filter { $0.ghostScore != nil }, lines, on: connection)
        try writeShoppers(wins, lines, on: connection)
    }

    /// An auction that a line item won: served, or as a ghost.
    private struct Win {
        var decision: DecisionID
        var storefrontID: Int32
        var visitor: String
        var placementID: Int32
        var lineItemID: Int32
        /// nil = served.
        var ghostScore: Float?

        init(_ record: DecisionRecord, _ visitor: String, _ placementID: Int32, _ lineItemID: Int32, _ score: Float?) {
            decision = record.id
            storefrontID = record.storefrontID
            self.visitor = visitor
            self.placementID = placementID
            self.lineItemID = lineItemID
            ghostScore = score
        }
    }

    private struct LineItem {
        var campaignID: Int32
        var advertiserID: Int32
        /// When the running experiment of its campaign began; nil = none runs.
        var since: Timestamp?
    }

    /// Line items of campaigns with a holdout, and all others as far as a ghost names them.
    private static func lineItems(
        _ ids: Set<Int32>, on connection: isolated PostgresConnection
    ) throws -> [Int32: LineItem] {
        var result: [Int32: LineItem] = [:]
        let rows = try connection.query(
            """
            select l.id, l.campaign_id, l.advertiser_id, c.holdout_since
            from line_item l join campaign c on c.id = l.campaign_id where l.id = any($1::int4[])
            """, [.int4Array(ids.sorted())])
        for row in rows {
            result[try row.int32(0)] = LineItem(
                campaignID: try row.int32(1), advertiserID: try row.int32(2),
                since: try row.microsIfPresent(3).map(Timestamp.init(micros:)))
        }
        return result
    }

    private static func writeGhosts(
        _ ghosts: [Win], _ lines: [Int32: LineItem], on connection: isolated PostgresConnection
    ) throws {
        let known = ghosts.compactMap { win in lines[win.lineItemID].map { (win, $0) } }
        guard !known.isEmpty else { return }
        try connection.query(
            """
            insert into ghost_ad (decision_day, decision_id, placement_id, line_item_id, campaign_id, advertiser_id,
                storefront_id, visitor_id, decided_at, score)
            select date '1970-01-01' + day, id, placement, line, campaign, advertiser, storefront, visitor, at, score
            from unnest($1::int4[], $2::uuid[], $3::int4[], $4::int4[], $5::int4[], $6::int4[], $7::int4[],
                $8::text[], $9::timestamptz[], $10::float8[])
                as t (day, id, placement, line, campaign, advertiser, storefront, visitor, at, score)
            on conflict do nothing
            """,
            [
                .int4Array(known.map(\.0.decision.day.number)),
                .array(known.map { .uuid(high: $0.0.decision.uuidHigh, low: $0.0.decision.low) }),
                .int4Array(known.map(\.0.placementID)), .int4Array(known.map(\.0.lineItemID)),
                .int4Array(known.map(\.1.campaignID)), .int4Array(known.map(\.1.advertiserID)),
                .int4Array(known.map(\.0.storefrontID)), .textArray(known.map(\.0.visitor)),
                .array(known.map { .timestamptz(micros: $0.0.decision.issuedAt.micros) }),
                .array(known.map { .float8(Double($0.0.ghostScore ?? 0)) }),
            ])
    }

    private struct ShopperKey: Hashable, Comparable {
        var campaignID: Int32
        var since: Timestamp
        var visitor: [UInt8]
        var isGhost: Bool

        static func < (a: ShopperKey, b: ShopperKey) -> Bool {
            if a.campaignID != b.campaignID { return a.campaignID < b.campaignID }
            if a.since != b.since { return a.since < b.since }
            if a.visitor != b.visitor { return a.visitor.lexicographicallyPrecedes(b.visitor) }
            return !a.isGhost && b.isGhost
        }
    }

    private static func writeShoppers(
        _ wins: [Win], _ lines: [Int32: LineItem], on connection: isolated PostgresConnection
    ) throws {
        var firsts: [ShopperKey: (at: Timestamp, wins: Int64)] = [:]
        for win in wins {
            let at = win.decision.issuedAt
            guard let line = lines[win.lineItemID], let since = line.since, at >= since else { continue }
            let key = ShopperKey(
                campaignID: line.campaignID, since: since, visitor: Array(win.visitor.utf8),
                isGhost: win.ghostScore != nil)
            let known = firsts[key]
            firsts[key] = (known.map { min($0.at, at) } ?? at, (known?.wins ?? 0) + 1)
        }
        guard !firsts.isEmpty else { return }
        // In one order everywhere, so that two workers cannot wait for each other.
        let rows = firsts.sorted { $0.key < $1.key }
        try connection.query(
            """
            insert into holdout_shopper (campaign_id, since, visitor_id, is_ghost, first_at, wins)
            select * from unnest($1::int4[], $2::timestamptz[], $3::text[], $4::bool[], $5::timestamptz[], $6::int8[])
            on conflict (campaign_id, since, visitor_id, is_ghost) do update
            set first_at = least(holdout_shopper.first_at, excluded.first_at),
                wins = holdout_shopper.wins + excluded.wins
            """,
            [
                .int4Array(rows.map(\.key.campaignID)),
                .array(rows.map { .timestamptz(micros: $0.key.since.micros) }),
                .textArray(rows.map { String(decoding: $0.key.visitor, as: UTF8.self) }),
                .array(rows.map { .bool($0.key.isGhost) }),
                .array(rows.map { .timestamptz(micros: $0.value.at.micros) }), .int8Array(rows.map(\.value.wins)),
            ])
    }
}
