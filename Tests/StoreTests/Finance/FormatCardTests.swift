import AdModel
import ORD
import Postgres
import Store
import TestKit
import Testing

/// Whether a creative shows products follows from its format's cards, not from what the format is called.
@Suite("Formats with cards", .database)
struct FormatCardTests {
    private func texts(_ sql: String) async throws -> [String: [String]] {
        let pool = TestDatabase.current.pool
        try await pool.withConnection { db in
            try FinanceFixture.march(on: db)
            try db.script(sql)
        }
        guard let month = AccountingMonth("2026-03") else { return [:] }
        let reading = try await FinanceStore.read(month, from: pool)
        return Dictionary(uniqueKeysWithValues: reading.statement.creatives.map { ($0.id, $0.texts) })
    }

    @Test func `a format of any name that has cards tells its products`() async throws {
        let texts = try await texts(
            """
            insert into creative (code, line_item_id, advertiser_id, format) values ('wall', 2, 1, 'carousel');
            insert into creative_version (creative_id, version, fields, landing_url, ord_form, cards, approved_at)
                values (5, 1, '{"title":"Карусель"}', 'https://shop.example/c/9', 'text_graphic_block', 6, now());
            """)
        #expect(texts["cr-wall-v1"] == ["Карусель", "Кофе молотый", "Кофе в зёрнах", "Кофе в капсулах"])
        // Made before cards were noted.
        #expect(texts["cr-shelf-v1"]?.count == 5)
    }

    @Test func `a format without cards does not, whatever it is called`() async throws {
        let texts = try await texts(
            """
            insert into creative (code, line_item_id, advertiser_id, format) values ('talk', 2, 1, 'shelf-talker');
            insert into creative_version (creative_id, version, fields, landing_url, ord_form, cards, approved_at)
                values (5, 1, '{"title":"Скидки"}', 'https://shop.example/c/9', 'text_graphic_block', 0, now());
            """)
        #expect(texts["cr-talk-v1"] == ["Скидки"])
    }
}
