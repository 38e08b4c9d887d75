import AdModel

/// Acts and statistics of a month, computed from its statement (R13-R23). Pure arithmetic: the gate judges it.
public struct Settlement: Sendable {
    /// How an act follows from the ledger.
    public struct Ledger: Hashable, Sendable {
        public var contractID: String
        /// nil when the money of the month rounds to nothing: rows, but no act.
        public var actID: String?
        public var ledger: Micros
        /// Act minus ledger: the one `rounding` row of the act at freeze.
        public var rounding: Micros
        /// VAT of the act that no row could take (R19); nearly always zero.
        public var vatRest: Decimal5
    }

    public private(set) var acts: [Act] = []
    /// In order of creative, then pad.
    public private(set) var rows: [StatisticsRow] = []
    /// One for each contract with rows, in order of id.
    public private(set) var ledgers: [Ledger] = []
    /// Things that no arithmetic can mend: unplaced charges, negative rows, money on self-promotion.
    public private(set) var findings: [Finding] = []
    /// Shows of all rows as they were counted, whatever the operator is told of self-promotion.
    public private(set) var countedShows: Int64 = 0

    private let profile: OperatorProfile

    /// One statistics row before it has amounts.
    private struct Draft {
        var key: RowKey
        var line: MonthStatement.LineItem
        var shows: Int64 = 0
        var ledger: Micros = .zero
        var billedImpressions: Int64 = 0
        var billedClicks: Int64 = 0
        var first: Day
        var last: Day
        var amount: TaxedAmount<Decimal5>?
    }

    public init(_ statement: MonthStatement, profile: OperatorProfile = .vk) {
        self.profile = profile
        var drafts = collect(statement)
        countedShows = drafts.reduce(0) { $0 + $1.shows }
        let contracts = Dictionary(statement.contracts.map { ($0.id, $0) }) { first, _ in first }
        let persons = Dictionary(statement.persons.map { ($0.id, $0) }) { first, _ in first }
        let byContract = Dictionary(grouping: drafts.indices) { drafts[$0].line.contractID ?? "" }
        for contractID in byContract.keys.sorted(by: byteOrder) where !contractID.isEmpty {
            guard let contract = contracts[contractID], let indices = byContract[contractID] else { continue }
            settle(contract, persons[contract.clientID], indices.sorted(), &drafts, statement)
        }
        for report in statement.agentReports.sorted(by: { byteOrder($0.contractID, $1.contractID) }) {
            if let contract = contracts[report.contractID] { settle(report, contract, statement.month) }
        }
        acts.sort { byteOrder($0.id, $1.id) }
        rows = drafts.map { row($0, in: statement) }
    }

    private mutating func collect(_ statement: MonthStatement) -> [Draft] {
        let lineItems = Dictionary(statement.lineItems.map { ($0.id, $0) }) { first, _ in first }
        let (facts, unplaced) = FixedAccrual.placed(statement)
        for fact in unplaced {
            findings.append(
                Finding(
                    code: "charge_without_creative", object: "charge \(fact.chargeID)", field: "creative_version_id",
                    message: "a charge of line item \(fact.lineItemID) on \(fact.day) names no creative and pad: "
                        + "correct it with a row that does"))
        }
        var drafts: [RowKey: Draft] = [:]
        for fact in facts where fact.shows != 0 || fact.ledger != .zero || fact.chargeID != 0 {
            guard let key = RowKey(fact: fact), let line = lineItems[fact.lineItemID] else {
                findings.append(
                    Finding(
                        code: "line_item_unknown", object: "charge \(fact.chargeID)", field: "line_item_id",
                        message: "the line item \(fact.lineItemID) is not in the statement"))
                continue
            }
            // Days without a show and without money (a charge of 0, a refund of the same day) do not date a row.
            guard fact.shows != 0 || fact.ledger != .zero else { continue }
            var draft = drafts[key] ?? Draft(key: key, line: line, first: fact.day, last: fact.day)
            draft.shows += fact.shows
            draft.ledger += fact.ledger
            draft.billedImpressions += fact.billedImpressions
            draft.billedClicks += fact.billedClicks
            draft.first = min(draft.first, fact.day)
            draft.last = max(draft.last, fact.day)
            drafts[key] = draft
        }
        // Neither shows nor money in the end: no row.
        let kept = drafts.values.filter { $0.shows != 0 || $0.ledger != .zero }.sorted { $0.key < $1.key }
        for draft in kept {
            let object = "statistics \(draft.key.creativeID) \(draft.key.padID)"
            if draft.ledger < .zero {
                findings.append(
                    Finding(
                        code: "row_negative", object: object, field: "amount",
                        message: "refunds exceed the charges by \(-draft.ledger): correct the original month instead"))
            }
            if draft.line.contractID == nil, draft.ledger != .zero {
                findings.append(
                    Finding(
                        code: "self_promotion_money", object: object, field: "amount",
                        message: "self-promotion was charged \(draft.ledger): reverse the charges"))
            }
        }
        return kept
    }

