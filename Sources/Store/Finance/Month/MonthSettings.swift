import AdModel
import ORD
import Postgres

/// What finance decides of a month before it is frozen.
public enum MonthSettings {
    /// Dates an act later than the month's last day (R15): rate and levy quarter follow it.
    /// - Throws: `Refusal` when the month is frozen, the date is earlier, or VAT changes in between.
    public static func setActDate(
        _ day: Day, contract code: String, month: AccountingMonth, by actor: MonthActor,
        on db: isolated PostgresConnection
    ) throws {
        try CheckpointStore.lockLedgers(on: db)
        try requireOpen(month, on: db)
        guard let contract = try AdvertisingContracts.find(code, on: db) else {
            throw Refusal.unknownReference("contract", code)
        }
        guard day >= month.last else {
            throw Refusal.field("date", "out_of_range", "An act of \(month) is dated \(month.last) or later.")
        }
        let history = try ContractVAT.history(of: contract.id, on: db)
        let terms = ContractVAT.terms(contract, history)
        guard terms.rate(on: day) == terms.rate(on: month.last) else {
            throw Refusal.field("date", "vat_change", "VAT changes between \(month.last) and \(day): date it before.")
        }
        try db.query(
            """
            insert into month_act_date (month, contract_id, act_date, actor, at) values ($1, $2, $3, $4, $5)
            on conflict (month, contract_id) do update
            set act_date = excluded.act_date, actor = excluded.actor, at = excluded.at
            """,
            [
                .date(days: month.first.number), .int4(contract.id), .date(days: day.number), .text(actor.name),
                .timestamptz(micros: actor.at.micros),
            ])
    }

    /// Enters what an agent acting for the retailer reports of a month (R26).
    /// - Parameter report: `contractID` is the code of the mediation contract.
    /// - Throws: `Refusal` when the month is frozen, the contract is no such mediation, or a sum is out of range.
    public static func setAgentReport(
        _ report: MonthStatement.AgentReport, month: AccountingMonth, by actor: MonthActor,
        on db: isolated PostgresConnection
    ) throws {
        try CheckpointStore.lockLedgers(on: db)
        try requireOpen(month, on: db)
        guard
            let contract = try db.query(
                """
                select id from contract where code = $1 and kind = 'mediation'
                    and 'agent_acting_for_publisher' = any (flags)
                """, [.text(report.contractID)]
            ).first
        else { throw Refusal.unknownReference("contract", report.contractID) }
        guard report.commission > .zero, report.sales >= report.commission else {
            throw Refusal.field(
                "commission_micros", "out_of_range", "The commission is above zero and part of the sales.")
        }
        guard (1...255).contains(report.serial.unicodeScalars.count),
            Serial.findings(report.serial, "serial").isEmpty
        else {
            throw Refusal.field(
                "serial", "serial_spaces", "1 to 255 characters, without spaces at the ends or in a row.")
        }
        guard report.date >= month.first, report.date <= actor.at.utcDay else {
            throw Refusal.field("date", "out_of_range", "A report of \(month) is dated in it or later, and not ahead.")
        }
        try db.query(
            """
            insert into month_commission (month, contract_id, amount_kopecks, sales_kopecks, serial, commission_date,
                actor, at) values ($1, $2, $3, $4, $5, $6, $7, $8)
            on conflict (month, contract_id) do update set amount_kopecks = excluded.amount_kopecks,
                sales_kopecks = excluded.sales_kopecks, serial = excluded.serial,
                commission_date = excluded.commission_date, actor = excluded.actor, at = excluded.at
            """,
            [
                .date(days: month.first.number), .int4(try contract.int32("id")), .int8(report.commission.kopecks),
                .int8(report.sales.kopecks), .text(report.serial), .date(days: report.date.number), .text(actor.name),
                .timestamptz(micros: actor.at.micros),
            ])
    }

    /// What agents reported of a month; `contractID` is the code of the mediation contract.
    public static func agentReports(
        of month: AccountingMonth, on db: isolated PostgresConnection
    ) throws -> [MonthStatement.AgentReport] {
        try db.query(
            """
            select c.code, m.sales_kopecks, m.amount_kopecks, m.serial, m.commission_date
            from month_commission m join contract c on c.id = m.contract_id where m.month = $1 order by c.id limit 10000
            """, [.date(days: month.first.number)]
        ).map { row in
            MonthStatement.AgentReport(
                contractID: try row.string("code"), sales: KopeckAmount(kopecks: try row.int64("sales_kopecks")),
                commission: KopeckAmount(kopecks: try row.int64("amount_kopecks")), serial: try row.string("serial"),
                date: Day(number: try row.days("commission_date")))
        }
    }

    private static func requireOpen(_ month: AccountingMonth, on db: isolated PostgresConnection) throws {
        guard try MonthClose.state(of: month, on: db) == .open else {
            throw Refusal(.invalidState, field: "month", "\(month) is frozen: its acts are dated and computed.")
        }
    }
}
