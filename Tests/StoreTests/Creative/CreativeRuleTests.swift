import ORD
import Postgres
import Store
import TestKit
import Testing

/// The rules that ship, against texts; and our stems against PostgreSQL's.
@Suite("Rules of moderation", .database)
struct CreativeRuleTests {
    private func codes(kktu: String?, goods: [String] = [], _ texts: [String]) async throws -> [String] {
        let rules = try await TestDatabase.current.pool.withConnection { try ModerationRules.all(on: $0) }
        let wording = Wording(texts)
        let names = Wording(goods)
        return rules.compactMap { $0.finding(kktu: kktu, goods: names, wording: wording)?.code }.sorted()
    }

    @Test(arguments: [
        (["Вкусный кофе со скидкой 15 %"], "17.3.1", [], []),
        (["Лучший кофе города"], "17.3.1", [], ["superlative"]),
        (["Кофе № 1 в России"], "17.3.1", [], ["superlative"]), (["Кофе №1"], "17.3.1", [], ["superlative"]),
        (["Выбирайте лучше с нами"], "17.3.1", [], []),
        // Latin letters that look like ours, a soft hyphen, an accent.
        (["Лyчший кофе"], "17.3.1", [], ["superlative"]), (["Луч\u{AD}ший кофе"], "17.3.1", [], ["superlative"]),
        (["Чешское"], "16.1.1", [], ["alcohol"]), (["Купите водку"], "17.5.1", [], ["alcohol"]),
        (["Уксус"], "17.5.7", ["Винный уксус"], []), (["Бокалы"], "11.1.3", ["Вино", "Напитки"], ["alcohol"]),
        (["Зажигалка"], "30.3.1", [], ["tobacco"]), (["Кофе в стиках"], "17.3.1", [], []),
        (["Таблетки от боли"], "12.2.2", [], ["medicine_warning"]),
        (["Таблетки", "ИМЕЮТСЯ ПРОТИВОПОКАЗАНИЯ. Проконсультируйтесь со специалистом"], "12.2.2", [], []),
        (["Омега-3"], "12.2.1", [], ["supplement_warning"]),
        (["Омега-3. Не является лекарственным средством."], "12.2.1", [], []),
        (["Сборник рассказов"], "30.4.2", [], ["age_mark"]), (["Сборник рассказов 12+"], "30.4.2", [], []),
        (["SALE на всё"], "14.1.2", [], ["foreign_words"]), (["SALE / Распродажа"], "14.1.2", [], []),
        (["Дерьмо, а не кофе"], "17.3.1", [], ["profanity"]), (["Жопоголик"], "17.3.1", [], ["profanity"]),
        (["Ставки на спорт"], "5.1.2", [], ["betting"]),
        (["Купите в кредит"], "3.1.2", [], ["credit_warning"]),
    ])
    func theShippedRulesFindWhatTheyShould(
        texts: [String], kktu: String, goods: [String], expected: [String]
    ) async throws {
        #expect(try await codes(kktu: kktu, goods: goods, texts) == expected, "\(texts)")
    }

    @Test func stemsAreThoseOfPostgreSQL() async throws {
        let words = """
            кофе корма кошек кошкам собаками животных стирки посуды мытья чистящие средства детская одежда обувью зубная
            пасту щетками молочная продукция шоколадные батончики конфет кондитерские изделия напитки соков пивом чая чаем
            прохладительные энергетических лекарственными препаратов биологически активных добавок телефонами портативные
            компьютерам мебели игрушка игрушек колясок гигиены подгузники бритвенных систем парфюмерия косметикой волосами
            кожей мыльный порошки средство строительство инструментов отделочными материалам важнейший красивейшая
            быстренько прочитавшись сделавши умываясь одеваются красивость радостью нежностей длинный длинных
            """.split(whereSeparator: \.isWhitespace).map(String.init)
        let expected = try await TestDatabase.current.pool.withConnection { db in
            try db.query(
                "select (ts_lexize('russian_stem', w))[1] as stem from unnest($1::text[]) with ordinality t (w, n) order by n",
                [.textArray(words)]
            ).map { try $0.stringIfPresent("stem") }
        }
        for (word, stem) in zip(words, expected) {
            if let stem { #expect(RussianStem.of(word) == stem, "\(word)") }
        }
    }
}