    private mutating func settle(
        _ contract: Contract, _ client: Person?, _ indices: [Int], _ drafts: inout [Draft], _ statement: MonthStatement
    ) {
        let ledger = indices.reduce(Micros.zero) { $0 + drafts[$1].ledger }
        let total = max(KopeckAmount(roundingHalfUp: ledger), .zero)
        var entry = Ledger(
            contractID: contract.id, actID: nil, ledger: ledger, rounding: total.micros - ledger, vatRest: .zero)
        defer { ledgers.append(entry) }
        guard total > .zero else { return }
        let date = statement.actDates[contract.id] ?? statement.month.last
        let rate = contract.rate(on: date)
        let vat = VAT.amount(of: total, at: rate)
        // A direct contract has one item, equal to the act; an agency's has one for each advertiser's contract (R26).
        let groups = Dictionary(grouping: indices) { drafts[$0].line.cid ?? "" }.sorted { byteOrder($0.key, $1.key) }
        let totals = Allocation.largestRemainder(
            total.kopecks,
            among: groups.map { group in
                .init(weight: max(group.value.reduce(0) { $0 + drafts[$1].ledger.value }, 0), id: group.key)
            }
        ).map(KopeckAmount.init(kopecks:))
        // A part of zero is no charge: such an item is left out, as such a row omits its money.
        let paid = zip(groups, totals).filter { $0.1 > .zero }
        let vats = Allocation.itemVAT(vat, at: rate, among: paid.map { ($0.1, $0.0.key) })
        var items: [Act.Item] = []
        for ((group, amount), itemVAT) in zip(paid, vats) {
            let taxed = TaxedAmount(excludingVAT: amount, rate: rate, vat: itemVAT)
            entry.vatRest += divide(taxed, among: group.value.sorted(), &drafts)
            items.append(
                Act.Item(
                    contractID: group.key.isEmpty ? contract.id : nil, cid: group.key.isEmpty ? nil : group.key,
                    amount: taxed,
                    creativeIDs: Set(group.value.map { drafts[$0].key.creativeID }).sorted(by: byteOrder)))
        }
        let isAgency = groups.contains { !$0.key.isEmpty } || client?.roles.contains("advertiser") == false
        let act = Act(
            id: Self.actID(contract.id, statement.month), contractID: contract.id,
            serial: statement.serials[contract.id], date: date, dateStart: max(statement.month.first, contract.date),
            dateEnd: min(statement.month.last, contract.dateEnd ?? statement.month.last),
            clientRole: isAgency ? "agency" : "advertiser", contractorRole: profile.contractorRole,
            services: TaxedAmount(excludingVAT: total, rate: rate, vat: vat), items: items)
        entry.actID = act.id
        acts.append(act)
    }

