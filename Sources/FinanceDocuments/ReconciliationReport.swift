import AdModel
import ORD

/// The report with which finance closes a month: the verdict, four sums for each contract, what is wrong and where,
/// levy and deadlines, and the rows behind the sums.
public enum ReconciliationReport {
    /// The report as HTML that is complete in itself.
    public static func html(_ report: Reconciliation) -> [UInt8] {
        let totals = report.totals
        let errors = report.blocking.count
        let left = totals.statisticsDue - report.today
        let anchors = Anchors(report)
        let values: [String: Any] = .compact([
            "title": "Сверка за \(RussianText.month(report.month))", "retailer": report.retailer?.name ?? "Площадка",
            "state": report.isFinal ? "месяц закрыт" : "черновик: месяц открыт", "timeZone": report.timeZone,
            "cutAt": moment(report.cut.at), "highestCharge": String(report.cut.highestChargeID),
            "verdictClass": report.passes ? "good" : "bad", "verdict": verdict(report, errors),
            "verdictText": verdictText(report, errors), "ledger": RussianText.amount(totals.placed),
            "rounding": RussianText.amount(totals.rounding), "actCount": RussianText.count(Int64(totals.acts)),
            "actsExcludingVAT": RussianText.amount(totals.actsExcludingVAT),
            "actsVAT": RussianText.amount(totals.actsVAT),
            "actsIncludingVAT": RussianText.amount(totals.actsIncludingVAT),
            "items": RussianText.amount(totals.itemsExcludingVAT),
            "statistics": RussianText.amount(totals.statisticsExcludingVAT),
            "statisticsVAT": RussianText.amount(totals.statisticsVAT), "shows": RussianText.count(totals.shows),
            "ledgerTotal": RussianText.amount(report.ledgerTotal), "showsTotal": RussianText.count(report.showsTotal),
            "ledgerClass": report.ledgerTotal == totals.placed ? "good" : "bad",
            "showsClass": report.showsTotal == totals.shows ? "good" : "bad",
            "levyTotal": RussianText.amount(totals.levy.reduce(.zero) { $0 + $1.levy }),
            "levy": totals.levy.map(levy), "due": RussianText.shortDate(totals.statisticsDue),
            "dueClass": left < 0 ? "bad" : left <= 7 ? "warn" : "", "dueText": dueText(left),
            "lines": report.lines.map { line($0, anchors) }, "hasFindings": !report.findings.isEmpty,
            "findings": report.findings.map { finding($0, report.overrides, anchors) },
            "groups": report.lines.filter { !$0.rows.isEmpty }.map { group($0, report, anchors) },
        ])
        return DocumentTemplate.reconciliation.html(values)
    }

    private static func verdict(_ report: Reconciliation, _ errors: Int) -> String {
        if report.passes { return "Всё сходится: списания = статистика = разаллокация = акты" }
        if !report.agrees { return "Суммы расходятся: выгружать нельзя" }
        let words = RussianText.plural(Int64(errors), "замечание", "замечания", "замечаний")
        return "Суммы сходятся, но есть \(errors) \(words): выгрузить пока нельзя"
    }

    private static func verdictText(_ report: Reconciliation, _ errors: Int) -> String {
        let warnings = report.findings.count - errors
        let noted =
            warnings == 0
            ? "" : " Ещё \(warnings) не мешают выгрузке: они останутся в её описании."
        if report.passes {
            return (report.isFinal ? "Месяц можно выгружать." : "Месяц можно закрывать и выгружать.") + noted
        }
        return "Что исправить, написано в разделе «Замечания»; строки с расхождением отмечены в таблице." + noted
    }

    private static func dueText(_ left: Int) -> String {
        if left < 0 {
            return "просрочено на \(-left) \(RussianText.plural(Int64(-left), "день", "дня", "дней"))"
        }
        return left == 0
            ? "сегодня последний день"
            : "осталось \(left) \(RussianText.plural(Int64(left), "день", "дня", "дней"))"
    }

    /// `01.04.2026 00:00 UTC`
    private static func moment(_ at: Timestamp) -> String {
        let text = at.rfc3339
        return "\(RussianText.shortDate(at.utcDay)) \(text.dropFirst(11).prefix(5)) UTC"
    }

    private static func levy(_ levy: LevyForecast) -> [String: Any] {
        let roman = ["I", "II", "III", "IV"][levy.quarter.number - 1]
        return [
            "quarter": "\(roman) квартал \(levy.quarter.year)", "base": RussianText.amount(levy.base),
            "amount": RussianText.amount(levy.levy),
            "calculatedBy": RussianText.shortDate(levy.quarter.calculatedBy),
            "confirmBy": RussianText.shortDate(levy.quarter.confirmBy),
            "payBy": RussianText.shortDate(levy.quarter.payBy),
        ]
    }

