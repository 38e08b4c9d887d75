import DeliveryAPI
import Foundation
import Testing

@Suite("HTTP at the edge", .blocking) struct HTTPEdgeTests {
    @Test func aConnectionServesManyRequests() async throws {
        let world = try EdgeWorld()
        try await world.serving { port in
            let connection = try RawConnection(port: port)
            for _ in 0..<3 {
                let answer = try connection.post("/v1/placements", EdgeWorld.page())
                #expect(answer.status == 200, "\(answer.text)")
                #expect(answer.header("date") == "Sat, 21 Nov 2026 09:00:00 GMT")
            }
        }
    }

    @Test func answersKeepTheOrderOfPipelinedRequestsWhileEventsWaitForTheDisk() async throws {
        let world = try EdgeWorld()
        world.sink.mode = .held
        try await world.serving { port in
            let connection = try RawConnection(port: port)
            let event = #"{"storefront":"shop","events":[{"type":"page_view","visitor_id":"v1"}]}"#
            connection.send(
                RawConnection.request("POST", "/v1/events", body: event)
                    + RawConnection.request("GET", "/v1/health")
                    + RawConnection.request("POST", "/v1/events", body: event)
                    + RawConnection.request("POST", "/v1/placements", body: EdgeWorld.page()))
            // Another connection is not held up, and by the time it is answered the first has been read.
            let other = try RawConnection(port: port)
            while world.sink.heldCount < 2 { #expect(try other.get("/v1/health").status == 200) }
            world.sink.release()
            let answers = try (0..<4).map { _ in try connection.receive() }
            #expect(answers.map(\.status) == [200, 200, 200, 200])
            #expect(answers[0].text.contains("results"))
            #expect(answers[1].text.contains("ready"))
            #expect(answers[2].text.contains("results"))
            #expect(answers[3].text.contains("decision_id"))
        }
    }

    @Test func whatHasNoRouteIsAProblemWithACode() async throws {
        let world = try EdgeWorld()
        try await world.serving { port in
            let connection = try RawConnection(port: port)
            let unknown = try connection.get("/v1/nothing")
            #expect(unknown.status == 404)
            #expect(unknown.code == "not_found")
            #expect(unknown.header("content-type") == "application/problem+json")
            #expect(unknown.string("request_id")?.count == 16)
            #expect(unknown.header("x-request-id") == unknown.string("request_id"))
            let method = try connection.get("/v1/placements")
            #expect(method.status == 405)
            #expect(method.header("allow") == "POST, OPTIONS")
            // The connection is still good, because there was no body to skip.
            #expect(try connection.get("/v1/health").status == 200)
        }
    }

    @Test(arguments: [
        ("Content-Type: text/html\r\nContent-Length: 5\r\n\r\nhello", 415, "unsupported_media_type"),
        ("Content-Type: application/json\r\nContent-Length: 16385\r\n\r\n", 413, "body_too_large"),
        ("Content-Type: application/json\r\n\r\n", 411, "length_required"),
        (
            "Content-Type: application/json\r\nContent-Length: 2\r\nExpect: magic\r\n\r\n", 417, "expectation_failed"
        ),
        (
            "Content-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n", 415,
            "unsupported_media_type"
        ),
        ("X: \(String(repeating: "x", count: 20_000))\r\n\r\n", 431, "headers_too_large"),
        ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "malformed_request"),
        ("Content-Length: 5\r\nContent-Length: 6\r\n\r\n", 400, "malformed_request"),
        ("no colon\r\n\r\n", 400, "malformed_request"),
    ])
    func aRequestThatCannotBeTakenIsRefusedAtItsHead(head: String, status: Int, code: String) async throws {
        let world = try EdgeWorld()
        try await world.serving { port in
            let connection = try RawConnection(port: port)
            connection.send("POST /v1/placements HTTP/1.1\r\nHost: a\r\n" + head)
            let answer = try connection.receive()
            #expect(answer.status == status)
            #expect(answer.code == code)
            #expect(try connection.isClosed())
        }
    }

