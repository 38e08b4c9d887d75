import AdModel
import ORD
import ORDGateway
import Postgres
import Store
import TestKit
import Testing

@Suite("Sending a month to the operator", .database)
struct MonthSenderTests {
    @Test func everythingIsSentOnceInTheOrderOfReferencesAndTheRegisterIsAsked() async throws {
        try await SendingWorld.run { world in
            let push = try await world.start(try await world.export())
            try await world.sender().run()
            let sent = try await world.push(push.code)
            let sending = try await world.items(push.code)
            #expect(sent.state == .sent, "\(sending)")
            let writes = await world.book.log.filter { !$0.hasPrefix("GET") }.map { $0.split(separator: "/")[1...2] }
            var kinds: [String] = []
            for kind in writes.map({ $0.joined(separator: "/") }) where kinds.last != kind { kinds.append(kind) }
            #expect(
                kinds == [
                    "v1/person", "v1/contract", "v1/pad", "v1/media", "v3/creative", "v3/statistics", "v4/invoice",
                ])
            #expect(await world.book.ids("statistics").count == 5)
            #expect(await world.book.log.count { $0 == "POST /v3/statistics" } == 3, "two rows a call")
            world.clock.advance(.hours(1))
            try await world.sender().run()
            let done = try await world.push(push.code)
            #expect(done.state == .verified)
            #expect(done.register == ["verified": 14, "none": 1])
            #expect(try await world.count("select count(*) as n from ord_call where finished_at is null") == 0)
            #expect(try await world.count("select count(*) as n from ord_call where outcome <> 'accepted'") == 0)
            // The token has reached the version that had none.
            let erid = try await world.pool.withConnection { db in
                try db.query("select erid from creative_version where id = 1").single().string("erid")
            }
            #expect(erid == StubBook.erid(of: "cr-one-v1"))
        }
    }

    @Test func theJournalKnowsOfEachCallBeforeItIsMade() async throws {
        try await SendingWorld.run { world in
            _ = try await world.start(try await world.export())
            let pool = world.pool
            let early = Counter()
            await world.book.watch { _ in early.add() }
            try await world.sender().run()
            let calls = try await world.count("select count(*) as n from ord_call")
            #expect(calls == Int64(early.value))
            let rows = try await pool.withConnection { db in
                try PushStore.journal(after: 0, limit: 500, on: db)
            }
            #expect(rows.allSatisfy { $0.outcome == "accepted" && $0.finishedAt != nil && $0.push != nil })
            #expect(rows.map(\.objects).reduce(0, +) >= 15)
        }
    }

    @Test func whatIsUnchangedIsNotSentAgain() async throws {
        try await SendingWorld.run { world in
            let first = try await world.start(try await world.export())
            try await world.sender().run()
            #expect(try await world.push(first.code).state == .sent)
            let before = await world.book.log.count { !$0.hasPrefix("GET") }
            var statement = SendingWorld.statement()
            statement.facts[4].shows += 1
            statement.showsTotal += 1
            let second = try await world.start(try await world.export(statement))
            try await world.sender().run()
            let log = await world.book.log.filter { !$0.hasPrefix("GET") }
            #expect(log.count == before + 1)
            #expect(log.last == "POST /v3/statistics")
            let items = try await world.items(second.code)
            #expect(items.count { $0.isUnchanged } == items.count - 1)
            #expect(try await world.push(first.code).state == .cancelled)
        }
    }

    @Test func aCorrectionTakesBackWhatVanished() async throws {
        try await SendingWorld.run { world in
            _ = try await world.start(try await world.export())
            try await world.sender().run()
            var statement = SendingWorld.statement()
            statement.facts.removeLast()
            statement.showsTotal -= 70
            statement.edition = .init(
                version: 2, correction: 1, supersedes: String(repeating: "0", count: 64), reason: "лишние показы")
            let export = try await world.export(statement, previous: Settlement(SendingWorld.statement()))
            let push = try await world.start(export)
            try await world.sender().run()
            // The register is asked again about what stays, so its word may be there by now.
            let state = try await world.push(push.code).state
            #expect([.sent, .verified].contains(state))
            let kept = await world.book.ids("statistics")
            #expect(!kept.contains("cr-own-v1__pad-web__2026-10-01"))
            #expect(await world.book.ids("statistics").count == 4)
        }
    }

    @Test func aRefusedRowIsFoundAmongThoseJoinedWithItAndStopsTheActs() async throws {
        try await SendingWorld.run { world in
            // One call for all rows: of several at a time nobody could say which one is refused.
            var world = world
            world.rowsPerCall = 10
            var statement = SendingWorld.statement()
            statement.pads[1].id = "pad-app"
            let export = try await world.export(statement)
            // The operator knows nothing of one pad by the time of the rows.
            let push = try await world.start(export)
            await world.book.plan(
                .refuse(code: "common_length_out_of_ranges", field: "items[1]", message: "no"),
                on: "POST /v3/statistics")
            await world.book.plan(
                .refuse(code: "statistics_dates", field: "items[0].date_end_actual", message: "wrong day"),
                on: "POST /v3/statistics")
            try await world.sender().run()
            let refused = try await world.push(push.code)
            #expect([.refused, .sending].contains(refused.state))
            world.clock.advance(.hours(1))
            try await world.sender().run()
            let stopped = try await world.push(push.code)
            #expect(stopped.state == .refused, "\(stopped)")
            let items = try await world.items(push.code)
            let bad = items.filter { $0.state == "refused" }
            #expect(!bad.isEmpty && bad.allSatisfy { $0.stage == .statistics && $0.errorCode != nil })
            #expect(await world.book.ids("invoice").isEmpty, "acts wait for their rows")
            let now = world.clock.now
            _ = try await world.pool.transaction { db in
                try PushStore.retry(try PushStore.find(push.code, on: db), now: now, on: db)
            }
            try await world.sender().run()
            #expect(try await world.push(push.code).state == .sent)
        }
    }

    @Test func anAskedForPauseHoldsEverything() async throws {
        try await SendingWorld.run { world in
            let push = try await world.start(try await world.export())
            await world.book.plan(.status(429), on: "PUT /v1/contract")
            try await world.sender().run()
            let paused = try await world.push(push.code)
            #expect(paused.state == .sending)
            let now = world.clock.now
            #expect((paused.notBefore ?? now) > now)
            let calls = await world.book.log.count
            try await world.sender().run()
            #expect(await world.book.log.count == calls, "the pause is kept")
            world.clock.advance(.hours(1))
            try await world.sender().run()
            #expect(try await world.push(push.code).state == .sent)
        }
    }

    @Test func anotherTokenThanTheVersionsIsRefused() async throws {
        try await SendingWorld.run { world in
            try await world.pool.withConnection {
                try $0.script(
                    "update creative_version set erid = '2Vother12345', erid_status = 'verified' where creative_id = 1")
            }
            let push = try await world.start(try await world.export())
            try await world.sender().run()
            let items = try await world.items(push.code)
            #expect(items.first { $0.externalID == "cr-one-v1" }?.errorCode == "erid_conflict")
            #expect(try await world.push(push.code).state == .refused)
        }
    }

    @Test func theRegistersNoIsKeptWithItsWordsAndStopsServing() async throws {
        try await SendingWorld.run(looks: 0) { world in
            let push = try await world.start(try await world.export())
            await world.book.plan(.bad(message: "Неверный вид товара"), on: "GET /v1/creative/cr-one-v1/erir_status")
            try await world.sender().run()
            let rejected = try await world.push(push.code)
            #expect(rejected.state == .rejected)
            let item = try await world.items(push.code).first { $0.externalID == "cr-one-v1" }
            #expect(item?.erirStatus == "bad")
            #expect(item?.erirMessages == ["Неверный вид товара"])
            #expect(
                try await world.count("select count(*) as n from creative_version where id = 1 and erid_status = 'bad'")
                    == 1)
        }
    }

    @Test func twoSendersDoNotSendTheSameThingTwice() async throws {
        try await SendingWorld.run { world in
            let push = try await world.start(try await world.export())
            async let one: Void = world.sender().run()
            async let two: Void = world.sender().run()
            _ = try await (one, two)
            #expect(try await world.push(push.code).state == .sent)
            for path in ["/v1/person/org-shop", "/v1/contract/ctr-c1", "/v4/invoice/act-c1-2026-10"] {
                #expect(await world.book.writes(path) == 1, "\(path)")
            }
        }
    }

    @Test func aSecondSendingWaitsForTheFirstOrTheFirstIsGivenUp() async throws {
        try await SendingWorld.run { world in
            let export = try await world.export()
            let first = try await world.start(export)
            await #expect(throws: Refusal.self) { try await world.start(export) }
            let now = world.clock.now
            let ended = try await world.pool.transaction { db in try PushStore.cancel(first, now: now, on: db) }
            #expect(ended.state == .cancelled)
            try await world.sender().run()
            #expect(await world.book.log.isEmpty)
            let second = try await world.start(export)
            try await world.sender().run()
            #expect(try await world.push(second.code).state == .sent)
        }
    }
}
