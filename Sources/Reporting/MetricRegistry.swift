/// What a metric means and how it may be combined. One definition for the API, files and pages.
public struct MetricDefinition: Equatable, Sendable {
    public enum Unit: String, Sendable {
        case count
        /// Integer micro-roubles without VAT.
        case money
        /// A plain fraction: 0.01 is one per cent.
        case ratio
    }

    public var metric: Metric
    public var unit: Unit
    public var title: Bilingual
    public var definition: Bilingual
    /// Dimensions over which rows may be added up. Over any other the metric is computed afresh, never summed.
    public var additiveOver: Set<ReportDimension>

    /// - Parameters:
    ///   - salesBy: an order with two lines may have touches of two days, so its count adds up over order dates only.
    ///   - countsCampaignsApart: the policy credits one line to several campaigns; then its sales add up over neither
    ///     campaigns nor the days of touches.
    public func isAdditive(
        over dimension: ReportDimension, salesBy: SalesDate = .orderDate, countsCampaignsApart: Bool = false
    ) -> Bool {
        guard additiveOver.contains(dimension) else { return false }
        guard metric.isOfSales else { return true }
        if countsCampaignsApart, !metric.isOfOrders {
            switch dimension {
            case .campaign, .lineItem: return false
            case .day: return salesBy == .orderDate
            case .policy, .channel, .interaction: return true
            }
        }
        return !(metric.isOfOrders && dimension == .day && salesBy == .touchDate)
    }
}

/// The registry of metrics: exactly one definition for each `Metric`.
public enum MetricRegistry {
    public static func definition(of metric: Metric) -> MetricDefinition {
        // Delivery stands whole on the row of every policy, channel and interaction.
        let all: Set<ReportDimension> = [.day, .campaign, .lineItem]
        func make(
            _ unit: MetricDefinition.Unit, _ additive: Set<ReportDimension>, _ title: (String, String),
            _ definition: (String, String)
        ) -> MetricDefinition {
            MetricDefinition(
                metric: metric, unit: unit, title: Bilingual(ru: title.0, en: title.1),
                definition: Bilingual(ru: definition.0, en: definition.1), additiveOver: additive)
        }
        switch metric {
        case .impressions:
            return make(
                .count, all, ("Показы", "Impressions"),
                ("Отрисованные объявления без недействительного трафика.", "Ads rendered, invalid traffic excluded."))
        case .viewable:
            return make(
                .count, all, ("Видимые показы", "Viewable impressions"),
                (
                    "Объявления, не менее 50 % площади которых (в полке: хотя бы одной карточки) были видны не менее секунды.",
                    "Ads of which at least 50 % (in a shelf: of at least one card) was on screen for at least one second."
                ))
        case .clicks:
            return make(
                .count, all, ("Клики", "Clicks"),
                ("Действительные переходы по объявлению.", "Valid clicks on an ad or on one of its cards."))
        case .ctr:
            return make(.ratio, [], ("CTR", "CTR"), ("Клики, делённые на показы.", "Clicks divided by impressions."))
        case .spend:
            return make(
                .money, all, ("Расход", "Spend"),
                ("Сумма журнала списаний без НДС.", "Sum of the charge ledger, without VAT."))
        case .overDelivery:
            return make(
                .money, all, ("Сверх бюджета", "Over-delivery"),
                (
                    "Цена показанного сверх бюджета или кошелька; не списывается.",
                    "Price of what was delivered beyond budget or wallet; never charged."
                ))
        case .cpm:
            return make(
                .money, [], ("CPM", "CPM"),
                ("Расход на тысячу показов, вниз до микрорубля.", "Spend per 1,000 impressions, rounded down."))
        case .cpc:
            return make(
                .money, [], ("CPC", "CPC"),
                ("Расход на клик, вниз до микрорубля.", "Spend per click, rounded down to the micro-rouble."))
        case .directOrders, .haloOrders, .basketOrders, .clickOrders, .viewOrders, .orders:
            return orders(metric, make)
        case .directUnits, .haloUnits, .basketUnits, .clickUnits, .viewUnits, .units:
            return units(metric, make)
        case .directSales, .haloSales, .basketSales, .clickSales, .viewSales, .sales:
            return sales(metric, make)
        case .returned:
            return make(
                .money, credited, ("Возвраты", "Returned"),
                (
                    "Сумма отмен, возвратов и изменений цены по засчитанным продажам.",
                    "What cancellations, returns and price changes took from credited sales."
                ))
        case .netSales:
            return make(
                .money, credited, ("Продажи нетто", "Net sales"),
                ("Продажи минус возвраты.", "Sales less returned."))
        case .roas:
            return make(
                .ratio, [], ("ROAS", "ROAS"),
                ("Продажи нетто, делённые на расход.", "Net sales divided by spend."))
        case .costShare:
            return make(
                .ratio, [], ("ДРР", "Cost share"),
                ("Расход, делённый на продажи нетто.", "Spend divided by net sales."))
        }
    }

    /// Credits add up over everything but policies, which are never added.
    private static let credited: Set<ReportDimension> = [.day, .campaign, .lineItem, .channel, .interaction]

    /// All definitions in the order of `Metric`.
    public static var all: [MetricDefinition] { Metric.allCases.map(definition(of:)) }

