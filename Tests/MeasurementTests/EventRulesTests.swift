import AdModel
import Measurement
import Testing

@Suite struct EventRulesTests {
    private let start = Timestamp(micros: 1_795_000_000_000_000)

    @Test func eventTimeIsBoundedByIssueAndReceipt() throws {
        struct Case: Decodable {
            var occurred: Int64?
            var issued: Int64
            var received: Int64
            var expect: Int64
        }
        let file: CaseFile<Case> = try Cases.json("event-time-is-bounded-by-issue-and-receipt.json")
        for item in file.cases {
            let time = EventRules.eventTime(
                occurredAt: item.occurred.map { start + .seconds($0) }, issuedAt: start + .seconds(item.issued),
                receivedAt: start + .seconds(item.received))
            #expect(time == start + .seconds(item.expect), "\(item)")
        }
    }

    @Test func billingDeadlineCountsFromDecisionToReceipt() throws {
        struct Case: Decodable {
            var kind: String
            var after: Int64
            var late: Bool
        }
        let file: CaseFile<Case> = try Cases.json("billing-deadline-counts-from-decision-to-receipt.json")
        for item in file.cases {
            let kind = try #require(AdEventKind.allCases.first { $0.name == item.kind })
            let event = PresentedEvent(kind: kind, issuedAt: start, receivedAt: start + .seconds(item.after))
            #expect(EventRules().classify(event) == (item.late ? .late : nil), "\(item)")
        }
    }

    @Test func deadlinesAreConfigurable() {
        var rules = EventRules()
        rules.clickDeadline = .minutes(1)
        rules.impressionDeadline = .hours(30)
        let click = PresentedEvent(kind: .click, issuedAt: start, receivedAt: start + .seconds(61))
        let impression = PresentedEvent(kind: .impression, issuedAt: start, receivedAt: start + .hours(29))
        #expect(rules.classify(click) == .late)
        #expect(rules.classify(impression) == nil)
        #expect(rules.longestDeadline == .hours(30))
    }

    @Test func firstReasonNamesAnInvalidEvent() throws {
        struct Case: Decodable {
            var facts: [String]
            var expect: String?
        }
        let file: CaseFile<Case> = try Cases.json("first-reason-names-an-invalid-event.json")
        for item in file.cases {
            let facts = Set(item.facts)
            var event = PresentedEvent(
                kind: .click, issuedAt: start, receivedAt: start + .seconds(10), issuedFor: 1, presentedBy: 1,
                isPrefetch: facts.contains("prefetch"), isBotAgent: facts.contains("bot"),
                isDatacenter: facts.contains("datacenter"), isOverRate: facts.contains("over_rate"))
            if facts.contains("late") { event.receivedAt = start + .hours(25) }
            if facts.contains("before_issue") { event.receivedAt = start - .seconds(60) }
            if facts.contains("slightly_before_issue") { event.receivedAt = start - .seconds(2) }
            if facts.contains("other_shopper") { event.presentedBy = 2 }
            if facts.contains("unknown_presenter") { event.presentedBy = 0 }
            if facts.contains("unknown_owner") { event.issuedFor = 0 }
            #expect(EventRules().classify(event)?.rawValue == item.expect, "\(item)")
        }
    }

    @Test func aViewableSoonerThanPossibleIsAnImpossibleSequenceWhenTheRuleIsOn() {
        var rules = EventRules()
        let event = PresentedEvent(
            kind: .viewable, issuedAt: start, receivedAt: start + Timestamp.Span(micros: 900_000))
        #expect(rules.classify(event) == nil)
        rules.minimumViewableDelay = .seconds(1)
        #expect(rules.classify(event) == .impossibleSequence)
        let later = PresentedEvent(kind: .viewable, issuedAt: start, receivedAt: start + .seconds(1))
        #expect(rules.classify(later) == nil)
    }

    @Test func orderTimeMayBeFiveMinutesAhead() throws {
        struct Case: Decodable {
            var ahead: Int64
            var accepted: Bool
        }
        let file: CaseFile<Case> = try Cases.json("order-time-may-be-five-minutes-ahead.json")
        for item in file.cases {
            let accepted = EventRules().acceptsOrderTime(start + .seconds(item.ahead), receivedAt: start)
            #expect(accepted == item.accepted, "\(item)")
        }
    }

    @Test func signalsAreNeverInTheFutureNorLongAgo() {
        #expect(EventRules.signalTime(occurredAt: start + .hours(1), receivedAt: start) == start)
        #expect(EventRules.signalTime(occurredAt: start - .hours(1), receivedAt: start) == start - .hours(1))
        #expect(EventRules.signalTime(occurredAt: start - .days(9), receivedAt: start) == start - .days(1))
        #expect(EventRules.signalTime(occurredAt: nil, receivedAt: start) == start)
    }

    @Test func prefetchHeaders() throws {
        struct Case: Decodable {
            var name: String
            var value: String
            var expect: Bool
        }
        let file: CaseFile<Case> = try Cases.json("prefetch-headers.json")
        for item in file.cases {
            #expect(PrefetchHeader.announcesPrefetch(name: item.name, value: item.value) == item.expect, "\(item)")
        }
    }

