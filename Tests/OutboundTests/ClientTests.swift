import Foundation
import Outbound
import Synchronization
import TestKit
import Testing

@Suite struct ClientBehaviour {
    private func client(_ server: LocalServer, resolver: NameResolver? = nil) -> OutboundClient {
        OutboundClient(policy: OutboundPolicy(allowedHosts: [server.host]), resolver: resolver)
    }

    private func failure(_ body: () async throws -> Void) async -> OutboundError? {
        await #expect(throws: OutboundError.self) { try await body() }
    }

    @Test func aRequestArrivesAsItIsWritten() async throws {
        try await LocalServer.with { _ in
            .response(201, headers: [(name: "X-A", value: "b")], body: Array("yes".utf8))
        } _: {
            server in
            let answer = try await client(server).send(
                OutboundRequest(
                    .post, server.url + "/hook?x=%20y", headers: [(name: "X-Sign", value: "s1")], body: Array("{}".utf8)
                ))
            #expect(answer.status == 201)
            #expect(answer.isSuccess)
            #expect(answer.header("x-a") == "b")
            #expect(answer.body == Array("yes".utf8))
            let seen = try #require(server.requests.first)
            #expect(seen.method == "POST")
            #expect(seen.uri == "/hook?x=%20y")
            #expect(seen.header("host") == server.host)
            #expect(seen.header("x-sign") == "s1")
            #expect(seen.header("content-length") == "2")
            #expect(seen.header("user-agent") == "Nimb/1.0")
            #expect(seen.body == Array("{}".utf8))
        }
    }

