import AdModel
import Postgres

/// The retailer's switch that stops all ads, of one storefront or everywhere. Serving nodes read it apart from
/// everything else, so that it works at once however large the rest is.
public enum StopSwitch {
    /// What is stopped, why, by whom and since when.
    public struct Stop: Equatable, Sendable {
        /// Code of the storefront; nil = everything.
        public var storefront: String?
        public var reason: String
        public var actor: String
        public var stoppedAt: Timestamp
    }

    /// Everything stopped now: first the switch for everything, then storefronts by code. At most one per storefront.
    public static func list(on db: isolated PostgresConnection) throws -> [Stop] {
        try db.query(
            """
            select f.code, s.reason, s.actor, s.stopped_at from serving_stop s
            left join storefront f on f.id = s.storefront_id order by f.code nulls first
            """
        ).map { row in
            Stop(
                storefront: try row.stringIfPresent("code"), reason: try row.string("reason"),
                actor: try row.string("actor"), stoppedAt: Timestamp(micros: try row.micros("stopped_at")))
        }
    }

    /// Stops a storefront (by code), or everything when it is nil. Stopping again changes the reason, not the time.
    /// Throws `not_found` for an unknown storefront.
    public static func stop(
        _ storefront: String?, reason: String, actor: String, now: Timestamp, on db: isolated PostgresConnection
    ) throws -> (before: Stop?, after: Stop) {
        let id = try storefrontID(storefront, on: db)
        let before = try list(on: db).first { $0.storefront == storefront }
        try db.query(
            """
            insert into serving_stop (storefront_id, reason, actor, stopped_at) values ($1, $2, $3, $4)
            on conflict (storefront_id) do update set reason = excluded.reason, actor = excluded.actor
            """, [.int4(orNull: id), .text(reason), .text(actor), .timestamptz(micros: now.micros)])
        return (
            before,
            Stop(storefront: storefront, reason: reason, actor: actor, stoppedAt: before?.stoppedAt ?? now)
        )
    }

    /// Lets a storefront, or everything, serve again; nil when it was not stopped. A storefront stays silent as long
    /// as everything is stopped.
    public static func release(_ storefront: String?, on db: isolated PostgresConnection) throws -> Stop? {
        let id = try storefrontID(storefront, on: db)
        let before = try list(on: db).first { $0.storefront == storefront }
        try db.query("delete from serving_stop where storefront_id is not distinct from $1", [.int4(orNull: id)])
        return before
    }

    private static func storefrontID(_ code: String?, on db: isolated PostgresConnection) throws -> Int32? {
        guard let code else { return nil }
        guard let row = try db.query("select id from storefront where code = $1", [.text(code)]).first else {
            throw Refusal.notFound
        }
        return try row.int32("id")
    }
}
