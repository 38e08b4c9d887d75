import AdModel

/// The messages of this part, in the reader's language. Addresses of people appear in none of them.
enum IdentityMail {
    struct Message: Equatable {
        var subject: String
        var body: String
    }

    /// Where a link leads: a page of the cabinet. The token stands behind `#`, which browsers keep to themselves.
    static func link(_ base: String, _ page: String, _ token: SecretToken) -> String {
        let base = base.hasSuffix("/") ? String(base.dropLast()) : base
        return "\(base)/admin/\(page)#token=\(token.text)"
    }

    static func invitation(language: String, to whom: String, link: String, days: Int64) -> Message {
        language == "en"
            ? Message(
                subject: "Invitation to \(whom)",
                body: """
                    You are invited to work with \(whom) in Nimb.

                    Accept within \(days) days: \(link)

                    The link works once. If you did not expect it, do nothing.
                    """)
            : Message(
                subject: "Приглашение: \(whom)",
                body: """
                    Вас приглашают работать в Nimb: \(whom).

                    Примите приглашение в течение \(days) дн.: \(link)

                    Ссылка действует один раз. Если вы её не ждали, ничего не делайте.
                    """)
    }

    static func welcome(language: String, link: String, days: Int64) -> Message {
        language == "en"
            ? Message(
                subject: "Your Nimb account",
                body: """
                    An account was made for you in Nimb.

                    Choose a password within \(days) days: \(link)

                    The link works once.
                    """)
            : Message(
                subject: "Ваша учётная запись в Nimb",
                body: """
                    Для вас создана учётная запись в Nimb.

                    Придумайте пароль в течение \(days) дн.: \(link)

                    Ссылка действует один раз.
                    """)
    }

    static func reset(language: String, link: String, minutes: Int64) -> Message {
        language == "en"
            ? Message(
                subject: "A new password for Nimb",
                body: """
                    Somebody, hopefully you, asked for a new password.

                    Choose it within \(minutes) minutes: \(link)

                    The link works once. If it was not you, do nothing: your password stays.
                    """)
            : Message(
                subject: "Новый пароль в Nimb",
                body: """
                    Кто-то, надеемся, что вы, попросил новый пароль.

                    Придумайте его в течение \(minutes) мин.: \(link)

                    Ссылка действует один раз. Если это были не вы, ничего не делайте: пароль останется прежним.
                    """)
    }

    static func passwordChanged(language: String) -> Message {
        language == "en"
            ? Message(
                subject: "Your Nimb password was changed",
                body: "Your password was changed and all sessions were ended. If it was not you, ask for a new one now."
            )
            : Message(
                subject: "Пароль в Nimb изменён",
                body: "Ваш пароль изменён, все сеансы завершены. Если это были не вы, сразу запросите новый пароль.")
    }
}