    private static func line(_ line: Reconciliation.Line, _ anchors: Anchors) -> [String: Any] {
        let services = line.act?.services
        return .compact([
            "anchor": anchors.contract(line.contract?.id), "details": line.rows.isEmpty ? nil : anchors.group(line),
            "contract": line.contract.map { $0.serial ?? $0.id } ?? "Самореклама", "client": line.client?.name ?? "—",
            "inn": line.client?.inn, "actAnchor": line.act.map { anchors.act($0.id) },
            "act": line.act.map { $0.serial ?? "номер — при закрытии" } ?? "нет",
            "actDate": line.act.map { RussianText.shortDate($0.date) }, "shows": RussianText.count(line.shows),
            "ledger": RussianText.amount(line.ledger),
            "rounding": line.act == nil ? "—" : RussianText.amount(line.rounding),
            "statistics": RussianText.amount(line.statistics.excludingVAT),
            "items": RussianText.amount(line.items.excludingVAT),
            "excludingVAT": services.map { RussianText.amount($0.excludingVAT) } ?? "—",
            "vat": services.map { RussianText.amount($0.vat) } ?? "—",
            "statisticsVAT": RussianText.amount(line.statistics.vat),
            "vatRest": line.vatRest == .zero ? nil : RussianText.amount(line.vatRest),
            "includingVAT": services.map { RussianText.amount($0.includingVAT) } ?? "—",
            "verdict": line.agrees ? "сходится" : "расходится", "verdictClass": line.agrees ? "good" : "bad",
        ])
    }

    private static func finding(
        _ finding: Finding, _ overrides: [GateOverride], _ anchors: Anchors
    ) -> [String: Any] {
        let (severity, look) =
            switch finding.severity {
            case .error: ("Ошибка", "bad")
            case .warning: ("Предупреждение", "warn")
            case .note: ("К сведению", "soft")
            }
        let words = FindingWords.words(finding.code, .ru)
        return .compact([
            "severity": severity, "severityClass": look, "object": FindingWords.object(finding.object),
            "link": anchors.link(to: finding.object), "field": finding.field,
            "what": words.what, "code": finding.code, "advice": words.advice,
            "message": finding.message,
            "accepted": overrides.first { $0.covers(finding) }.map { "\($0.actor): \($0.reason)" },
        ])
    }

    private static func group(
        _ line: Reconciliation.Line, _ report: Reconciliation, _ anchors: Anchors
    ) -> [String: Any] {
        var seen: Set<String> = []
        let title =
            line.contract.map { "\($0.serial ?? $0.id) · \(line.client?.name ?? "—")" } ?? "Самореклама площадки"
        return [
            "anchor": anchors.group(line), "title": title,
            "rows": line.rows.map { row -> [String: Any] in
                let creative = report.creatives[row.creativeID]
                let isBad = creative?.erid == nil || creative?.eridStatus == "bad"
                return .compact([
                    "anchor": anchors.row(row.creativeID, row.padID),
                    "creativeAnchor": seen.insert(row.creativeID).inserted ? anchors.creative(row.creativeID) : nil,
                    "creative": creative?.name ?? row.creativeID, "creativeID": row.creativeID,
                    "erid": creative?.erid ?? "нет erid", "eridClass": isBad ? "bad" : "",
                    "kktu": creative.map { $0.kktus.joined(separator: ", ") } ?? "",
                    "pad": report.pads[row.padID]?.name ?? row.padID, "period": RowWords.period(row),
                    "payType": RowWords.payType(row.payType), "shows": RussianText.count(row.shows),
                    "invoicedShows": row.invoicedShows.map(RussianText.count) ?? "—",
                    "price": row.unitPrice.map(RussianText.price) ?? "—",
                    "excludingVAT": row.amount.map { RussianText.amount($0.excludingVAT) } ?? "—",
                    "vat": row.amount.map { RussianText.amount($0.vat) } ?? "—",
                    "includingVAT": row.amount.map { RussianText.amount($0.includingVAT) } ?? "—",
                ])
            },
        ]
    }

    /// Names of places in the report; ids hold nothing that HTML would take for something else.
    private struct Anchors {
        private var known: Set<String> = []

        init(_ report: Reconciliation) {
            for line in report.lines {
                known.insert(contract(line.contract?.id))
                if let act = line.act { known.insert(self.act(act.id)) }
                for row in line.rows {
                    known.insert(self.row(row.creativeID, row.padID))
                    known.insert(creative(row.creativeID))
                }
            }
        }

        func contract(_ id: String?) -> String { "contract-\(id ?? "own")" }
        func group(_ line: Reconciliation.Line) -> String { "rows-\(line.contract?.id ?? "own")" }
        func act(_ id: String) -> String { "act-\(id)" }
        func row(_ creative: String, _ pad: String) -> String { "row-\(creative)-\(pad)" }
        func creative(_ id: String) -> String { "creative-\(id)" }

        /// Where the object of a finding stands in the report; nil when it does not.
        func link(to object: String) -> String? {
            let words = object.split(separator: " ").map(String.init)
            let place: String? =
                switch words.first {
                case "contract" where words.count == 2: contract(words[1])
                case "act" where words.count == 2: act(words[1])
                case "creative" where words.count == 2: creative(words[1])
                case "statistics" where words.count == 3: row(words[1], words[2])
                default: nil
                }
            return place.flatMap { known.contains($0) ? $0 : nil }
        }
    }
}
