import Store
import Testing

private let cheap = ScryptParameters(log2N: 4, r: 1, p: 1)

@Suite struct PasswordHashTests {
    @Test func aPasswordIsRecognisedFromItsStoredTextOnly() throws {
        let text = try PasswordHash(
            password: "correct horse battery", salt: [UInt8](repeating: 7, count: 16), parameters: cheap
        ).text
        #expect(text.hasPrefix("scrypt$4$1$1$"))
        #expect(!text.contains("horse"))
        let stored = try #require(PasswordHash(text))
        #expect(try stored.matches("correct horse battery"))
        #expect(try !stored.matches("correct horse batterz"))
        #expect(try !stored.matches(""))
        #expect(stored.text == text)
    }

    @Test func theSameLettersComposedOtherwiseAreTheSamePassword() throws {
        let stored = try PasswordHash(
            password: "caf\u{E9} na ulice", salt: [UInt8](repeating: 1, count: 16), parameters: cheap)
        #expect(try stored.matches("cafe\u{301} na ulice"))
    }

    @Test func anotherSaltGivesAnotherKey() throws {
        let a = try PasswordHash(password: "pleaseletmein", salt: Array("SodiumChloride12".utf8), parameters: cheap)
        let b = try PasswordHash(password: "pleaseletmein", salt: Array("SodiumChloride12".utf8), parameters: cheap)
        let c = try PasswordHash(password: "pleaseletmein", salt: Array("SodiumChloride13".utf8), parameters: cheap)
        #expect(a == b)
        #expect(a.key != c.key)
    }

    @Test(arguments: [
        "", "plain", "scrypt$4$1$1$AAAA$AAAA", "bcrypt$4$1$1$AAAAAAAAAAAAAAAAAAAAAA$AAAA",
        "scrypt$40$1$1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "scrypt$4$9999$1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    ])
    func aDamagedRowIsNoPassword(text: String) {
        #expect(PasswordHash(text) == nil)
    }

    @Test func hashesMadeWithLessWorkAreRenewed() async throws {
        let weak = ScryptHasher(parameters: cheap)
        let strong = ScryptHasher(parameters: ScryptParameters(log2N: 5, r: 1, p: 1))
        let text = try await weak.hash("correct horse battery")
        #expect(try await strong.verify("correct horse battery", against: text))
        #expect(strong.needsRenewal(text))
        #expect(!weak.needsRenewal(text))
    }

    @Test func nobodysPasswordIsNeverRight() async throws {
        let hasher = ScryptHasher(parameters: cheap)
        #expect(try await !hasher.verify("", against: nil))
        #expect(try await !hasher.verify("anything at all", against: "not a hash"))
    }

    @Test func tooManyPasswordsAtOnceAreRefusedNotQueued() async throws {
        let hasher = ScryptHasher(parameters: ScryptParameters(log2N: 12, r: 4, p: 1))
        let outcomes = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<(ScryptHasher.queueLimit * 4) {
                group.addTask {
                    do {
                        _ = try await hasher.verify("x", against: nil)
                        return true
                    } catch { return !(error is PasswordQueueFull) }
                }
            }
            return await group.reduce(into: [Bool]()) { $0.append($1) }
        }
        #expect(outcomes.contains(true))
        #expect(outcomes.contains(false))
        // What was refused left no place taken.
        #expect(try await !hasher.verify("x", against: nil))
    }
}

@Suite struct IdentityTextTests {
    @Test(arguments: [
        ("anna@shop.example", "anna@shop.example"), (" Anna@Shop.Example ", "anna@shop.example"),
        ("a.b+c@x-y.ru", "a.b+c@x-y.ru"),
    ])
    func anAddressIsReadInLowerCase(text: String, wanted: String) {
        #expect(EmailAddress(text)?.text == wanted)
    }

    @Test(arguments: [
        "", "anna", "@shop.example", "anna@", "anna@shop", "a b@shop.example", "a@b@shop.example", "анна@shop.example",
        "anna@shop.example\nBcc: x@y.z", "anna@.example", "anna@shop..example", "<anna@shop.example>",
        "-f@shop.example",
        "a,b@shop.example",
    ])
    func anythingElseIsNone(text: String) { #expect(EmailAddress(text) == nil) }

    @Test(arguments: [
        ("short", false), ("aaaaaaaaaaaaaaaaaa", false), ("anna@shop.example!!", false), ("myannalina2026xyz", false),
        ("four plain words here", true), ("длинный русский пароль", true), (String(repeating: "ab", count: 300), false),
    ])
    func aPasswordIsLongAndNotTheAddress(password: String, isFine: Bool) {
        #expect((PasswordRules.problem(with: password, email: "anna@shop.example") == nil) == isFine)
    }

    @Test func tokensAreUnlikeEachOtherAndReadBackOnlyWhole() throws {
        let token = SecretToken()
        #expect(token.text.utf8.count == SecretToken.length)
        #expect(SecretToken(token.text) == token)
        #expect(SecretToken() != token)
        #expect(SecretToken(String(token.text.dropLast())) == nil)
        #expect(SecretToken(token.text + "A") == nil)
        #expect(SecretToken(String(repeating: "!", count: 43)) == nil)
        #expect(token.isPageToken(token.pageToken))
        #expect(!token.isPageToken(SecretToken().pageToken))
        #expect(!token.isPageToken(""))
        #expect(!token.isPageToken(token.pageToken + "A"))
        #expect(!token.pageToken.contains(token.text))
    }

    @Test(
        arguments: [
            (nil, "wallet", true, true), (["*"], "wallet", true, true), (["wallet:read"], "wallet", false, true),
            (["wallet:read"], "wallet", true, false), (["wallet:write"], "wallet", false, true),
            (["reports:write"], "wallet", false, false), ([], "wallet", false, false),
        ] as [([String]?, String, Bool, Bool)])
    func scopesAllowTheirAreaAndWritingIncludesReading(
        scopes: [String]?, area: String, writing: Bool, isAllowed: Bool
    ) {
        #expect(KeyScopes.allow(scopes, area: area, writing: writing) == isAllowed)
    }
}
