import AdModel
import DeliveryAPI
import EventLog
import Foundation
import Glibc
import Measurement
import Profiles
import Testing

/// An event log in a folder of its own, and what is in it.
final class TestLog {
    let folder: URL
    let log: EventLog

    init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("edge-\(UUID().uuidString)")
        log = try EventLog(directory: folder.path, nodeID: 1)
    }

    deinit {
        log.close()
        try? FileManager.default.removeItem(at: folder)
    }

    /// Everything appended so far. A reader believes only what is certainly on disk, so a last record of our own is
    /// appended and read up to.
    func records() throws -> [LogRecord] {
        let last = LogRecord.refused(
            RefusedRecord(storefrontID: 0, kind: "test", reason: UUID().uuidString, receivedAt: Timestamp(micros: 0)))
        var bytes: [UInt8] = []
        LogRecordCodec.encode(last, into: &bytes)
        try bytes.withUnsafeBytes { try log.append($0, onDurable: { _ in }) }
        let deadline = ContinuousClock.now + .seconds(10)
        while ContinuousClock.now < deadline {
            let found = try EventLogReader(directory: folder.path).read(from: 0).records
                .map { try LogRecordCodec.decode($0.bytes) }
            if found.last == last {
                return found.filter { if case .refused(let refused) = $0 { refused.kind != "test" } else { true } }
            }
            sched_yield()
        }
        throw CocoaError(.fileReadUnknown)
    }

    func adEvents() throws -> [AdEventRecord] {
        try records().compactMap { if case .adEvent(let event) = $0 { event } else { nil } }
    }

    func refusals() throws -> [RefusedRecord] {
        try records().compactMap { if case .refused(let refused) = $0 { refused } else { nil } }
    }
}

@Suite("Events", .blocking) struct EventTests {
    /// Tokens of the banner and of the shelf, decided for visitor v1.
    static func tokens(_ connection: RawConnection, consent: Bool = true) throws -> (banner: String, shelf: String) {
        let answer = try connection.post(
            "/v1/placements", EdgeWorld.page(consent: consent, slots: EdgeWorld.bothSlots))
        return (
            answer.value("slots", "top", "ads", 0, "token") as? String ?? "",
            answer.value("slots", "shelf", "ads", 0, "token") as? String ?? ""
        )
    }

    static func batch(_ events: String...) -> String {
        "{\"storefront\":\"shop\",\"events\":[\(events.joined(separator: ","))]}"
    }

    static func statuses(_ answer: RawConnection.Response) -> [String] {
        ((answer.json as? [String: Any])?["results"] as? [[String: Any]] ?? []).map {
            [$0["status"] as? String, $0["code"] as? String].compactMap { $0 }.joined(separator: " ")
        }
    }

