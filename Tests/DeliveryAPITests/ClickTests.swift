import DeliveryAPI
import Foundation
import Measurement
import Telemetry
import Testing

@Suite("Clicks", .blocking) struct ClickTests {
    @Test func aClickLandsWhereTheCreativeSaysWithItsEridOnce() async throws {
        let file = try TestLog()
        let world = try EdgeWorld(log: file.log)
        try await world.serving { port in
            let connection = try RawConnection(port: port)
            let tokens = try EventTests.tokens(connection)
            let banner = try connection.get("/v1/click/\(tokens.banner)")
            #expect(banner.status == 302)
            #expect(banner.header("location") == "https://shop.test/land/1?from=ad&erid=2VtzqErid1#top")
            #expect(banner.header("cache-control")?.contains("no-store") == true)
            let card = try connection.get("/v1/click/\(tokens.shelf)/0")
            #expect(card.header("location") == "https://shop.test/p/1?a=b&erid=2VtzqErid2#reviews")
            // The second product's page is not at a host of the shop: the creative's page instead.
            let foreign = try connection.get("/v1/click/\(tokens.shelf)/1")
            #expect(foreign.header("location") == "https://shop.test/land/2?from=ad&erid=2VtzqErid2#top")
            // A second click of the same card is a duplicate, and still leads somewhere.
            #expect(try connection.get("/v1/click/\(tokens.shelf)/0").status == 302)
            connection.send(RawConnection.request("HEAD", "/v1/click/\(tokens.shelf)"))
            #expect(try connection.receive(head: true).status == 302)
            #expect(try file.adEvents().map(\.card) == [-1, 0, 1])
        }
    }

    @Test(arguments: [
        "x", "https://evil.test", "//evil.test", "%2F%2Fevil.test", "..%2F..", "a?url=https://evil.test",
        "a?erid=x&to=https://evil.test",
    ])
    func whatThisServerDidNotMakeLeadsNowhere(path: String) async throws {
        let world = try EdgeWorld()
        try await world.serving { port in
            let connection = try RawConnection(port: port)
            let answer = try connection.get("/v1/click/\(path)")
            #expect(answer.status == 404)
            #expect(answer.header("location") == nil)
            let tokens = try EventTests.tokens(connection)
            let forged = try connection.get("/v1/click/\(tokens.banner.dropLast(4))AAAA")
            #expect(forged.status == 404)
            #expect(forged.code == "unknown_ad")
            // Whatever a genuine token is decorated with changes nothing.
            let decorated = try connection.get("/v1/click/\(tokens.banner)?url=https://evil.test&erid=zzz")
            #expect(decorated.header("location") == "https://shop.test/land/1?from=ad&erid=2VtzqErid1#top")
            #expect(try connection.get("/v1/click/\(tokens.shelf)/99").status == 404)
            #expect(try connection.get("/v1/click/\(tokens.shelf)/2").status == 302)
        }
    }

    @Test func theShopperIsSentOnEvenWhenTheLogCannotTakeTheClick() async throws {
        let world = try EdgeWorld()
        try await world.serving { port in
            let connection = try RawConnection(port: port)
            let tokens = try EventTests.tokens(connection)
            for mode in [TestSink.Mode.full, .failing] {
                world.sink.mode = mode
                #expect(try connection.get("/v1/click/\(tokens.banner)").status == 302)
            }
            #expect(world.metrics.render().contains("nimb_clicks_not_logged_total 2"))
        }
    }

    @Test(arguments: [
        ("https://shop.test", "https://shop.test/?erid=E"), ("https://shop.test?x=1", "https://shop.test/?x=1&erid=E"),
        ("https://shop.test/a?erid=E", "https://shop.test/a?erid=E"),
        ("https://shop.test/a?ERID=other&b=1&erid=again", "https://shop.test/a?b=1&erid=E"),
        ("https://shop.test/a?%65rid=x#f?g", "https://shop.test/a?erid=E#f?g"),
        ("HTTPS://Shop.Test:8443/A", "HTTPS://Shop.Test:8443/A?erid=E"),
        ("https://shop.test/%D0%B0?q=%D0%B1", "https://shop.test/%D0%B0?q=%D0%B1&erid=E"),
    ])
    func theEridIsAddedExactlyOnce(url: String, expected: String) {
        #expect(Landing.address(url, erid: "E", hosts: ["shop.test"]) == expected)
    }

    @Test(arguments: [
        "javascript:alert(1)", "//shop.test/a", "/a", "https://evil.test/", "https://shop.test@evil.test/",
        "https://shop.test\\@evil.test", "https://evil.test\\.shop.test/", "https://shop.test.evil.test/",
        "https:/shop.test/", "https:///shop.test", "https://", "https://shop.test:x/",
        "https://shop.test\r\nSet-Cookie:a/",
        "https://shop.test /", "data:text/html,x", "ftp://shop.test/", "https://shop.test%2eevil.test/",
        "https://шоп.test/",
    ])
    func anythingButAPlainAddressOfAnAllowedHostIsNoLanding(url: String) {
        #expect(Landing.address(url, erid: "E", hosts: ["shop.test"]) == nil)
    }
}
