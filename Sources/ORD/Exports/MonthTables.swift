import AdModel

/// A month as neutral tables (ord.md section 9B): every operator's form can be filled from them by hand.
public enum MonthTables {
    /// Acts, items, statistics, creatives, counterparties, contracts and pads, in that order; only what the month
    /// refers to.
    public static func all(_ statement: MonthStatement, _ settlement: Settlement) -> [ExportTable] {
        let scope = BundleScope(statement, settlement)
        return [
            acts(settlement, scope), items(settlement), statistics(statement, settlement, scope), creatives(scope),
            counterparties(scope), contracts(scope), pads(scope),
        ]
    }

    private static func acts(_ settlement: Settlement, _ scope: BundleScope) -> ExportTable {
        ExportTable(
            name: "acts", title: "Акты",
            columns: [
                .init("external_id", "Идентификатор акта", width: 28),
                .init("contract_external_id", "Договор", width: 20), .init("serial", "Номер акта", width: 18),
                .init("date", "Дата акта", width: 12), .init("date_start", "Начало периода", width: 12),
                .init("date_end", "Конец периода", width: 12), .init("client_role", "Роль заказчика", width: 14),
                .init("contractor_role", "Роль исполнителя", width: 14), .init("excl_vat", "Сумма без НДС"),
                .init("vat_rate", "Ставка НДС", width: 12), .init("vat", "НДС"), .init("incl_vat", "Сумма с НДС"),
                .init("commission_excl_vat", "Вознаграждение без НДС"), .init("commission_vat", "НДС вознаграждения"),
                .init("commission_incl_vat", "Вознаграждение с НДС"), .init("levy_quarter", "Квартал отчислений"),
                .init("levy", "Отчисления 3 %, прогноз"),
            ],
            rows: settlement.acts.map { act in
                let levy = LevyForecast.of([act], contracts: scope.contractsByID).first
                return [
                    .text(act.id), .text(act.contractID), .optional(act.serial), .date(act.date), .date(act.dateStart),
                    .date(act.dateEnd), .text(act.clientRole), .text(act.contractorRole),
                    .money(act.services.excludingVAT), .text(act.services.rate.rawValue), .money(act.services.vat),
                    .money(act.services.includingVAT), .money(act.commission?.amount.excludingVAT),
                    .money(act.commission?.amount.vat), .money(act.commission?.amount.includingVAT),
                    .optional(levy?.quarter.description), .money(levy?.levy),
                ]
            })
    }

    private static func items(_ settlement: Settlement) -> ExportTable {
        ExportTable(
            name: "act-items", title: "Разаллокация",
            columns: [
                .init("act_external_id", "Акт", width: 28),
                .init("initial_contract", "Изначальный договор", width: 20),
                .init("cid", "CID", width: 38), .init("excl_vat", "Сумма без НДС"),
                .init("vat_rate", "Ставка НДС", width: 12), .init("vat", "НДС"), .init("incl_vat", "Сумма с НДС"),
                .init("creatives", "Креативы", width: 40),
            ],
            rows: settlement.acts.flatMap { act in
                act.items.map { item in
                    [
                        .text(act.id), .optional(item.contractID), .optional(item.cid),
                        .money(item.amount.excludingVAT), .text(item.amount.rate.rawValue), .money(item.amount.vat),
                        .money(item.amount.includingVAT), .text(item.creativeIDs.joined(separator: ", ")),
                    ]
                }
            })
    }

    private static func statistics(
        _ statement: MonthStatement, _ settlement: Settlement, _ scope: BundleScope
    ) -> ExportTable {
        var actOfCreative: [String: String] = [:]
        for act in settlement.acts {
            for item in act.items { for id in item.creativeIDs { actOfCreative[id] = act.id } }
        }
        return ExportTable(
            name: "statistics", title: "Статистика",
            columns: [
                .init("act_external_id", "Акт", width: 28), .init("creative_external_id", "Креатив", width: 22),
                .init("erid", "erid", width: 26), .init("pad_external_id", "Площадка", width: 18),
                .init("month", "Месяц", width: 10), .init("date_start_plan", "Начало, план", width: 12),
                .init("date_end_plan", "Конец, план", width: 12), .init("date_start_fact", "Начало, факт", width: 12),
                .init("date_end_fact", "Конец, факт", width: 12), .init("shows_fact", "Показы", width: 12),
                .init("shows_invoice", "Показы в счёте", width: 14), .init("pay_type", "Тип оплаты", width: 12),
                .init("price_per_event", "Цена события"), .init("excl_vat", "Сумма без НДС"),
                .init("vat_rate", "Ставка НДС", width: 12), .init("vat", "НДС"), .init("incl_vat", "Сумма с НДС"),
            ],
            rows: settlement.rows.map { row in
                [
                    // Rows without money belong to no act.
                    .optional(row.amount == nil ? nil : actOfCreative[row.creativeID]), .text(row.creativeID),
                    .optional(scope.creativesByID[row.creativeID]?.erid), .text(row.padID),
                    .text(statement.month.description), .date(row.plannedStart), .date(row.plannedEnd),
                    .date(row.actualStart), .date(row.actualEnd), .integer(row.shows),
                    row.invoicedShows.map { .integer($0) } ?? .empty, .optional(row.payType),
                    row.unitPrice.map { .decimal(units: $0.units, decimals: $0.decimals) } ?? .empty,
                    .money(row.amount?.excludingVAT), .optional(row.amount?.rate.rawValue), .money(row.amount?.vat),
                    .money(row.amount?.includingVAT),
                ]
            })
    }