    @Test func everyEventOfABatchHasItsOwnAnswerAndEveryRefusalIsKept() async throws {
        let file = try TestLog()
        let world = try EdgeWorld(log: file.log)
        try await world.serving { port in
            let connection = try RawConnection(port: port)
            let tokens = try Self.tokens(connection)
            let answer = try connection.post(
                "/v1/events",
                Self.batch(
                    #"{"type":"impression","token":"\#(tokens.banner)"}"#,
                    #"{"type":"viewable","token":"\#(tokens.shelf)","card":1}"#,
                    #"{"type":"viewable","token":"\#(tokens.shelf)","card":2}"#,
                    #"{"type":"impression","token":"\#(tokens.banner)"}"#,
                    #"{"type":"click","token":"\#(tokens.banner.dropLast(4))AAAA"}"#,
                    #"{"type":"click","token":"short"}"#, #"{"type":"dance"}"#, #"{"type":"click"}"#,
                    #"{"type":"click","token":"\#(tokens.banner)","sku":"p1"}"#, #"[1,{"a":[null,true,1.5e3]}]"#,
                    #"{"type":"product_view","visitor_id":"v1"}"#,
                    #"{"type":"product_view","id":"s1","visitor_id":"v1","sku":"p1"}"#,
                    #"{"type":"product_view","id":"s1","visitor_id":"v1","sku":"p1"}"#))
            #expect(
                Self.statuses(answer) == [
                    "accepted", "accepted", "invalid invalid_field", "duplicate", "refused forged_token",
                    "refused malformed_token", "invalid invalid_field", "invalid missing_field",
                    "invalid unknown_field", "invalid invalid_field", "invalid missing_field", "accepted", "duplicate",
                ])
            // What was answered is on disk already.
            #expect(try file.adEvents().map(\.kind) == [.impression, .viewable])
            #expect(try file.refusals().count == 8)
            #expect(
                try file.refusals().contains {
                    $0.kind == "click" && $0.reason == "forged_token" && $0.storefrontID == 1
                })
            // Later, too, and in another call.
            let again = try connection.post(
                "/v1/events", Self.batch(#"{"type":"impression","token":"\#(tokens.banner)"}"#))
            #expect(Self.statuses(again) == ["duplicate"])
        }
    }

    @Test func brokenJSONAndWrongEnvelopesRefuseTheBatch() async throws {
        let world = try EdgeWorld()
        try await world.serving { port in
            let connection = try RawConnection(port: port)
            #expect(try connection.post("/v1/events", Self.batch(#"{"type":"page_view""#)).code == "invalid_json")
            #expect(
                try connection.post("/v1/events", #"{"storefront":"none","events":[]}"#).code == "unknown_storefront")
            #expect(try connection.post("/v1/events", #"{"events":[]}"#).code == "missing_field")
            let many = Array(repeating: #"{"type":"page_view"}"#, count: 501).joined(separator: ",")
            #expect(
                try connection.post("/v1/events", "{\"storefront\":\"shop\",\"events\":[\(many)]}").code == "too_many")
            #expect(world.sink.batched == 0)
            #expect(try connection.post("/v1/events", #"{"storefront":"shop","events":[]}"#).status == 200)
            let beacon = try connection.post(
                "/v1/events", Self.batch(#"{"type":"page_view"}"#),
                headers: ["Content-Type": "text/plain;charset=UTF-8"])
            #expect(beacon.status == 200)
        }
    }

    @Test func invalidTrafficIsStoredWithItsReason() async throws {
        let file = try TestLog()
        let world = try EdgeWorld(log: file.log)
        try await world.serving { port in
            let connection = try RawConnection(port: port)
            let tokens = try Self.tokens(connection)
            let click = Self.batch(#"{"type":"click","token":"\#(tokens.banner)"}"#)
            _ = try connection.post("/v1/events", click, headers: ["User-Agent": "some bot"])
            _ = try connection.get("/v1/pixel/\(tokens.banner)", headers: ["Sec-Purpose": "prefetch"])
            let stranger = #"{"type":"click","token":"\#(tokens.banner)","visitor_id":"v2"}"#
            #expect(Self.statuses(try connection.post("/v1/events", Self.batch(stranger))) == ["accepted"])
            world.clock.advance(.minutes(61))
            let late = try connection.post(
                "/v1/events",
                Self.batch(
                    #"{"type":"impression","token":"\#(tokens.shelf)"}"#,
                    #"{"type":"click","token":"\#(tokens.shelf)","visitor_id":"v1"}"#))
            #expect(Self.statuses(late) == ["accepted", "accepted"])
            let stored = try file.adEvents()
            #expect(stored.map(\.invalid) == [.botAgent, .prefetch, .replay, .late, nil])
            // What does not count does not stand in the way of what does.
            #expect(Self.statuses(try connection.post("/v1/events", click)) == ["accepted"])
        }
    }

    @Test func eventTimeLiesBetweenIssueAndReceipt() async throws {
        let file = try TestLog()
        let world = try EdgeWorld(log: file.log)
        try await world.serving { port in
            let connection = try RawConnection(port: port)
            let tokens = try Self.tokens(connection)
            world.clock.advance(.minutes(10))
            func event(_ kind: String, _ token: String, at: Timestamp) -> String {
                #"{"type":"\#(kind)","token":"\#(token)","occurred_at":"\#(at.rfc3339)"}"#
            }
            _ = try connection.post(
                "/v1/events",
                Self.batch(
                    event("impression", tokens.banner, at: EdgeWorld.start - .hours(5)),
                    event("viewable", tokens.banner, at: EdgeWorld.start + .minutes(3)),
                    event("click", tokens.banner, at: EdgeWorld.start + .days(5))))
            #expect(
                try file.adEvents().map(\.eventTime) == [
                    EdgeWorld.start, EdgeWorld.start + .minutes(3), EdgeWorld.start + .minutes(10),
                ])
        }
    }

    @Test func signalsReachTheProfileBeforeTheyAreAnswered() async throws {
        let world = try EdgeWorld()
        try await world.serving { port in
            let connection = try RawConnection(port: port)
            _ = try connection.post(
                "/v1/events",
                Self.batch(
                    #"{"type":"product_view","visitor_id":"v1","consent":true,"sku":"p2"}"#,
                    #"{"type":"product_view","visitor_id":"v9","sku":"p2","consent":false}"#,
                    #"{"type":"product_view","visitor_id":"v8","sku":"p2"}"#,
                    #"{"type":"search","visitor_id":"v1","query":"call 89161234567 or a@b.ru"}"#))
            let profile = try #require(world.profiles.read(world.environment.shopperHash("v1")))
            #expect(profile.recentProduct(0) == 2)
            for stranger in ["v8", "v9"] {
                #expect(world.profiles.read(world.environment.shopperHash(stranger)) == nil)
            }
        }
    }

    @Test func phrasesAreMaskedBeforeTheyAreWritten() async throws {
        let file = try TestLog()
        let world = try EdgeWorld(log: file.log)
        try await world.serving { port in
            _ = try RawConnection(port: port).post(
                "/v1/events", Self.batch(#"{"type":"search","visitor_id":"v1","query":"call 89161234567 \u00e9"}"#))
            let records = try file.records()
            guard case .signal(let signal) = records[0] else {
                Issue.record("expected a signal, found \(records)")
                return
            }
            #expect(signal.phrase == SearchPhrase.masked("call 89161234567 é"))
            #expect(signal.phrase?.contains("8916") == false)
        }
    }

    @Test func aPhraseOfAnyLengthIsMaskedBeforeItIsCut() async throws {
        let file = try TestLog()
        let world = try EdgeWorld(log: file.log)
        try await world.serving { port in
            // Read up to some limit, the number would lose the digits that tell it.
            let invisible = String(repeating: "\u{0301}", count: 506)
            let long = "call " + "e" + invisible + " 89161234567 " + String(repeating: "more ", count: 5_000)
            let answer = try RawConnection(port: port).post(
                "/v1/events", Self.batch(#"{"type":"search","visitor_id":"v1","query":"\#(long)"}"#))
            #expect(answer.status == 200)
            #expect(Self.statuses(answer) == ["accepted"])
            guard case .signal(let signal) = try file.records()[0] else {
                Issue.record("expected a signal")
                return
            }
            #expect(signal.phrase == SearchPhrase.masked(long))
            #expect(signal.phrase?.contains("8916") == false)
        }
    }

    @Test func anImpressionConfirmsTheCap() async throws {
        let world = try EdgeWorld()
        try await world.serving { port in
            let connection = try RawConnection(port: port)
            func serve() throws -> String? {
                try connection.post("/v1/placements", EdgeWorld.page()).value("slots", "home.top", "ads", 0, "token")
                    as? String
            }
            for _ in 0..<3 {
                let token = try #require(try serve())
                _ = try connection.get("/v1/pixel/\(token)")
                world.clock.advance(.seconds(1))
            }
            // Unconfirmed decisions lapse after ten minutes, confirmed ones count for their day.
            world.clock.advance(.minutes(20))
            #expect(try serve() == nil)
        }
    }

    @Test func aFullLogIsSaidSoAndNothingIsKept() async throws {
        let world = try EdgeWorld()
        try await world.serving { port in
            let connection = try RawConnection(port: port)
            let tokens = try Self.tokens(connection)
            world.sink.mode = .full
            let event = Self.batch(#"{"type":"impression","token":"\#(tokens.banner)"}"#)
            let refused = try connection.post("/v1/events", event)
            #expect(refused.status == 503)
            #expect(refused.code == "log_full")
            #expect(refused.header("retry-after") == "1")
            #expect(try connection.get("/v1/pixel/\(tokens.banner)").status == 503)
            world.sink.mode = .failing
            #expect(try connection.post("/v1/events", event).code == "log_unavailable")
            world.sink.mode = .immediate
            #expect(Self.statuses(try connection.post("/v1/events", event)) == ["accepted"])
        }
    }

    @Test func thePixelIsAPictureWhateverTheTokenIs() async throws {
        let file = try TestLog()
        let world = try EdgeWorld(log: file.log)
        try await world.serving { port in
            let connection = try RawConnection(port: port)
            let tokens = try Self.tokens(connection)
            for path in [tokens.banner, "\(tokens.shelf)?kind=viewable&card=1", "garbage"] {
                let picture = try connection.get("/v1/pixel/\(path)")
                #expect(picture.status == 200)
                #expect(picture.header("content-type") == "image/gif")
                #expect(picture.body.count == 43)
                #expect(picture.header("cache-control")?.contains("no-store") == true)
            }
            #expect(try connection.get("/v1/pixel/\(tokens.banner)?kind=click").status == 400)
            connection.send(RawConnection.request("HEAD", "/v1/pixel/\(tokens.shelf)"))
            #expect(try connection.receive(head: true).status == 200)
            let events = try file.adEvents()
            #expect(events.map(\.kind) == [.impression, .viewable], "HEAD counts nothing")
            #expect(events.last?.card == 1)
            #expect(try file.refusals().map(\.reason) == ["malformed_token"])
        }
    }
}
