import AdModel
import Billing
import Measurement
import Postgres

/// Adds a batch to the daily counts that reports read.
public enum PerformanceRollup {
    struct Key: Hashable {
        var day: Day
        var advertiserID: Int32
        var campaignID: Int32
        var lineItemID: Int32
        var creativeVersionID: Int32
        var storefrontID: Int32
        var placementID: Int32
    }

    struct Counts {
        var impressions: Int64 = 0
        var viewable: Int64 = 0
        var clicks: Int64 = 0
        var invalid: Int64 = 0
    }

    /// - Parameters:
    ///   - fresh: valid events that are the first of their key, already in `ad_event`.
    ///   - invalid: invalid events of the batch; of them impressions and clicks are counted, as the share of
    ///     invalid traffic is of these.
    public static func add(
        fresh: [AdEventRecord], invalid: [AdEventRecord], zone: AccountingZone,
        on connection: isolated PostgresConnection
    ) throws {
        var counts: [Key: Counts] = [:]
        func key(_ event: AdEventRecord) -> Key {
            let token = event.token
            return Key(
                day: zone.day(of: event.eventTime), advertiserID: token.advertiserID, campaignID: token.campaignID,
                lineItemID: token.lineItemID, creativeVersionID: token.creativeVersionID,
                storefrontID: token.storefrontID, placementID: token.placementID)
        }
        for event in fresh {
            switch event.kind {
            case .impression: counts[key(event), default: Counts()].impressions += 1
            case .click: counts[key(event), default: Counts()].clicks += 1
            case .viewable: break
            }
        }
        // An ad is viewable once, whatever the card.
        for event in try FirstOfAd.events(.viewable, of: fresh, ignoringInvalid: true, on: connection) {
            counts[key(event), default: Counts()].viewable += 1
        }
        for event in invalid where event.kind != .viewable { counts[key(event), default: Counts()].invalid += 1 }
        try write(counts, on: connection)
    }

    /// Adds the counts, which may be negative, to those that are there.
    static func write(_ counts: [Key: Counts], on connection: isolated PostgresConnection) throws {
        guard !counts.isEmpty else { return }
        let rows = counts.sorted {
            ($0.key.day, $0.key.campaignID, $0.key.lineItemID, $0.key.creativeVersionID, $0.key.storefrontID)
                < ($1.key.day, $1.key.campaignID, $1.key.lineItemID, $1.key.creativeVersionID, $1.key.storefrontID)
        }
        try connection.query(
            """
            insert into performance_day (day, advertiser_id, campaign_id, line_item_id, creative_version_id,
                storefront_id, placement_id, impressions, viewable, clicks, invalid)
            select date '1970-01-01' + d, a, c, l, v, s, p, i, w, k, x
            from unnest($1::int4[], $2::int4[], $3::int4[], $4::int4[], $5::int4[], $6::int4[], $7::int4[],
                $8::int8[], $9::int8[], $10::int8[], $11::int8[]) as t (d, a, c, l, v, s, p, i, w, k, x)
            on conflict (day, campaign_id, line_item_id, creative_version_id, storefront_id, placement_id)
            do update set impressions = performance_day.impressions + excluded.impressions,
                viewable = performance_day.viewable + excluded.viewable,
                clicks = performance_day.clicks + excluded.clicks,
                invalid = performance_day.invalid + excluded.invalid
            """,
            [
                .int4Array(rows.map(\.key.day.number)), .int4Array(rows.map(\.key.advertiserID)),
                .int4Array(rows.map(\.key.campaignID)), .int4Array(rows.map(\.key.lineItemID)),
                .int4Array(rows.map(\.key.creativeVersionID)), .int4Array(rows.map(\.key.storefrontID)),
                .int4Array(rows.map(\.key.placementID)), .int8Array(rows.map(\.value.impressions)),
                .int8Array(rows.map(\.value.viewable)), .int8Array(rows.map(\.value.clicks)),
                .int8Array(rows.map(\.value.invalid)),
            ])
    }
}