    private typealias Maker = (
        MetricDefinition.Unit, Set<ReportDimension>, (String, String), (String, String)
    ) -> MetricDefinition

    /// One order may be credited to several campaigns, line by line, and to clicks and views, so orders add up over
    /// days and channels only.
    private static func orders(_ metric: Metric, _ make: Maker) -> MetricDefinition {
        switch metric {
        case .directOrders:
            make(
                .count, [.day, .channel], ("Заказы, прямые", "Direct orders"),
                ("Заказы с рекламируемым товаром или его вариантом.", "Orders with the advertised SKU or a variant."))
        case .haloOrders:
            make(
                .count, [.day, .channel], ("Заказы, гало", "Halo orders"),
                ("Заказы с другим товаром бренда.", "Orders with another product of the brand."))
        case .basketOrders:
            make(
                .count, [.day, .channel], ("Заказы, корзина", "Basket orders"),
                ("Заказы, засчитанные без связи с товаром.", "Orders credited without regard to the product."))
        case .clickOrders:
            make(
                .count, [.day, .channel], ("Заказы после клика", "Click-through orders"),
                ("Заказы, хотя бы одна строка которых засчитана клику.", "Orders with a line credited to a click."))
        case .viewOrders:
            make(
                .count, [.day, .channel], ("Заказы после просмотра", "View-through orders"),
                ("Заказы, хотя бы одна строка которых засчитана просмотру.", "Orders with a line credited to a view."))
        default:
            make(
                .count, [.day, .channel], ("Заказы", "Orders"),
                ("Заказы, хотя бы одна строка которых засчитана.", "Orders of which at least one line is credited."))
        }
    }

    private static func units(_ metric: Metric, _ make: Maker) -> MetricDefinition {
        let all = credited
        return switch metric {
        case .directUnits:
            make(
                .count, all, ("Штуки, прямые", "Direct units"),
                ("Засчитанные штуки, прямые.", "Units credited, direct."))
        case .haloUnits:
            make(.count, all, ("Штуки, гало", "Halo units"), ("Засчитанные штуки, гало.", "Units credited, halo."))
        case .basketUnits:
            make(
                .count, all, ("Штуки, корзина", "Basket units"),
                ("Засчитанные штуки, корзина.", "Units credited, basket."))
        case .clickUnits:
            make(
                .count, all, ("Штуки после клика", "Click-through units"),
                ("Штуки, засчитанные кликам.", "Units credited to clicks."))
        case .viewUnits:
            make(
                .count, all, ("Штуки после просмотра", "View-through units"),
                ("Штуки, засчитанные просмотрам.", "Units credited to views."))
        default:
            make(.count, all, ("Штуки", "Units"), ("Засчитанные штуки до возвратов.", "Units credited before returns."))
        }
    }

    private static func sales(_ metric: Metric, _ make: Maker) -> MetricDefinition {
        let all = credited
        return switch metric {
        case .directSales:
            make(
                .money, all, ("Продажи, прямые", "Direct sales"),
                ("Засчитанная сумма, прямая, до возвратов.", "Amount credited, direct, before returns."))
        case .haloSales:
            make(
                .money, all, ("Продажи, гало", "Halo sales"),
                ("Засчитанная сумма, гало, до возвратов.", "Amount credited, halo, before returns."))
        case .basketSales:
            make(
                .money, all, ("Продажи, корзина", "Basket sales"),
                ("Засчитанная сумма, корзина, до возвратов.", "Amount credited, basket, before returns."))
        case .clickSales:
            make(
                .money, all, ("Продажи после клика", "Click-through sales"),
                ("Сумма, засчитанная кликам, до возвратов.", "Amount credited to clicks, before returns."))
        case .viewSales:
            make(
                .money, all, ("Продажи после просмотра", "View-through sales"),
                ("Сумма, засчитанная просмотрам, до возвратов.", "Amount credited to views, before returns."))
        default:
            make(
                .money, all, ("Продажи", "Sales"),
                ("Засчитанная сумма до возвратов, без НДС.", "Amount credited before returns, without VAT."))
        }
    }
}

extension Metric {
    /// True for what comes from credits: it differs from policy to policy.
    public var isOfSales: Bool {
        switch self {
        case .impressions, .viewable, .clicks, .ctr, .spend, .overDelivery, .cpm, .cpc: false
        case .directOrders, .directUnits, .directSales, .haloOrders, .haloUnits, .haloSales, .basketOrders,
            .basketUnits, .basketSales, .clickOrders, .clickUnits, .clickSales, .viewOrders, .viewUnits, .viewSales,
            .orders, .units, .sales, .returned, .netSales, .roas, .costShare:
            true
        }
    }

    /// True for counts of orders.
    public var isOfOrders: Bool {
        switch self {
        case .directOrders, .haloOrders, .basketOrders, .clickOrders, .viewOrders, .orders: true
        default: false
        }
    }

    /// True for what adds clicks and views together: nothing under a policy that keeps the two apart.
    public var joinsInteractions: Bool {
        switch self {
        case .clickOrders, .clickUnits, .clickSales, .viewOrders, .viewUnits, .viewSales: false
        default: isOfSales
        }
    }
}
