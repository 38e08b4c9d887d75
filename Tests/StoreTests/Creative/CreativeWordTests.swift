import ORD
import Postgres
import TestKit
import Testing

/// Our stems against PostgreSQL's.
@Suite("Stems of Russian words", .database)
struct CreativeWordTests {
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