    @Test func aReadHasNoBody() async throws {
        let world = try EdgeWorld()
        try await world.serving { port in
            let connection = try RawConnection(port: port)
            connection.send("GET /v1/health HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello")
            #expect(try connection.receive().code == "body_too_large")
        }
    }

    @Test func aChunkedBodyIsCountedAsItComes() async throws {
        let world = try EdgeWorld()
        try await world.serving { port in
            let head =
                "POST /v1/placements HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                + "Transfer-Encoding: chunked\r\n\r\n"
            let body = EdgeWorld.page()
            let good = try RawConnection(port: port)
            let half = body.utf8.count / 2
            good.send(head + "\(String(half, radix: 16))\r\n\(body.prefix(half))\r\n")
            good.send("\(String(body.utf8.count - half, radix: 16))\r\n\(body.dropFirst(half))\r\n0\r\n\r\n")
            #expect(try good.receive().status == 200)
            let endless = try RawConnection(port: port)
            endless.send(head)
            for _ in 0..<5 { endless.send("1000\r\n\(String(repeating: " ", count: 4_096))\r\n") }
            #expect(try endless.receive().code == "body_too_large")
            #expect(try endless.isClosed())
        }
    }

    @Test func headsAreAnsweredWithoutABody() async throws {
        let world = try EdgeWorld()
        try await world.serving { port in
            let connection = try RawConnection(port: port)
            connection.send(RawConnection.request("HEAD", "/v1/health") + RawConnection.request("GET", "/v1/health"))
            let head = try connection.receive(head: true)
            #expect(head.status == 200)
            #expect(Int(head.header("content-length") ?? "0") ?? 0 > 0)
            #expect(try connection.receive().text.contains("\"ready\""))
        }
    }

    @Test func anExpectationIsMetBeforeTheBodyComes() async throws {
        let world = try EdgeWorld()
        try await world.serving { port in
            let connection = try RawConnection(port: port)
            let body = EdgeWorld.page()
            let request = RawConnection.request(
                "POST", "/v1/placements", body: body, headers: ["Expect": "100-continue"])
            connection.send(String(request.dropLast(body.count)))
            #expect(try connection.receive().status == 100)
            connection.send(body)
            #expect(try connection.receive().status == 200)
        }
    }

    @Test func pagesOfAStorefrontMayCallAndOthersMayNot() async throws {
        let world = try EdgeWorld()
        try await world.serving { port in
            let connection = try RawConnection(port: port)
            let preflight = ["Origin": "https://shop.test", "Access-Control-Request-Method": "POST"]
            connection.send(RawConnection.request("OPTIONS", "/v1/placements", headers: preflight))
            let allowed = try connection.receive()
            #expect(allowed.status == 204)
            #expect(allowed.header("access-control-allow-origin") == "https://shop.test")
            #expect(allowed.header("access-control-allow-methods") == "POST, OPTIONS")
            #expect(allowed.header("access-control-allow-credentials") == "true")
            #expect(allowed.header("vary") == "origin")
            connection.send(
                RawConnection.request(
                    "OPTIONS", "/v1/placements",
                    headers: ["Origin": "https://evil.test", "Access-Control-Request-Method": "POST"]))
            let foreign = try connection.receive()
            #expect(foreign.header("access-control-allow-origin") == nil)
            #expect(foreign.header("access-control-allow-methods") == nil)
            let answer = try connection.post(
                "/v1/placements", EdgeWorld.page(), headers: ["Origin": "https://shop.test"])
            #expect(answer.header("access-control-allow-origin") == "https://shop.test")
        }
    }

