/// What notices say to people, in Russian and English. `{{id}}` is the object of the notice.
public enum NoticeTexts {
    public static let languages = ["ru", "en"]

    private static let titles: [NoticeKind: (ru: String, en: String)] = [
        .creativeRejected: ("Креатив {{id}} отклонён", "Creative {{id}} was rejected"),
        .campaignRejected: ("Кампания {{id}} отклонена", "Campaign {{id}} was rejected"),
        .campaignApproved: ("Кампания {{id}} одобрена", "Campaign {{id}} was approved"),
        .eridFailed: ("Не удалось получить erid: {{id}}", "No erid could be got: {{id}}"),
        .budget80: ("Потрачено 80 % бюджета: {{id}}", "80% of the budget is spent: {{id}}"),
        .budget100: ("Бюджет потрачен: {{id}}", "The budget is spent: {{id}}"),
        .lowBalance: ("Баланс заканчивается: {{id}}", "The balance is running low: {{id}}"),
        .notDelivering: ("Нет показов 24 часа: {{id}}", "No impressions for 24 hours: {{id}}"),
        .feedLate: ("Фид опаздывает: {{id}}", "A feed is late: {{id}}"),
    ]

    /// Members of `details` that a mail shows, in this order, with what they are called.
    private static let labels: [(key: String, ru: String, en: String)] = [
        ("reason", "Причина", "Reason"), ("feedback", "Замечания", "Feedback"), ("error", "Ошибка", "Error"),
        ("campaign", "Кампания", "Campaign"), ("line_item", "Размещение", "Line item"),
        ("creative", "Креатив", "Creative"), ("version", "Версия", "Version"),
        ("budget_micros", "Бюджет без НДС", "Budget without VAT"),
        ("spent_micros", "Потрачено без НДС", "Spent without VAT"),
        ("balance_micros", "Остаток без НДС", "Left without VAT"),
        ("threshold_micros", "Порог без НДС", "Threshold without VAT"), ("storefront", "Витрина", "Storefront"),
        ("location", "Регион наличия", "Stock location"), ("since", "С", "Since"),
    ]

    /// What reasons are called; others are shown as they are.
    private static let reasons: [String: (ru: String, en: String)] = [
        "no_budget": ("бюджет или баланс потрачен", "the budget or the wallet is spent"),
        "budget_exhausted": ("бюджет или баланс потрачен", "the budget or the wallet is spent"),
        "lease_exhausted": ("бюджет или баланс потрачен", "the budget or the wallet is spent"),
        "no_erid": ("нет одобренного креатива с erid", "no approved creative with an erid"),
        "out_of_stock": ("товаров нет в наличии", "the products are out of stock"),
        "stock_stale": ("сведения о наличии устарели", "stock figures are out of date"),
        "no_matching_requests": ("нет подходящих запросов", "no matching requests"),
        "not_targeted": ("таргетинг не подходит ни к одному запросу", "the targeting matches no request"),
        "outbid": ("ставки других выше", "others bid more"),
        "below_floor": ("ставка ниже минимальной", "the bid is below the floor"),
        "frequency_capped": ("ограничение частоты", "the frequency cap"),
        "caps_elsewhere": ("счётчик показов ведёт другой узел", "another node counting the caps"),
        "paced": ("бюджет распределяется равномерно", "the budget is paced evenly"),
        "holdout": ("контрольная группа", "the holdout"),
        "page_duplicate": ("повтор на странице", "a repetition on the page"),
        "companion_missing": ("нет места для остальных объявлений кампании", "no room for its companions"),
        "competitor_blocked": ("страница закрыта для других брендов", "the page is closed to other brands"),
        "goal_reached": ("обещанные показы сделаны", "the promised impressions are delivered"),
    ]

    /// One line that says what happened.
    public static func title(_ kind: NoticeKind, id: String, language: String) -> String {
        guard let pair = titles[kind] else { return id }
        return (language == "en" ? pair.en : pair.ru).replacing("{{id}}", with: id)
    }

    /// The body of a mail: the title, what is known beside, where to look.
    /// - Parameters:
    ///   - details: members of the notice's details as text.
    ///   - link: address of the inbox.
    public static func mail(
        _ kind: NoticeKind, id: String, details: [String: String], link: String, language: String
    ) -> String {
        let isEnglish = language == "en"
        var text = title(kind, id: id, language: language) + "\n"
        for label in labels {
            guard var value = details[label.key], !value.isEmpty else { continue }
            if label.key == "reason", let known = reasons[value] { value = isEnglish ? known.en : known.ru }
            if label.key.hasSuffix("_micros") { value = Int64(value).map(roubles) ?? value }
            text += "\n\(isEnglish ? label.en : label.ru): \(value)"
        }
        text += "\n\n"
        text += isEnglish ? "All notices: \(link)\n" : "Все уведомления: \(link)\n"
        return text
    }

    /// `1 234,57 ₽`, rounded half up to kopecks.
    private static func roubles(_ micros: Int64) -> String {
        let kopecks = (micros.magnitude + 5_000) / 10_000
        var whole = String(kopecks / 100)
        var groups: [Substring] = []
        while whole.count > 3 {
            groups.insert(whole.suffix(3), at: 0)
            whole.removeLast(3)
        }
        groups.insert(whole[...], at: 0)
        let part = kopecks % 100
        return "\(micros < 0 ? "−" : "")\(groups.joined(separator: "\u{202F}")),\(part < 10 ? "0" : "")\(part) ₽"
    }
}