    /// Gives an item's sum and VAT to its rows; returns the VAT that no row could take.
    private func divide(
        _ item: TaxedAmount<KopeckAmount>, among indices: [Int], _ drafts: inout [Draft]
    ) -> Decimal5 {
        let parts = Allocation.largestRemainder(
            item.excludingVAT.decimal5.units,
            among: indices.map { .init(weight: max(drafts[$0].ledger.value, 0), id: drafts[$0].key.text) })
        let paid = zip(indices, parts).filter { $0.1 > 0 }
        let split = Allocation.vat(
            item.vat, at: item.rate, among: paid.map { (Decimal5(units: $0.1), drafts[$0.0].key.text) })
        for ((index, part), rowVAT) in zip(paid, split.parts) {
            drafts[index].amount = TaxedAmount(excludingVAT: Decimal5(units: part), rate: item.rate, vat: rowVAT)
        }
        return split.rest
    }

    /// What an agent acting for the retailer kept: the retailer is the client, and the levy is on the commission (R26).
    private mutating func settle(_ report: MonthStatement.AgentReport, _ contract: Contract, _ month: AccountingMonth) {
        func taxed(_ amount: KopeckAmount, on date: Day) -> TaxedAmount<KopeckAmount> {
            let rate = contract.rate(on: date)
            return TaxedAmount(excludingVAT: amount, rate: rate, vat: VAT.amount(of: amount, at: rate))
        }
        acts.append(
            Act(
                id: Self.actID(contract.id, month), contractID: contract.id, serial: report.serial, date: report.date,
                dateStart: max(month.first, contract.date), dateEnd: min(month.last, contract.dateEnd ?? month.last),
                clientRole: "publisher", contractorRole: "agency", services: taxed(report.sales, on: report.date),
                commission: Act.Commission(
                    amount: taxed(report.commission, on: report.date), serial: report.serial, date: report.date),
                items: []))
    }

    /// External id of the act of a contract and month (R6): `act-<contract code>-<YYYY-MM>`.
    public static func actID(_ contractID: String, _ month: AccountingMonth) -> String {
        "act-\(contractID.hasPrefix("ctr-") ? String(contractID.dropFirst(4)) : contractID)-\(month)"
    }

    private func row(_ draft: Draft, in statement: MonthStatement) -> StatisticsRow {
        let line = draft.line
        let month = statement.month
        // The operator knows the row by this day: a correction keeps what was exported first. A day before it would make
        // it false; then the old row is deleted first (R14).
        let start = min(statement.actualStarts[draft.key.text] ?? draft.first, draft.first)
        var row = StatisticsRow(
            creativeID: draft.key.creativeID, padID: draft.key.padID, shows: draft.shows, actualStart: start,
            actualEnd: draft.last)
        let first = max(line.flightFirst, month.first)
        let last = min(line.flightLast, month.last)
        // A click after the flight's last day leaves nothing of the flight in this month.
        if first <= last {
            row.plannedStart = first
            row.plannedEnd = last
        }
        guard line.contractID != nil else {
            if profile.zeroShows { row.shows = 0 }
            return row
        }
        row.payType = Self.payType(line.pricing)
        guard let amount = draft.amount else { return row }
        row.amount = amount
        switch line.pricing {
        case .cpm:
            // Refunds of cheaper shows of another month may take back more shows than were charged.
            row.invoicedShows = max(0, draft.billedImpressions)
            // Money without a charged show comes from corrections: one event then.
            row.unitPrice = UnitPrice(
                amount.excludingVAT, perEventOf: max(draft.billedImpressions, 1), decimals: 8,
                times: profile.perMille ? 1_000 : 1)
        case .cpc:
            row.invoicedShows = draft.shows
            row.unitPrice = UnitPrice(amount.excludingVAT, perEventOf: max(draft.billedClicks, 1), decimals: 5)
        case .fixed:
            row.invoicedShows = draft.shows
            row.unitPrice = UnitPrice(amount.excludingVAT, perEventOf: 1, decimals: 5)
        }
        return row
    }

    /// The operator's word for how a line item pays.
    public static func payType(_ pricing: Pricing) -> String {
        switch pricing {
        case .cpm: "cpm"
        case .cpc: "cpc"
        case .fixed: "other"
        }
    }
}
