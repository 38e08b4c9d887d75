import AdModel
import CatalogImport
import Foundation
import Store
import Testing

@Suite("Reading a feed")
struct FeedReaderTests {
    typealias Fixture = FeedFixture

    @Test func anOfferIsReadWithEverythingThatCounts() async throws {
        let (offers, summary, tally) = try await Fixture.read(
            Fixture.feed(
                """
                <offer id=" a-1 " group_id="g" available="true"><url>https://shop.example/p/1?a=1&amp;b=2</url>
                <price>10.5</price><oldprice>12</oldprice><currencyId>RUR</currencyId><categoryId>2</categoryId>
                <categoryId>1</categoryId><picture>https://shop.example/1.png</picture><picture>https://x/2.png</picture>
                <name>Чай <![CDATA[<Лист> & "мята"]]></name><vendor>Лист</vendor><count>7</count>
                <param name="Вес">100 г</param><description><![CDATA[<b>долго</b>]]></description></offer>
                """
            ).utf8)
        #expect(
            offers == [
                CatalogueOffer(
                    sku: "a-1", groupID: "g", name: "Чай <Лист> & \"мята\"", brand: "Лист",
                    url: "https://shop.example/p/1?a=1&b=2", pictureURL: "https://shop.example/1.png",
                    categoryCodes: ["2", "1"], attributesJSON: #"{"Вес":"100 г"}"#, quantity: 7,
                    priceMicros: 10_500_000, oldPriceMicros: 12_000_000)
            ])
        #expect(summary.date.rfc3339 == "2026-11-01T07:00:00Z")
        #expect(summary.categories.map(\.parentCode) == [nil, "1"])
        #expect(tally.bad.isEmpty && tally.remarks.isEmpty)
    }

    @Test func badOffersAreSkippedWithTheirReason() async throws {
        let long = String(repeating: "x", count: FeedLimits.text + 1)
        let (offers, _, tally) = try await Fixture.read(
            Fixture.feed(
                [
                    Fixture.offer("good"), Fixture.offer(""), "<offer><price>1</price><name>x</name></offer>",
                    Fixture.offer("no-name", name: " "), "<offer id=\"no-price\"><name>x</name></offer>",
                    Fixture.offer("price", price: "дорого"), Fixture.offer("negative", price: "-1"),
                    Fixture.offer("exponent", price: "1e3"), Fixture.offer("huge", price: "999999999999"),
                    Fixture.offer("count", extra: "<count>много</count>"),
                    Fixture.offer("minus", extra: "<count>-1</count>"), Fixture.offer("long", name: long),
                    Fixture.offer(String(repeating: "i", count: FeedLimits.id + 1)),
                ].joined()
            ).utf8)
        #expect(offers.map(\.sku) == ["good"])
        #expect(tally.offers == 13)
        #expect(
            tally.bad == ["missing_id": 2, "missing_name": 1, "missing_price": 1, "bad_number": 6, "too_long": 2])
    }

    @Test func oddOffersAreTakenAndRemarked() async throws {
        let (offers, _, tally) = try await Fixture.read(
            Fixture.feed(
                [
                    Fixture.offer("free", price: "0", extra: "<count>5</count>"),
                    Fixture.offer("gone", price: "0", extra: "", attributes: "available=\"false\""),
                    Fixture.offer("some", extra: ""), Fixture.offer("sold", attributes: "available=\"false\""),
                    Fixture.offer("usd", extra: "<count>1</count><currencyId>USD</currencyId>"),
                    Fixture.offer("old", extra: "<count>1</count><oldprice>3</oldprice>"),
                    Fixture.offer("comma", price: "1234,5"),
                    Fixture.offer("script", extra: "<count>1</count><url>javascript:alert(1)</url>"),
                    "<offer id=\"vm\" type=\"vendor.model\"><typePrefix>Чай</typePrefix><vendor>Лист</vendor>"
                        + "<model>Горный</model><price>5</price><count>1</count></offer>",
                ].joined()
            ).utf8)
        #expect(offers.map(\.quantity) == [0, 0, 1, 0, 1, 1, 3, 1, 1])
        #expect(offers[6].priceMicros == 1_234_500_000)
        #expect(offers[5].oldPriceMicros == nil)
        #expect(offers[7].url == nil)
        #expect(offers[8].name == "Чай Лист Горный")
        #expect(
            tally.remarks == [
                "zero_price_available": 1, "count_absent": 2, "currency_not_converted": 1, "bad_old_price": 1,
                "bad_url": 1,
            ])
        #expect(tally.bad.isEmpty)
    }

    @Test func categoriesFormATreeWhateverTheFeedSays() async throws {
        let (_, summary, tally) = try await Fixture.read(
            Fixture.feed(
                Fixture.offer("a"),
                categories: """
                    <category id="5" parentId="4">E</category><category id="1">A</category>
                    <category id="2" parentId="99">B</category><category id="3" parentId="4">C</category>
                    <category id="4" parentId="3">D</category><category id="1">again</category>
                    <category parentId="1">nameless</category><category id="6" parentId="6">self</category>
                    <category id="7" parentId="0">zero</category>
                    """
            ).utf8)
        let parents = Dictionary(uniqueKeysWithValues: summary.categories.map { ($0.code, $0.parentCode) })
        #expect(parents.count == 7)
        #expect(parents["2"] == .some(nil) && parents["6"] == .some(nil) && parents["7"] == .some(nil))
        // One link of the circle 3-4 is cut; from everywhere the walk up ends.
        for start in parents.keys {
            var at: String? = start
            var steps = 0
            while let here = at, steps < 10 {
                at = parents[here] ?? nil
                steps += 1
            }
            #expect(at == nil, "\(start)")
        }
        #expect(
            tally.remarks == [
                "category_parent_absent": 1, "category_parent_cycle": 2, "category_duplicate": 1, "category_bad": 1,
            ])
    }

    @Test func aByteOrderMarkADoctypeAndWindows1251AreRead() async throws {
        let text = Fixture.feed(
            Fixture.offer("й-1", name: "Чай «Ёжик»"),
            head: "<?xml version=\"1.0\" encoding=\"windows-1251\"?>\n<!DOCTYPE yml_catalog SYSTEM \"shops.dtd\">")
        let encoded = try #require(text.data(using: .windowsCP1251))
        let (offers, _, _) = try await Fixture.read(encoded)
        #expect(offers.map(\.name) == ["Чай «Ёжик»"])
        #expect(offers.map(\.sku) == ["й-1"])
        let marked = [0xEF, 0xBB, 0xBF] + Array(Fixture.feed(Fixture.offer("b")).utf8)
        #expect(try await Fixture.read(marked).offers.map(\.sku) == ["b"])
    }

    @Test func aTextThatIsSplitOverManyReadsIsWhole() async throws {
        let name = String(repeating: "Ж", count: 1_000)
        let (offers, _, _) = try await Fixture.read(
            Fixture.feed((0..<50).map { Fixture.offer("o\($0)", name: name + "&amp;\($0)") }.joined()).utf8)
        #expect(offers.map(\.name) == (0..<50).map { name + "&\($0)" })
    }

    @Test(arguments: [
        ("2026-11-21T19:00+03:00", "2026-11-21T16:00:00Z"), ("2026-11-21 19:00", "2026-11-21T16:00:00Z"),
        ("2026-11-21 19:00:05", "2026-11-21T16:00:05Z"), ("2026-11-21T19:00:05.25Z", "2026-11-21T19:00:05Z"),
        ("2026-11-21T19:00:05+0500", "2026-11-21T14:00:05Z"), ("2026-11-21", "2026-11-20T21:00:00Z"),
        ("2026-11-21T19:00:05-03", "2026-11-21T22:00:05Z"),
    ])
    func datesInTheSpellingsOfShops(_ written: String, _ expected: String) async throws {
        let late = Timestamp(micros: 1_900_000_000_000_000)
        let date = try await Fixture.withFile(Fixture.feed(Fixture.offer("a"), date: written).utf8) { file in
            try FeedReader.read(file, zone: Fixture.zone, now: late) { _ in }.0.date
        }
        #expect(date.rfc3339 == expected)
    }

    @Test func aDateInTheFutureIsNow() async throws {
        let (_, summary, _) = try await Fixture.read(Fixture.feed(Fixture.offer("a"), date: "2031-01-01").utf8)
        #expect(summary.date == Fixture.now)
    }

    struct Refused: Sendable, CustomTestStringConvertible {
        let name: String
        let text: String
        let code: String
        var testDescription: String { name }
    }

    static let good = FeedFixture.feed(FeedFixture.offer("a"))
    static let refused: [Refused] = [
        Refused(name: "empty", text: "", code: "feed_prolog_too_long"),
        Refused(name: "another root", text: "<?xml version=\"1.0\"?><rss></rss>", code: "feed_wrong_root"),
        Refused(name: "a root inside another", text: "<a>" + good + "</a>", code: "feed_wrong_root"),
        Refused(
            name: "entities",
            text: "<!DOCTYPE yml_catalog [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><yml_catalog>&b;</yml_catalog>",
            code: "feed_entity_declaration"),
        Refused(
            name: "an external entity",
            text: "<!DOCTYPE yml_catalog [<!ENTITY % x SYSTEM \"file:///etc/passwd\"> %x;]><yml_catalog></yml_catalog>",
            code: "feed_entity_declaration"),
        Refused(
            name: "another encoding", text: "<?xml version=\"1.0\" encoding=\"UTF-7\"?><yml_catalog></yml_catalog>",
            code: "feed_encoding"),
        Refused(name: "a date that is none", text: FeedFixture.feed("", date: "вчера"), code: "feed_date"),
        Refused(
            name: "deep nesting",
            text: "<yml_catalog>" + String(repeating: "<a>", count: 60) + String(repeating: "</a>", count: 60)
                + "</yml_catalog>", code: "feed_too_deep"),
        Refused(
            name: "a long prolog", text: "<!--" + String(repeating: "x", count: 70_000) + "-->" + good,
            code: "feed_prolog_too_long"),
        Refused(
            name: "an element left open", text: good.replacing("</shop>", with: ""), code: "feed_not_well_formed"),
        Refused(
            name: "a stray ampersand", text: FeedFixture.feed(FeedFixture.offer("a", name: "a & b")),
            code: "feed_not_well_formed"),
    ]

    @Test(arguments: refused) func whatIsNoFeedIsRefused(_ example: Refused) async throws {
        let error = await #expect(throws: FeedError.self) { try await Fixture.read(example.text.utf8) }
        #expect(error?.code == example.code)
    }

    @Test func aFeedCutOffAnywhereIsRefused() async throws {
        let bytes = Array(Fixture.feed((0..<20).map { Fixture.offer("o\($0)") }.joined()).utf8)
        for length in stride(from: 0, to: bytes.count - 1, by: 37) {
            await #expect(throws: FeedError.self, "\(length) bytes") { try await Fixture.read(bytes.prefix(length)) }
        }
    }

    @Test func randomDamageIsRefusedOrReadWithoutATrap() async throws {
        let clean = Array(Fixture.feed((0..<5).map { Fixture.offer("o\($0)") }.joined()).utf8)
        var state: UInt64 = 42
        func next() -> UInt64 {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return state
        }
        for _ in 0..<200 {
            var bytes = clean
            for _ in 0...(next() % 4) { bytes[Int(next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: next()) }
            do { _ = try await Fixture.read(bytes) } catch is FeedError {}
        }
    }
}