    private static func creatives(_ scope: BundleScope) -> ExportTable {
        let hashes = Dictionary(scope.media.map { ($0.id, $0.sha256) }) { first, _ in first }
        return ExportTable(
            name: "creatives", title: "Креативы",
            columns: [
                .init("external_id", "Идентификатор", width: 22), .init("erid", "erid", width: 26),
                .init("contract_external_ids", "Договоры", width: 20),
                .init("self_promo_person", "Самореклама", width: 16), .init("form", "Форма", width: 18),
                .init("pay_type", "Тип оплаты", width: 12), .init("kktu", "Код ККТУ", width: 10),
                .init("brand", "Бренд", width: 18), .init("category", "Категория", width: 18),
                .init("description", "Описание", width: 28), .init("texts", "Тексты", width: 40),
                .init("target_urls", "Адреса перехода", width: 40), .init("media_sha256", "Медиа, SHA-256", width: 20),
                .init("erir_status", "Статус ЕРИР", width: 12),
            ],
            rows: scope.creatives.map { creative in
                [
                    .text(creative.id), .optional(creative.erid),
                    .text((creative.contractIDs + creative.cids).joined(separator: ", ")),
                    .optional(creative.personID), .text(creative.form), .optional(creative.payType),
                    .text(creative.kktus.joined(separator: ", ")), .optional(creative.brand),
                    .optional(creative.category), .optional(creative.description),
                    .text(creative.texts.joined(separator: "\n")),
                    .text(creative.targetURLs.joined(separator: "\n")),
                    .text(creative.mediaIDs.compactMap { hashes[$0] }.joined(separator: "\n")),
                    .optional(creative.eridStatus),
                ]
            })
    }

    private static func counterparties(_ scope: BundleScope) -> ExportTable {
        ExportTable(
            name: "counterparties", title: "Контрагенты",
            columns: [
                .init("external_id", "Идентификатор", width: 20), .init("type", "Вид лица", width: 16),
                .init("name", "Наименование", width: 36), .init("inn", "ИНН", width: 14),
                .init("kpp", "КПП", width: 12), .init("roles", "Роли", width: 18), .init("phone", "Телефон", width: 18),
                .init("country_oksm", "Страна, ОКСМ", width: 12), .init("foreign_inn", "Налоговый номер за рубежом"),
                .init("foreign_reg", "Регистрационный номер"), .init("rs_url", "Рекламная система", width: 26),
            ],
            rows: scope.persons.map { person in
                [
                    .text(person.id), .text(person.kind), .text(person.name), .optional(person.inn),
                    .optional(person.kpp), .text(person.roles.joined(separator: ", ")), .optional(person.phone),
                    .optional(person.foreignCountryCode), .optional(person.foreignINN),
                    .optional(person.foreignRegistrationNumber), .optional(person.rsURL),
                ]
            })
    }

    private static func contracts(_ scope: BundleScope) -> ExportTable {
        ExportTable(
            name: "contracts", title: "Договоры",
            columns: [
                .init("external_id", "Идентификатор", width: 20), .init("type", "Тип", width: 12),
                .init("serial", "Номер", width: 18), .init("date", "Дата", width: 12),
                .init("date_end", "Действует до", width: 12), .init("client_external_id", "Заказчик", width: 20),
                .init("client_inn", "ИНН заказчика", width: 14),
                .init("contractor_external_id", "Исполнитель", width: 20),
                .init("contractor_inn", "ИНН исполнителя", width: 14), .init("subject_type", "Предмет", width: 14),
                .init("action_type", "Действия посредника", width: 14), .init("amount", "Сумма договора"),
                .init("flags", "Признаки", width: 30), .init("parent", "Основной договор", width: 20),
                .init("vat_rate", "Ставка НДС", width: 12),
            ],
            rows: scope.contracts.map { contract in
                [
                    .text(contract.id), .text(contract.type), .optional(contract.serial), .date(contract.date),
                    .date(contract.dateEnd), .text(contract.clientID),
                    .optional(scope.personsByID[contract.clientID]?.inn), .text(contract.contractorID),
                    .optional(scope.personsByID[contract.contractorID]?.inn), .text(contract.subjectType),
                    .optional(contract.actionType), .money(contract.amount),
                    .text(contract.flags.joined(separator: ", ")), .optional(contract.parentID),
                    .text(contract.vatRate.rawValue),
                ]
            })
    }

    private static func pads(_ scope: BundleScope) -> ExportTable {
        ExportTable(
            name: "pads", title: "Площадки",
            columns: [
                .init("external_id", "Идентификатор", width: 20), .init("owner_external_id", "Владелец", width: 20),
                .init("is_owner", "Своя", width: 8), .init("type", "Вид", width: 12),
                .init("name", "Название", width: 28), .init("url", "Адрес", width: 36),
            ],
            rows: scope.pads.map { pad in
                [
                    .text(pad.id), .text(pad.personID), .text(pad.isOwner ? "true" : "false"), .text(pad.type),
                    .text(pad.name), .optional(pad.url),
                ]
            })
    }
}
