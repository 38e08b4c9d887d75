import AdModel
import Jobs
import Store
import TestKit
import Testing

@Suite("Mails of notices", .database) struct NoticeMailTests {
    private let mails = "select to_address || ' ' || subject from mail_outbox order by id"

    @Test func whoIsConcernedGetsOneMailInHisLanguage() async throws {
        let world = try await NoticeWorld()
        try await world.raise()
        for _ in 0..<2 { try await world.jobs().dispatch(now: world.now) }
        #expect(
            try await world.texts(mails) == [
                "brand@nord.example Креатив cr-1 отклонён", "buyer@nord.example Creative cr-1 was rejected",
            ])
        let bodies = try await world.texts("select body from mail_outbox order by id")
        #expect(bodies[0].contains("Причина: размыто") && bodies[0].contains("Бюджет без НДС: 1\u{202F}234,57 ₽"))
        #expect(bodies[1].contains("Reason: размыто") && bodies[1].contains("https://nimb.example/notices"))
        #expect(try await world.texts("select distinct kind from mail_outbox") == ["notice.creative_rejected"])
    }

    @Test func preferencesAndDisabledAccountsAreRespected() async throws {
        let world = try await NoticeWorld()
        try await world.run(
            """
            insert into notice_preference (reader, mail_kinds, language) values ('user:usr-1', '{low_balance}', 'en');
            update app_user set disabled = true where code = 'usr-2';
            """)
        try await world.raise()
        try await world.raise(.lowBalance, "nord")
        try await world.jobs().dispatch(now: world.now)
        #expect(try await world.texts(mails) == ["brand@nord.example The balance is running low: nord"])
    }

    @Test func theRetailerHearsOfWhatOnlyHeCanMend() async throws {
        let world = try await NoticeWorld()
        try await world.raise(.feedLate, advertiser: nil, "feed-1")
        try await world.raise(.eridFailed, advertiser: 2, "cr-2")
        try await world.jobs().dispatch(now: world.now)
        #expect(
            try await world.texts(mails) == [
                "sales@shop.example Фид опаздывает: feed-1", "other@sever.example Не удалось получить erid: cr-2",
                "sales@shop.example Не удалось получить erid: cr-2",
            ])
    }

    @Test func everyKindHasATitleInEveryLanguage() {
        for kind in NoticeKind.allCases {
            for language in NoticeTexts.languages {
                let title = NoticeTexts.title(kind, id: "x-1", language: language)
                #expect(title.count > 5 && title.contains("x-1") && !title.contains("{{"))
            }
        }
    }
}
