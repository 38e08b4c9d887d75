import AdModel
import ORD

/// Acts to print and sign: what was done, for whom, for how much, with the rows that it is made of.
public struct ActDocument: Sendable {
    public let act: Act
    private let seller: Party
    private let buyer: Party
    private let contract: Contract
    private let line: Reconciliation.Line
    private let report: Reconciliation

    /// All acts of a month that the retailer issues, in order of contract; an agent's report is the agent's paper.
    public static func all(of month: ExportMonth) -> [ActDocument] {
        let report = Reconciliation(month)
        let persons = Dictionary(month.statement.persons.map { ($0.id, $0) }) { first, _ in first }
        return report.lines.compactMap { line in
            guard let act = line.act, !line.isAgentReport, let contract = line.contract, let buyer = line.client,
                let seller = persons[contract.contractorID]
            else { return nil }
            return ActDocument(
                act: act, seller: Party(seller, month.details[seller.id] ?? PartyDetails()),
                buyer: Party(buyer, month.details[buyer.id] ?? PartyDetails()), contract: contract, line: line,
                report: report)
        }
    }

    /// Safe as the name of a file: the act's external id, which has Latin letters, digits, dots and hyphens only.
    public var fileStem: String { act.id }

    /// The paper as HTML that is complete in itself.
    public var html: [UInt8] {
        let month = RussianText.month(report.month)
        let number = act.serial.map { " № \($0)" } ?? ""
        var values = SumValues.of(act.services)
        values.merge(
            .compact([
                "title": "Акт\(number) от \(RussianText.date(act.date))", "month": month, "id": act.id,
                "isDraft": act.serial == nil, "seller": seller.values, "buyer": buyer.values,
                "contract": ContractTitle.of(contract), "service": service, "rows": line.rows.map(row),
                "shows": RussianText.count(line.shows), "invoicedShows": RussianText.count(line.invoicedShows),
                "rowsTotal": RussianText.amount(line.statistics.excludingVAT),
            ])
        ) { _, new in new }
        return DocumentTemplate.act.html(values)
    }

    private var service: String {
        let pads = Set(line.rows.map(\.padID)).sorted(by: byteOrder).compactMap { report.pads[$0]?.name }
        return "Услуги по размещению рекламы в сети Интернет (\(pads.map { "«\($0)»" }.joined(separator: ", "))) с "
            + "\(RussianText.shortDate(act.dateStart)) по \(RussianText.shortDate(act.dateEnd))"
    }

    private func row(_ row: StatisticsRow) -> [String: Any] {
        let creative = report.creatives[row.creativeID]
        return .compact([
            "creative": creative?.name ?? row.creativeID, "creativeID": row.creativeID, "erid": creative?.erid ?? "—",
            "pad": report.pads[row.padID]?.name ?? row.padID, "period": RowWords.period(row),
            "payType": RowWords.payType(row.payType), "shows": RussianText.count(row.shows),
            "invoicedShows": row.invoicedShows.map(RussianText.count) ?? "—",
            "price": row.unitPrice.map(RussianText.price) ?? "—",
            "amount": row.amount.map { RussianText.amount($0.excludingVAT) } ?? "—",
        ])
    }
}

/// What a statistics row is called on paper.
enum RowWords {
    /// `02.03 — 05.03`: a row lies inside one month, whose year stands above.
    static func period(_ row: StatisticsRow) -> String {
        let (first, last) = (RussianText.shortDate(row.actualStart).prefix(5), RussianText.shortDate(row.actualEnd))
        return first == last.prefix(5) ? String(first) : "\(first) — \(last.prefix(5))"
    }

    static func payType(_ type: String?) -> String {
        switch type {
        case "cpm": "показы"
        case "cpc": "клики"
        case "cpa": "действия"
        case nil: "—"
        default: "фикс"
        }
    }
}
