import AdModel
import Audiences
import Billing
import Measurement
import Postgres
import Store
import TestKit

/// A random history of a few shoppers, told three times: as rows, as what a node sees happen, and as conditions.
struct AudienceHistory {
    static let zone = "Europe/Moscow"
    static let now = Timestamp(micros: 1_795_251_600_000_000)
    static let keys = ShopperKeys(ShopperHash(key: [UInt8](repeating: 3, count: 16)))
    static let visitors = (1...9).map { "v\($0)" }
    static let customers = (1...3).map { "c\($0)" }

    /// Products of `world`: their brands and categories, those above included.
    static let items: [(sku: String, id: Int32, brand: Int32, categories: [Int32])] = [
        ("p1", 1, 1, [2, 1]), ("p2", 2, 1, [3, 1]), ("p3", 3, 2, [2, 1]), ("p4", 4, 0, [1]),
    ]
    static let phrases = ["Кофе в зёрнах", "кофе", "Чай, зелёный!", "вода"]

    static let world = """
        insert into counterparty (code, kind, name, inn, roles) values
            ('shop', 'juridical', 'ООО Полка', '7700000016', '{publisher}');
        insert into retailer (code, name, counterparty_id) values ('polka', 'Полка', 1);
        insert into storefront (code, name, url) values ('shop', 'Полка', 'https://shop.example/');
        insert into advertiser (code, name, counterparty_id) values ('a1', 'A1', 1), ('a2', 'A2', 1);
        insert into contract (code, advertiser_id, client_counterparty_id, contractor_counterparty_id, signed_on)
            values ('k1', 1, 1, 1, '2026-01-01');
        insert into campaign (code, advertiser_id, contract_id, name) values ('m1', 1, 1, 'M1'), ('m2', 1, 1, 'M2');
        insert into line_item (code, campaign_id, advertiser_id, name, starts_at, ends_at, pricing, bid_micros)
            values ('l1', 1, 1, 'L1', '2024-01-01', '2030-01-01', 'cpm', 1);
        insert into creative (code, line_item_id, advertiser_id, format) values
            ('x-1', 1, 1, 'banner'), ('x-2', 1, 1, 'banner');
        insert into creative_version (creative_id, version, fields, landing_url, ord_form) values
            (1, 1, '{}', 'https://shop.example/', 'banner'), (1, 2, '{}', 'https://shop.example/', 'banner'),
            (2, 1, '{}', 'https://shop.example/', 'banner');
        insert into brand (code, name) values ('norda', 'Norda'), ('other', 'Other');
        insert into brand_alias (alias, brand_id) values ('НОРДА', 1);
        insert into category (code, name) values ('root', 'Всё');
        insert into category (code, name, parent_id) values ('coffee', 'Кофе', 1), ('tea', 'Чай', 1);
        insert into product (sku, name, brand, category_ids) values ('p1', '1', 'НОРДА', '{2}'),
            ('p2', '2', 'norda', '{3}'), ('p3', '3', 'other', '{2}'), ('p4', '4', 'Никто', '{1}');
        create table signal_rest partition of signal default;
        create table ad_event_rest partition of ad_event default;
        """

    var sql = ""
    var actions: [AudienceAction] = []

    init(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var seconds: Int64 = -500 * 86_400
        var number = 0
        while seconds < -10 {
            seconds += Int64(10 + random.below(5 * 86_400))
            let at = Self.now + .seconds(min(seconds, -5))
            let count = random.below(4) == 0 ? 3 : 1
            for step in 0..<count {
                number += 1
                // No two at one instant: which of them came first would be anybody's guess.
                add(number, at + .seconds(Int64(step)), &random)
            }
        }
    }

    private static func audienceItem(_ index: Int) -> AudienceEvent.Item {
        let item = items[index]
        return AudienceEvent.Item(sku: TextKey.of(item.sku), brandID: item.brand, categoryIDs: item.categories)
    }

    private mutating func add(_ number: Int, _ at: Timestamp, _ random: inout SplitMix64) {
        let visitor = Self.visitors[random.below(Self.visitors.count)]
        let key = Self.keys.visitor(visitor)
        let product = random.below(4)
        let time = "'\(at.rfc3339)'"
        switch random.below(12) {
        case 0:
            let customer = Self.customers[random.below(3)]
            sql += "insert into identity_link values ('\(visitor)', '\(customer)', \(time)) on conflict do nothing;\n"
            actions.append(.link(visitor: key, customer: Self.keys.customer(customer), at: at))
        case 1...3: addOrder(number, at, visitor, product, &random)
        case 4...6: addAd(number, at, visitor, product, &random)
        case 7:
            let phrase = Self.phrases[random.below(4)]
            sql += """
                insert into signal (received_day, storefront_id, kind, visitor_id, phrase, occurred_at)
                    values ('2020-01-01', 1, 'search', '\(visitor)', '\(phrase)', \(time));

                """
            var event = AudienceEvent(type: .search)
            event.words = AudiencePhrase.words(phrase)
            actions.append(.event(event, visitor: key, at: at))
        case 8:
            sql += """
                insert into signal (received_day, storefront_id, kind, visitor_id, category_code, occurred_at)
                    values ('2020-01-01', 1, 'category_view', '\(visitor)', 'tea', \(time));

                """
            var event = AudienceEvent(type: .categoryView)
            event.items = [AudienceEvent.Item(categoryIDs: [3, 1])]
            actions.append(.event(event, visitor: key, at: at))
        default:
            let type: AudienceEventType = random.below(2) == 0 ? .productView : .addToCart
            sql += """
                insert into signal (received_day, storefront_id, kind, visitor_id, product_sku, occurred_at)
                    values ('2020-01-01', 1, '\(type.rawValue)', '\(visitor)', '\(Self.items[product].sku)', \(time));

                """
            var event = AudienceEvent(type: type)
            event.items = [Self.audienceItem(product)]
            actions.append(.event(event, visitor: key, at: at))
        }
    }

