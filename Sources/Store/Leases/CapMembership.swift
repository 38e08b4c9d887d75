import AdModel
import Decisioning
import Postgres

/// Which nodes count frequency caps, and what they hand to one another when that changes.
public struct CapMembership: Sendable {
    /// How long a member may count without being heard of.
    public static let lease = Timestamp.Span.seconds(20)
    /// How much later others take it for gone: clocks of nodes may differ by less than this.
    public static let grace = Timestamp.Span.seconds(10)
    /// The longest window of a cap; what a lost node counted is over by then.
    static let longestWindow = Timestamp.Span.hours(25)
    /// Rows of one statement.
    static let batch = 2_000
    /// Impressions of a lost node's shoppers that are counted again.
    static let lostLimit: Int32 = 1_000_000

    private let pool: PostgresPool
    private let nodeID: Int16

    public init(pool: PostgresPool, nodeID: Int16) {
        self.pool = pool
        self.nodeID = nodeID
    }

    /// What a node knows after it was heard of.
    public struct View: Equatable, Sendable {
        public var leaseUntil: Timestamp
        /// Epochs after the one that this node serves by, the next one first, and that one itself in front (nil for a
        /// node that has not served by any).
        public var settled: Epoch?
        public var next: Epoch?
        /// Whether this node has handed over its shoppers of `next`.
        public var hasHandedOver: Bool
        /// Members of the epoch before `next` that have not, and are still there.
        public var awaited: [Int16]
        /// Those that are gone without having done so, and from when they may not have counted any more.
        public var lost: [Lost]
    }

    public struct Epoch: Equatable, Sendable {
        public var number: Int64
        public var members: [Int16]

        public var homes: CapHomes { CapHomes(members: members) }
    }

    public struct Lost: Equatable, Sendable {
        public var node: Int16
        public var until: Timestamp
        /// Its log is in the tables up to there, or what it counted is over.
        public var isAccountedFor: Bool
    }

    /// Renews the membership; begins a new epoch when the members are others than those of the last one.
    public func renew(now: Timestamp) async throws -> View {
        let nodeID = nodeID
        return try await pool.transaction { db in
            try db.query("select pg_advisory_xact_lock(7236849021)")
            let until = now + Self.lease
            try db.query(
                """
                insert into cap_member (node_id, lease_until, handed_epoch, settled_epoch) values ($1, $2, 0, 0)
                on conflict (node_id) do update set lease_until = $2
                """, [.int2(nodeID), .timestamptz(micros: until.micros)])
            try Self.beginEpoch(now: now, except: nil, db)
            return try Self.view(nodeID, until: until, now: now, db)
        }
    }

    private static func beginEpoch(
        now: Timestamp, except leaving: Int16?, _ db: isolated PostgresConnection
    ) throws {
        try db.query(
            """
            insert into cap_epoch (epoch, members, began_at)
            select coalesce((select max(epoch) from cap_epoch), 0) + 1, m.ids, $1
            from (select coalesce(array_agg(node_id order by node_id), '{}') as ids from cap_member
                where lease_until > $1::timestamptz - make_interval(secs => $2) and node_id is distinct from $3) m
            where m.ids is distinct from (select members from cap_epoch order by epoch desc limit 1)
                and cardinality(m.ids) > 0
            """,
            [
                .timestamptz(micros: now.micros), .float8(Double(grace.micros) / 1_000_000), .int2(orNull: leaving),
            ])
    }

