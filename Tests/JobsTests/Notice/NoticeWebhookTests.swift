import AdModel
import Jobs
import Postgres
import Store
import TestKit
import Testing

@Suite("Webhooks of notices", .database) struct NoticeWebhookTests {
    @Test func aNoticeArrivesSignedAndOnce() async throws {
        let world = try await NoticeWorld()
        let receiver = try await WebhookReceiver.start()
        let hook = try await world.hook("http://127.0.0.1:\(receiver.port)/in?x=1", kinds: [.creativeRejected])
        let foreign = try await world.hook("http://127.0.0.1:\(receiver.port)/foreign", advertiser: 2)
        let all = try await world.hook("http://127.0.0.1:\(receiver.port)/all", advertiser: nil)
        try await world.raise()
        try await world.raise(.campaignApproved, "k1")
        let jobs = world.jobs()
        for _ in 0..<2 {
            try await jobs.dispatch(now: world.now)
            try await jobs.deliver(now: world.now)
        }
        #expect(receiver.received.map(\.path).sorted() == ["/all", "/all", "/in?x=1"])
        let got = try #require(receiver.received.first { $0.path == "/in?x=1" })
        let seconds = world.now.micros / 1_000_000
        #expect(
            got.headers["nimb-signature"]
                == WebhookSignature.make(secret: "whsec_test", body: got.body, at: world.now))
        #expect(got.headers["nimb-signature"]?.hasPrefix("t=\(seconds),v1=") == true)
        #expect(got.body.contains(#""kind" : "creative_rejected""#) && got.body.contains(#""advertiser" : "nord""#))
        #expect(got.body.contains(#""raised_at" : "2026-11-21T09:00:00.000000Z""#))
        #expect(got.headers["nimb-delivery"] == (try await world.deliveries(hook)).first?.code)
        #expect(try await world.deliveries(hook).map(\.state) == ["delivered"])
        #expect(try await world.deliveries(foreign).isEmpty)
        #expect(try await world.deliveries(all).map(\.state) == ["delivered", "delivered"])
        try await receiver.stop()
    }

    @Test func theSignatureIsTheDocumentedOne() {
        // printf '1795251600.{}' | openssl dgst -sha256 -hmac whsec_test
        #expect(
            WebhookSignature.make(secret: "whsec_test", body: "{}", at: Timestamp(micros: 1_795_251_600_999_999))
                == "t=1795251600,v1=407423aa117e7c42d8c8e37f15dba8a92258946f5ad80633e38e44f3d731503e")
    }

    @Test func whatFailsIsTriedLaterAndLaterUntilItIsDeadAndCanBeSentAgain() async throws {
        let world = try await NoticeWorld()
        let receiver = try await WebhookReceiver.start()
        receiver.answer(Array(repeating: 503, count: WebhookDeliveries.attemptLimit))
        let hook = try await world.hook("http://127.0.0.1:\(receiver.port)/in")
        try await world.raise()
        let jobs = world.jobs()
        try await jobs.dispatch(now: world.now)
        for attempt in 1...WebhookDeliveries.attemptLimit {
            try await jobs.deliver(now: world.now)
            #expect(receiver.received.count == attempt)
            try await jobs.deliver(now: world.now)
            #expect(receiver.received.count == attempt, "not before its time")
            world.advance(WebhookDeliveries.pause(after: attempt))
        }
        let dead = try #require(try await world.deliveries(hook).first)
        #expect(dead.state == "dead" && dead.lastStatus == 503 && dead.lastError == "the receiver answered 503")
        try await jobs.deliver(now: world.now)
        #expect(receiver.received.count == WebhookDeliveries.attemptLimit)
        let now = world.now
        _ = try await world.pool.withConnection { db in
            try WebhookDeliveries.redeliver(dead.code, of: hook, now: now, on: db)
        }
        try await jobs.deliver(now: world.now)
        let sent = try #require(try await world.deliveries(hook).first)
        #expect(sent.state == "delivered" && sent.lastError == nil)
        let history = try await world.pool.withConnection { db in try WebhookDeliveries.history(of: sent, on: db) }
        #expect(history.count == WebhookDeliveries.attemptLimit + 1)
        #expect(WebhookDeliveries.pause(after: 1) == .seconds(30) && WebhookDeliveries.pause(after: 99) == .hours(6))
        try await receiver.stop()
    }

    @Test func redirectsPrivateAddressesAndSilenceAreFailuresWithTheirReason() async throws {
        let world = try await NoticeWorld()
        let receiver = try await WebhookReceiver.start()
        receiver.answer([302], location: "http://127.0.0.1:\(receiver.port)/elsewhere")
        let redirected = try await world.hook("http://127.0.0.1:\(receiver.port)/in")
        try await world.raise()
        try await world.jobs().dispatch(now: world.now)
        try await world.jobs().deliver(now: world.now)
        #expect(receiver.received.map(\.path) == ["/in"])
        #expect(try await world.deliveries(redirected).first?.lastStatus == 302)
        world.advance(.minutes(1))
        try await world.jobs(hosts: []).deliver(now: world.now)
        #expect(try await world.deliveries(redirected).first?.lastError?.contains("https only") == true)
        try await world.run("update webhook set url = 'https://127.0.0.1:\(receiver.port)/in'")
        world.advance(.minutes(2))
        try await world.jobs(hosts: []).deliver(now: world.now)
        #expect(try await world.deliveries(redirected).first?.lastError?.contains("private or special network") == true)
        try await receiver.stop()
        try await world.run("update webhook set url = 'http://127.0.0.1:\(receiver.port)/in'")
        world.advance(.minutes(4))
        try await world.jobs().deliver(now: world.now)
        #expect(try await world.deliveries(redirected).first?.lastError?.contains("does not accept") == true)
        #expect(try await world.deliveries(redirected).first?.attempts == 4)
    }
}