    @Test func searchPhrasesAreMaskedThenCut() throws {
        struct Case: Decodable {
            var phrase: String
            var expect: String
        }
        let file: CaseFile<Case> = try Cases.json("search-phrases-are-masked-then-cut.json")
        for item in file.cases { #expect(SearchPhrase.masked(item.phrase) == item.expect, "\(item)") }
    }

    @Test func aDecisionsPhraseIsKeptAsItIsOrMasked() {
        func words(_ text: String) -> String {
            text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        }
        let alphabet = Array("01234567890123456789@ абвгдежЯё٣９Aaz.-\u{301}🙂")
        for seed in UInt64(0)..<2_000 {
            var random = SplitMix(seed)
            let phrase = String(
                (0..<Int.random(in: 0..<60, using: &random)).map { _ in alphabet.randomElement(using: &random) ?? "0" })
            let kept = String(decoding: SearchPhrase.kept(Array(phrase.utf8)[...]), as: UTF8.self)
            #expect(words(kept) == words(SearchPhrase.masked(phrase)), "seed \(seed): \(phrase)")
        }
        let plain = Array("купить кофе 12345".utf8)[...]
        #expect(SearchPhrase.kept(plain) == plain)
        let long = String(repeating: "кофе ", count: 100)
        #expect(String(decoding: SearchPhrase.kept(Array(long.utf8)[...]), as: UTF8.self) == SearchPhrase.masked(long))
    }

    @Test func maskedPhrasesNeverHoldLongNumbersOrAddresses() {
        for seed in UInt64(0)..<2_000 {
            var random = SplitMix(seed)
            let alphabet = Array("0123456789@ ab.-\u{301}")
            let phrase = String(
                (0..<Int.random(in: 0..<300, using: &random)).map { _ in alphabet.randomElement(using: &random) ?? "0" }
            )
            let masked = SearchPhrase.masked(phrase)
            #expect(masked.count <= 100 && !masked.contains("@"), "seed \(seed)")
            #expect(masked.split(whereSeparator: { !$0.isNumber }).allSatisfy { $0.count < 6 }, "seed \(seed)")
            #expect(masked.unicodeScalars.count <= 400)
        }
    }

    @Test func aFloodOfCombiningMarksIsCut() {
        let phrase = "a" + String(repeating: "\u{301}", count: 100_000)
        #expect(SearchPhrase.masked(phrase).unicodeScalars.count <= 400)
    }

    @Test func clientAddressesAreKeptAsNetworks() throws {
        struct Case: Decodable {
            var address: String
            var network: String?
        }
        let file: CaseFile<Case> = try Cases.json("client-addresses-are-kept-as-networks.json")
        for item in file.cases { #expect(ClientAddress(item.address)?.network == item.network, "\(item)") }
        let four: [UInt8] = [203, 0, 113, 77]
        #expect(four.withUnsafeBytes { ClientAddress(bytes: $0) } == ClientAddress("203.0.113.77"))
        let six: [UInt8] = [0x20, 0x01, 0x0D, 0xB8] + [UInt8](repeating: 0, count: 11) + [1]
        #expect(six.withUnsafeBytes { ClientAddress(bytes: $0) } == ClientAddress("2001:db8::1"))
        #expect([UInt8](repeating: 0, count: 5).withUnsafeBytes { ClientAddress(bytes: $0) } == nil)
    }

    @Test func addressHashesChangeWithTheDay() throws {
        let key = [UInt8](repeating: 7, count: 16)
        let day = Day(number: 20_778)
        let address = try #require(ClientAddress("203.0.113.77"))
        let neighbour = try #require(ClientAddress("203.0.113.78"))
        let today = DailyAddressHash(key: key, day: day)
        #expect(today(address) == DailyAddressHash(key: key, day: day)(address))
        #expect(today(address) != today(neighbour))
        #expect(today(address) != DailyAddressHash(key: key, day: day + 1)(address))
        #expect(today(address) != DailyAddressHash(key: [UInt8](repeating: 8, count: 16), day: day)(address))
    }
}

@Suite struct EventRateLimiterTests {
    private let start = Timestamp(micros: 1_795_000_020_000_000)

    @Test func moreThanTheLimitInAMinuteIsOver() {
        let limiter = EventRateLimiter(limitPerMinute: 10, capacity: 1_024)
        for i in 0..<10 { #expect(!limiter.isOverLimit(5, at: start + .seconds(Int64(i)))) }
        #expect(limiter.isOverLimit(5, at: start + .seconds(11)))
        #expect(!limiter.isOverLimit(6, at: start + .seconds(11)))
        // The minute slides: most of the ten still count a little later, none of them two minutes on.
        #expect(limiter.isOverLimit(5, at: start + .seconds(45)))
        #expect(!limiter.isOverLimit(5, at: start + .seconds(180)))
    }

    @Test func unknownShoppersAreNotLimited() {
        let limiter = EventRateLimiter(limitPerMinute: 1, capacity: 1_024)
        for _ in 0..<100 { #expect(!limiter.isOverLimit(0, at: start)) }
    }

    @Test func aFloodOfShoppersForgetsTheOldestAndKeepsWorking() {
        let limiter = EventRateLimiter(limitPerMinute: 3, capacity: 512)
        var random = SplitMix(1)
        for i in 0..<20_000 { _ = limiter.isOverLimit(random.next(), at: start + Timestamp.Span(micros: Int64(i))) }
        for i in 0..<4 { #expect(limiter.isOverLimit(99, at: start + .seconds(Int64(60 + i))) == (i == 3)) }
    }
}