@Suite("Damage to the encoding")
struct FeedEncodingTests {
    typealias Fixture = FeedFixture

    /// Foundation's parser ends the process when the name of an element is not UTF-8.
    @Test(arguments: [[0xD3], [0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80]] as [[UInt8]])
    func aNameThatIsNotUTF8IsRefused(_ bytes: [UInt8]) async throws {
        let parts = Fixture.feed(Fixture.offer("a") + "@").split(separator: "@").map { Array($0.utf8) }
        let feed = parts[0] + Array("<x".utf8) + bytes + Array("count>1</x>".utf8) + parts[1]
        let error = await #expect(throws: FeedError.self) { try await Fixture.read(feed) }
        #expect(error?.code == "feed_not_well_formed")
    }

    @Test func undefinedBytesOfWindows1251AreNoTrap() async throws {
        var feed = Array(
            Fixture.feed(Fixture.offer("a"), head: #"<?xml version="1.0" encoding="windows-1251"?>"#)
                .data(using: .windowsCP1251) ?? Data())
        for at in stride(from: 200, to: feed.count, by: 31) {
            let old = feed[at]
            for byte in [0x98, 0xFF, 0x00] as [UInt8] {
                feed[at] = byte
                do { _ = try await Fixture.read(feed) } catch is FeedError {}
            }
            feed[at] = old
        }
    }
}