    @Test func aConnectionClosesWhenAskedAndAfterHTTP10() async throws {
        let world = try EdgeWorld()
        try await world.serving { port in
            for request in [
                RawConnection.request("GET", "/v1/health", headers: ["Connection": "close"]),
                "GET /v1/health HTTP/1.0\r\n\r\n",
            ] {
                let connection = try RawConnection(port: port)
                connection.send(request + RawConnection.request("GET", "/v1/health"))
                #expect(try connection.receive().status == 200)
                #expect(try connection.isClosed())
            }
            let kept = try RawConnection(port: port)
            kept.send("GET /v1/health HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            #expect(try kept.receive().header("connection") == "keep-alive")
            #expect(try kept.get("/v1/health").status == 200)
        }
    }

    @Test func aClientThatClosesItsSideStillGetsItsAnswer() async throws {
        let world = try EdgeWorld()
        try await world.serving { port in
            let connection = try RawConnection(port: port)
            connection.send(RawConnection.request("POST", "/v1/placements", body: EdgeWorld.page()))
            connection.closeOutput()
            #expect(try connection.receive().status == 200)
            #expect(try connection.isClosed())
        }
    }

    @Test func aBodyThatDoesNotComeEndsTheWait() async throws {
        var limits = HTTPLimits()
        limits.bodySeconds = 1
        let world = try EdgeWorld(limits: limits)
        try await world.serving { port in
            let connection = try RawConnection(port: port)
            connection.send(
                "POST /v1/placements HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                    + "Content-Length: 9\r\n\r\n{")
            let answer = try connection.receive()
            #expect(answer.code == "request_timeout")
            #expect(try connection.isClosed())
        }
    }

    @Test func silentConnectionsAreClosed() async throws {
        var limits = HTTPLimits()
        limits.idleSeconds = 1
        let world = try EdgeWorld(limits: limits)
        try await world.serving { port in
            let connection = try RawConnection(port: port)
            connection.send("GET /v1/hea")
            #expect(try connection.isClosed())
        }
    }

    @Test func oneConnectionTooManyIsToldSo() async throws {
        var limits = HTTPLimits()
        limits.connections = 1
        let world = try EdgeWorld(limits: limits)
        try await world.serving { port in
            let first = try RawConnection(port: port)
            #expect(try first.get("/v1/health").status == 200)
            let second = try RawConnection(port: port)
            let answer = try second.receive()
            #expect(answer.status == 503)
            #expect(answer.code == "too_many_connections")
            #expect(answer.header("retry-after") != nil)
            #expect(try second.isClosed())
            #expect(try first.get("/v1/health").status == 200)
        }
    }

    @Test func whatWasTakenIsAnsweredBeforeTheServerStops() async throws {
        let world = try EdgeWorld()
        world.sink.mode = .held
        let port = try await world.server.start()
        let connection = try RawConnection(port: port)
        connection.send(
            RawConnection.request(
                "POST", "/v1/events", body: #"{"storefront":"shop","events":[{"type":"page_view"}]}"#))
        let other = try RawConnection(port: port)
        while world.sink.heldCount == 0 { _ = try other.get("/v1/health") }
        async let stopped: Void = world.server.stop()
        // The idle connection closes at once, the waiting one when its event is safe.
        #expect(try other.isClosed())
        world.sink.release()
        let answer = try connection.receive()
        #expect(answer.status == 200)
        #expect(answer.header("connection") == "close")
        await stopped
        #expect(throws: RawConnection.Failure.self) { try RawConnection(port: port).get("/v1/health") }
    }

    @Test func theDescriptionListsEveryProblemCode() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let text = try String(
            contentsOf: root.appendingPathComponent("Sources/nimb/OpenAPI/delivery.yaml"), encoding: .utf8)
        let list = try #require(text.components(separatedBy: "    ProblemCode:").last)
        let words = Set(
            list.components(separatedBy: "]")[0].components(separatedBy: "[")[1].components(separatedBy: ",")
                .map { $0.trimmingCharacters(in: .whitespacesAndNewlines) })
        #expect(words == Set(ProblemCode.allCases.map(\.rawValue)))
    }
}
