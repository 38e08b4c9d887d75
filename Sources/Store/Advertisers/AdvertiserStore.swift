import AdModel
import Postgres

/// An advertiser as the API shows him.
public struct Advertiser: Equatable, Sendable {
    public var id: Int32
    public var code: String
    public var name: String
    /// Public id of the legal person behind him.
    public var counterparty: String
    public var creditLimit: Micros
    /// Below this balance he is told; nil = less than a day's spend of the last seven days.
    public var lowBalance: Micros?
    public var revision: Int64
}

/// What may be set of an advertiser.
public struct AdvertiserFields: Equatable, Sendable {
    public var name: String
    public var counterparty: String
    public var creditLimit: Micros
    public var lowBalance: Micros?

    public init(name: String, counterparty: String, creditLimit: Micros = .zero, lowBalance: Micros? = nil) {
        self.name = name
        self.counterparty = counterparty
        self.creditLimit = creditLimit
        self.lowBalance = lowBalance
    }
}

/// Advertisers: who buys.
public enum AdvertiserStore {
    /// Adds an advertiser with an empty wallet.
    /// - Parameter code: his public id; generated when nil.
    /// - Throws: `Refusal` when the id is taken or the counterparty is not known.
    public static func create(
        code: String?, _ fields: AdvertiserFields, on db: isolated PostgresConnection
    ) throws -> Advertiser {
        let code = code ?? Code.make("adv")
        let rows = try db.query(
            """
            insert into advertiser (code, name, counterparty_id, credit_limit_micros, low_balance_micros)
            values ($1, $2, $3, $4, $5) on conflict (code) do nothing returning id
            """,
            [
                .text(code), .text(fields.name), .int4(try counterparty(fields.counterparty, on: db)),
                .int8(fields.creditLimit.value), .int8(orNull: fields.lowBalance?.value),
            ])
        guard !rows.isEmpty else { throw Refusal(.conflict, field: "id", "The id is taken; choose another one.") }
        return try get(code, on: db)
    }

    /// Changes an advertiser that was locked by `get(_:forUpdate:)`.
    public static func update(
        _ advertiser: Advertiser, _ fields: AdvertiserFields, on db: isolated PostgresConnection
    ) throws -> Advertiser {
        // Charges in flight are decided under this lock, so none of them sees half of the change.
        if fields.creditLimit != advertiser.creditLimit { try WalletStore.lock(advertiser.id, on: db) }
        try db.query(
            """
            update advertiser set name = $2, counterparty_id = $3, credit_limit_micros = $4, low_balance_micros = $5,
                revision = revision + 1
            where id = $1
            """,
            [
                .int4(advertiser.id), .text(fields.name), .int4(try counterparty(fields.counterparty, on: db)),
                .int8(fields.creditLimit.value), .int8(orNull: fields.lowBalance?.value),
            ])
        return try get(advertiser.code, on: db)
    }

    /// The one thing that the advertiser sets himself: the balance below which he is told. A function of the database
    /// does it, because its policies let him write nothing else here.
    public static func setLowBalance(
        _ advertiser: Advertiser, _ amount: Micros?, on db: isolated PostgresConnection
    ) throws -> Advertiser {
        let rows = try db.query(
            "select set_low_balance($1, $2, $3) as done",
            [.int4(advertiser.id), .int8(orNull: amount?.value), .int8(advertiser.revision)])
        guard try rows.single().bool("done") else {
            throw Refusal(.preconditionFailed, "It has changed since you read it; read it again, then change it.")
        }
        return try get(advertiser.code, on: db)
    }

    /// Removes an advertiser nothing refers to.
    /// - Throws: `Refusal` when there are contracts, campaigns, money or people of his.
    public static func delete(_ advertiser: Advertiser, on db: isolated PostgresConnection) throws {
        do {
            try db.savepoint {
                try db.query(
                    "delete from advertiser_spend where advertiser_id = $1 and spent_micros = 0",
                    [
                        .int4(advertiser.id)
                    ])
                try db.query("delete from advertiser where id = $1", [.int4(advertiser.id)])
            }
        } catch let error as PostgresError where error.kind == .foreignKeyViolation {
            throw Refusal(
                .conflict, "There are contracts, campaigns, money or people of this advertiser: pause them instead.")
        }
    }

    /// - Throws: `Refusal.notFound` when there is none that the caller may see.
    public static func get(
        _ code: String, forUpdate: Bool = false, on db: isolated PostgresConnection
    ) throws -> Advertiser {
        guard
            let row = try db.query(
                "\(columns) where a.code = $1\(forUpdate ? " for no key update of a" : "")", [.text(code)]
            ).first
        else { throw Refusal.notFound }
        return try advertiser(row)
    }

    /// Those the caller may see, oldest first.
    /// - Parameter search: part of the name or of the id, in any case.
    public static func list(
        search: String?, after: Int64, limit: Int64, on db: isolated PostgresConnection
    ) throws -> [Advertiser] {
        try db.query(
            """
            \(columns)
            where a.id > $1 and ($2::text is null or position(lower($2) in lower(a.name)) > 0
                or position(lower($2) in lower(a.code)) > 0)
            order by a.id limit $3
            """, [.int8(after), .text(orNull: search), .int8(limit)]
        ).map(advertiser)
    }

    private static let columns = """
        select a.id, a.code, a.name, p.code as counterparty, a.credit_limit_micros, a.low_balance_micros, a.revision
        from advertiser a join counterparty p on p.id = a.counterparty_id
        """

    private static func advertiser(_ row: PostgresRow) throws -> Advertiser {
        Advertiser(
            id: try row.int32("id"), code: try row.string("code"), name: try row.string("name"),
            counterparty: try row.string("counterparty"), creditLimit: Micros(try row.int64("credit_limit_micros")),
            lowBalance: try row.int64IfPresent("low_balance_micros").map(Micros.init),
            revision: try row.int64("revision"))
    }

    static func counterparty(_ code: String, on db: isolated PostgresConnection) throws -> Int32 {
        guard let row = try db.query("select id from counterparty where code = $1", [.text(code)]).first else {
            throw Refusal.unknownReference("counterparty", code)
        }
        return try row.int32("id")
    }
}
