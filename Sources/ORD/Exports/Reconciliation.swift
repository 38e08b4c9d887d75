import AdModel

/// Ledger = statistics = items = act, contract by contract: what finance looks at before a month is closed.
public struct Reconciliation: Sendable {
    /// A sum in the three parts of a taxed amount.
    public struct Sum<Amount: AdditiveArithmetic & Comparable & Codable & Hashable & Sendable>: Hashable, Sendable {
        public var excludingVAT = Amount.zero
        public var vat = Amount.zero
        public var includingVAT = Amount.zero

        mutating func add(_ amount: TaxedAmount<Amount>) {
            excludingVAT += amount.excludingVAT
            vat += amount.vat
            includingVAT += amount.includingVAT
        }
    }

    /// One contract of the month, or self-promotion.
    public struct Line: Sendable {
        /// nil for self-promotion.
        public var contract: Contract?
        public var client: Person?
        /// nil when the month brought no money.
        public var act: Act?
        /// Charges net of refunds, to the last micro-rouble.
        public var ledger: Micros = .zero
        /// Act minus ledger.
        public var rounding: Micros = .zero
        public var items = Sum<KopeckAmount>()
        public var statistics = Sum<Decimal5>()
        /// VAT that no row could take (R19).
        public var vatRest: Decimal5 = .zero
        public var rows: [StatisticsRow] = []

        /// Valid impressions told to the operator.
        public var shows: Int64 { rows.reduce(0) { $0 + $1.shows } }
        public var invoicedShows: Int64 { rows.reduce(0) { $0 + ($1.invoicedShows ?? 0) } }
        /// The act of an agent who acts for the retailer.
        public var isAgentReport: Bool { act?.commission != nil }
        /// All four sums are one; the named rest of VAT apart.
        public var agrees: Bool {
            guard let act else {
                return statistics.excludingVAT == .zero && KopeckAmount(roundingHalfUp: ledger) == .zero
            }
            // An agent's report is his paper: nothing of it was charged here.
            if isAgentReport { return rows.isEmpty && ledger == .zero }
            let services = act.services
            return ledger + rounding == services.excludingVAT.micros && abs(rounding.value) <= 5_000
                && items.excludingVAT == services.excludingVAT && items.vat == services.vat
                && items.includingVAT == services.includingVAT
                && statistics.excludingVAT == services.excludingVAT.decimal5
                && statistics.vat + vatRest == services.vat.decimal5
        }
    }

    public var month: AccountingMonth
    public var timeZone: String
    public var cut: MonthStatement.Cut
    public var isFinal: Bool
    /// The day in UTC on which it was looked at.
    public var today: Day
    /// In order of contract id; self-promotion last.
    public var lines: [Line]
    public var findings: [Finding]
    /// Warnings that a person answers for.
    public var overrides: [GateOverride]
    public var totals: MonthTotals
    /// The ledger and the shows, summed a second time by another way.
    public var ledgerTotal: Micros
    public var showsTotal: Int64
    public var creatives: [String: Creative]
    public var pads: [String: Pad]
    public var retailer: Person?

    /// Every sum agrees and nothing stops the export.
    public var passes: Bool { blocking.isEmpty && agrees }
    /// What stops the export.
    public var blocking: [Finding] { Gate.blocking(findings, overrides) }
    /// Every sum agrees.
    public var agrees: Bool {
        lines.allSatisfy(\.agrees) && totals.placed == ledgerTotal && totals.shows == showsTotal
    }

    public init(_ month: ExportMonth) {
        let statement = month.statement
        let settlement = month.settlement()
        let scope = BundleScope(statement, settlement)
        self.month = statement.month
        timeZone = statement.timeZone
        cut = statement.cut
        isFinal = month.isFinal
        today = month.today
        findings = month.findings()
        overrides = statement.overrides
        totals = MonthTotals(statement, settlement)
        ledgerTotal = statement.ledgerTotal
        showsTotal = statement.showsTotal
        creatives = scope.creativesByID
        pads = scope.padsByID
        lines = Self.lines(statement, settlement, scope)
        retailer = statement.pads.first.flatMap { pad in statement.persons.first { $0.id == pad.personID } }
    }

    private static func lines(
        _ statement: MonthStatement, _ settlement: Settlement, _ scope: BundleScope
    ) -> [Line] {
        // A row belongs to the contract of its line item, also when the creative names the contract of somebody else.
        var contractOfCreative: [String: String] = [:]
        for line in statement.lineItems {
            for id in line.creativeIDs { contractOfCreative[id] = line.contractID }
        }
        let rows = Dictionary(grouping: settlement.rows) { contractOfCreative[$0.creativeID] ?? "" }
        let contracts = Dictionary(statement.contracts.map { ($0.id, $0) }) { first, _ in first }
        let persons = Dictionary(statement.persons.map { ($0.id, $0) }) { first, _ in first }
        var lines: [Line] = []
        for ledger in settlement.ledgers {
            var line = Line(contract: contracts[ledger.contractID])
            line.client = line.contract.flatMap { persons[$0.clientID] }
            line.act = settlement.acts.first { $0.id == ledger.actID }
            line.ledger = ledger.ledger
            line.rounding = ledger.rounding
            line.vatRest = ledger.vatRest
            line.rows = rows[ledger.contractID] ?? []
            for row in line.rows { if let amount = row.amount { line.statistics.add(amount) } }
            for item in line.act?.items ?? [] { line.items.add(item.amount) }
            lines.append(line)
        }
        let reported = Set(settlement.ledgers.compactMap(\.actID))
        for act in settlement.acts where !reported.contains(act.id) {
            var line = Line(contract: contracts[act.contractID])
            line.client = line.contract.flatMap { persons[$0.clientID] }
            line.act = act
            for item in act.items { line.items.add(item.amount) }
            lines.append(line)
        }
        if let own = rows[""] {
            var line = Line()
            line.rows = own
            for row in own { if let amount = row.amount { line.statistics.add(amount) } }
            lines.append(line)
        }
        return lines
    }

