import AdModel
import ORD
import Postgres

/// An act of a frozen month, as lists show it.
public struct ActRecord: Sendable {
    /// External id.
    public var id: String
    public var month: AccountingMonth
    public var version: Int32
    public var state: MonthState
    /// Public id of the contract.
    public var contract: String
    public var advertiser: String
    public var serial: String
    public var act: Act
    public var ledger: Micros
    public var rounding: Micros
    public var roundingCharge: Int64?
    /// `no_tax`, `calculated`, `blocked`; nil while the register has said nothing.
    public var levy: String?
    public var contractID: Int32
}

/// Reads acts: of each month those of the newest version. An advertiser sees his own, once they are issued.
public enum ActStore {
    /// Acts in order of month and contract. `after`: key of the last one seen.
    public static func list(
        month: AccountingMonth?, advertiser: String?, issuedOnly: Bool, after: Int64, limit: Int64,
        on db: isolated PostgresConnection
    ) throws -> [(key: Int64, act: ActRecord)] {
        try db.query(
            """
            select * from (\(columns)) a
            where a.key > $1 and ($2::date is null or a.month = $2) and ($3::text is null or a.advertiser = $3)
                and (not $4::boolean or a.state in ('acts_issued', 'exported', 'accepted'))
            order by a.key limit $5
            """,
            [
                .int8(after), .date(orNull: month?.first.number), .text(orNull: advertiser), .bool(issuedOnly),
                .int8(limit),
            ]
        ).map { (try $0.int64("key"), try record($0)) }
    }

    /// One act; `not_found` when there is none that the session sees.
    public static func find(
        _ id: String, issuedOnly: Bool, on db: isolated PostgresConnection
    ) throws -> ActRecord {
        guard
            let row = try db.query(
                """
                select * from (\(columns)) a
                where a.act = $1 and (not $2::boolean or a.state in ('acts_issued', 'exported', 'accepted'))
                """, [.text(id), .bool(issuedOnly)]
            ).first
        else { throw Refusal.notFound }
        return try record(row)
    }

    /// The levy that all acts lead to, by quarter (R27).
    public static func levy(on db: isolated PostgresConnection) throws -> [LevyForecast] {
        let acts = try db.query("select body::text as body from (\(columns)) a order by a.key").map { row in
            try FrozenJSON.decode(Act.self, try row.string("body"))
        }
        // Whether an act is about a commission is told by what it holds.
        let contracts = acts.map { act in
            Contract(
                id: act.contractID, type: act.commission == nil ? "service" : "mediation", clientID: "",
                contractorID: "", date: act.date)
        }
        return LevyForecast.of(acts, contracts: Dictionary(contracts.map { ($0.id, $0) }) { first, _ in first })
    }

    private static let columns = """
        select a.month, a.version, a.act, a.serial, a.body, a.ledger_micros, a.rounding_micros, a.rounding_charge_id,
            a.contract_id, m.state, c.code as contract, d.code as advertiser, l.status as levy,
            (a.month - date '2000-01-01')::bigint * 4294967296 + a.contract_id as key
        from month_act a
        join month_close m on m.month = a.month and m.version = a.version
        join contract c on c.id = a.contract_id
        join advertiser d on d.id = c.advertiser_id
        left join act_levy l on l.act = a.act
        """

    private static func record(_ row: PostgresRow) throws -> ActRecord {
        guard let month = AccountingMonth(containing: Day(number: try row.days("month"))) else {
            throw FinanceError(code: "month", message: "an act of no month")
        }
        return ActRecord(
            id: try row.string("act"), month: month, version: try row.int32("version"),
            state: MonthState(rawValue: try row.string("state")) ?? .frozen, contract: try row.string("contract"),
            advertiser: try row.string("advertiser"), serial: try row.string("serial"),
            act: try FrozenJSON.decode(Act.self, try row.string("body")),
            ledger: Micros(try row.int64("ledger_micros")), rounding: Micros(try row.int64("rounding_micros")),
            roundingCharge: try row.int64IfPresent("rounding_charge_id"), levy: try row.stringIfPresent("levy"),
            contractID: try row.int32("contract_id"))
    }
}
