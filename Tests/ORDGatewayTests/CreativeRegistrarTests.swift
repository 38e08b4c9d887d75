import AdModel
import ORDGateway
import Postgres
import Store
import TestKit
import Testing

@Suite("Registering creatives with the operator", .database)
struct CreativeRegistrarTests {
    @Test func anApprovedCreativeGetsItsTokenAndThenTheRegistersWord() async throws {
        try await RegistrationWorld.run { world in
            let before = try await world.count("select version as n from control_version where stream = 'control'")
            try await world.registrar.run()
            var one = try await world.creative("one")
            #expect(one.erid == StubBook.erid(of: "cr-one-v1"))
            #expect(one.eridStatus == "new")
            #expect(one.eridSource == "operator")
            #expect(one.isServable)
            #expect(try await world.creative("two").erid == StubBook.erid(of: "cr-two-v1"))
            let after = try await world.count("select version as n from control_version where stream = 'control'")
            #expect(after == before + 2, "serving learns of both")
            for _ in 0..<2 {
                world.clock.advance(.minutes(11))
                try await world.registrar.run()
            }
            one = try await world.creative("one")
            #expect(one.eridStatus == "verified")
            #expect(one.registration?.state == "done")
            // People, contract and picture were sent once for both.
            for path in [
                "/v1/person/org-shop", "/v1/person/org-brand", "/v1/contract/ctr-c1", "/v3/creative/cr-one-v1",
            ] {
                #expect(await world.book.writes(path) == 1, "\(path)")
            }
            #expect(try await world.count("select count(*) as n from ord_call where finished_at is null") == 0)
            #expect(try await world.count("select count(*) as n from ord_call where outcome <> 'accepted'") == 0)
        }
    }

    @Test func anAnswerThatNeverCameIsAskedForAndNothingIsSentTwice() async throws {
        try await RegistrationWorld.run(timeout: .milliseconds(400)) { world in
            await world.book.plan(.treatThenHang, on: "PUT /v3/creative/cr-one-v1")
            try await world.registrar.run()
            var one = try await world.creative("one")
            #expect(one.registration?.state == "unknown")
            #expect(one.erid == nil)
            #expect(!one.isServable)
            // Not yet: the pause first.
            try await world.registrar.run()
            #expect(try await world.creative("one").registration?.state == "unknown")
            world.clock.advance(.hours(1))
            try await world.registrar.run()
            one = try await world.creative("one")
            #expect(one.erid == StubBook.erid(of: "cr-one-v1"))
            #expect(await world.book.writes("/v3/creative/cr-one-v1") == 1)
        }
    }

    @Test func whatNeverArrivedIsSentAgainOnceTheOperatorHasSaidSo() async throws {
        try await RegistrationWorld.run(timeout: .milliseconds(400)) { world in
            await world.book.plan(.hang, on: "PUT /v3/creative/cr-one-v1")
            try await world.registrar.run()
            for _ in 0..<2 {
                world.clock.advance(.hours(1))
                try await world.registrar.run()
            }
            #expect(try await world.creative("one").isServable)
            #expect(await world.book.writes("/v3/creative/cr-one-v1") == 1)
            let log = await world.book.log
            let asked = log.firstIndex(of: "GET /v3/creative/cr-one-v1")
            let sent = log.firstIndex(of: "PUT /v3/creative/cr-one-v1")
            #expect((asked ?? .max) < (sent ?? 0), "asked first")
        }
    }

    @Test func aProcessThatDiedDuringItsCallLeavesAnUnknownOutcome() async throws {
        try await RegistrationWorld.run { world in
            try await world.registrar.run()
            // As if the answer had never been written down.
            try await world.pool.withConnection {
                try $0.script(
                    """
                    alter table creative_version disable trigger creative_version_keep;
                    update creative_version set erid = null, erid_status = null where id = 1;
                    alter table creative_version enable trigger creative_version_keep;
                    update ord_registration set state = 'sending', started_at = '2026-11-21Z' where creative_version_id = 1;
                    update ord_call set finished_at = null, outcome = null where path like '/v3/creative/cr-one%';
                    """)
            }
            world.clock.advance(.hours(1))
            try await world.registrar.run()
            #expect(try await world.creative("one").erid == StubBook.erid(of: "cr-one-v1"))
            #expect(await world.book.writes("/v3/creative/cr-one-v1") == 1)
            #expect(try await world.count("select count(*) as n from ord_call where outcome = 'unknown'") == 1)
        }
    }

    @Test func aRefusalIsKeptShownAndNotRepeatedUntilSomebodyAsks() async throws {
        try await RegistrationWorld.run { world in
            await world.book.plan(
                .refuse(code: "common_length_out_of_ranges", field: "name", message: "too long"),
                on: "PUT /v3/creative/cr-one-v1")
            try await world.registrar.run()
            world.clock.advance(.days(1))
            try await world.registrar.run()
            let one = try await world.creative("one")
            #expect(one.registration?.state == "refused")
            #expect(one.registration?.errorCode == "common_length_out_of_ranges")
            #expect(one.registration?.errorField == "name")
            #expect(await world.book.writes("/v3/creative/cr-one-v1") == 0)
            #expect(try await world.count("select count(*) as n from notice where kind = 'erid_failed'") == 1)
            let now = world.clock.now
            try await world.pool.withConnection { try RegistrationStore.retry(one, now: now, on: $0) }
            try await world.registrar.run()
            #expect(try await world.creative("one").isServable)
        }
    }

    @Test func anOperatorWhoAsksForAPauseGetsOne() async throws {
        try await RegistrationWorld.run { world in
            await world.book.plan(.status(429), on: "PUT /v1/person", times: 2)
            try await world.registrar.run()
            #expect(try await world.creative("one").registration?.state == "queued")
            #expect(try await world.creative("one").registration?.errorCode == "operator_rate_limit")
            try await world.registrar.run()
            #expect(await world.book.log.isEmpty, "the pause is kept")
            world.clock.advance(.hours(1))
            try await world.registrar.run()
            #expect(try await world.creative("one").isServable)
        }
    }

    @Test func wrongCredentialsStopNothingForGood() async throws {
        try await RegistrationWorld.run { world in
            try await world.stranger.run()
            #expect(try await world.creative("one").registration?.errorCode == "common_authorization_error")
            world.clock.advance(.hours(1))
            try await world.registrar.run()
            #expect(try await world.creative("one").isServable)
        }
    }

    @Test func aTokenThatTheRegisterCallsBadStopsServing() async throws {
        try await RegistrationWorld.run { world in
            try await world.registrar.run()
            #expect(try await world.creative("one").isServable)
            await world.book.plan(.bad(message: "Неверный вид товара"), on: "GET /v1/creative/cr-one-v1/erir_status")
            world.clock.advance(.minutes(11))
            try await world.registrar.run()
            let one = try await world.creative("one")
            #expect(one.eridStatus == "bad")
            #expect(!one.isServable)
            #expect(one.registration?.errorMessage == "Неверный вид товара")
            #expect(try await world.count("select count(*) as n from notice where kind = 'erid_failed'") == 1)
        }
    }

    @Test func whatTheOperatorWouldRefuseIsNotEvenSent() async throws {
        try await RegistrationWorld.run { world in
            try await world.pool.withConnection {
                try $0.script("update counterparty set inn = '7736207544' where code = 'brand'")
            }
            try await world.registrar.run()
            let one = try await world.creative("one")
            #expect(one.registration?.state == "refused")
            #expect(one.registration?.errorCode == "inn_checksum")
            #expect(await world.book.log.isEmpty)
        }
    }
}