    /// The report as a table: one line for each contract, then one for all.
    public var table: ExportTable {
        typealias Cell = ExportTable.Cell
        func micros(_ amount: Micros) -> Cell { .decimal(units: amount.value, decimals: 6) }
        var rows: [[Cell]] = lines.map { line in
            let services = line.act?.services
            return [
                .text(line.contract?.id ?? "self-promotion"), .optional(line.contract?.serial),
                .optional(line.client?.name), .optional(line.client?.inn), .optional(line.act?.id),
                .optional(line.act?.serial), .date(line.act?.date), .integer(line.shows),
                .integer(line.invoicedShows), micros(line.ledger), line.act == nil ? .empty : micros(line.rounding),
                .money(line.statistics.excludingVAT), .money(line.statistics.vat),
                .money(line.statistics.includingVAT), .money(line.items.excludingVAT), .money(line.items.vat),
                .money(line.items.includingVAT), .money(services?.excludingVAT), .money(services?.vat),
                .money(services?.includingVAT), line.vatRest == .zero ? .empty : .money(line.vatRest),
                .optional(line.act.map { LevyQuarter(of: $0.date).description }),
                .text(line.agrees ? "agrees" : "differs"),
            ]
        }
        let items = lines.reduce(into: Sum<KopeckAmount>()) { sum, line in
            for item in line.act?.items ?? [] { sum.add(item.amount) }
        }
        rows.append([
            .text("total"), .empty, .empty, .empty, .empty, .empty, .empty, .integer(lines.reduce(0) { $0 + $1.shows }),
            .integer(lines.reduce(0) { $0 + $1.invoicedShows }), micros(totals.placed), micros(totals.rounding),
            .money(totals.statisticsExcludingVAT), .money(totals.statisticsVAT),
            .money(totals.statisticsExcludingVAT + totals.statisticsVAT), .money(items.excludingVAT),
            .money(items.vat), .money(items.includingVAT), .money(totals.actsExcludingVAT), .money(totals.actsVAT),
            .money(totals.actsIncludingVAT), .empty, .empty, .text(agrees ? "agrees" : "differs"),
        ])
        return ExportTable(
            name: "reconciliation", title: "Сверка",
            columns: [
                .init("contract", "Договор"), .init("contract_serial", "Номер договора"), .init("client", "Заказчик"),
                .init("client_inn", "ИНН"), .init("act", "Акт"), .init("act_serial", "Номер акта"),
                .init("act_date", "Дата акта"), .init("shows", "Показы"), .init("shows_invoice", "Показы в счёте"),
                .init("ledger", "Списания"), .init("rounding", "Округление"),
                .init("statistics_excl_vat", "Статистика без НДС"), .init("statistics_vat", "Статистика НДС"),
                .init("statistics_incl_vat", "Статистика с НДС"), .init("items_excl_vat", "Разаллокация без НДС"),
                .init("items_vat", "Разаллокация НДС"), .init("items_incl_vat", "Разаллокация с НДС"),
                .init("act_excl_vat", "Акт без НДС"), .init("act_vat", "Акт НДС"), .init("act_incl_vat", "Акт с НДС"),
                .init("vat_rest", "Остаток НДС"), .init("levy_quarter", "Квартал отчислений"),
                .init("verdict", "Итог"),
            ], rows: rows)
    }

    /// Levy and deadlines as a table.
    public var levyTable: ExportTable {
        ExportTable(
            name: "levy", title: "Отчисления",
            columns: [
                .init("quarter", "Квартал"), .init("base", "База без НДС"), .init("levy", "Отчисления 3 %"),
                .init("calculated_by", "Расчёт РКН"), .init("confirm_by", "Подтвердить до"),
                .init("pay_by", "Уплатить до"),
            ],
            rows: totals.levy.map {
                [
                    .text($0.quarter.description), .money($0.base), .money($0.levy), .date($0.quarter.calculatedBy),
                    .date($0.quarter.confirmBy), .date($0.quarter.payBy),
                ]
            })
    }

    /// Findings as a table.
    public var findingsTable: ExportTable {
        ExportTable(
            name: "findings", title: "Замечания",
            columns: [
                .init("severity", "Важность"), .init("object", "Объект"), .init("field", "Поле"),
                .init("code", "Код"), .init("message", "Что делать"),
            ],
            rows: findings.map {
                [
                    .text($0.severity.rawValue), .text($0.object), .text($0.field), .text($0.code), .text($0.message),
                ]
            })
    }
}
