import AdModel
import ORD
import Postgres

/// A contract's VAT regime over time (R15, R18): the one it was made with, and dated changes.
public enum ContractVAT {
    /// A change of a contract's regime, with who entered it and why.
    public struct Change: Equatable, Sendable {
        public var period: VATPeriod
        public var actor: String
        public var reason: String
        public var recordedAt: Timestamp
    }

    /// Changes of a contract with who made them, earliest first.
    public static func changes(of contract: Int32, on db: isolated PostgresConnection) throws -> [Change] {
        try db.query(
            """
            select valid_from, vat_rate, actor, reason, recorded_at from contract_vat where contract_id = $1
            order by valid_from limit 1000
            """, [.int4(contract)]
        ).map { row in
            Change(
                period: VATPeriod(
                    from: Day(number: try row.days("valid_from")),
                    rate: VATRate(rawValue: try row.string("vat_rate")) ?? .twentyTwo),
                actor: try row.string("actor"), reason: try row.string("reason"),
                recordedAt: Timestamp(micros: try row.micros("recorded_at")))
        }
    }

    /// Changes of a contract, earliest first.
    public static func history(
        of contract: Int32, on db: isolated PostgresConnection
    ) throws -> [VATPeriod] {
        try all(contracts: [contract], on: db)[contract] ?? []
    }

    /// Changes by contract; of all contracts when none are named.
    static func all(
        contracts: [Int32]? = nil, on db: isolated PostgresConnection
    ) throws -> [Int32: [VATPeriod]] {
        var result: [Int32: [VATPeriod]] = [:]
        let filter: PostgresValue = contracts.map { .int4Array($0) } ?? .null
        for row in try db.query(
            """
            select contract_id, valid_from, vat_rate from contract_vat where $1::int4[] is null or contract_id = any($1)
            order by contract_id, valid_from
            """, [filter])
        {
            guard let rate = VATRate(rawValue: try row.string("vat_rate")) else { continue }
            result[try row.int32("contract_id"), default: []].append(
                VATPeriod(from: Day(number: try row.days("valid_from")), rate: rate))
        }
        return result
    }

    /// The operator's view of a contract with its rates.
    static func terms(_ contract: AdvertisingContract, _ history: [VATPeriod]) -> Contract {
        var terms = contract.operatorContract
        terms.vatHistory = history
        return terms
    }

    /// Changes the regime of a contract from the first day of a month on.
    /// - Throws: `Refusal` when the day is not the first of a month, lies before the contract, the month is frozen
    ///   already or an act of an earlier month is dated on it or later.
    public static func change(
        contract code: String, to rate: VATRate, from day: Day, reason: String, by actor: MonthActor,
        on db: isolated PostgresConnection
    ) throws {
        try CheckpointStore.lockLedgers(on: db)
        try MonthClose.requireReason(reason)
        guard let contract = try AdvertisingContracts.find(code, on: db) else {
            throw Refusal.unknownReference("contract", code)
        }
        guard day.civil.day == 1 else {
            throw Refusal.field("from", "invalid", "An act has one rate: change it from the first day of a month.")
        }
        guard day > contract.signedOn else {
            throw Refusal.field("from", "out_of_range", "The contract is signed on \(contract.signedOn) only.")
        }
        let dated = try db.query(
            """
            select max(act_date) as last from (
                select a.act_date from month_act a join month_close m using (month, version) where a.contract_id = $1
                union all select act_date from month_act_date where contract_id = $1) dates
            """, [.int4(contract.id)]
        ).single().daysIfPresent("last")
        if let dated, dated >= day.number {
            throw Refusal.field(
                "from", "locked", "An act under the contract is dated \(Day(number: dated)): begin after it.")
        }
        try db.query(
            """
            insert into contract_vat (contract_id, valid_from, vat_rate, actor, reason, recorded_at)
            values ($1, $2, $3, $4, $5, $6)
            on conflict (contract_id, valid_from) do update set vat_rate = excluded.vat_rate, actor = excluded.actor,
                reason = excluded.reason, recorded_at = excluded.recorded_at
            """,
            [
                .int4(contract.id), .date(days: day.number), .text(rate.rawValue), .text(actor.name), .text(reason),
                .timestamptz(micros: actor.at.micros),
            ])
    }
}
