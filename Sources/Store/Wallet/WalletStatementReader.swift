import AdModel
import Billing
import ORD
import Postgres

extension WalletStatement {
    /// Reads a statement.
    /// - Throws: `Refusal` when the range is empty, too long or holds too many lines.
    public static func read(
        advertiser: Int32, from: Day, to: Day, zone: AccountingZone, on db: isolated PostgresConnection
    ) throws -> WalletStatement {
        guard from <= to else { throw Refusal(.invalidParameter, field: "to", "Must not be before from.") }
        guard to - from < dayLimit else {
            throw Refusal(.rangeTooLong, field: "to", "A statement has at most \(dayLimit) days.")
        }
        let begins = zone.start(of: from)
        let opening = Micros(
            try db.query(
                """
                select \(SumSQL.clamped("""
                    coalesce((select sum(amount_micros) from wallet_entry
                        where advertiser_id = $1 and recorded_at < $2), 0)
                    - coalesce((select sum(amount_micros) from charge
                        where advertiser_id = $1 and accounting_day < $3), 0)
                    """)) as balance
                """, [.int4(advertiser), .timestamptz(micros: begins.micros), .date(days: from.number)]
            ).single().int64("balance"))
        let regimes = try ContractRegimes(advertiser: advertiser, on: db)
        var lines = try entries(advertiser, begins, zone.start(of: to + 1), zone, regimes, on: db)
        lines += try charges(advertiser, from, to, regimes, on: db)
        guard lines.count <= lineLimit else {
            throw Refusal(.rangeTooLong, field: "to", "More than \(lineLimit) lines: ask for fewer days.")
        }
        lines.sort { $0.key < $1.key }
        var statement = WalletStatement(
            from: from, to: to, opening: opening, closing: opening, lines: [], totals: [:], overDeliveryEvents: 0,
            overDelivery: .zero)
        for var line in lines {
            statement.closing += line.amount
            line.balance = statement.closing
            statement.totals[line.kind, default: Total()].amount += line.amount
            if let vat = line.vat, let whole = line.amountWithVAT {
                statement.totals[line.kind, default: Total()].vat += vat
                statement.totals[line.kind, default: Total()].amountWithVAT += whole
            }
            statement.overDeliveryEvents += line.overDeliveryEvents
            statement.overDelivery += line.overDelivery
            statement.lines.append(line)
        }
        return statement
    }

    private static func entries(
        _ advertiser: Int32, _ begins: Timestamp, _ ends: Timestamp, _ zone: AccountingZone,
        _ regimes: ContractRegimes, on db: isolated PostgresConnection
    ) throws -> [StatementLine] {
        try db.query(
            """
            select e.id, e.code, e.kind, e.amount_micros, e.reference, e.reason, e.actor, e.recorded_at, e.contract_id,
                e.paid_kopecks, e.vat_kopecks, e.vat_rate, k.code as campaign, k.contract_id as campaign_contract
            from wallet_entry e left join campaign k on k.id = e.campaign_id
            where e.advertiser_id = $1 and e.recorded_at >= $2 and e.recorded_at < $3
            order by e.id limit \(lineLimit + 1)
            """, [.int4(advertiser), .timestamptz(micros: begins.micros), .timestamptz(micros: ends.micros)]
        ).map { row in
            let day = zone.day(of: Timestamp(micros: try row.micros("recorded_at")))
            let id = try row.int64("id")
            var line = StatementLine(
                key: key(day, 0, id), day: day, kind: StatementLine.Kind(rawValue: try row.string("kind")) ?? .topUp,
                object: try row.string("code"), amount: Micros(try row.int64("amount_micros")), balance: .zero,
                reference: try row.string("reference"), reason: try row.string("reason"),
                actor: try row.string("actor"), campaign: try row.stringIfPresent("campaign"), events: 0,
                overDeliveryEvents: 0, overDelivery: .zero)
            if let paid = try row.int64IfPresent("paid_kopecks"), let vat = try row.int64IfPresent("vat_kopecks") {
                line.rate = try row.stringIfPresent("vat_rate").flatMap(VATRate.init)
                line.vat = KopeckAmount(kopecks: vat)
                line.amountWithVAT = KopeckAmount(kopecks: paid)
            } else {
                let contract = try row.int32IfPresent("contract_id") ?? row.int32IfPresent("campaign_contract")
                line.apply(regimes.rate(contract: contract, on: day))
            }
            return line
        }
    }

