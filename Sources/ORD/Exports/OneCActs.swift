/// Acts for 1C: one line each, for its loading of documents from a table (обработка «Загрузка данных из табличного
/// документа»), where each column is matched once by its title.
///
/// | column | meaning |
/// |---|---|
/// | Дата, Номер | of the act |
/// | Контрагент, ИНН, КПП | the client, found in 1C by INN and KPP |
/// | Договор, ДатаДоговора | number and day of the contract |
/// | Номенклатура | the service |
/// | Количество, Единица | always 1 усл. |
/// | Цена, Сумма | without VAT |
/// | СтавкаНДС | as 1C calls it: `22%`, `Без НДС` |
/// | СуммаНДС, Всего | VAT, and the sum with it |
/// | НачалоПериода, КонецПериода | of the services |
/// | ВнешнийИдентификатор | our id of the act: keep it in the comment, and a second load finds the first |
public enum OneCActs {
    public static func table(_ statement: MonthStatement, _ settlement: Settlement) -> ExportTable {
        let scope = BundleScope(statement, settlement)
        return ExportTable(
            name: "1c", title: "Акты",
            columns: [
                "Дата", "Номер", "Контрагент", "ИНН", "КПП", "Договор", "ДатаДоговора", "Номенклатура", "Количество",
                "Единица", "Цена", "Сумма", "СтавкаНДС", "СуммаНДС", "Всего", "НачалоПериода", "КонецПериода",
                "ВнешнийИдентификатор",
            ].map { ExportTable.Column($0, $0) },
            // An agent's report is his act, not ours.
            rows: settlement.acts.filter { $0.commission == nil }.map { act in
                let contract = scope.contractsByID[act.contractID]
                let client = contract.flatMap { scope.personsByID[$0.clientID] }
                let services = act.services
                return [
                    .date(act.date), .optional(act.serial), .optional(client?.name), .optional(client?.inn),
                    .optional(client?.kpp), .optional(contract?.serial), .date(contract?.date),
                    .text("Размещение рекламы, \(RussianText.month(statement.month))"), .integer(1), .text("усл."),
                    .money(services.excludingVAT), .money(services.excludingVAT),
                    .text(services.rate == .withoutVAT ? "Без НДС" : "\(services.rate.percent)%"),
                    .money(services.vat), .money(services.includingVAT), .date(act.dateStart), .date(act.dateEnd),
                    .text(act.id),
                ]
            })
    }
}