    private static func view(
        _ nodeID: Int16, until: Timestamp, now: Timestamp, _ db: isolated PostgresConnection
    ) throws -> View {
        let own = try db.query(
            "select handed_epoch, settled_epoch from cap_member where node_id = $1", [.int2(nodeID)]
        ).single()
        let settled = try own.int64("settled_epoch")
        // A node that is new begins with the epoch that it was first a member of.
        let rows = try db.query(
            """
            select epoch, members from cap_epoch where epoch >= $1 and ($1 > 0 or $2 = any(members))
            order by epoch limit 2
            """, [.int8(settled), .int2(nodeID)])
        var epochs = try rows.map {
            Epoch(number: try $0.int64("epoch"), members: try $0.int32Array("members").map { Int16(clamping: $0) })
        }
        var view = View(leaseUntil: until, hasHandedOver: true, awaited: [], lost: [])
        if settled > 0, epochs.first?.number == settled { view.settled = epochs.removeFirst() }
        guard let next = epochs.first else { return view }
        view.next = next
        view.hasHandedOver = try own.int64("handed_epoch") >= next.number
        let others = try db.query(
            """
            select b.id, m.lease_until, coalesce(m.lease_until > $3::timestamptz - make_interval(secs => $4), false) as alive,
                $3 > m.lease_until + make_interval(secs => $5) or exists (select from log_checkpoint c
                    where c.node_id = b.id and c.shipped_through >= m.lease_until) as accounted
            from (select unnest(members)::int2 as id from cap_epoch where epoch = $1 - 1) b
            left join cap_member m on m.node_id = b.id
            where b.id <> $2 and coalesce(m.handed_epoch, 0) < $1
            """,
            [
                .int8(next.number), .int2(nodeID), .timestamptz(micros: now.micros),
                .float8(Double(grace.micros) / 1_000_000), .float8(Double(longestWindow.micros) / 1_000_000),
            ])
        for row in others {
            let id = Int16(clamping: try row.int32("id"))
            if try row.bool("alive") {
                view.awaited.append(id)
            } else {
                view.lost.append(
                    Lost(
                        node: id, until: Timestamp(micros: try row.micros("lease_until")),
                        isAccountedFor: try row.bool("accounted")))
            }
        }
        return view
    }

    /// Hands over the counters of the shoppers that leave this node with an epoch.
    public func handOver(
        _ shoppers: [(shopper: UInt64, caps: [UInt8])], epoch: Epoch
    ) async throws {
        let nodeID = nodeID
        let homes = epoch.homes
        try await pool.transaction { db in
            for start in stride(from: 0, to: shoppers.count, by: Self.batch) {
                let part = shoppers[start..<min(start + Self.batch, shoppers.count)]
                try db.query(
                    """
                    insert into cap_handover (epoch, to_node, from_node, shopper, caps)
                    select $1, t, $2, s, c from unnest($3::int4[], $4::int8[], $5::bytea[]) u (t, s, c)
                    on conflict do nothing
                    """,
                    [
                        .int8(epoch.number), .int2(nodeID),
                        .int4Array(part.map { Int32(homes.home(of: $0.shopper) ?? 0) }),
                        .int8Array(part.map { Int64(bitPattern: $0.shopper) }),
                        .array(part.map { .bytea($0.caps) }),
                    ])
            }
            try db.query(
                "update cap_member set handed_epoch = $2 where node_id = $1", [.int2(nodeID), .int8(epoch.number)])
        }
    }

    /// What others have handed over to this node with an epoch.
    public func handovers(_ epoch: Epoch) async throws -> [(shopper: UInt64, caps: [UInt8])] {
        let nodeID = nodeID
        return try await pool.withConnection { db in
            try db.query(
                "select shopper, caps from cap_handover where epoch = $1 and to_node = $2",
                [.int8(epoch.number), .int2(nodeID)]
            ).map { (UInt64(bitPattern: try $0.int64("shopper")), try $0.bytes("caps")) }
        }
    }

    /// One impression of a lost node.
    public struct Contact: Equatable, Sendable {
        public var visitorID: String
        public var lineItemID: Int32
        public var advertiserID: Int32
        public var decidedAt: Timestamp
    }