    private static func charges(
        _ advertiser: Int32, _ from: Day, _ to: Day, _ regimes: ContractRegimes, on db: isolated PostgresConnection
    ) throws -> [StatementLine] {
        try db.query(
            """
            select c.accounting_day, k.contract_id, t.code as contract,
                c.kind in ('refund', 'rounding', 'correction') as corrects,
                \(SumSQL.clamped("sum(c.amount_micros)")) as amount,
                count(*) filter (where not \(over)) as events, count(*) filter (where \(over)) as over_events,
                \(SumSQL.clamped("coalesce(sum(c.price_micros - c.amount_micros) filter (where \(over)), 0)"))
                    as over_price
            from charge c join campaign k on k.id = c.campaign_id join contract t on t.id = k.contract_id
            where c.advertiser_id = $1 and c.accounting_day between $2 and $3
            group by 1, 2, 3, 4 limit \(lineLimit + 1)
            """, [.int4(advertiser), .date(days: from.number), .date(days: to.number)]
        ).map { row in
            let day = Day(number: try row.days("accounting_day"))
            let contract = try row.int32("contract_id")
            let corrects = try row.bool("corrects")
            var line = StatementLine(
                key: key(day, corrects ? 2 : 1, Int64(contract)), day: day,
                kind: corrects ? .chargeCorrections : .charges, object: try row.string("contract"),
                amount: -Micros(try row.int64("amount")), balance: .zero, events: try row.int64("events"),
                overDeliveryEvents: try row.int64("over_events"), overDelivery: Micros(try row.int64("over_price")))
            line.apply(regimes.rate(contract: contract, on: day))
            return line
        }
    }

    private static let over = "c.reason in ('over_budget', 'over_daily_budget', 'over_wallet')"

    /// Room for 2^42 entries and for days until the year 4800.
    private static func key(_ day: Day, _ rank: Int64, _ number: Int64) -> Int64 {
        Int64(day.number) << 44 | rank << 42 | number
    }
}

extension StatementLine {
    fileprivate mutating func apply(_ rate: VATRate?) {
        guard let rate else { return }
        let parts = WalletVAT.adding(to: amount, at: rate)
        self.rate = rate
        vat = parts.vat
        amountWithVAT = parts.gross
    }
}

/// The VAT regimes of an advertiser's contracts.
struct ContractRegimes {
    private struct Contract {
        var id: Int32
        var regime: VATRate
        /// Later regimes, earliest first.
        var changes: [VATPeriod]
        var from: Day
        var to: Day?
    }

    /// The one signed last comes first.
    private let contracts: [Contract]

    init(advertiser: Int32, on db: isolated PostgresConnection) throws {
        let changes = try ContractVAT.all(on: db)
        contracts = try db.query(
            """
            select id, vat_rate, signed_on, ends_on from contract where advertiser_id = $1 and kind <> 'mediation'
            order by signed_on desc, id desc
            """, [.int4(advertiser)]
        ).compactMap { row in
            guard let regime = VATRate(rawValue: try row.string("vat_rate")) else { return nil }
            return Contract(
                id: try row.int32("id"), regime: regime, changes: changes[try row.int32("id")] ?? [],
                from: Day(number: try row.days("signed_on")),
                to: try row.daysIfPresent("ends_on").map(Day.init))
        }
    }

    /// The rate of a contract on a day; without a contract, of the one signed last that was in force then.
    func rate(contract id: Int32?, on day: Day) -> VATRate? {
        let contract = id.flatMap { id in contracts.first { $0.id == id } } ?? inForce(on: day)
        return contract.map { contract in
            let regime = contract.changes.last { $0.from <= day }?.rate ?? contract.regime
            return WalletVAT.rate(regime, on: day)
        }
    }

    private func inForce(on day: Day) -> Contract? {
        contracts.first { $0.from <= day && day <= ($0.to ?? day) }
    }

    /// The contract that a payment of the day belongs to.
    func inForceID(on day: Day) -> Int32? { inForce(on: day)?.id }
}
