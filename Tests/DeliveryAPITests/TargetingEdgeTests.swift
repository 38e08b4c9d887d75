import AdModel
import Decisioning
import DeliveryAPI
import Foundation
import Measurement
import Stemmer
import Store
import Testing

/// What a page says of itself reaches decisions.
@Suite("A page's words", .blocking) struct TargetingEdgeTests {
    /// A shop whose one banner is aimed as said.
    private static func world(_ json: String) throws -> EdgeWorld {
        let targeting = try JSONDecoder().decode(Targeting.self, from: Data(json.utf8))
        return try EdgeWorld { data in
            data.input.lineItems[0].targeting = targeting.wordsReplaced(WordStemmer().stem)
        }
    }

    private static func page(_ page: String, shopper: String = #"{"consent":true,"visitor_id":"v1"}"#) -> String {
        #"{"storefront":"shop","page":{"type":"search"\#(page)},"slots":[{"name":"home.top"}],"shopper":\#(shopper)}"#
    }

    private static func isFilled(_ connection: RawConnection, _ body: String) throws -> Bool {
        let answer = try connection.post("/v1/placements", body)
        #expect(answer.status == 200, "\(answer.text)")
        return (answer.value("slots", "home.top", "ads") as? [Any])?.isEmpty == false
    }

    @Test func aSearchIsComparedByItsWordsInAnyForm() async throws {
        let world = try Self.world(#"{"search_phrases":[{"phrase":"Детская чашка"},{"phrase":"чай","match":"exact"}]}"#)
        try await world.serving { port in
            let connection = try RawConnection(port: port)
            for (query, expected) in [
                ("купить ДЕТСКИЕ чашки, недорого", true), ("чаи", true), ("чай улун", false), ("чашка детская", false),
                ("", false),
            ] {
                let body = Self.page(#","query":"\#(query)""#)
                #expect(try Self.isFilled(connection, body) == expected, "\(query)")
            }
            #expect(try !Self.isFilled(connection, Self.page("")))
        }
    }

    @Test func theRecordOfADecisionHasThePhraseMasked() async throws {
        let world = try Self.world("{}")
        try await world.serving { port in
            let body = Self.page(#","query":"чашка 89161234567 a@b.ru""#)
            let connection = try RawConnection(port: port)
            #expect(try Self.isFilled(connection, body))
            #expect(world.sink.decisions.first?.detail?.phrase == "чашка *** ***")
        }
    }

    @Test func aPhraseIsNeverTooLongForAPageToGetItsAds() async throws {
        let world = try Self.world(#"{"search_phrases":[{"phrase":"Детская чашка"}]}"#)
        try await world.serving { port in
            let connection = try RawConnection(port: port)
            // The limit of 1,024 bytes falls between characters, into one of two bytes, three and four. Everybody asks
            // once, for the banner is capped.
            for start in ["детская чашка ", "детская чашка  ", "детская чашка   ", "детская чашка    "] {
                for letter in ["a", "ж", "€", "🙂"] {
                    let long = start + String(repeating: letter, count: 3_000)
                    let shopper = #"{"consent":true,"visitor_id":"\#(letter.utf8.count).\#(start.utf8.count)"}"#
                    let body = Self.page(#","query":"\#(long)""#, shopper: shopper)
                    #expect(try Self.isFilled(connection, body), "\(letter)")
                }
            }
            let late = String(repeating: "ж", count: 512) + " детская чашка"
            #expect(try !Self.isFilled(connection, Self.page(#","query":"\#(late)""#)))
        }
    }

    @Test func aProductIsNamedByItsSKUEvenWhereTheCatalogueHasNone() async throws {
        let world = try Self.world(#"{"products":["p2","not-in-the-catalogue"]}"#)
        try await world.serving { port in
            let connection = try RawConnection(port: port)
            for (sku, expected) in [("p2", true), ("not-in-the-catalogue", true), ("p1", false)] {
                let body = Self.page(#","product":"\#(sku)""#)
                #expect(try Self.isFilled(connection, body) == expected, "\(sku)")
            }
        }
    }

    @Test func ownKeysHaveOneValueOrSeveral() async throws {
        let world = try Self.world(#"{"keys":{"season":["winter"],"hall":["a","b"]}}"#)
        try await world.serving { port in
            let connection = try RawConnection(port: port)
            for (keys, expected) in [
                (#"{"season":"winter","hall":"b"}"#, true), (#"{"hall":["c","a"],"season":["winter"]}"#, true),
                (#"{"season":"winter"}"#, false), (#"{"season":"winter","hall":[]}"#, false), ("{}", false),
                ("null", false),
            ] {
                #expect(try Self.isFilled(connection, Self.page(#","keys":\#(keys)"#)) == expected, "\(keys)")
            }
            for keys in [
                #"{"Season":"winter"}"#, #"{"season":""}"#, #"{"season":1}"#, #"{"season":"a","season":"b"}"#, "[]",
                #"{"season":[\#((0..<17).map { "\"\($0)\"" }.joined(separator: ","))]}"#,
                #"{"season":"\#(String(repeating: "x", count: 65))"}"#,
            ] {
                let answer = try connection.post("/v1/placements", Self.page(#","keys":\#(keys)"#))
                #expect(answer.status == 400, "\(keys) \(answer.text)")
                #expect(answer.string("field")?.hasPrefix("page.keys") == true, "\(answer.text)")
            }
        }
    }

    @Test func whoIsSignedInSaysTheShopOrTheCustomerAndNobodyWithoutConsent() async throws {
        let world = try Self.world(#"{"signed_in":true}"#)
        try await world.serving { port in
            let connection = try RawConnection(port: port)
            for (shopper, expected) in [
                (#"{"consent":true,"visitor_id":"v1","signed_in":true}"#, true),
                (#"{"consent":true,"visitor_id":"v1","signed_in":false}"#, false),
                (#"{"consent":true,"visitor_id":"v1"}"#, false), (#"{"consent":false,"signed_in":true}"#, false),
            ] {
                #expect(try Self.isFilled(connection, Self.page("", shopper: shopper)) == expected, "\(shopper)")
            }
        }
    }

    @Test func aShopperIsNewUntilTheNextSession() async throws {
        let world = try Self.world(#"{"shoppers":["returning"]}"#)
        try await world.serving { port in
            let connection = try RawConnection(port: port)
            #expect(try !Self.isFilled(connection, Self.page("")))
            world.clock.advance(.minutes(10))
            #expect(try !Self.isFilled(connection, Self.page("")))
            world.clock.advance(.minutes(31))
            #expect(try Self.isFilled(connection, Self.page("")))
            #expect(try !Self.isFilled(connection, Self.page("", shopper: #"{"consent":false}"#)))
        }
    }
}