    /// What lost nodes have shown, as far as their logs are in the tables, oldest first.
    public func contacts(of lost: [Int16], since: Timestamp) async throws -> [Contact] {
        try await pool.withConnection { db in
            try db.query(
                """
                select visitor_id, line_item_id, advertiser_id, decided from (
                    select e.visitor_id, e.line_item_id, e.advertiser_id, d.decided_at as decided
                    from ad_event e join decision d
                        on d.decision_day = e.decision_day and d.decision_id = e.decision_id
                    where e.kind = 0 and e.node_id = any($1::int4[]) and e.visitor_id is not null
                        and e.decision_day >= ($2::timestamptz at time zone 'UTC')::date
                    order by d.decided_at desc limit $3
                ) t order by decided
                """,
                [.int4Array(lost.map(Int32.init)), .timestamptz(micros: since.micros), .int4(Self.lostLimit)]
            ).map {
                Contact(
                    visitorID: try $0.string("visitor_id"), lineItemID: try $0.int32("line_item_id"),
                    advertiserID: try $0.int32("advertiser_id"),
                    decidedAt: Timestamp(micros: try $0.micros("decided")))
            }
        }
    }

    /// Notes that this node serves by an epoch from now on; what was handed over for it goes.
    public func settle(_ epoch: Epoch) async throws {
        let nodeID = nodeID
        try await pool.transaction { db in
            try db.query(
                "update cap_member set settled_epoch = $2 where node_id = $1", [.int2(nodeID), .int8(epoch.number)])
            try db.query(
                "delete from cap_handover where to_node = $1 and epoch <= $2", [.int2(nodeID), .int8(epoch.number)])
        }
    }

    /// Leaves in good order: the others begin an epoch without this node, which then hands over to them.
    /// - Returns: that epoch; nil when nobody else is there.
    public func leave(now: Timestamp) async throws -> Epoch? {
        let nodeID = nodeID
        return try await pool.transaction { db in
            try db.query("select pg_advisory_xact_lock(7236849021)")
            try Self.beginEpoch(now: now, except: nodeID, db)
            try db.query(
                "update cap_member set lease_until = $2 where node_id = $1",
                [.int2(nodeID), .timestamptz(micros: (now - Self.grace).micros)])
            guard
                let row = try db.query("select epoch, members from cap_epoch order by epoch desc limit 1").first
            else { return nil }
            let members = try row.int32Array("members").map { Int16(clamping: $0) }
            return members.contains(nodeID) ? nil : Epoch(number: try row.int64("epoch"), members: members)
        }
    }

    // MARK: Impressions that came to another node

    /// An impression of a shopper whose home is elsewhere.
    public struct Confirmation: Equatable, Sendable {
        public var to: Int16
        public var shopper: UInt64
        public var lineItemID: Int32
        public var advertiserID: Int32
        public var decidedAt: Timestamp

        public init(to: Int16, shopper: UInt64, lineItemID: Int32, advertiserID: Int32, decidedAt: Timestamp) {
            self.to = to
            self.shopper = shopper
            self.lineItemID = lineItemID
            self.advertiserID = advertiserID
            self.decidedAt = decidedAt
        }
    }

    public func send(_ confirmations: [Confirmation]) async throws {
        guard !confirmations.isEmpty else { return }
        _ = try await pool.withConnection { db in
            try db.query(
                """
                insert into cap_confirmation (to_node, shopper, line_item_id, advertiser_id, decided_at)
                select * from unnest($1::int2[], $2::int8[], $3::int4[], $4::int4[], $5::timestamptz[])
                """,
                [
                    .array(confirmations.map { .int2($0.to) }),
                    .int8Array(confirmations.map { Int64(bitPattern: $0.shopper) }),
                    .int4Array(confirmations.map(\.lineItemID)), .int4Array(confirmations.map(\.advertiserID)),
                    .array(confirmations.map { .timestamptz(micros: $0.decidedAt.micros) }),
                ])
        }
    }

    /// Takes what others have sent to this node.
    public func receive() async throws -> [Confirmation] {
        let nodeID = nodeID
        return try await pool.withConnection { db in
            try db.query(
                """
                delete from cap_confirmation where to_node = $1
                returning shopper, line_item_id, advertiser_id, decided_at
                """, [.int2(nodeID)]
            ).map {
                Confirmation(
                    to: nodeID, shopper: UInt64(bitPattern: try $0.int64("shopper")),
                    lineItemID: try $0.int32("line_item_id"), advertiserID: try $0.int32("advertiser_id"),
                    decidedAt: Timestamp(micros: try $0.micros("decided_at")))
            }
        }
    }
}
