/// Findings in the words of those who close the month. The code stays beside them, for whoever helps.
enum FindingWords {
    /// `creative cr-7-v1` as `Креатив cr-7-v1`.
    static func object(_ object: String) -> String {
        var words = object.split(separator: " ").map(String.init)
        guard let kind = words.first, let name = kinds[kind] else { return object }
        words[0] = name
        return words.joined(separator: " ")
    }

    /// What is wrong, in one short sentence.
    static func what(_ code: String) -> String { texts[code] ?? "Значение не подходит" }

    private static let kinds = [
        "person": "Контрагент", "contract": "Договор", "pad": "Площадка", "creative": "Креатив", "media": "Медиафайл",
        "statistics": "Строка", "act": "Акт", "month": "Месяц", "charge": "Строка леджера №", "cid": "CID",
    ]

    private static let texts = [
        "erid_missing": "Реклама показывалась без erid", "erid_bad": "ЕРИР отклонил erid",
        "erid_format": "erid записан неверно", "erid_twice": "В ссылке два erid",
        "erid_differs": "В ссылке чужой erid", "required": "Поле не заполнено", "forbidden": "Поле здесь лишнее",
        "not_found": "Такого объекта нет", "unknown_value": "Недопустимое значение", "length": "Недопустимая длина",
        "range": "Число вне допустимых границ", "not_unique": "Повтор", "one_owner": "Должен быть один владелец",
        "inn_checksum": "ИНН не проходит проверку контрольной суммы", "inn_digits": "В ИНН не только цифры",
        "inn_length": "Неверная длина ИНН", "inn_zeros": "ИНН из одних нулей", "kpp_format": "КПП — девять цифр",
        "name_charset": "В наименовании знаки, которые не принимает оператор",
        "phone_format": "Телефон записан неверно", "country_format": "Код страны — три цифры ОКСМ",
        "address": "Адрес записан не полностью", "date_order": "Начало позже конца",
        "date_range": "Дата раньше допустимой", "date_in_future": "Дата ещё не наступила",
        "other_month": "Дата из другого месяца", "same_party": "Стороны договора совпадают",
        "same_inn": "У сторон договора один ИНН", "flags_exclude": "Признаки исключают друг друга",
        "mediation_only": "Признак только для посреднических договоров",
        "contractor_not_ors": "Исполнитель не является ОРС", "contractor_foreign": "Исполнитель — иностранное лицо",
        "vat_included_missing": "У договора с суммой нет признака «с НДС»",
        "parent_type": "Основной договор не может быть дополнительным соглашением",
        "parent_parties": "Стороны не те, что в основном договоре", "amount_zero": "Нулевая сумма",
        "amount_range": "Сумма вне допустимых границ", "serial_spaces": "Лишние пробелы в номере",
        "serial_duplicate": "Номер читается так же, как другой: отчисления возьмут дважды",
        "person_duplicate": "Контрагент с таким ИНН и КПП уже есть",
        "pad_duplicate": "Площадка с таким адресом уже есть", "kktu_unknown": "Такого кода ККТУ нет",
        "kktu_level": "Нужен код ККТУ третьего уровня", "one_code": "У обычного креатива один код ККТУ",
        "too_many": "Слишком много значений", "agency_contract": "Договор с агентством без изначального договора",
        "charge_without_creative": "Списание не относится ни к одному креативу",
        "line_item_unknown": "Списание неизвестного размещения", "row_negative": "Возвраты больше списаний строки",
        "self_promotion_money": "За саморекламу списаны деньги", "more_than_shows": "В счёте больше показов, чем было",
        "row_outside_act": "Показы вне срока договора", "ledger_differs": "Леджер и строки расходятся",
        "shows_differ": "События и строки расходятся по показам",
        "statistics_differ": "Статистика не равна акту", "statistics_vat_differs": "НДС статистики не равен НДС акта",
        "items_differ": "Разаллокация не равна акту", "items_exceed_act": "Разаллокация больше акта",
        "act_differs": "Леджер не равен акту", "act_without_ledger": "У акта нет списаний",
        "vat_rest": "Остаток НДС меньше копейки", "vat_bounds": "НДС вне границ, которые принимает оператор",
        "vat_sum": "Сумма с НДС не равна сумме без НДС и налога", "vat_rate_date": "Ставка НДС не на дату акта",
        "zero_price": "Цена и сумма должны быть обе нулевые или обе нет", "role": "Такая роль здесь невозможна",
        "media_bytes": "Файл креатива потерян или повреждён", "cid_format": "CID записан неверно",
        "one_identity": "Лишний номер стороны", "foreign_contract": "Чужой договор в разаллокации",
        "other_contract": "Креатив другого договора",
    ]
}