    private mutating func addOrder(
        _ number: Int, _ at: Timestamp, _ visitor: String, _ product: Int, _ random: inout SplitMix64
    ) {
        let customer = Self.customers[random.below(3)]
        let (named, owner) = [(visitor, nil), (visitor, customer), (nil, customer)][random.below(3)]
        let net = Int64(random.below(1_000))
        let second = random.below(4)
        func text(_ value: String?) -> String { value.map { "'\($0)'" } ?? "null" }
        sql += """
            insert into customer_order values (1, 'o\(number)', \(text(named)), \(text(owner)), 'online',
                '\(at.rfc3339)', '\(at.rfc3339)');
            insert into order_line values (1, 'o\(number)', 1, '\(Self.items[product].sku)', 1, \(net), \(net)),
                (1, 'o\(number)', 2, '\(Self.items[second].sku)', 1, 7, 7);

            """
        if let named, let owner {
            sql +=
                "insert into identity_link values ('\(named)', '\(owner)', '\(at.rfc3339)') on conflict do nothing;\n"
        }
        actions.append(
            .order(
                items: [Self.audienceItem(product), Self.audienceItem(second)], spend: Micros(net + 7),
                visitor: Self.keys.visitor(ifPresent: named), customer: Self.keys.customer(ifPresent: owner), at: at))
    }

    private mutating func addAd(
        _ number: Int, _ at: Timestamp, _ visitor: String, _ product: Int, _ random: inout SplitMix64
    ) {
        let kind = AdEventKind.allCases[random.below(3)]
        let second = random.below(4)
        let card = random.below(3) - 1
        let (advertiser, campaign, version) = (1 + random.below(2), 1 + random.below(2), 1 + random.below(3))
        let isInvalid = random.below(6) == 0
        sql += """
            insert into ad_event (decision_day, decision_id, ad, kind, card, storefront_id, placement_id, advertiser_id,
                campaign_id, line_item_id, creative_version_id, visitor_id, product_ids, event_time, received_at, node_id,
                invalid_reason)
            values ('2020-01-01', md5('\(number)')::uuid, 0, \(kind.rawValue), \(card), 1, 1, \(advertiser), \(campaign), 1,
                \(version), '\(visitor)', '{\(product + 1),\(second + 1)}', '\(at.rfc3339)', '\(at.rfc3339)', 1,
                \(isInvalid ? "'replay'" : "null"));

            """
        guard !isInvalid else { return }
        var event = AudienceEvent(type: AudienceEventType(kind))
        let shown = [product, second].map(Self.audienceItem)
        event.items = card < 0 ? shown : [shown[card]]
        event.advertiserID = Int32(advertiser)
        event.campaignID = Int32(campaign)
        event.creative = TextKey.of(version < 3 ? "x-1" : "x-2")
        actions.append(.event(event, visitor: Self.keys.visitor(visitor), at: at))
    }

    // MARK: Conditions

    static func condition(_ random: inout SplitMix64, depth: Int) -> AudienceCondition {
        if depth > 0, random.below(2) == 0 {
            let list = (0..<(1 + random.below(3))).map { _ in condition(&random, depth: depth - 1) }
            return [.all(list), .any(list), .not(list[0])][random.below(3)]
        }
        if random.below(4) == 0 {
            return .cohort(
                CohortCondition(
                    recency: Recency.allCases.filter { _ in random.below(2) == 0 },
                    value: BuyerValue.allCases.filter { _ in random.below(2) == 0 }))
        }
        let types: [AudienceEventType] = [
            .productView, .addToCart, .categoryView, .search, .order, .order, .impression, .viewable, .click,
        ]
        var events = CountedEvents(type: types[random.below(types.count)])
        if events.type == .search {
            if random.below(3) > 0 { events.phrases = ["зерно кофе", "ЧАЙ"] }
        } else {
            if random.below(3) == 0 { events.products = ["p1", "p\(1 + random.below(4))"] }
            if random.below(4) == 0 { events.brands = [["norda"], ["other"], ["norda", "other"]][random.below(3)] }
            if random.below(4) == 0 { events.categories = [["coffee"], ["tea"], ["root"]][random.below(3)] }
        }
        if events.type.isAd {
            if random.below(3) == 0 { events.advertisers = ["a1"] }
            if random.below(4) == 0 { events.campaigns = ["m2"] }
            if random.below(4) == 0 { events.creatives = ["x-1"] }
        }
        var event = EventCondition(events: events)
        event.did = random.below(4) > 0
        event.from = Int32(random.below(3))
        if random.below(3) == 0 { event.to = event.from + Int32(random.below(3)) }
        let (a, b) = (Int32(random.below(400)), Int32(random.below(400)))
        let today = Int32((now.micros + 10_800_000_000) / 86_400_000_000)
        switch random.below(3) {
        case 0: event.period = .daysAgo(from: max(a, b), to: min(a, b))
        case 1: event.period = .dates(from: Day(number: today - max(a, b)), to: Day(number: today - min(a, b)))
        default: break
        }
        return .event(event)
    }
}

extension SplitMix64 {
    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
}
