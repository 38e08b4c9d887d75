import AdModel
import Attribution
import Measurement
import Postgres

/// Makes touches of valid ad events: what attribution may credit.
public enum TouchStore {
    /// Events of shoppers without an id make no touch: nobody could be matched to them.
    ///
    /// - Parameter events: valid events that are the first of their key.
    /// - Returns: the touches stored.
    public static func write(
        _ events: [AdEventRecord], on connection: isolated PostgresConnection
    ) throws -> [(visitorID: String, touchID: String, at: Timestamp)] {
        let known = events.filter { !($0.visitorID ?? "").isEmpty }
        guard !known.isEmpty else { return [] }
        let skus = try productSKUs(Set(known.flatMap(\.token.productIDs)), on: connection)
        let lists = try promotedLists(
            Set(known.filter { $0.token.productIDs.isEmpty }.map(\.token.lineItemID)), on: connection)
        var result: [(visitorID: String, touchID: String, at: Timestamp)] = []
        result.reserveCapacity(known.count)
        try connection.copyStaged(
            "touch",
            [
                "touch_id", "visitor_id", "occurred_at", "kind", "rendered_only", "advertiser_id", "campaign_id",
                "line_item_id", "storefront_id", "promoted_skus",
            ]
        ) { writer in
            for event in known {
                let token = event.token
                let visitorID = event.visitorID ?? ""
                let touchID = AdEventKey(event).touchID
                var promoted = shown(event).compactMap { skus[$0] }
                if token.productIDs.isEmpty {
                    promoted =
                        lists[token.lineItemID]?.first { $0.holds(at: event.eventTime.micros) }?.skus ?? []
                }
                try writer.row(
                    .text(touchID), .text(visitorID), .timestamptz(micros: event.eventTime.micros),
                    .text(event.kind == .click ? "click" : "view"), .bool(event.kind == .impression),
                    .int4(token.advertiserID), .int4(token.campaignID), .int4(token.lineItemID),
                    .int4(token.storefrontID), .textArray(promoted))
                result.append((visitorID, touchID, event.eventTime))
            }
        }
        return result
    }

    /// The product of the card that was seen or clicked, else everything the ad showed.
    private static func shown(_ event: AdEventRecord) -> [Int32] {
        let products = event.token.productIDs
        let card = Int(event.card)
        return products.indices.contains(card) ? [products[card]] : products
    }

    private struct PromotedList {
        var from: Int64
        var to: Int64
        var skus: [String]

        func holds(at micros: Int64) -> Bool { from <= micros && (micros < to || to == .max) }
    }

    private static func productSKUs(
        _ ids: Set<Int32>, on connection: isolated PostgresConnection
    ) throws -> [Int32: String] {
        guard !ids.isEmpty else { return [:] }
        var result: [Int32: String] = [:]
        let rows = try connection.query(
            "select id, sku from product where id = any($1::int4[])", [.int4Array(ids.sorted())])
        for row in rows { result[try row.int32(0)] = try row.string(1) }
        return result
    }

    private static func promotedLists(
        _ lineItemIDs: Set<Int32>, on connection: isolated PostgresConnection
    ) throws -> [Int32: [PromotedList]] {
        guard !lineItemIDs.isEmpty else { return [:] }
        var result: [Int32: [PromotedList]] = [:]
        let rows = try connection.query(
            """
            select line_item_id, valid_from, valid_to, promoted_skus from line_item_version
            where line_item_id = any($1::int4[])
            """, [.int4Array(lineItemIDs.sorted())])
        for row in rows {
            result[try row.int32(0), default: []].append(
                PromotedList(from: try row.micros(1), to: try row.micros(2), skus: try row.stringArray(3)))
        }
        return result
    }
}