    @Test func aNameIsLookedUpOnceAndTheConnectionGoesToThatAddress() async throws {
        try await LocalServer.with { _ in
            .response(200, body: Array("here".utf8))
        } _: { server in
            let asked = Mutex<[String]>([])
            // The first answer is the server's address; any later look-up would lead to nobody.
            let resolver: NameResolver = { host in
                let first = asked.withLock { names in
                    names.append(host)
                    return names.count == 1
                }
                return [try #require(IPAddress(first ? "127.0.0.1" : "192.0.2.1"))]
            }
            // No resolver in the world knows the name, so reaching the server proves which address was taken.
            let name = "shop.invalid:\(server.port)"
            let client = OutboundClient(policy: OutboundPolicy(allowedHosts: [name]), resolver: resolver)
            let answer = try await client.send(OutboundRequest(.get, "http://\(name)/a"))
            #expect(answer.body == Array("here".utf8))
            #expect(asked.withLock { $0 } == ["shop.invalid"])
            #expect(server.requests.first?.header("host") == name)
        }
    }

    @Test func aNameThatMeansPrivateAddressesIsNeverConnectedTo() async throws {
        try await LocalServer.with { _ in
            .response(200)
        } _: { server in
            for address in ["127.0.0.1", "10.0.0.1", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "169.254.169.254"] {
                let found = try #require(IPAddress(address))
                let client = OutboundClient(
                    policy: OutboundPolicy(plainHosts: ["rebind.example"]), resolver: { _ in [found] })
                let error = await failure {
                    _ = try await client.send(OutboundRequest(.get, "http://rebind.example:\(server.port)/"))
                }
                #expect(error == .forbiddenAddress(host: "rebind.example"), "\(address)")
            }
            #expect(server.requests.isEmpty)
        }
    }

    @Test func theNextAddressIsTriedWhenOneDoesNotAnswer() async throws {
        try await LocalServer.with { _ in
            .response(200, body: [1])
        } _: { server in
            let addresses = try ["127.0.0.2", "127.0.0.1"].map { try #require(IPAddress($0)) }
            let name = "two.invalid:\(server.port)"
            let client = OutboundClient(policy: OutboundPolicy(allowedHosts: [name]), resolver: { _ in addresses })
            #expect(try await client.send(OutboundRequest(.post, "http://\(name)/", body: [7])).body == [1])
            #expect(server.requests.count == 1)
        }
    }

    @Test func whoCannotBeReachedIsToldApart() async throws {
        let port = try FreePort.find()
        let client = OutboundClient(
            policy: OutboundPolicy(allowedHosts: ["127.0.0.1", "nobody.invalid"]), resolver: { _ in [] })
        let refused = await failure { _ = try await client.send(OutboundRequest(.get, "http://127.0.0.1:\(port)/")) }
        #expect(refused == .cannotConnect(host: "127.0.0.1"))
        #expect(refused?.isRetryable == true)
        let unknown = await failure { _ = try await client.send(OutboundRequest(.get, "http://nobody.invalid/")) }
        #expect(unknown == .unknownHost(host: "nobody.invalid"))
        let plain = await failure { _ = try await client.send(OutboundRequest(.get, "http://a.example/")) }
        #expect(plain == .schemeNotAllowed(host: "a.example"))
        #expect(plain?.isRetryable == false)
        let header = await failure {
            _ = try await client.send(
                OutboundRequest(.get, "http://127.0.0.1:\(port)/", headers: [(name: "X", value: "a\r\nY: b")]))
        }
        #expect(header?.code == "outbound_invalid_request")
        // A server that speaks no TLS has no certificate.
        try await LocalServer.with { _ in
            .response(200)
        } _: { server in
            let error = await failure {
                _ = try await self.client(server).send(OutboundRequest(.get, "https://\(server.host)/"))
            }
            #expect(error?.code == "outbound_tls")
        }
    }

    @Test func redirectsAreHandedOverUnlessWanted() async throws {
        try await LocalServer.with { _ in
            .response(302, headers: [(name: "Location", value: "/b")])
        } _: { server in
            let answer = try await client(server).send(OutboundRequest(.get, server.url + "/a"))
            #expect(answer.status == 302)
            // A webhook is posted once, to where it was registered.
            let posted = try await client(server).send(OutboundRequest(.post, server.url + "/a", redirects: 3))
            #expect(posted.status == 302)
            #expect(server.requests.count == 2)
        }
    }

    @Test func aRedirectGoesThroughEveryCheckAgain() async throws {
        try await LocalServer.with { request in
            guard let target = request.uri.split(separator: "=").last.flatMap({ String($0).removingPercentEncoding })
            else { return .response(404) }
            return .response(302, headers: [(name: "Location", value: target)])
        } _: { server in
            for (target, code) in [
                ("http://127.0.0.1:1/", "outbound_forbidden_address"),
                ("https://127.0.0.1/", "outbound_forbidden_address"),
                ("https://169.254.169.254/latest/meta-data", "outbound_forbidden_address"),
                ("https://[::1]/", "outbound_forbidden_address"),
                ("https://[::ffff:10.0.0.1]/", "outbound_forbidden_address"),
                ("https://inside.example/", "outbound_forbidden_address"),
                ("https://2130706433/", "outbound_invalid_url"),
                ("https://0x7f.1/", "outbound_invalid_url"),
                ("http://a.example/", "outbound_scheme_not_allowed"),
                ("file:///etc/passwd", "outbound_invalid_url"),
                ("//127.0.0.1/", "outbound_scheme_not_allowed"),
                ("https://u:p@b.example/", "outbound_invalid_url"),
            ] {
                let policy = OutboundPolicy(
                    plainHosts: [server.host, "127.0.0.1:1"], privateHosts: [server.host])
                let inside = try #require(IPAddress("10.1.2.3"))
                let client = OutboundClient(policy: policy, resolver: { _ in [inside] })
                let error = await failure {
                    _ = try await client.send(OutboundRequest(.get, "\(server.url)/?to=\(target)", redirects: 3))
                }
                #expect(error?.code == code, "\(target)")
            }
        }
    }

    @Test func threeRedirectsAreFollowedAndNoMore() async throws {
        try await LocalServer.with { request in
            let step = request.uri.last.flatMap(\.wholeNumberValue) ?? 0
            if step == 0 { return .response(200, body: Array("end".utf8)) }
            return .response(307, headers: [(name: "Location", value: "step\(step - 1)")])
        } _: { server in
            let answer = try await client(server).send(OutboundRequest(.get, server.url + "/x/step3", redirects: 3))
            #expect(answer.body == Array("end".utf8))
            #expect(answer.url == server.url + "/x/step0")
            let error = await failure {
                _ = try await client(server).send(OutboundRequest(.get, server.url + "/x/step4", redirects: 9))
            }
            #expect(error == .tooManyRedirects(limit: 3))
        }
    }

    @Test func credentialsStayWithTheirOrigin() async throws {
        try await LocalServer.with { _ in
            .response(200)
        } _: { other in
            let target = other.url
            try await LocalServer.with { request in
                request.uri == "/away"
                    ? .response(302, headers: [(name: "Location", value: target + "/")])
                    : request.uri == "/near"
                        ? .response(302, headers: [(name: "Location", value: "/end")])
                        : .response(200)
            } _: { server in
                let client = OutboundClient(policy: OutboundPolicy(allowedHosts: [server.host, other.host]))
                let headers = [(name: "Authorization", value: "Bearer x"), (name: "X-Kept", value: "1")]
                for path in ["/away", "/near"] {
                    _ = try await client.send(OutboundRequest(.get, server.url + path, headers: headers, redirects: 1))
                }
                #expect(other.requests.first?.header("authorization") == nil)
                #expect(other.requests.first?.header("x-kept") == "1")
                #expect(server.requests.last?.header("authorization") == "Bearer x")
            }
        }
    }

    @Test func limitsHoldBeforeAndAfterInflating() async throws {
        let plain = [UInt8](repeating: 0x61, count: 10_000)
        let bomb = Deflater.deflate([UInt8](repeating: 0, count: 20_000_000))
        let encodings: [String: [UInt8]] = [
            "gzip": Deflater.deflate(plain), "x-gzip": Deflater.deflate(plain),
            "deflate": Deflater.deflate(plain, windowBits: 15), "identity": plain,
        ]
        try await LocalServer.with { request in
            switch request.uri {
            case "/declared": return .response(200, body: plain)
            case "/pieces": return .pieces(200, (0..<10).map { _ in Array(plain[..<1_000]) })
            case "/bomb": return .response(200, headers: [(name: "Content-Encoding", value: "gzip")], body: bomb)
            case "/br": return .response(200, headers: [(name: "Content-Encoding", value: "br")], body: plain)
            case "/lie": return .response(200, headers: [(name: "Content-Encoding", value: "gzip")], body: plain)
            default:
                let name = String(request.uri.dropFirst())
                return .response(
                    200, headers: [(name: "Content-Encoding", value: name)], body: encodings[name] ?? [])
            }
        } _: { server in
            func get(_ path: String, limit: Int) async throws -> [UInt8] {
                try await client(server).send(OutboundRequest(.get, server.url + path, maximumBytes: limit)).body
            }
            for path in ["/declared", "/pieces"] {
                let whole = try await get(path, limit: 10_000)
                #expect(whole.count == 10_000)
                let error = await failure { _ = try await get(path, limit: 9_999) }
                #expect(error == .tooLarge(limit: 9_999), "\(path)")
            }
            for name in encodings.keys {
                let body = try await get("/" + name, limit: 10_000)
                #expect(body == plain, "\(name)")
            }
            let error = await failure { _ = try await get("/bomb", limit: 100_000) }
            #expect(error == .inflatesTooLarge(limit: 100_000))
            for path in ["/br", "/lie"] {
                let error = await failure { _ = try await get(path, limit: 100_000) }
                #expect(error?.code == "outbound_bad_encoding", "\(path)")
            }
        }
    }

    @Test func timeIsLimitedWhateverTheServerDoes() async throws {
        try await LocalServer.with { request in
            request.uri == "/silent" ? .silence : .stall(200, length: 100, body: [1, 2, 3])
        } _: { server in
            for path in ["/silent", "/stalled"] {
                let error = await failure {
                    _ = try await client(server).send(
                        OutboundRequest(.get, server.url + path, timeout: .milliseconds(200)))
                }
                #expect(error == .timedOut(seconds: 0), "\(path)")
                #expect(error?.isRetryable == true)
            }
        }
    }

    @Test func whatIsCutOffIsNoAnswer() async throws {
        try await LocalServer.with { request in
            request.uri == "/cut" ? .cut(200, length: 100, body: [1, 2, 3]) : .raw(Array("SSH-2.0-x\r\n\r\n".utf8))
        } _: { server in
            let cut = await failure { _ = try await client(server).send(OutboundRequest(.get, server.url + "/cut")) }
            #expect(cut == .cutOff)
            let raw = await failure { _ = try await client(server).send(OutboundRequest(.get, server.url + "/raw")) }
            #expect(raw == .notHTTP)
        }
    }

    @Test func aDownloadIsWholeOrNotThere() async throws {
        let folder = try Repository.temporaryFolder("outbound")
        defer { try? FileManager.default.removeItem(at: folder) }
        let text = [UInt8]((0..<300_000).map { UInt8(truncatingIfNeeded: $0 % 251) })
        let packed = Deflater.deflate(text)
        let twice = Deflater.deflate(packed)
        try await LocalServer.with { request in
            switch request.uri {
            case "/plain":
                .pieces(
                    200,
                    stride(from: 0, to: text.count, by: 7_001).map { Array(text[$0..<min($0 + 7_001, text.count)]) })
            case "/file.gz": .response(200, headers: [(name: "Content-Type", value: "application/gzip")], body: packed)
            case "/both": .response(200, headers: [(name: "Content-Encoding", value: "gzip")], body: twice)
            case "/one": .response(200, body: [9])
            case "/none": .response(200)
            case "/cut": .cut(200, length: text.count, body: Array(text[..<100_000]))
            case "/same": .response(304, headers: [(name: "ETag", value: "\"1\"")])
            default: .response(404, body: Array("no".utf8))
            }
        } _: { server in
            func path(_ name: String) -> String { folder.appendingPathComponent(name).path }
            for name in ["plain", "file.gz", "both"] {
                let download = try await client(server).download(
                    OutboundRequest(.get, server.url + "/" + name, maximumBytes: 400_000), to: path(name),
                    inflatedLimit: 400_000)
                #expect(download.fileBytes == text.count)
                #expect([UInt8](try Data(contentsOf: URL(fileURLWithPath: path(name)))) == text, "\(name)")
            }
            for (name, bytes) in [("one", [9]), ("none", [])] as [(String, [UInt8])] {
                _ = try await client(server).download(
                    OutboundRequest(.get, server.url + "/" + name), to: path(name), inflatedLimit: 10)
                #expect([UInt8](try Data(contentsOf: URL(fileURLWithPath: path(name)))) == bytes)
            }
            let kept = try await client(server).download(
                OutboundRequest(.get, server.url + "/file.gz"), to: path("packed"), inflatedLimit: 400_000,
                inflateFile: false)
            #expect(kept.fileBytes == packed.count)
            for (name, status) in [("same", 304), ("absent", 404)] {
                let download = try await client(server).download(
                    OutboundRequest(.get, server.url + "/" + name), to: path(name), inflatedLimit: 400_000)
                #expect(download.status == status)
                #expect(!FileManager.default.fileExists(atPath: path(name)))
            }
            for (name, limit, error) in [
                ("cut", 400_000, OutboundError.cutOff), ("file.gz", 299_999, .inflatesTooLarge(limit: 299_999)),
                ("both", 299_999, .inflatesTooLarge(limit: 299_999)),
                ("plain", 299_999, .inflatesTooLarge(limit: 299_999)),
            ] {
                let file = path("refused-" + name)
                let thrown = await failure {
                    _ = try await client(server).download(
                        OutboundRequest(.get, server.url + "/" + name), to: file, inflatedLimit: limit)
                }
                #expect(thrown == error, "\(name)")
                #expect(!FileManager.default.fileExists(atPath: file), "\(name)")
            }
            // What is there already is never overwritten, and no link is followed.
            let taken = await failure {
                _ = try await client(server).download(
                    OutboundRequest(.get, server.url + "/one"), to: path("one"), inflatedLimit: 10)
            }
            #expect(taken?.code == "outbound_file")
        }
    }

    @Test func cancellingEndsTheCall() async throws {
        try await LocalServer.with { _ in
            .silence
        } _: { server in
            let client = client(server)
            let url = server.url
            let task = Task { try await client.send(OutboundRequest(.get, url, timeout: .seconds(600))) }
            try await eventually("the request arrives") { !server.requests.isEmpty }
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
        }
    }
}
